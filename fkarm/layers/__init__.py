"""Keras layers: a robot inside a model."""

from fkarm.layers.forward_kinematics import ForwardKinematics
from fkarm.layers.inverse_kinematics import IKRefinement, InverseKinematics
from fkarm.layers.joint_limits import JointLimits

__all__ = ["ForwardKinematics", "IKRefinement", "InverseKinematics", "JointLimits"]
