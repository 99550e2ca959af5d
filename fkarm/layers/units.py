"""Units of the joint configurations that layers read and return."""

from __future__ import annotations

from fkarm.model import Robot
from fkarm.model.named import entry_units


class ConfigurationUnits:
    """The units of the entries of `q`.

    Args:
        robot: The robot.
        angle_unit: `"rad"` or `"deg"`.
        length_unit: `"m"` or `"mm"`.
    Attributes:
        in_si: One number per entry: its unit in rad or m, 1 for quaternions.
        is_si: Whether all units are rad and m.
        names: Units of the angles and of the lengths; None where `q` has none.
    Raises:
        ValueError: If a unit is unknown.
    """

    def __init__(self, robot: Robot, angle_unit: str = "rad", length_unit: str = "m") -> None:
        kinds = {entry for joint in robot.independent_joints for entry in joint.entries}
        self.in_si = entry_units(robot, angle_unit, length_unit)
        self.is_si = all(unit == 1.0 for unit in self.in_si)
        self.names = (
            angle_unit if "angle" in kinds else None,
            length_unit if "length" in kinds else None,
        )
