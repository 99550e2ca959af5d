"""Derivatives of a chain in batches of any size, in every mode, and for a chain without joints."""

import numpy as np
import pytest
from autodiff import MODES, dtype_of, in_mode, tensor

import fkarm

FUNCTIONS = [
    fkarm.geometric_jacobian,
    fkarm.body_jacobian,
    fkarm.analytic_jacobian,
    fkarm.manipulability,
    fkarm.kinematic_hessian,
]


def of_three_joints(function):
    """A function of the small chain; two joints have a manipulability of two axes."""
    options = {"task": ("x", "y")} if function is fkarm.manipulability else {}
    return lambda robot, q, *link: function(robot, q, *link, **options)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("batch", [(), (0,), (2, 3)], ids=str)
def test_batches_and_dtypes(function, batch, three_joints, rng):
    compute = of_three_joints(function)
    q = rng.uniform(-1, 1, size=(*batch, 2))
    single = compute(three_joints, np.zeros(2))
    for dtype in ("float32", "float64"):
        found = compute(three_joints, q.astype(dtype))
        assert tuple(found.shape) == (*batch, *single.shape)
        assert dtype_of(found) == dtype
    tool = compute(three_joints, q, "tool")
    np.testing.assert_array_equal(compute(three_joints, q), tool)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("mode", MODES)
def test_they_compile_for_an_unknown_batch(function, mode, three_joints, rng):
    compute = of_three_joints(function)
    compiled = in_mode(lambda q: compute(three_joints, q), mode, (None, 2), "float64")
    q = tensor(rng.uniform(-1, 1, size=(4, 2)))
    np.testing.assert_allclose(compiled(q), compute(three_joints, q), rtol=1e-11, atol=1e-12)


@pytest.mark.in_test_all("every case")
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("mode", MODES)
def test_those_of_an_arm_compile_for_an_unknown_batch(function, mode, panda):
    compiled = in_mode(lambda q: function(panda, q), mode, (None, 7), "float64")
    q = tensor(fkarm.sample_configurations(panda, 4, seed=0))
    np.testing.assert_allclose(compiled(q), function(panda, q), rtol=1e-11, atol=1e-12)


def test_a_robot_without_joints_has_empty_derivatives():
    robot = fkarm.robots.planar([1.0]).with_fixed_joints({"joint_1": 0.0})
    q = np.zeros((5, 0))
    assert fkarm.geometric_jacobian(robot, q).shape == (5, 6, 0)
    assert fkarm.kinematic_hessian(robot, q).shape == (5, 6, 0, 0)
    assert fkarm.analytic_jacobian(robot, q).shape == (5, 6, 0)
    np.testing.assert_array_equal(fkarm.link_velocity(robot, q, q), np.zeros((5, 6)))


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_bad_input_is_refused(function, panda):
    with pytest.raises(fkarm.UnknownLinkError):
        function(panda, np.zeros(7), "elbow")
    with pytest.raises(ValueError, match="q must have shape"):
        function(panda, np.zeros(8), "panda_hand")
