"""Numbers that look as if they were in another unit."""

from __future__ import annotations

import math

import numpy as np

from fkarm._units import LENGTH_UNITS
from fkarm.geometry.representations import has_angles
from fkarm.model import Robot
from fkarm.model.report import reach_below

# More than this is no angle in rad that a table usually holds: two turns.
_LARGE_ANGLE = 4 * math.pi
# So many times as far as the arm reaches: mm that are called m are 1000 times.
_FAR = 20.0


def angle_hint(numbers: np.ndarray, angle_unit: str) -> list[str]:
    """What to say of angles, in the unit they are said to be in."""
    largest = np.nanmax(np.abs(numbers), initial=0.0)
    if angle_unit == "rad" and largest > _LARGE_ANGLE:
        return [f"Angles up to {largest:.4g} rad: are they in degrees? Try angle_unit='deg'."]
    return []


def pose_hints(
    robot: Robot | None, numbers: np.ndarray, representation: str, angle_unit: str, length_unit: str
) -> list[str]:
    """What to say of poses; the numbers are the columns to read.

    Args:
        robot: The robot, if positions are measured from its root link.
        numbers: The columns. Shape `(n, columns)`.
        representation: How the poses are written.
        angle_unit: The unit that angles are said to be in.
        length_unit: The unit that positions are said to be in.
    """
    position = numbers[:, [3, 7, 11] if representation == "matrix" else [0, 1, 2]]
    hints = angle_hint(numbers[:, 3:], angle_unit) if has_angles(representation) else []
    if robot is None:
        return hints
    distance = np.linalg.norm(position, axis=1)
    distance = distance[np.isfinite(distance)] * LENGTH_UNITS[length_unit]
    reach = reach_below(robot.joints).get(robot.root_link, 0.0)
    if len(distance) and 0.0 < reach < math.inf:
        if length_unit == "m" and distance.min() > _FAR * reach:
            hints.append(
                f"Every target is at least {distance.min():.4g} m away, and {robot.name!r} reaches "
                f"at most {reach:.3g} m: are lengths in millimetres? Try length_unit='mm'."
            )
        if length_unit == "mm" and distance.max() < reach / _FAR / 5:
            hints.append(
                f"Every target is within {distance.max():.2g} m of {robot.root_link!r}, and "
                f"{robot.name!r} reaches {reach:.3g} m: are lengths in metres? Try length_unit='m'."
            )
    return hints
