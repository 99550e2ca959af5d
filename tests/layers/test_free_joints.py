"""Layers and joints of several entries of q: planar, spherical, floating."""

import numpy as np
from autodiff import array, check_gradient

import fkarm
from fkarm.layers import ForwardKinematics, JointLimits


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
