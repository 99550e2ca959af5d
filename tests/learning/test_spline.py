"""Splines against definitions: ends, inverse, slope, monotony."""

import numpy as np
import pytest
from autodiff import array, gradient_of, tensor

from fkarm.learning.spline import LEAST_SLOPE, spline, spline_size

BINS = 5


@pytest.fixture
def raw(rng):
    return rng.normal(scale=3.0, size=(200, spline_size(BINS)))


def test_zeros_are_the_identity():
    x = np.linspace(-1, 1, 21)
    y, slope = spline(tensor(x), tensor(np.zeros((21, spline_size(BINS)))), BINS)
    np.testing.assert_allclose(array(y), x, atol=1e-12)
    np.testing.assert_allclose(array(slope), 0.0, atol=1e-12)


def test_the_ends_stay_and_order_is_kept(raw):
    for inverse in (False, True):
        x = np.linspace(-1, 1, 301)
        y = array(spline(tensor(x), tensor(np.tile(raw[:1], (301, 1))), BINS, inverse)[0])
        np.testing.assert_allclose(y[[0, -1]], [-1, 1], atol=1e-12)
        assert (np.diff(y) > 0).all()


def test_backwards_undoes_forwards(raw, rng):
    x = rng.uniform(-1, 1, size=200)
    y, slope = spline(tensor(x), tensor(raw), BINS)
    again, back = spline(y, tensor(raw), BINS, inverse=True)
    np.testing.assert_allclose(array(again), x, atol=1e-9)
    np.testing.assert_allclose(array(slope) + array(back), 0.0, atol=1e-6)


def test_the_logarithm_is_that_of_the_derivative(raw, rng):
    for inverse in (False, True):
        x = tensor(rng.uniform(-1, 1, size=200))
        found = array(spline(x, tensor(raw), BINS, inverse)[1])
        slope = gradient_of(lambda x, back=inverse: spline(x, tensor(raw), BINS, back)[0])(x)
        np.testing.assert_allclose(found, np.log(array(slope)), atol=1e-6)


def test_slopes_at_the_ends_are_those_asked_for():
    asked = np.array([0.3, 1.0, 1.0, 1.0, 1.0, 2.5])
    raw = np.zeros((2, spline_size(BINS)))
    shift = np.log(np.expm1(1.0 - LEAST_SLOPE))
    raw[:, 2 * BINS :] = np.log(np.expm1(asked - LEAST_SLOPE)) - shift
    _, slope = spline(tensor([-1.0, 1.0]), tensor(raw), BINS)
    np.testing.assert_allclose(np.exp(array(slope)), [0.3, 2.5], rtol=1e-6)


def test_wild_numbers_stay_finite(rng):
    raw = rng.normal(scale=1e3, size=(500, spline_size(BINS))).astype("float32")
    x = rng.uniform(-1.5, 1.5, size=500).astype("float32")
    for inverse in (False, True):
        for each in spline(tensor(x), tensor(raw), BINS, inverse):
            assert np.isfinite(array(each)).all()
        slope = gradient_of(lambda r, back=inverse: spline(tensor(x), r, BINS, back)[1])(
            tensor(raw)
        )
        assert np.isfinite(array(slope)).all()
