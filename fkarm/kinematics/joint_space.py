"""What the entries of a configuration mean: ranges and limits, whole turns, signs of quaternions.

Functions of `q` take NumPy arrays or tensors, `(..., dof)`, and return the same kind. Those that
return bounds or one number per entry return NumPy arrays, `(dof,)`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import keras
import numpy as np
from keras import ops

from fkarm.config import cached
from fkarm.errors import RobotError
from fkarm.geometry import native
from fkarm.model import Joint, Robot

TURN = 2.0 * math.pi
# Planar and floating joints have no limits: their positions are sampled this far from zero, m.
FREE_LENGTH = 1.0
# Share of a joint's range that counts as near a limit.
NEAR = 0.02


@cached(256)
def entry_kinds(robot: Robot) -> np.ndarray:
    """`"angle"`, `"length"` or `"quaternion"` for each entry of `q`. Shape `(dof,)`."""
    return np.array(robot.entries, dtype=str)


# ---- ranges and limits


def sampling_bounds(robot: Robot) -> tuple[np.ndarray, np.ndarray]:
    """Bounds to sample `q` between: the limits, and one turn for joints that turn endlessly.

    A revolute joint with one limit ranges over one turn from it. The lengths of planar and
    floating joints, which have no limits, range over `FREE_LENGTH` to either side of zero.

    Returns:
        Lower and upper bounds, rad or m. Float64, shape `(dof,)` each.
    Raises:
        RobotError: If a prismatic joint lacks a limit: there is no range to take.
    """
    bounds = [
        _finite_bounds(joint, entry, lower, upper)
        for joint in robot.independent_joints
        for entry, (lower, upper) in zip(joint.entries, joint.bounds, strict=True)
    ]
    lower, upper = np.array(bounds, dtype=np.float64).reshape(-1, 2).T
    return lower, upper


def _finite_bounds(joint: Joint, entry: str, lower: float, upper: float) -> tuple[float, float]:
    if math.isfinite(lower) and math.isfinite(upper):
        return lower, upper
    if joint.is_prismatic:
        raise RobotError(
            f"Sampling needs both limits of the prismatic joint {joint.name!r}. Received: "
            f"lower={lower}, upper={upper}. Set them, or fix it: with_fixed_joints."
        )
    if entry == "length":
        return -FREE_LENGTH, FREE_LENGTH
    if math.isfinite(upper):
        return upper - TURN, upper
    start = -math.pi if math.isinf(lower) else lower
    return start, start + TURN


def representable_bounds(
    lower: np.ndarray, upper: np.ndarray, dtype: str
) -> tuple[np.ndarray, np.ndarray]:
    """The outermost numbers of `dtype` within float64 bounds: rounding must not cross a limit."""
    low, high = lower.astype(dtype), upper.astype(dtype)
    infinity = low.dtype.type(np.inf)
    low = np.where(low < lower, np.nextafter(low, infinity), low)
    high = np.where(high > upper, np.nextafter(high, -infinity), high)
    return low, high


def has_two_limits(robot: Robot) -> np.ndarray:
    """Whether an entry of `q` has a lower and an upper limit; no quaternion has. Shape `(dof,)`."""
    is_finite = np.isfinite(robot.lower_limits) & np.isfinite(robot.upper_limits)
    return is_finite & (entry_kinds(robot) != "quaternion")


def near_limit(lower: Any, upper: Any, depth: Any, side: Any) -> Any:
    """Values within 2 % of a range from one of its ends.

    Arithmetic alone, of NumPy arrays or tensors whose shapes broadcast.

    Args:
        lower: Lower ends of the ranges.
        upper: Upper ends.
        depth: Random numbers, uniform in 0..1: 0 is the end itself, 1 is 2 % of the range from it.
        side: 0 for the lower end, 1 for the upper one.
    """
    share = side + (1 - 2 * side) * (NEAR * depth)
    return lower + (upper - lower) * share


def without_wide_limits(robot: Robot) -> Robot:
    """The robot without those limits that leave a joint a whole turn, from -pi to pi.

    One turn of such a joint reaches all that it can reach. Joints that mimic others, and those
    that others mimic, keep their limits: a turn of theirs moves the other joint elsewhere.
    """
    followed = {joint.mimic.joint for joint in robot.joints if joint.mimic}
    joints = [
        replace(joint, lower=-math.inf, upper=math.inf)
        if joint.entries == ("angle",)
        and joint.lower <= -math.pi
        and joint.upper >= math.pi
        and joint.mimic is None
        and joint.name not in followed
        else joint
        for joint in robot.joints
    ]
    return replace(robot, joints=tuple(joints))


def nearest_to_zero(robot: Robot) -> np.ndarray:
    """The value nearest to zero within the limits; the identity for quaternions. `(dof,)`."""
    q = np.clip(0.0, robot.lower_limits, robot.upper_limits)
    for first in robot.quaternions:
        q[first : first + 4] = [1.0, 0.0, 0.0, 0.0]
    return q


# ---- whole turns and quaternions


@cached(256)
def repeats_by_turns(robot: Robot) -> np.ndarray:
    """Whether a whole turn of an entry leaves every link where it is. Shape `(dof,)`.

    It does for angles, unless a joint that mimics them slides, or turns by a multiple of them that
    is no whole number.
    """
    bound = {
        robot.coordinates[joint.name].index
        for joint in robot.joints
        if joint.mimic is not None
        and (joint.is_prismatic or robot.coordinates[joint.name].multiplier % 1.0 != 0.0)
    }
    is_free = ~np.isin(np.arange(robot.dof), list(bound))
    return (entry_kinds(robot) == "angle") & is_free


def whole_turns(angle: Any, near: Any, lower: Any, upper: Any) -> Any:
    """How many whole turns bring an angle nearest to a value, of those that keep it within bounds.

    The value and the bounds are floats or arrays; where no copy is within the bounds, the number
    brings none there.
    """
    library, typed = (np, np) if isinstance(angle, np.ndarray) else (ops, native)
    count = library.round((near - angle) / TURN)
    count = typed.minimum(count, library.floor((upper - angle) / TURN))
    return typed.maximum(count, library.ceil((lower - angle) / TURN))


def nearest_copy(robot: Robot, q: Any, near: Any, lower: Any, upper: Any) -> Any:
    """The copy of `q` by whole turns that is nearest to `near`, of the copies within bounds.

    An entry keeps its value where no copy of it is within its bounds.
    """
    library = _library(q)
    turns = repeats_by_turns(robot)
    if not turns.any():
        return q
    turns = turns if library is np else ops.convert_to_tensor(turns)
    count = whole_turns(q, near, lower, upper)
    moves = turns & (count != 0) & (library.abs(count) < 1e6)
    if library is np and not moves.any():
        return q
    # In float64 where there is one: else the rounding of a turn adds to that of the angle.
    exact = q.astype("float64") if library is np else q
    copy = exact + TURN * library.where(moves, count, library.zeros_like(q))
    copy = copy.astype(q.dtype) if library is np else ops.cast(copy, q.dtype)
    return library.where(moves & (copy >= lower) & (copy <= upper), copy, q)


def with_unit_quaternions(robot: Robot, q: Any, near: Any) -> Any:
    """`q` with its quaternions at length one, with the sign that is nearest to `near`.

    The zero quaternion, which does not turn, becomes the identity.
    """
    if not robot.turns_freely:
        return q
    library, pieces, end = _library(q), [], 0
    for first in robot.quaternions:
        quat = q[..., first : first + 4]  # (..., 4)
        length = library.sqrt(library.sum(quat * quat, axis=-1, keepdims=True))  # (..., 1)
        is_zero = length == 0.0
        unit = quat / library.where(is_zero, library.ones_like(length), length)
        w = library.ones_like(quat[..., :1])
        identity = library.concatenate([w, library.zeros_like(quat[..., 1:])], axis=-1)
        unit = library.where(is_zero, identity, unit)
        cosine = library.sum(unit * near[..., first : first + 4], axis=-1, keepdims=True)
        eps = float(np.finfo(keras.backend.standardize_dtype(q.dtype)).eps)
        # What is of length one but for rounding keeps its bits.
        is_unit = (library.abs(length - 1.0) < 2.0 * eps) & (cosine >= 0)
        unit = library.where(cosine < 0, -unit, unit)
        pieces += [q[..., end:first], library.where(is_unit, quat, unit)]
        end = first + 4
    return library.concatenate([*pieces, q[..., end:]], axis=-1)


def difference(robot: Robot, a: Any, b: Any, by_turns: bool = False) -> Any:
    """`a - b` entry by entry, the short way round for joints that turn endlessly.

    Either sign of a quaternion stands for the same rotation: the nearer one is taken.

    Args:
        robot: The robot.
        a: Configurations.
        b: Configurations.
        by_turns: Whether a whole turn of a joint with limits makes no difference either.
    """
    library, plain = _library(a), a - b
    short = repeats_by_turns(robot)
    if not by_turns:
        short = short & np.isinf(robot.lower_limits) & np.isinf(robot.upper_limits)
    if short.any():
        turned = plain - TURN * library.round(plain / TURN)
        plain = library.where(short, turned, plain)
    pieces, end = [], 0
    for first in robot.quaternions:
        quat_a, quat_b = a[..., first : first + 4], b[..., first : first + 4]  # (..., 4)
        is_opposite = library.sum(quat_a * quat_b, axis=-1, keepdims=True) < 0
        nearer = library.where(is_opposite, -quat_b, quat_b)
        pieces += [plain[..., end:first], quat_a - nearer]
        end = first + 4
    return library.concatenate([*pieces, plain[..., end:]], axis=-1) if pieces else plain


def _library(q: Any) -> Any:
    return np if isinstance(q, np.ndarray) else ops
