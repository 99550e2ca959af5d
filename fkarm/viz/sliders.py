"""The sliders of a viewer: one per entry of a configuration, in degrees or millimetres."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from fkarm.kinematics.joint_space import FREE_LENGTH, TURN, has_two_limits, nearest_to_zero
from fkarm.model import Robot
from fkarm.model.named import entry_units

SYMBOLS = {"angle": "°", "length": "mm", "quaternion": ""}
_ENTRY_NAMES = {
    1: ("",),
    3: (" x", " y", " turn"),
    4: (" qw", " qx", " qy", " qz"),
    7: (" x", " y", " z", " qw", " qx", " qy", " qz"),
}


class Slider(NamedTuple):
    """One entry of a configuration as a viewer shows it."""

    label: str  # the joint's name; joints of several entries add which one
    symbol: str  # of the unit: degree, mm, or none for a quaternion's entry
    unit: float  # rad or m per unit
    lower: float  # the limit, or the end of the range of a joint without one, in units
    upper: float
    is_limited: bool  # whether both ends are limits


def sliders_of(robot: Robot) -> tuple[Slider, ...]:
    """The sliders in the order of `q`; a joint without limits gets a turn, or 1 m to each side."""
    labels = [
        joint.name + entry
        for joint in robot.independent_joints
        for entry in _ENTRY_NAMES[len(joint.entries)]
    ]
    units = entry_units(robot, "deg", "mm")
    limits = zip(robot.lower_limits, robot.upper_limits, strict=True)
    sliders = []
    for label, entry, unit, (low, high) in zip(labels, robot.entries, units, limits, strict=True):
        lower, upper = (end / unit for end in _range(entry, float(low), float(high)))
        is_limited = bool(np.isfinite([low, high]).all()) and entry != "quaternion"
        sliders.append(Slider(label, SYMBOLS[entry], unit, lower, upper, is_limited))
    return tuple(sliders)


def _range(entry: str, lower: float, upper: float) -> tuple[float, float]:
    """Finite ends of the range of an entry of `q`."""
    width = 2.0 * FREE_LENGTH if entry == "length" else TURN
    if math.isinf(lower) and math.isinf(upper):
        return -width / 2, width / 2
    low = upper - width if math.isinf(lower) else lower
    return low, lower + width if math.isinf(upper) else upper


def resting(robot: Robot) -> np.ndarray:
    """The values nearest to zero in the middle half of the joints' ranges. Shape `(dof,)`.

    At zero itself many a joint is at its limit, or beyond it.
    """
    q = nearest_to_zero(robot)
    lower, upper = robot.lower_limits, robot.upper_limits
    is_limited = has_two_limits(robot)
    margin = (upper[is_limited] - lower[is_limited]) / 4
    q[is_limited] = np.clip(0.0, lower[is_limited] + margin, upper[is_limited] - margin)
    return q
