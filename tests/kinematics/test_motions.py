"""Planar, spherical and floating joints: how they move frames, with exact derivatives."""

import numpy as np
from autodiff import array, check_gradient
from oracles import central_difference, pose, rot
from scipy.spatial.transform import Rotation

import fkarm
from fkarm.kinematics import reference


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


def test_a_joint_above_a_free_one_feels_what_it_carries(rng):
    robot = fkarm.Robot(
        [
            fkarm.Joint("turn", axis="y", parent="root", child="a"),
            fkarm.Joint("free", "floating", xyz=(0.1, 0, 0.2), parent="a", child="b"),
        ]
    )
    check_gradient(lambda x: fkarm.forward_kinematics(robot, x, "b"), rng.normal(size=8))
