"""Jacobians, velocities, manipulability and the Hessian: Pinocchio, the tape, differences."""

from importlib.resources import files

import numpy as np
import pytest
from autodiff import COMPILED, MODES, array, check_gradient, dtype_of, in_mode, jacobian_of, tensor
from oracles import Pinocchio, central_difference

import fkarm
from fkarm.geometry import POSE_REPRESENTATIONS, matrix_to_pose

FUNCTIONS = [
    fkarm.geometric_jacobian,
    fkarm.body_jacobian,
    fkarm.analytic_jacobian,
    fkarm.manipulability,
    fkarm.kinematic_hessian,
]


@pytest.fixture(
    params=[
        "every_joint",
        "ball_and_plane",
        pytest.param("free_robot", marks=pytest.mark.in_test_all("every case")),
    ]
)
def robot(request):
    """All joint types between two fixtures; the third has them again, below a floating base."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def q(robot, rng):
    return rng.uniform(-1, 1, size=robot.dof)


def test_the_geometric_jacobian_is_pinocchios(panda):
    oracle = Pinocchio(files(fkarm.robots) / "panda.urdf")
    robot = fkarm.robots.panda(gripper=True)
    for q in fkarm.sample_configurations(robot, 20, seed=3):
        values = dict(zip(robot.joint_names, q, strict=True))
        values["panda_finger_joint2"] = values["panda_finger_joint1"]
        columns = oracle.jacobian_columns(values, "panda_rightfinger")
        columns["panda_finger_joint1"] = columns.pop("panda_finger_joint2")
        expected = np.concatenate([columns[name] for name in robot.joint_names], axis=-1)
        jacobian = fkarm.geometric_jacobian(robot, q, "panda_rightfinger")
        np.testing.assert_allclose(jacobian, expected, atol=1e-12)


@pytest.mark.parametrize("link", ["tip_1", "tip_2", "b"])
def test_the_geometric_jacobian_is_the_derivative_of_the_pose(every_joint, link, rng):
    check_is_derivative_of_pose(every_joint, rng.uniform(-1, 1, size=3), link)


def test_free_joints_have_a_column_for_each_entry(free_robot, rng):
    q = fkarm.sample_configurations(free_robot, (), seed=0) * rng.uniform(0.5, 2, size=15)
    check_is_derivative_of_pose(free_robot, q, "tip")


def check_is_derivative_of_pose(robot, q, link):
    here = fkarm.forward_kinematics(robot, q, link)

    def error(x):
        there = fkarm.forward_kinematics(robot, x, link)
        return array(fkarm.geometry.pose_error(here, there))

    jacobian = fkarm.geometric_jacobian(robot, q, link)
    np.testing.assert_allclose(jacobian, central_difference(error, q), atol=1e-8)


def test_the_body_jacobian_is_in_the_axes_of_the_link(robot, q):
    rotation = array(fkarm.forward_kinematics(robot, q, robot.end_effector))[:3, :3]
    expected = np.kron(np.eye(2), rotation.T) @ array(fkarm.geometric_jacobian(robot, q))
    np.testing.assert_allclose(fkarm.body_jacobian(robot, q), expected, atol=1e-13)


@pytest.mark.parametrize("output", POSE_REPRESENTATIONS)
def test_the_analytic_jacobian_is_the_derivative_of_the_numbers(output, robot, q):
    link = robot.end_effector

    def numbers(x):
        return matrix_to_pose(fkarm.forward_kinematics(robot, x, link), output)

    jacobian = fkarm.analytic_jacobian(robot, q, output=output)
    np.testing.assert_allclose(jacobian, jacobian_of(numbers, q), atol=1e-10)
    batch = fkarm.analytic_jacobian(robot, np.stack([[q, 0.5 * q]]), output=output)
    assert tuple(batch.shape) == (1, 2, *jacobian.shape)
    np.testing.assert_allclose(batch[0, 0], jacobian, atol=1e-13)


@pytest.mark.parametrize("axis", ["y", "-y"])
def test_angles_at_the_pole_have_finite_rates(axis):
    joints = [
        fkarm.Joint("tilt", axis="x", parent="base", child="a"),
        fkarm.Joint("pitch", axis=axis, parent="a", child="b"),
    ]
    pole = np.array([0.0, np.pi / 2])
    jacobian = array(fkarm.analytic_jacobian(fkarm.Robot(joints), pole, output="xyz_rpy"))
    assert np.isfinite(jacobian).all()
    near = array(fkarm.analytic_jacobian(fkarm.Robot(joints), pole - [0, 1e-3], output="xyz_rpy"))
    assert np.abs(near[3:]).max() > 100


def test_velocity_is_the_jacobian_times_rates(robot, q, rng):
    rates = rng.normal(size=robot.dof)
    expected = array(fkarm.geometric_jacobian(robot, q)) @ rates
    np.testing.assert_allclose(fkarm.link_velocity(robot, q, rates), expected, atol=1e-12)
    batch = fkarm.link_velocity(robot, np.stack([q, q]), np.stack([rates, 2 * rates]))
    np.testing.assert_allclose(batch, [expected, 2 * expected], atol=1e-12)
    np.testing.assert_array_equal(
        fkarm.link_velocity(robot, q, rates, robot.root_link), np.zeros(6)
    )


@pytest.mark.parametrize(
    ("task", "rows"),
    [
        ("pose", range(6)),
        ("position", [0, 1, 2]),
        ("orientation", [3, 4, 5]),
        (("rz", "x"), [0, 5]),
    ],
    ids=str,
)
def test_manipulability_is_the_root_of_the_determinant(task, rows, panda):
    q = fkarm.sample_configurations(panda, 50, seed=4)
    jacobian = array(fkarm.geometric_jacobian(panda, q))[:, list(rows)]
    expected = np.sqrt(np.linalg.det(jacobian @ np.swapaxes(jacobian, -1, -2)))
    measured = fkarm.manipulability(panda, q, task=task)
    np.testing.assert_allclose(measured, expected, rtol=1e-9)


def test_manipulability_of_two_links_in_a_plane():
    arm = fkarm.robots.planar([1.0, 0.5])
    for q in ([0.3, 0.7], [0.1, -2.0], [0.5, 0.0]):
        measured = fkarm.manipulability(arm, np.array(q), task=("x", "y"))
        np.testing.assert_allclose(measured, 0.5 * abs(np.sin(q[1])), atol=1e-12)
    stretched = jacobian_of(lambda q: fkarm.manipulability(arm, q, task=("x", "y")), [0.5, 0.0])
    assert np.isfinite(stretched).all()


def test_the_hessian_is_the_derivative_of_the_jacobian(robot, q):
    expected = jacobian_of(lambda x: fkarm.geometric_jacobian(robot, x), q)
    np.testing.assert_allclose(fkarm.kinematic_hessian(robot, q), expected, atol=1e-10)


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


def test_joints_that_do_not_move_the_link_have_zero_columns(panda, rng):
    jacobian = array(fkarm.geometric_jacobian(panda, rng.uniform(-1, 1, 7), "panda_link3"))
    np.testing.assert_array_equal(jacobian[:, 3:], 0)
    assert (np.linalg.norm(jacobian[:, :3], axis=0) > 0.9).all()


def test_a_robot_without_joints_has_empty_derivatives():
    robot = fkarm.robots.planar([1.0]).with_fixed_joints({"joint_1": 0.0})
    q = np.zeros((5, 0))
    assert fkarm.geometric_jacobian(robot, q).shape == (5, 6, 0)
    assert fkarm.kinematic_hessian(robot, q).shape == (5, 6, 0, 0)
    assert fkarm.analytic_jacobian(robot, q).shape == (5, 6, 0)
    np.testing.assert_array_equal(fkarm.link_velocity(robot, q, q), np.zeros((5, 6)))


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


@pytest.mark.parametrize("function", FUNCTIONS[:3], ids=lambda f: f.__name__)
def test_their_own_gradients_match_central_differences(function, every_joint, rng):
    check_gradient(lambda q: function(every_joint, q), rng.uniform(-1, 1, 3), atol=1e-7)


def test_the_gradients_of_manipulability_and_hessian(three_joints, rng):
    q = rng.uniform(-1, 1, 2)
    check_gradient(lambda q: fkarm.manipulability(three_joints, q, task=("x", "y")), q)
    hessian = in_mode(lambda q: fkarm.kinematic_hessian(three_joints, q), COMPILED)
    check_gradient(hessian, q)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_bad_input_is_refused(function, panda):
    with pytest.raises(fkarm.UnknownLinkError):
        function(panda, np.zeros(7), "elbow")
    with pytest.raises(ValueError, match="q must have shape"):
        function(panda, np.zeros(8), "panda_hand")


def test_what_cannot_be_asked_for_is_said(panda):
    with pytest.raises(ValueError, match="q and q_rate must have one shape"):
        fkarm.link_velocity(panda, np.zeros((2, 7)), np.zeros(7))
    with pytest.raises(ValueError, match="'rz'"):
        fkarm.manipulability(panda, np.zeros(7), task="yaw")
    with pytest.raises(ValueError, match="different axes"):
        fkarm.manipulability(panda, np.zeros(7), task=("x", "x"))
    with pytest.raises(ValueError, match="Received: 'pose', with 6. Name the axes"):
        fkarm.manipulability(fkarm.robots.planar([1.0, 0.5]), np.zeros(2))
    with pytest.raises(ValueError, match="output"):
        fkarm.analytic_jacobian(panda, np.zeros(7), output="euler")
