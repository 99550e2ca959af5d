"""Joint values within limits, by whole turns."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fkarm.ik.closed_form.arithmetic import library_of
from fkarm.kinematics.joint_space import TURN, representable_bounds, whole_turns
from fkarm.model import Robot


def copy_within(robot: Robot, entry: int, angle: Any, dtype: str) -> tuple[Any, Any | None]:
    """The copy of an angle within the limits of its joint that is nearest to zero.

    Args:
        robot: The robot.
        entry: The joint's entry of q.
        angle: Rows of angles in `[-pi, pi]`, rad.
        dtype: Its type.
    Returns:
        The angle, unchanged if no copy is within the limits, and whether it is; None: always.
    """
    pair = robot.lower_limits[entry : entry + 1], robot.upper_limits[entry : entry + 1]
    low, high = (float(x[0]) for x in representable_bounds(*pair, dtype))
    half = float(np.asarray(math.pi, dtype=dtype))
    if low <= -half and high >= half:
        return angle, None
    library = library_of(angle)
    if low > -half and high < half:
        return angle, library.logical_and(angle >= low, angle <= high)
    return nearest_copy(angle, min(max(0.0, low), high), low, high)


def nearest_copy(angle: Any, near: Any, low: Any, high: Any) -> tuple[Any, Any]:
    """The copy of an angle within bounds that is nearest to a value.

    Args:
        angle: Rows of angles, rad.
        near: The value. This and the bounds are floats or broadcast to the shape of `angle`.
        low: Lower bound; infinite if there is none.
        high: Upper bound.
    Returns:
        The copy, and whether it is within the bounds. Where none is, the angle does not change.
    """
    library = library_of(angle)
    copy = angle + TURN * whole_turns(angle, near, low, high)
    fits = library.logical_and(copy >= low, copy <= high)
    return library.where(fits, copy, angle), fits
