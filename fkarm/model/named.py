"""Joint values by name: from tables and mappings to `q`, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from fkarm._checks import check_choice, real_array
from fkarm._units import ANGLE_UNITS, LENGTH_UNITS
from fkarm.errors import UnknownJointError, unknown_name
from fkarm.model.joint import Joint

if TYPE_CHECKING:
    from fkarm.model.robot import Robot


def configuration(
    self: Robot,
    values: Any,
    default: ArrayLike | None = None,
    *,
    angle_unit: str = "rad",
    length_unit: str = "m",
) -> np.ndarray:
    """Joint configurations from values by name, whatever their order.

    Args:
        self: The robot.
        values: A mapping of joint names to values, or anything with named columns: a data frame
            or one of its rows, a structured array, an open `.npz`. A value is a number or an array
            of the batch's shape, `(...)`; that of a planar, spherical or floating joint has an axis
            for its entries of `q`, `(..., 3)`, `(..., 4)` or `(..., 7)`. Values broadcast. For a
            message of ROS: `dict(zip(message.name, message.position))`.
        default: The values of joints that `values` does not name: one number for all, or a
            configuration, `(..., dof)`. None: every joint of `joint_names` must be named.
        angle_unit: `"rad"` or `"deg"`: of angles in `values` and `default`.
        length_unit: `"m"` or `"mm"`: of lengths in the same. Quaternions have no unit.
    Returns:
        Configurations in the order of `joint_names`, rad or m. Limits are not applied; NaN stays.
        NumPy float64, without gradient: of tensors by name make `q` with `keras.ops.stack`.
        Shape `(..., dof)`.
    Raises:
        UnknownJointError: If a name is not in `joint_names`; a joint that mimics has no value of
            its own.
        TypeError: If `values` has no names, or something is no real number.
        ValueError: If a joint is not named and there is no `default`, a name is repeated, shapes do
            not match or a unit is unknown.
    Example:
        >>> arm = fkarm.robots.planar([1.0, 0.5])
        >>> arm.configuration({"joint_2": [0, 90], "joint_1": 180}, angle_unit="deg").round(3)
        array([[3.142, 0.   ],
               [3.142, 1.571]])
    """
    units = entry_units(self, angle_unit, length_unit)
    names = names_of(values)
    if names is None:
        raise TypeError(
            "values must have names: a mapping, a data frame, a structured array. Received: "
            f"{type(values).__name__}. Numbers in the order of joint_names are a configuration."
        )
    _check_names(self, values, names, is_complete=default is not None)
    columns = _default_columns(self, names, default)
    for joint in self.independent_joints:
        if joint.name in names:
            columns[joint.name] = _columns(joint, _column(values, joint.name))
    flat = [column for joint in self.independent_joints for column in columns[joint.name]]
    try:
        flat = list(np.broadcast_arrays(*flat))
    except ValueError as error:
        raise ValueError(
            "Values must have one batch shape, or shapes that broadcast. Received: "
            + ", ".join(f"{name!r} of {cols[0].shape}" for name, cols in columns.items())
        ) from error
    return np.stack(flat, axis=-1) * units if flat else np.zeros(0)


def by_name(
    self: Robot, q: ArrayLike, *, angle_unit: str = "rad", length_unit: str = "m"
) -> dict[str, np.ndarray]:
    """Joint configurations by the names of their joints; `configuration` of it gives `q` back.

    Args:
        self: The robot.
        q: Joint configurations in the order of `joint_names`, rad or m. Shape `(..., dof)`.
        angle_unit: `"rad"` or `"deg"`: of the angles returned.
        length_unit: `"m"` or `"mm"`: of the lengths returned.
    Returns:
        For each joint of `joint_names` its values, `(...)`; for a planar, spherical or floating
        joint `(..., 3)`, `(..., 4)` or `(..., 7)`. NumPy, float32 if `q` is, else float64. A
        data frame of hinges and slides: `pandas.DataFrame(robot.by_name(q))`.
    Raises:
        TypeError: If `q` has names already, or is not of real numbers.
        ValueError: If `q` does not end with an axis of size `dof`, or a unit is unknown.
    Example:
        >>> arm = fkarm.robots.planar([1.0, 0.5])
        >>> {name: float(value) for name, value in arm.by_name([0.5, -0.25]).items()}
        {'joint_1': 0.5, 'joint_2': -0.25}
    """
    units = entry_units(self, angle_unit, length_unit)
    check_unnamed("q", q)
    numbers = real_array("q", q)
    if numbers.shape[-1:] != (self.dof,):
        raise ValueError(f"q must have shape (..., {self.dof}). Received: shape {numbers.shape}.")
    numbers = (numbers / np.array(units)).astype(numbers.dtype)
    values, start = {}, 0
    for joint in self.independent_joints:
        entries = numbers[..., start : start + len(joint.entries)]
        values[joint.name] = entries if len(joint.entries) > 1 else entries[..., 0]
        start += len(joint.entries)
    return values


def joint_of_entry(robot: Robot, entry: int) -> Joint:
    """The joint that an entry of `q` belongs to."""
    return next(
        joint
        for joint in reversed(robot.independent_joints)
        if robot.coordinates[joint.name].index <= entry
    )


def entry_units(robot: Robot, angle_unit: str, length_unit: str) -> tuple[float, ...]:
    """The unit of each entry of `q`, in rad or m; ValueError if a unit is unknown."""
    check_choice("angle_unit", angle_unit, ANGLE_UNITS)
    check_choice("length_unit", length_unit, LENGTH_UNITS)
    unit = {
        "angle": ANGLE_UNITS[angle_unit], "length": LENGTH_UNITS[length_unit], "quaternion": 1.0
    }  # fmt: skip
    return tuple(unit[entry] for entry in robot.entries)


def names_of(values: Any) -> tuple[Any, ...] | None:
    """The names of values: keys, columns or fields; None if they have none."""
    names = getattr(getattr(values, "dtype", None), "names", None)  # of a structured array
    for attribute in ("column_names", "columns", "_fields"):
        names = getattr(values, attribute, None) if names is None else names
    if names is None and hasattr(values, "keys"):
        names = values.keys()
    return None if names is None else tuple(names)


def check_unnamed(name: str, values: Any) -> None:
    """Raise TypeError if values have names: their order may not be that of the joints."""
    names = names_of(values)
    if names is not None:
        listed = ", ".join(map(repr, names[:6])) + (", ..." if len(names) > 6 else "")
        raise TypeError(
            f"{name} must be numbers in the robot's order, without names. Received: "
            f"{type(values).__name__} with {listed}. Joint values by name become a configuration "
            "by robot.configuration(values)."
        )


def _check_names(robot: Robot, values: Any, names: Sequence[Any], is_complete: bool) -> None:
    for name in names:
        if not isinstance(name, str):
            raise TypeError(
                f"values must have names of joints. Received: the name {name!r}. If the columns "
                "are in the order of joint_names, their numbers alone are a configuration."
            )
    known = robot.joint_names
    for name in names:
        if name in known:
            continue
        message = unknown_name("joint", name, known)
        followed = [joint.mimic for joint in robot.joints if joint.name == name and joint.mimic]
        if followed:
            message += f" It follows {followed[0].joint!r}: leave it out."
        elif len(set(names) & set(known)) == len(known):
            message += " Leave it out: values[list(robot.joint_names)]."
        raise UnknownJointError(message)
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice:
        raise ValueError(f"Each joint must be named once. Received: {twice[0]!r} twice.")
    missing = [name for name in known if name not in names]
    if missing and not is_complete:
        raise ValueError(
            "values must name every joint. Received: no value for "
            f"{', '.join(map(repr, missing))}. Give default=0.0, or a configuration."
        )


def _column(values: Any, name: str) -> Any:
    return getattr(values, name) if hasattr(values, "_fields") else values[name]


def _columns(joint: Joint, value: Any) -> list[np.ndarray]:
    """One array for each of the joint's entries of `q`."""
    numbers, count = real_array(f"The value of joint {joint.name!r}", value), len(joint.entries)
    if count == 1:
        return [numbers]
    if numbers.shape[-1:] != (count,):
        raise ValueError(
            f"The value of the {joint.type} joint {joint.name!r} must have shape (..., {count}). "
            f"Received: shape {numbers.shape}."
        )
    return [numbers[..., k] for k in range(count)]


def _default_columns(
    robot: Robot, names: Sequence[str], default: ArrayLike | None
) -> dict[str, list[np.ndarray]]:
    """The arrays that `default` gives for the entries of each joint."""
    numbers = np.full(robot.dof, np.nan) if default is None else real_array("default", default)
    if numbers.ndim == 0:
        for joint in robot.independent_joints:
            if len(joint.entries) > 1 and joint.name not in names:
                raise ValueError(
                    f"default must be a configuration for a {joint.type} joint. Received: "
                    f"{default!r}, and no value for {joint.name!r}."
                )
        numbers = np.full(robot.dof, numbers)
    if numbers.shape[-1:] != (robot.dof,):
        raise ValueError(
            f"default must be a number or of shape (..., {robot.dof}). Received: shape "
            f"{numbers.shape}."
        )
    columns, start = {}, 0
    for joint in robot.independent_joints:
        stop = start + len(joint.entries)
        columns[joint.name] = [numbers[..., k] for k in range(start, stop)]
        start = stop
    return columns
