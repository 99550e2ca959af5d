"""One answer and exact derivatives in every mode: eager, graph, XLA; few rows and many."""

import numpy as np
import pytest
from autodiff import (
    COMPILED,
    MODES,
    array,
    check_gradient,
    gradient_of,
    in_mode,
    jacobian_of,
    tensor,
)
from keras import ops
from oracles import central_difference

import fkarm
from fkarm.kinematics import reference, stage

ROWS = stage.FEW_ROWS + 3
WEIGHTS = np.sin(np.arange(16.0)).reshape(4, 4)


@pytest.fixture(params=["every_joint", "free_robot"])
def robot(request):
    """All joint types between two fixtures; the first has two tips."""
    return request.getfixturevalue(request.param)


def sample(robot, rows, dtype="float64"):
    return np.random.default_rng(5).uniform(-1, 1, size=(rows, robot.dof)).astype(dtype)


def pull(function):
    """Values and the gradient of a sum of them, weighted so that each counts differently."""
    weighted = gradient_of(lambda q: function(q) * tensor(WEIGHTS, q.dtype))
    return lambda q: (function(q), weighted(q))


EVERY_CASE = pytest.mark.in_test_all("every case")
# Small chains in every mode; large trees in NumPy, and in every mode later.
MODES_OF_ROBOTS = [
    pytest.param(*case, name, marks=() if is_quick else EVERY_CASE)
    for case in (
        *((mode, 3, True) for mode in MODES),
        ("eager", ROWS, True),
        *((COMPILED, rows, False) for rows in (3, ROWS)),
    )
    for name, is_quick in (
        ("three_joints", True),
        ("ball_and_plane", case[1] == 3 and case[0] != "graph"),
        ("every_joint", case[0] == "eager" and case[1] == 3),
        ("free_robot", case[0] == "eager" and case[1] == 3),
    )
]


@pytest.mark.parametrize(("mode", "rows", "is_batch_known", "robot"), MODES_OF_ROBOTS)
def test_every_mode_gives_the_poses_and_the_gradient_of_the_reference(
    mode, rows, is_batch_known, robot, request
):
    robot = request.getfixturevalue(robot)
    q = tensor(sample(robot, rows))
    links = robot.link_names
    expected, gradient = pull(lambda q: reference.forward_kinematics(robot, q, links))(q)
    shape = q.shape if is_batch_known else (None, robot.dof)
    function = pull(lambda q: fkarm.forward_kinematics(robot, q, links))
    found = in_mode(function, mode, shape, "float64")(q)
    np.testing.assert_allclose(array(found[0]), array(expected), atol=1e-14)
    np.testing.assert_allclose(array(found[1]), array(gradient), atol=1e-12)


# XLA wants the number of rows.
@pytest.mark.parametrize(
    ("mode", "is_batch_known"), [*((mode, True) for mode in MODES), (COMPILED, False)]
)
@pytest.mark.parametrize(
    "shape",
    [(0,), (2, 3), *(pytest.param(shape, marks=EVERY_CASE) for shape in ((), (2, 0)))],
    ids=str,
)
def test_any_batch_shape_is_compiled(mode, shape, is_batch_known, three_joints):
    q = np.random.default_rng(1).uniform(-1, 1, size=(*shape, 2))
    expected = reference.forward_kinematics(three_joints, q, ["tool"])[..., 0, :, :]
    signature = q.shape if is_batch_known else (*(None for _ in shape), 2)
    function = pull(lambda q: fkarm.forward_kinematics(three_joints, q, "tool"))
    poses, gradient = in_mode(function, mode, signature, "float64")(tensor(q))
    assert poses.shape == expected.shape
    assert tuple(gradient.shape) == q.shape
    np.testing.assert_allclose(array(poses), array(expected), atol=1e-14)


@pytest.mark.parametrize("rows", [2, pytest.param(ROWS, marks=EVERY_CASE)])
def test_the_gradient_is_that_of_the_geometric_jacobian(rows, robot):
    """What NumPy computes for a small eager batch, compiled stages do for a large one."""
    q = sample(robot, rows)
    position = gradient_of(
        lambda q: fkarm.forward_kinematics(robot, q, robot.end_effector)[..., :3, 3]
    )
    expected = array(fkarm.geometric_jacobian(robot, q[:2]))[:, :3]
    np.testing.assert_allclose(array(position(tensor(q)))[:2], expected.sum(1), atol=1e-12)


def test_the_jacobian_of_a_batch_is_block_diagonal(three_joints):
    q = sample(three_joints, 3)
    jacobian = jacobian_of(lambda q: fkarm.forward_kinematics(three_joints, q, "tool"), q)
    for i in range(3):
        for j in range(3):
            assert (np.abs(jacobian[i, ..., j, :]).max() > 0.1) == (i == j)


@pytest.mark.parametrize(
    ("mode", "rows", "robot"),
    [
        ("eager", 2, "ball_and_plane"),
        ("eager", ROWS, "three_joints"),
        (COMPILED, 2, "three_joints"),
        pytest.param(MODES[-1], 2, "three_joints", marks=EVERY_CASE),
        pytest.param("eager", 2, "every_joint", marks=EVERY_CASE),
        pytest.param("eager", 2, "free_robot", marks=EVERY_CASE),
        pytest.param(COMPILED, 2, "every_joint", marks=EVERY_CASE),
        pytest.param(MODES[-1], 2, "free_robot", marks=EVERY_CASE),
    ],
)
def test_the_gradient_has_a_gradient(mode, rows, robot, request):
    """Rows of the Hessian of a scalar against differences of its gradient."""
    robot = request.getfixturevalue(robot)
    links = ["tip_1", "tip_2"] if "tip_1" in robot.link_names else [robot.end_effector]
    q = sample(robot, rows)
    direction = tensor(np.cos(3 * q))

    def squares(function):
        return lambda q: ops.square(function(robot, q, links) + 0.3)

    def curvature(q):
        slope = gradient_of(squares(fkarm.forward_kinematics))
        return gradient_of(lambda q: slope(q) * direction)(q)

    def gradient_along(x):
        slope = gradient_of(squares(reference.forward_kinematics))(tensor(x[None]))
        return (array(slope)[0] * np.cos(3 * q[0])).sum()

    expected = central_difference(gradient_along, q[0])
    found = in_mode(curvature, mode, q.shape, "float64")(tensor(q))
    np.testing.assert_allclose(array(found)[0], expected, atol=1e-7)


def test_the_third_derivative():
    arm = fkarm.robots.planar([1.0, 0.5])
    slope = gradient_of(lambda q: fkarm.forward_kinematics(arm, q, "tool")[1, 3])
    direction = tensor(np.array([0.7, -0.4]))
    curvature = gradient_of(lambda q: slope(q) * direction)
    check_gradient(in_mode(curvature, COMPILED), [0.3, 0.8])


def test_two_gradients_of_different_links_agree_with_one_of_both(every_joint):
    q = tensor(sample(every_joint, 4))

    def gradient(links):
        return array(gradient_of(lambda q: fkarm.forward_kinematics(every_joint, q, links))(q))

    apart = gradient("tip_1") + gradient("tip_2")
    np.testing.assert_allclose(gradient(["tip_1", "tip_2"]), apart, atol=1e-13)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_angles_and_nan_are_right_when_compiled(dtype, panda):
    q = np.zeros((4, 7), dtype)
    q[1, 2], q[2, 0], q[3, 4] = 1e6, np.nan, np.inf
    compiled = in_mode(lambda q: fkarm.forward_kinematics(panda, q, "panda_hand"), MODES[-1])
    found = array(compiled(tensor(q)))
    exact = array(fkarm.forward_kinematics(panda, q[:2].astype("float64"), "panda_hand"))
    np.testing.assert_allclose(found[:2], exact, atol=1e-6)
    assert np.isnan(found[2:, :3]).any(axis=(1, 2)).all()
    assert np.isfinite(found[:2]).all()


def test_the_derivative_of_the_polynomials_is_exact():
    angle = np.array([-2.0, 0.1, 0.8, 1.6, 7.0])
    compiled = in_mode(lambda q: ops.stack(stage.sincos(q)), MODES[-1])
    expected = np.stack([np.diag(np.cos(angle)), -np.diag(np.sin(angle))])
    np.testing.assert_allclose(jacobian_of(compiled, angle), expected, atol=1e-15)


@pytest.mark.parametrize("mode", MODES)
def test_float32_keeps_its_digits_however_it_is_compiled(mode, panda):
    q = fkarm.sample_configurations(panda, 20_000, seed=0)
    exact = array(fkarm.forward_kinematics(panda, q, "panda_hand"))
    compiled = in_mode(lambda q: fkarm.forward_kinematics(panda, q, "panda_hand"), mode)
    assert np.abs(array(compiled(tensor(q, "float32"))) - exact).max() < 1e-6
