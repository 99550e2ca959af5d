"""Arithmetic of entries, and arrays that are stacked of them, with unknown axes too."""

import keras
import numpy as np
import pytest
from autodiff import array, tensor

import fkarm
from fkarm.kinematics import entries, reference


def test_constants_stay_numbers():
    x = tensor(np.array([2.0, 3.0]))
    assert entries.add(0.0, x) is x
    assert entries.add(x, 0.0) is x
    assert entries.mul(1.0, x) is x
    assert entries.mul(x, 0.0) == 0.0
    assert entries.sub(x, 0.0) is x
    assert entries.cross((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)) == (0.0, 0.0, 1.0)
    assert entries.combine([(1.0, 2.0, 3.0), (4.0, 5.0, 6.0)], [1.0, -1.0]) == (-3.0, -3.0, -3.0)


def test_arithmetic_of_entries_is_that_of_numpy(rng):
    a, b = rng.normal(size=(2, 3, 5))
    one, other = (tuple(tensor(x) for x in v) for v in (a, b))
    factor = rng.normal(size=5)
    for found, expected in (
        (entries.vec_add(one, other), a + b),
        (entries.vec_sub(one, other), a - b),
        (entries.vec_scale(tensor(factor), one), factor * a),
        (entries.cross(one, other), np.cross(a, b, axis=0)),
        (entries.combine((one, other), (2.0, tensor(factor))), 2 * a + factor * b),
    ):
        np.testing.assert_allclose(np.stack([array(x) for x in found]), expected, atol=1e-15)
    np.testing.assert_allclose(array(entries.dot(one, other)), np.sum(a * b, axis=0), atol=1e-15)


def test_entries_are_stacked_as_the_last_axes(rng):
    q = tensor(rng.normal(size=(2, 5, 3)))
    first = entries.unstack_entries(q)[0]
    assert tuple(first.shape) == (2, 5)
    stacked = array(entries.stack_entries([first, 1.0, 0.0, first], q, (2, 2)))
    np.testing.assert_array_equal(stacked[..., 1, 1], array(q)[..., 0])
    np.testing.assert_array_equal(stacked[..., 0, 1], np.ones((2, 5)))
    assert entries.stack_entries([], q[..., :0], (6, 0)).shape == (2, 5, 6, 0)


FUNCTIONS = [
    fkarm.forward_kinematics,
    fkarm.geometric_jacobian,
    fkarm.body_jacobian,
    fkarm.analytic_jacobian,
    fkarm.kinematic_hessian,
]


@pytest.fixture(scope="module")
def arm():
    return fkarm.robots.planar([0.7, 0.4])


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_a_symbolic_input_may_have_several_unknown_axes(function, arm, rng):
    q = keras.Input((None, 2))
    model = keras.Model(q, function(arm, q, "tool"))
    x = rng.uniform(-1, 1, size=(2, 4, 2)).astype("float32")
    expected = array(function(arm, x.reshape(8, 2).astype("float64"), "tool"))
    expected = expected.reshape(2, 4, *expected.shape[1:])
    assert tuple(model.output.shape) == (None, None, *expected.shape[2:])
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, atol=2e-6)


def test_all_links_of_a_symbolic_input_with_several_unknown_axes(arm, rng):
    q = keras.Input((None, None, 2))
    model = keras.Model(q, fkarm.forward_kinematics(arm, q, arm.link_names))
    x = rng.uniform(-1, 1, size=(2, 1, 4, 2)).astype("float32")
    expected = reference.forward_kinematics(arm, x, arm.link_names)
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, atol=2e-6)
