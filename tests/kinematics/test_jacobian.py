"""Jacobians and velocities: Pinocchio, the tape, differences."""

from importlib.resources import files

import numpy as np
import pytest
from autodiff import array, check_gradient, jacobian_of
from oracles import Pinocchio, central_difference

import fkarm
from fkarm.geometry import POSE_REPRESENTATIONS, matrix_to_pose

FUNCTIONS = [
    fkarm.geometric_jacobian,
    fkarm.body_jacobian,
    fkarm.analytic_jacobian,
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


def test_joints_that_do_not_move_the_link_have_zero_columns(panda, rng):
    jacobian = array(fkarm.geometric_jacobian(panda, rng.uniform(-1, 1, 7), "panda_link3"))
    np.testing.assert_array_equal(jacobian[:, 3:], 0)
    assert (np.linalg.norm(jacobian[:, :3], axis=0) > 0.9).all()


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_their_own_gradients_match_central_differences(function, every_joint, rng):
    check_gradient(lambda q: function(every_joint, q), rng.uniform(-1, 1, 3), atol=1e-7)


def test_what_cannot_be_asked_for_is_said(panda):
    with pytest.raises(ValueError, match="q and q_rate must have one shape"):
        fkarm.link_velocity(panda, np.zeros((2, 7)), np.zeros(7))
    with pytest.raises(ValueError, match="output"):
        fkarm.analytic_jacobian(panda, np.zeros(7), output="euler")
