"""Units of joint configurations, as layers take and give them."""

from __future__ import annotations

import numpy as np

from fkarm._checks import check_choice
from fkarm._units import ANGLE_UNITS, LENGTH_UNITS
from fkarm.model import Robot


class ConfigurationUnits:
    """The units of the entries of `q`.

    Args:
        robot: The robot.
        angle_unit: `"rad"` or `"deg"`.
        length_unit: `"m"` or `"mm"`.
    Attributes:
        in_si: Rad or m in one of each entry's unit; 1 for quaternions. Shape `(dof,)`.
        is_si: Whether there is nothing to convert.
        names: Units of the angles and of the lengths; None where `q` has none.
    Raises:
        ValueError: If a unit is unknown.
    """

    def __init__(self, robot: Robot, angle_unit: str = "rad", length_unit: str = "m") -> None:
        check_choice("angle_unit", angle_unit, ANGLE_UNITS)
        check_choice("length_unit", length_unit, LENGTH_UNITS)
        kinds = [entry for joint in robot.independent_joints for entry in joint.entries]
        factors = {
            "angle": ANGLE_UNITS[angle_unit],
            "length": LENGTH_UNITS[length_unit],
            "quaternion": 1.0,
        }
        self.in_si = np.array([factors[kind] for kind in kinds])
        self.is_si = all(factors[kind] == 1.0 for kind in kinds)
        self.names = (
            angle_unit if "angle" in kinds else None,
            length_unit if "length" in kinds else None,
        )
