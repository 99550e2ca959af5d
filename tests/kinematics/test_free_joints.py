"""Planar, spherical and floating joints: several entries of q each."""

import numpy as np
import pytest
from autodiff import array, check_gradient
from oracles import central_difference, pose, rot
from scipy.spatial.transform import Rotation

import fkarm
from fkarm.kinematics import reference
from fkarm.layers import ForwardKinematics, JointLimits


def test_q_has_seven_four_and_three_entries(free_robot):
    assert free_robot.dof == 7 + 4 + 3 + 1
    assert free_robot.joint_names == ("free", "ball", "flat", "hinge")
    first = [free_robot.coordinates[name].index for name in free_robot.joint_names]
    assert first == [0, 7, 11, 14]
    assert free_robot.upper_limits[3] == 1.0
    assert "floating, q[0:7]" in str(free_robot)
    assert "planar in the plane normal to" in str(free_robot)


def test_a_floating_joint_is_a_position_and_a_quaternion_of_any_length(rng):
    robot = fkarm.Robot([fkarm.Joint("free", "floating", parent="root", child="body")])
    position, quat = rng.normal(size=3), 3 * rng.normal(size=4)
    expected = pose(Rotation.from_quat(np.roll(quat, -1)).as_matrix(), position)
    body = fkarm.forward_kinematics(robot, np.concatenate([position, quat]), "body")
    np.testing.assert_allclose(body, expected, atol=1e-14)
    still = fkarm.forward_kinematics(robot, np.zeros(7), "body")
    np.testing.assert_array_equal(still, np.eye(4))


def test_a_planar_joint_slides_in_the_plane_of_its_axis_and_turns_about_it():
    joint = fkarm.Joint("flat", "planar", axis="z", parent="root", child="body")
    body = fkarm.forward_kinematics(fkarm.Robot([joint]), np.array([0.3, 0.4, 0.5]), "body")
    np.testing.assert_allclose(body, pose(rot((0, 0, 1), 0.5), (0.3, 0.4, 0)), atol=1e-15)
    joint = fkarm.Joint("flat", "planar", axis="x", parent="root", child="body")
    body = fkarm.forward_kinematics(fkarm.Robot([joint]), np.array([0.3, 0.4, 0.5]), "body")
    np.testing.assert_allclose(body, pose(rot((1, 0, 0), 0.5), (0, 0.3, 0.4)), atol=1e-15)


def test_they_match_the_reference_and_have_exact_gradients(free_robot, rng):
    q = fkarm.sample_configurations(free_robot, 10, seed=0) * rng.uniform(0.5, 2, size=(10, 15))
    links = free_robot.link_names
    np.testing.assert_allclose(
        fkarm.forward_kinematics(free_robot, q, links),
        reference.forward_kinematics(free_robot, q, links),
        atol=1e-14,
    )
    check_gradient(lambda x: fkarm.forward_kinematics(free_robot, x, "tip"), q[0])


def test_the_jacobian_is_the_derivative_for_each_entry(free_robot, rng):
    q = fkarm.sample_configurations(free_robot, (), seed=0) * rng.uniform(0.5, 2, size=15)
    here = fkarm.forward_kinematics(free_robot, q, "tip")

    def error(x):
        there = fkarm.forward_kinematics(free_robot, x, "tip")
        return array(fkarm.geometry.pose_error(here, there))

    jacobian = fkarm.geometric_jacobian(free_robot, q)
    np.testing.assert_allclose(jacobian, central_difference(error, q), atol=1e-8)


def test_samples_have_unit_quaternions_and_positions_within_a_metre(free_robot):
    q = fkarm.sample_configurations(free_robot, 2000, seed=0)
    for start in (3, 7):
        quats = q[:, start : start + 4]
        np.testing.assert_allclose(np.linalg.norm(quats, axis=1), 1.0, atol=1e-12)
        np.testing.assert_allclose(quats.mean(axis=0), 0.0, atol=0.05)
    assert np.abs(q[:, :3]).max() <= 1.0


def test_joint_limits_give_unit_quaternions(free_robot, rng):
    layer = JointLimits(free_robot, dtype="float64")
    assert layer.input_size == 16  # the planar joint's angle from a sine and a cosine
    x = rng.normal(size=(5, 16))
    q = array(layer(x))
    assert q.shape == (5, 15)
    np.testing.assert_allclose(np.linalg.norm(q[:, 3:7], axis=1), 1.0)
    np.testing.assert_allclose(q[:, :3], x[:, :3])
    np.testing.assert_allclose(q[:, 13], np.arctan2(x[:, 13], x[:, 14]))
    check_gradient(layer, x[0], atol=1e-8)


def test_units_leave_quaternions_alone(free_robot):
    q = fkarm.sample_configurations(free_robot, 3, seed=0)
    scaled = q.copy()
    scaled[:, [0, 1, 2, 11, 12]] *= 1e3
    scaled[:, [13, 14]] = np.degrees(scaled[:, [13, 14]])
    plain = ForwardKinematics(free_robot, dtype="float64")(q)
    other = ForwardKinematics(
        free_robot, angle_unit="deg", length_unit="mm", output="position", dtype="float64"
    )(scaled)
    np.testing.assert_allclose(other, 1e3 * array(plain)[:, :3, 3], atol=1e-10)


def test_they_can_be_fixed_and_written_down(free_robot):
    q = fkarm.sample_configurations(free_robot, (), seed=0)
    fixed = free_robot.with_fixed_joints({"free": q[:7], "ball": 2 * q[7:11], "flat": q[11:14]})
    assert fixed.joint_names == ("hinge",)
    np.testing.assert_allclose(
        fkarm.forward_kinematics(fixed, q[14:], "tip"),
        fkarm.forward_kinematics(free_robot, q, "tip"),
        atol=1e-14,
    )
    assert fkarm.Robot.from_dict(free_robot.to_dict()) == free_robot
    with pytest.raises(fkarm.RobotError, match="'free' must be 7 finite numbers"):
        free_robot.with_fixed_joints({"free": 0.0})
    with pytest.raises(fkarm.RobotError, match="quaternion must not be zero"):
        free_robot.with_fixed_joints({"ball": np.zeros(4)})


def test_a_joint_above_a_free_one_feels_what_it_carries(rng):
    robot = fkarm.Robot(
        [
            fkarm.Joint("turn", axis="y", parent="root", child="a"),
            fkarm.Joint("free", "floating", xyz=(0.1, 0, 0.2), parent="a", child="b"),
        ]
    )
    check_gradient(lambda x: fkarm.forward_kinematics(robot, x, "b"), rng.normal(size=8))
