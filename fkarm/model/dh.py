"""Denavit-Hartenberg tables, both conventions, as joints.

A URDF joint moves the frame at its own origin. The modified (Craig) convention has that form
already, because `Rz(theta)` and `Tz(d)` commute: frame i sits at joint i. In the standard
convention the constant factors of a row, `Tx(a) Rx(alpha)`, come after the joint: they become the
origin of the next joint, and those of the last row a fixed `flange`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fkarm._units import ANGLE_UNITS, LENGTH_UNITS
from fkarm.errors import RobotError, unknown_name
from fkarm.model.frames import Matrix, finite_vector, frame_from, make_frame, placement
from fkarm.model.joint import Joint
from fkarm.model.names import Names

_COLUMNS = ("a", "alpha", "d", "theta")
_CONVENTIONS = ("standard", "modified")
_TYPES = ("revolute", "continuous", "prismatic")


def dh_joints(
    rows: Sequence[Any],
    convention: str,
    angle_unit: str,
    length_unit: str,
    joint_types: str | Sequence[str] | None,
    base: Any,
    tool: Any,
    limits: Sequence[Any] | None,
    joint_names: Sequence[str] | None,
    senses: Sequence[int] | None,
) -> tuple[list[Joint], Matrix | None]:
    """Joints of the arm and the frame of its tool; the arguments are those of `Robot.from_dh`."""
    for name, value, choices in (
        ("convention", convention, _CONVENTIONS),
        ("angle_unit", angle_unit, ANGLE_UNITS),
        ("length_unit", length_unit, LENGTH_UNITS),
    ):
        if not isinstance(value, str) or value not in choices:
            raise RobotError(unknown_name(name, value, choices))
    _check_lists(rows=rows, limits=limits, joint_names=joint_names, senses=senses)
    angle, length = ANGLE_UNITS[angle_unit], LENGTH_UNITS[length_unit]
    table = [_row(i, row) * (length, angle, length, angle) for i, row in enumerate(rows)]
    if not table:
        raise RobotError("rows must hold at least one row. Received: none.")
    count = len(table)
    if joint_types is None or isinstance(joint_types, str):
        joint_types = [joint_types or "revolute"] * count
    names = joint_names or [f"joint_{i + 1}" for i in range(count)]
    bounds = limits if limits is not None else [None] * count
    signs = senses if senses is not None else [1] * count
    _check_counts(count, joint_types=joint_types, joint_names=names, limits=bounds, senses=signs)

    joints = []
    pending = frame_from(base, "base", angle, length)  # constant transform before the next joint
    for i, (a, alpha, d, theta) in enumerate(table):
        along_x = make_frame((a, 0, 0), (alpha, 0, 0))
        along_z = make_frame((0, 0, d), (0, 0, theta))
        if convention == "modified":
            origin, pending = pending @ along_x @ along_z, np.eye(4)
        else:
            origin, pending = pending @ along_z, along_x
        scale = length if joint_types[i] == "prismatic" else angle
        joints.append(_joint(i, names[i], joint_types[i], origin, signs[i], bounds[i], scale))
    if convention == "standard":
        flange_joint = Names(names).make("flange_joint")
        joints.append(Joint(flange_joint, "fixed", child="flange", **placement(pending)))
    return joints, None if tool is None else frame_from(tool, "tool", angle, length)


def _joint(
    index: int, name: str, kind: str, origin: Matrix, sense: int, limits: Any, scale: float
) -> Joint:
    """The joint of a row at an origin; its limits in units of `scale`, rad or m."""
    if kind not in _TYPES:
        raise RobotError(unknown_name(f"joint_types[{index}]", kind, _TYPES))
    if sense not in (1, -1):
        raise RobotError(f"senses[{index}] must be 1 or -1. Received: {sense!r}.")
    lower, upper = _bounds(index, limits, scale)
    axis = "z" if sense == 1 else "-z"
    child = f"link_{index + 1}"
    return Joint(name, kind, axis, lower=lower, upper=upper, child=child, **placement(origin))


def _check_lists(**lists: Any) -> None:
    for name, given in lists.items():
        is_list = isinstance(given, (list, tuple, np.ndarray))
        if not is_list and (given is not None or name == "rows"):
            raise RobotError(f"{name} must be a list with one entry per row. Received: {given!r}.")


def _check_counts(count: int, **lists: Sequence[Any]) -> None:
    for name, values in lists.items():
        if len(values) != count:
            raise RobotError(f"{name} must have one entry per row, {count}. Received: {values!r}.")


def _row(index: int, row: Any) -> np.ndarray:
    if isinstance(row, Mapping):
        unknown = [key for key in row if key not in _COLUMNS]
        if unknown:
            raise RobotError(unknown_name(f"key of rows[{index}]", unknown[0], _COLUMNS))
        row = [row.get(column, 0.0) for column in _COLUMNS]
    return np.array(finite_vector(f"rows[{index}] = (a, alpha, d, theta)", row, 4))


def _bounds(index: int, bounds: Any, scale: float) -> tuple[float, float]:
    if bounds is None:
        return -math.inf, math.inf
    try:
        lower, upper = (float(bound) for bound in bounds)
    except (TypeError, ValueError):
        raise RobotError(f"limits[{index}] must be (lower, upper). Received: {bounds!r}.") from None
    return lower * scale, upper * scale
