"""Which of several candidates is the answer."""

import numpy as np
import pytest
from autodiff import array, tensor

import fkarm
from fkarm.ik.choice import best_of, nearest_of, order

ARM = fkarm.robots.planar([1.0, 0.5])
SOLVED, MISSED = 0.5, 4.0  # squared ratios of errors to tolerances


def chosen(ratio, error, distance, margin):
    return int(order(*(np.array([each]) for each in (ratio, error, distance)), margin).argmin())


def test_solutions_come_before_misses_and_near_ones_before_exact_ones():
    assert chosen([MISSED, SOLVED], [1e-3, 2e-3], [0.0, 9.0], 1.0) == 1
    assert chosen([SOLVED, SOLVED], [1e-9, 9e-4], [2.0, 0.1], 0.0) == 1


@pytest.mark.parametrize(("margin", "expected"), [(1e-3, 1), (1e-4, 0)])
def test_among_misses_the_nearest_within_the_margin(margin, expected):
    assert chosen([MISSED, MISSED], [0.1, 0.1005], [2.0, 0.1], margin) == expected


def test_tensors_are_chosen_like_arrays():
    q = np.array([[[0.0, 1.0], [2.0, 0.5], [0.1, 0.2]]])
    outcome = np.array([[[1e-2, MISSED, 3], [1.01e-2, MISSED, 4], [1.0, MISSED, 5]]])
    reference, first = np.array([[2.0, 0.4]]), np.zeros((1, 3))
    for margin, expected in ((1e-3, 1), (1e-5, 0)):
        key = nearest_of(ARM, q, outcome, first, reference, margin)
        assert key.argmin() == expected
        inputs = (tensor(each) for each in (q, outcome, first, reference))
        same = nearest_of(ARM, *inputs, margin)
        np.testing.assert_allclose(array(same), key, rtol=1e-6)
        best, place = best_of(same, 1, tensor(q), tensor(outcome))
        np.testing.assert_allclose(array(best)[0, 0], q[0, expected])
        np.testing.assert_allclose(array(place)[0, 0], outcome[0, expected])
