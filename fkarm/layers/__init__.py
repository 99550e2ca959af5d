"""Keras layers: a robot inside a model."""

from fkarm.layers.calibrated import (
    CalibratedForwardKinematics,
    CorrectionBounds,
    CorrectionPrior,
)
from fkarm.layers.closed_form_ik import ClosedFormIK
from fkarm.layers.forward_kinematics import ForwardKinematics
from fkarm.layers.ik_refinement import IKRefinement
from fkarm.layers.inverse_kinematics import InverseKinematics
from fkarm.layers.joint_limits import JointLimits
from fkarm.layers.self_distance import SelfDistance

__all__ = [
    "CalibratedForwardKinematics",
    "ClosedFormIK",
    "CorrectionBounds",
    "CorrectionPrior",
    "ForwardKinematics",
    "IKRefinement",
    "InverseKinematics",
    "JointLimits",
    "SelfDistance",
]
