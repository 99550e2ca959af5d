"""Kinematics as pure functions of a robot and a joint configuration."""

from fkarm.kinematics.compare import RobotComparison, compare_robots
from fkarm.kinematics.forward import forward_kinematics
from fkarm.kinematics.jacobian import geometric_jacobian
from fkarm.kinematics.sampling import sample_configurations

__all__ = [
    "RobotComparison",
    "compare_robots",
    "forward_kinematics",
    "geometric_jacobian",
    "sample_configurations",
]
