"""Shape and value checks with one message format: what must hold, `Received:`, what to try."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np

from fkarm.errors import unknown_name


def check_last_axes(name: str, shape: tuple, expected: tuple[int, ...], hint: str = "") -> None:
    """Raise ValueError unless `shape` ends with `expected`; an unknown (None) size passes.

    A tensor of TensorFlow may not even know how many axes it has: it is refused.
    """
    wanted = ", ".join(str(size) for size in expected)
    if getattr(shape, "rank", len(expected)) is None:
        raise ValueError(
            f"{name} must have a known number of axes: (..., {wanted}). Received: a tensor of "
            "unknown shape. State it where the data come from, by output_signature= of "
            f"tf.data.Dataset.from_generator, or here: tf.ensure_shape(x, (None, {wanted}))."
        )
    last = tuple(shape)[-len(expected) :]
    matches = len(last) == len(expected) and all(
        size is None or size == want for size, want in zip(last, expected, strict=True)
    )
    if not matches:
        raise ValueError(
            f"{name} must have shape (..., {wanted}). Received: shape {tuple(shape)}."
            + (f" {hint}" if hint else "")
        )


# What turns an array into a pose, by the sizes of its last axis or its last two.
_POSE_HINTS: dict[tuple[int, ...], str] = {
    (3,): "Positions become poses by fkarm.geometry.make_transform(numpy.eye(3), positions); "
    "task='position' then leaves the orientation free.",
    (6,): "Position and angles become poses by fkarm.geometry.pose_to_matrix(pose, 'xyz_rpy'), or "
    "'xyz_rotvec', ...",
    (7,): "Position and quaternion become poses by fkarm.geometry.pose_to_matrix(pose, "
    "'xyz_quat_wxyz'), or 'xyz_quat_xyzw'.",
    (9,): "Position and two columns become poses by fkarm.geometry.pose_to_matrix(pose, "
    "'xyz_rot6d').",
    (16,): "Try keras.ops.reshape(pose, (-1, 4, 4)).",
    (3, 3): "A rotation becomes a pose by fkarm.geometry.make_transform(rotation, position), "
    "positions by fkarm.geometry.make_transform(numpy.eye(3), positions).",
    (3, 4): "Add the row 0, 0, 0, 1.",
}


def check_pose_shape(name: str, shape: tuple) -> None:
    """Raise ValueError unless `shape` is that of pose matrices, `(..., 4, 4)`."""
    last = tuple(shape)
    hint = _POSE_HINTS.get(last[-2:]) or _POSE_HINTS.get(last[-1:]) or ""
    check_last_axes(name, shape, (4, 4), hint or "See fkarm.geometry.pose_to_matrix.")


def check_choice(name: str, value: object, choices: Iterable[str]) -> None:
    """Raise ValueError unless `value` is one of `choices`."""
    choices = tuple(choices)
    if not isinstance(value, str) or value not in choices:
        raise ValueError(unknown_name(name, value, choices))


def check_count(name: str, value: Any) -> None:
    """Raise ValueError unless `value` is a whole number above zero."""
    is_whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not is_whole or value < 1:
        raise ValueError(f"{name} must be a whole number >= 1. Received: {value!r}.")


def check_non_negative(name: str, value: float, hint: str = "") -> None:
    """Raise ValueError unless `value` is a finite number that is not negative."""
    is_number = isinstance(value, (int, float, np.integer, np.floating))
    if not is_number or isinstance(value, bool) or not 0 <= value < np.inf:
        raise ValueError(
            f"{name} must be a finite number >= 0. Received: {value!r}."
            + (f" {hint}" if hint else "")
        )


def check_positive(name: str, values: object) -> None:
    """Raise ValueError unless `values`, a number or several, are finite and above zero."""
    try:
        numbers = np.asarray(values)
    except (TypeError, ValueError):
        numbers = np.array("")
    # NumPy also compares texts, dates and booleans.
    if numbers.dtype.kind not in "iuf" or not np.all((numbers > 0) & (numbers < np.inf)):
        raise ValueError(f"{name} must be finite and > 0. Received: {values!r}.")


def check_floating(name: str, dtype: object) -> None:
    """Raise TypeError unless `dtype`, of any tensor library, is floating."""
    if "float" not in str(dtype):
        raise TypeError(
            f"{name} must be floating. Received: {dtype}. Try keras.ops.cast(..., 'float32')."
        )


def check_real(name: str, dtype: object, values: object) -> None:
    """Raise TypeError unless `dtype`, of any tensor library, is a type of real numbers."""
    if not any(kind in str(dtype) for kind in ("float", "int", "bool")):
        raise TypeError(
            f"{name} must be real numbers. Received: {dtype} in {reprlib.repr(values)}. Complex "
            "numbers have .real, texts are read by numpy.asarray(..., dtype='float64')."
        )


def real_array(name: str, values: Any) -> np.ndarray:
    """Real numbers as a NumPy array: float32 stays, all others become float64; or TypeError.

    These include `Decimal`, `longdouble` and columns of several kinds of numbers.
    """
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise TypeError(
            f"{name} must be numbers in one shape. Received: {reprlib.repr(values)}."
        ) from error
    if array.dtype == np.float32:
        return array
    if array.dtype == object and all(isinstance(number, (Real, Decimal)) for number in array.flat):
        return array.astype(np.float64)
    check_real(name, array.dtype, values)
    return array.astype(np.float64)
