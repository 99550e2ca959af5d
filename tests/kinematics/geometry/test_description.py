"""The arrays of a geometry, and what is refused."""

import numpy as np
import pytest
from autodiff import array, tensor

import fkarm
from fkarm.kinematics import geometry_of, scale_bones


def test_a_geometry_has_the_joints_of_the_robot_with_fixed_ones(every_joint):
    geometry = geometry_of(every_joint)
    assert {name: x.shape for name, x in geometry.items()} == {
        "origins": (6, 3, 4),
        "offsets": (6,),
        "multipliers": (6,),
        "tool": (3, 4),
    }
    names = [joint.name for joint in every_joint.joints]
    np.testing.assert_array_equal(geometry["origins"][names.index("turn"), :, 3], [0.1, 0.2, 0.3])
    follow, echo = names.index("follow"), names.index("echo")
    assert geometry["offsets"][follow] == 0.2
    # A mimic of a mimic: 0.1 (-0.5 q + 0.2) + 0.01.
    np.testing.assert_allclose(geometry["multipliers"][echo], -0.05)
    np.testing.assert_allclose(geometry["offsets"][echo], 0.03)


def test_scaled_bones_are_longer_and_turn_as_before(panda):
    geometry = geometry_of(panda)
    factors = np.random.default_rng(0).uniform(0.5, 2, (3, len(panda.joints)))
    scaled = scale_bones(geometry, factors)
    origins = array(scaled["origins"])
    np.testing.assert_allclose(
        origins[..., 3], factors[..., None] * geometry["origins"][:, :, 3], rtol=1e-6
    )
    np.testing.assert_allclose(
        origins[..., :3],
        np.broadcast_to(geometry["origins"][..., :3], (*factors.shape, 3, 3)),
        atol=1e-7,
    )
    assert scaled["tool"] is geometry["tool"]


def test_bones_are_scaled_where_there_are_origins(panda):
    with pytest.raises(KeyError, match="origins"):
        scale_bones({"tool": np.eye(4)[:3]}, np.ones(len(panda.joints)))


def poses(robot, geometry, rows=2):
    return fkarm.forward_kinematics(robot, np.zeros((rows, robot.dof)), geometry=geometry)


def test_a_geometry_must_be_a_mapping(panda):
    with pytest.raises(TypeError, match=r"geometry must be a mapping.*geometry_of"):
        poses(panda, geometry_of(panda)["origins"])


def test_unknown_names_are_refused_with_the_nearest(panda):
    with pytest.raises(ValueError, match="origins"):
        poses(panda, {"origin": geometry_of(panda)["origins"]})


def test_numbers_must_be_real(panda):
    with pytest.raises(TypeError, match=r"geometry\['offsets'\]"):
        poses(panda, {"offsets": np.zeros(len(panda.joints)) + 1j})


@pytest.mark.parametrize("name", ["origins", "offsets", "multipliers", "tool"])
def test_another_topology_is_refused(name, panda):
    other = {name: np.zeros((11, 5))}
    with pytest.raises(ValueError, match=rf"geometry\['{name}'\] must have shape.*panda"):
        poses(panda, other)


def test_the_batch_must_be_that_of_q(panda):
    origins = np.broadcast_to(geometry_of(panda)["origins"], (3, len(panda.joints), 3, 4))
    with pytest.raises(ValueError, match=r"no batch axes, or those of q: \(2,\).*\(3,\)"):
        poses(panda, {"origins": origins})


@pytest.mark.parametrize("fault", ["scaled", "mirrored"])
def test_a_matrix_that_is_no_rotation_names_its_joint(fault, panda):
    origins = geometry_of(panda)["origins"].copy()
    number = [joint.name for joint in panda.joints].index("panda_joint4")
    origins[number, :, :1] *= 1.01 if fault == "scaled" else -1
    with pytest.raises(ValueError, match=r"R\^T R = I.*'panda_joint4'.*so3_exp"):
        poses(panda, {"origins": origins})
    with pytest.raises(ValueError, match="panda_joint4"):
        poses(panda, {"origins": tensor(origins)})


def test_a_tool_that_is_no_rotation_is_refused(panda):
    with pytest.raises(ValueError, match="the tool"):
        poses(panda, {"tool": 2 * np.eye(4)[:3]})
