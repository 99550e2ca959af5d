"""Kinematics as pure functions of a robot and a joint configuration."""

from fkarm.kinematics.forward import forward_kinematics
from fkarm.kinematics.geometry import geometry_of, scale_bones
from fkarm.kinematics.hessian import kinematic_hessian
from fkarm.kinematics.jacobian import (
    analytic_jacobian,
    body_jacobian,
    geometric_jacobian,
    link_velocity,
)
from fkarm.kinematics.jacobian_rate import geometric_jacobian_rate
from fkarm.kinematics.manipulability import manipulability
from fkarm.kinematics.masses import center_of_mass, center_of_mass_jacobian
from fkarm.kinematics.sampling import sample_configurations

__all__ = [
    "analytic_jacobian",
    "body_jacobian",
    "center_of_mass",
    "center_of_mass_jacobian",
    "forward_kinematics",
    "geometric_jacobian",
    "geometric_jacobian_rate",
    "geometry_of",
    "kinematic_hessian",
    "link_velocity",
    "manipulability",
    "sample_configurations",
    "scale_bones",
]
