"""Joint values within limits, by whole turns of joints that turn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fkarm.ik.closed_form.arithmetic import library_of
from fkarm.kinematics.joint_space import TURN, representable_bounds, whole_turns
from fkarm.model import Robot


def copy_within(
    robot: Robot, entry: int, slides: bool, value: Any, dtype: str
) -> tuple[Any, Any | None]:
    """The copy of a value within the limits of its joint that is nearest to zero.

    Args:
        robot: The robot.
        entry: The joint's entry of q.
        slides: Whether it slides: then there are no copies.
        value: Rows of lengths, m, or angles in `[-pi, pi]`, rad.
        dtype: Its type.
    Returns:
        The value, unchanged if no copy is within the limits, and whether it is; None: always.
    """
    pair = robot.lower_limits[entry : entry + 1], robot.upper_limits[entry : entry + 1]
    low, high = (float(x[0]) for x in representable_bounds(*pair, dtype))
    half = math.inf if slides else float(np.asarray(math.pi, dtype=dtype))
    if low <= -half and high >= half:
        return value, None
    library = library_of(value)
    if slides or (low > -half and high < half):
        return value, library.logical_and(value >= low, value <= high)
    return nearest_copy(value, False, min(max(0.0, low), high), low, high)


def nearest_copy(value: Any, slides: bool, near: Any, low: Any, high: Any) -> tuple[Any, Any]:
    """The copy of a joint's value within bounds that is nearest to another value.

    Args:
        value: Rows of angles, rad, or lengths, m.
        slides: Whether the joint slides: then there are no copies.
        near: The other value. This and the bounds are floats or broadcast to the shape of `value`.
        low: Lower bound; infinite if there is none.
        high: Upper bound.
    Returns:
        The copy, and whether it is within the bounds. Where none is, the value does not change.
    """
    library = library_of(value)
    copy = value if slides else value + TURN * whole_turns(value, near, low, high)
    fits = library.logical_and(copy >= low, copy <= high)
    return library.where(fits, copy, value), fits
