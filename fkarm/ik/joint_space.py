"""What the entries of a configuration mean: copies by whole turns, signs of quaternions, distances.

Arrays of NumPy or tensors, `(..., dof)`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import keras
import numpy as np
from keras import ops

from fkarm.model import Robot

TURN = 2.0 * np.pi


@lru_cache(maxsize=256)
def entry_kinds(robot: Robot) -> np.ndarray:
    """`"angle"`, `"length"` or `"quaternion"` for each entry of `q`. Shape `(dof,)`."""
    return np.array([e for joint in robot.independent_joints for e in joint.entries], dtype=str)


@lru_cache(maxsize=256)
def repeats_by_turns(robot: Robot) -> np.ndarray:
    """Whether a whole turn of an entry leaves every link where it is. Shape `(dof,)`.

    It does for angles, unless a joint that mimics them slides or turns by another share.
    """
    bound = {
        robot.coordinates[joint.name].index
        for joint in robot.joints
        if joint.mimic is not None
        and (joint.is_prismatic or robot.coordinates[joint.name].multiplier % 1.0 != 0.0)
    }
    is_free = ~np.isin(np.arange(robot.dof), list(bound))
    return (entry_kinds(robot) == "angle") & is_free


def nearest_copy(robot: Robot, q: Any, near: Any, lower: Any, upper: Any) -> Any:
    """The copy of `q` by whole turns that is nearest to `near`, of those within bounds.

    Entries that are outside their bounds, or whose copies are, stay.
    """
    library = _library(q)
    turns = repeats_by_turns(robot)
    if not turns.any():
        return q
    turns = turns if library is np else ops.convert_to_tensor(turns)
    count = library.round((near - q) / TURN)
    count = library.minimum(count, library.floor((upper - q) / TURN))
    count = library.maximum(count, library.ceil((lower - q) / TURN))
    moves = turns & (count != 0) & (library.abs(count) < 1e6)
    # In float64 where there is one, else a turn's rounding is added to the angle's.
    exact = q.astype("float64") if library is np else q
    copy = exact + TURN * library.where(moves, count, library.zeros_like(q))
    copy = copy.astype(q.dtype) if library is np else ops.cast(copy, q.dtype)
    return library.where(moves & (copy >= lower) & (copy <= upper), copy, q)


def with_unit_quaternions(robot: Robot, q: Any, near: Any) -> Any:
    """`q` with quaternions of length one, their signs those that are nearest to `near`."""
    firsts = _quaternions(robot)
    if not firsts:
        return q
    library, pieces, done = _library(q), [], 0
    for first in firsts:
        quat = q[..., first : first + 4]
        length = library.sqrt(library.sum(quat * quat, axis=-1, keepdims=True))
        is_zero = length == 0.0
        unit = quat / library.where(is_zero, library.ones_like(length), length)
        identity = np.array([1.0, 0.0, 0.0, 0.0], keras.backend.standardize_dtype(q.dtype))
        # PyTorch adds no array of NumPy to a tensor that requires a gradient.
        identity = identity if library is np else ops.convert_to_tensor(identity)
        unit = library.where(is_zero, identity + 0.0 * quat, unit)
        along = library.sum(unit * near[..., first : first + 4], axis=-1, keepdims=True)
        eps = float(np.finfo(keras.backend.standardize_dtype(q.dtype)).eps)
        is_unit = (library.abs(length - 1.0) < 2.0 * eps) & (along >= 0)
        unit = library.where(along < 0, -unit, unit)
        pieces += [q[..., done:first], library.where(is_unit, quat, unit)]
        done = first + 4
    return library.concatenate([*pieces, q[..., done:]], axis=-1)


def difference(robot: Robot, a: Any, b: Any, by_turns: bool = False) -> Any:
    """`a - b` entry by entry, the short way round for joints that turn endlessly.

    Quaternions stand for the same rotation with either sign.

    Args:
        robot: The robot.
        a: Configurations.
        b: Configurations.
        by_turns: Whether a whole turn of a joint with limits makes no difference either.
    """
    library, apart = _library(a), a - b
    short = repeats_by_turns(robot)
    if not by_turns:
        short = short & np.isinf(robot.lower_limits) & np.isinf(robot.upper_limits)
    if short.any():
        turned = apart - TURN * library.round(apart / TURN)
        apart = library.where(short, turned, apart)
    pieces, done = [], 0
    for first in _quaternions(robot):
        part = slice(first, first + 4)
        is_opposite = library.sum(a[..., part] * b[..., part], axis=-1, keepdims=True) < 0
        other = library.where(is_opposite, -b[..., part], b[..., part])
        pieces += [apart[..., done:first], a[..., part] - other]
        done = first + 4
    return library.concatenate([*pieces, apart[..., done:]], axis=-1) if pieces else apart


def _library(q: Any) -> Any:
    return np if isinstance(q, np.ndarray) else ops


def _quaternions(robot: Robot) -> list[int]:
    """Where quaternions begin."""
    return np.flatnonzero(entry_kinds(robot) == "quaternion")[::4].tolist()


def nearest_to_zero(robot: Robot) -> np.ndarray:
    """The value nearest to zero within the limits; the identity for quaternions. `(dof,)`."""
    q = np.clip(0.0, robot.lower_limits, robot.upper_limits)
    for first in _quaternions(robot):
        q[first : first + 4] = [1.0, 0.0, 0.0, 0.0]
    return q
