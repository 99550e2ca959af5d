"""The geometric Jacobian against Pinocchio, the tape and finite differences."""

from importlib.resources import files

import numpy as np
import pytest
import tensorflow as tf
from checks import check_gradient
from oracles import Pinocchio, central_difference

import fkarm


def test_it_is_pinocchios(panda):
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
def test_it_is_the_derivative_of_the_pose(every_joint, link, rng):
    q = rng.uniform(-1, 1, size=3)
    jacobian = fkarm.geometric_jacobian(every_joint, q, link).numpy()
    here = fkarm.forward_kinematics(every_joint, q, link)

    def error(x):
        return fkarm.geometry.pose_error(
            here, fkarm.forward_kinematics(every_joint, x, link)
        ).numpy()

    np.testing.assert_allclose(jacobian, central_difference(error, q), atol=1e-8)


@pytest.mark.parametrize("batch", [(), (0,), (2, 3)], ids=str)
def test_batches_and_dtypes(batch, panda):
    q = fkarm.sample_configurations(panda, batch, seed=0)
    for dtype in ("float32", "float64"):
        jacobian = fkarm.geometric_jacobian(panda, q.astype(dtype))
        assert tuple(jacobian.shape) == (*batch, 6, 7)
        assert jacobian.dtype == dtype
    hand = fkarm.geometric_jacobian(panda, q, "panda_hand")
    np.testing.assert_array_equal(fkarm.geometric_jacobian(panda, q), hand)


def test_joints_that_do_not_move_the_link_have_zero_columns(panda, rng):
    jacobian = fkarm.geometric_jacobian(panda, rng.uniform(-1, 1, 7), "panda_link3").numpy()
    np.testing.assert_array_equal(jacobian[:, 3:], 0)
    assert (np.linalg.norm(jacobian[:, :3], axis=0) > 0.9).all()


def test_a_robot_without_joints_has_an_empty_jacobian():
    robot = fkarm.robots.planar([1.0]).with_fixed_joints({"joint_1": 0.0})
    assert fkarm.geometric_jacobian(robot, np.zeros((5, 0))).shape == (5, 6, 0)


@pytest.mark.parametrize("jit", [False, True], ids=["graph", "xla"])
def test_it_compiles_for_an_unknown_batch(jit, panda):
    compiled = tf.function(
        lambda q: fkarm.geometric_jacobian(panda, q),
        jit_compile=jit,
        input_signature=[tf.TensorSpec((None, 7), tf.float64)],
    )
    q = fkarm.sample_configurations(panda, 4, seed=0)
    np.testing.assert_allclose(compiled(q), fkarm.geometric_jacobian(panda, q), atol=1e-13)


def test_its_own_gradient_matches_central_differences(every_joint, rng):
    check_gradient(
        lambda q: fkarm.geometric_jacobian(every_joint, q), rng.uniform(-1, 1, 3), atol=1e-8
    )


def test_bad_input_is_refused(panda):
    with pytest.raises(fkarm.UnknownLinkError):
        fkarm.geometric_jacobian(panda, np.zeros(7), "elbow")
    with pytest.raises(ValueError, match="q must have shape"):
        fkarm.geometric_jacobian(panda, np.zeros(8), "panda_hand")
