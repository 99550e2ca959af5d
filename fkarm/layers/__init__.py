"""Keras layers: a robot inside a model."""

from fkarm.layers.forward_kinematics import ForwardKinematics
from fkarm.layers.joint_limits import JointLimits

__all__ = ["ForwardKinematics", "JointLimits"]
