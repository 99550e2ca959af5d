"""The centre of mass and its Jacobian agree with Pinocchio, for joints of every type."""

import re
from dataclasses import replace

import keras
import numpy as np
import pytest
from autodiff import COMPILED, EACH_MODE, array, check_gradient, in_mode, jacobian_of
from oracles import Pinocchio

import fkarm
from fkarm.config import compilation


def with_masses(robot, links=None):
    """A robot with masses on links, their numbers drawn."""
    rng = np.random.default_rng(1)
    masses = [
        fkarm.Mass(link, rng.uniform(0.5, 3), rng.uniform(-0.3, 0.3, 3))
        for link in links or robot.link_names
    ]
    return replace(robot, masses=tuple(masses))


def inertial(mass):
    x, y, z = mass.xyz
    return (
        f'<inertial><origin xyz="{x!r} {y!r} {z!r}"/><mass value="{mass.mass!r}"/>'
        '<inertia ixx="1" iyy="1" izz="1" ixy="0" ixz="0" iyz="0"/></inertial>'
    )


def test_centre_and_jacobian_agree_with_pinocchio(rng):
    joints = [
        fkarm.Joint("base", "floating", xyz=(1, 2, 3), parent="world", child="pelvis"),
        fkarm.Joint("hip", axis=(1, 2, 2), xyz=(0, 0.1, -0.2), parent="pelvis", child="leg"),
        fkarm.Joint("rail", "prismatic", axis="x", lower=-1, upper=1, parent="leg", child="foot"),
        fkarm.Joint("arm", axis="-y", rpy=(0.3, 0.2, 0.1), parent="pelvis", child="hand"),
    ]
    joints[1:] = [replace(j, lower=-2.0, upper=2.0) for j in joints[1:]]
    robot = with_masses(fkarm.Robot(joints), ["pelvis", "leg", "foot", "hand"])
    text = robot.to_urdf()
    for mass in robot.masses:
        body = f'<link name="{mass.link}">{inertial(mass)}</link>'
        text = re.sub(f'<link name="{mass.link}" ?/>', body, text)
    judge = Pinocchio(text=text)
    q = rng.uniform(-1, 1, (4, robot.dof))
    q[:, 3:7] /= np.linalg.norm(q[:, 3:7], axis=1, keepdims=True)
    centres = array(fkarm.center_of_mass(robot, q))
    jacobians = array(fkarm.center_of_mass_jacobian(robot, q))
    for row in range(4):
        values = {"base": q[row, :7], "hip": q[row, 7], "rail": q[row, 8], "arm": q[row, 9]}
        at = judge._configuration(values)
        expected = judge.pin.centerOfMass(judge.model, judge.data, at)
        np.testing.assert_allclose(centres[row], expected, atol=1e-12)
        columns = judge.pin.jacobianCenterOfMass(judge.model, judge.data, at)
        places = [judge._joint(name).idx_v for name in ("hip", "rail", "arm")]
        np.testing.assert_allclose(jacobians[row, :, 7:], columns[:, places], atol=1e-12)
        # Pinocchio's columns of a floating joint are velocities in the axes of its child.
        turn = array(fkarm.forward_kinematics(robot, q[row], "pelvis"))[:3, :3]
        np.testing.assert_allclose(jacobians[row, :, :3], columns[:, :3] @ turn.T, atol=1e-12)


@pytest.mark.parametrize("name", ["every_joint", "ball_and_plane", "free_robot"])
def test_the_jacobian_is_the_derivative_of_the_centre(name, request, rng):
    robot = with_masses(request.getfixturevalue(name))
    q = rng.uniform(-1, 1, (2, robot.dof))
    jacobian = array(fkarm.center_of_mass_jacobian(robot, q))
    for row in range(2):
        expected = jacobian_of(lambda x: fkarm.center_of_mass(robot, x), q[row])
        np.testing.assert_allclose(jacobian[row], expected, atol=1e-12)


@EACH_MODE
def test_every_mode_computes_the_same(mode, three_joints, rng):
    robot = with_masses(three_joints)
    q = rng.uniform(-1, 1, (2, 3, 2))
    for function in (fkarm.center_of_mass, fkarm.center_of_mass_jacobian):
        expected = array(function(robot, q))
        with compilation("graph" if mode != "eager" else "auto"):
            got = in_mode(lambda x, f=function: f(robot, x), mode)(keras.ops.convert_to_tensor(q))
        np.testing.assert_allclose(array(got), expected, atol=1e-12)


def test_the_gradient_of_the_jacobian(three_joints, rng):
    robot = with_masses(three_joints)
    check_gradient(
        in_mode(lambda q: fkarm.center_of_mass_jacobian(robot, q), COMPILED), rng.uniform(-1, 1, 2)
    )


@pytest.mark.only_on("tensorflow", reason="other backends compile no loops")
def test_loops_compute_the_same_as_numpy(rng):
    joints = [
        fkarm.Joint(
            f"j{k}", axis="xyz"[k % 3], xyz=(0.1, 0.02 * k, 0.05), parent=parent, child=child
        )
        for k, (parent, child) in enumerate(
            (f"l{k}" if k % 9 else "l0", f"l{k + 1}") for k in range(45)
        )
    ]
    robot = with_masses(fkarm.Robot(joints))
    q = rng.uniform(-1, 1, (2, robot.dof))
    expected = array(fkarm.center_of_mass_jacobian(robot, q))
    with compilation("graph"):
        got = array(fkarm.center_of_mass_jacobian(robot, q))
    np.testing.assert_allclose(got, expected, atol=1e-12)


def test_equal_robots_with_other_masses_have_other_centres(three_joints):
    light, heavy = (
        replace(three_joints, masses=(fkarm.Mass(three_joints.link_names[1], 1.0, xyz),))
        for xyz in ((0.1, 0, 0), (0.7, 0, 0))
    )
    assert light == heavy
    jacobians = [array(fkarm.center_of_mass_jacobian(r, np.zeros((1, 2)))) for r in (light, heavy)]
    assert np.abs(jacobians[0] - jacobians[1]).max() > 0.1


def test_float32_and_zero_rows(three_joints):
    robot = with_masses(three_joints)
    q = np.zeros((0, 2), "float32")
    assert array(fkarm.center_of_mass(robot, q)).shape == (0, 3)
    jacobian = array(fkarm.center_of_mass_jacobian(robot, q))
    assert jacobian.shape == (0, 3, 2)
    assert jacobian.dtype == np.float32


@pytest.mark.parametrize("function", [fkarm.center_of_mass, fkarm.center_of_mass_jacobian])
def test_a_robot_without_masses_is_refused(function, three_joints):
    with pytest.raises(fkarm.RobotError, match=r"must have masses. Received: none for 'three"):
        function(three_joints, np.zeros(2))
