"""Random joint configurations."""

from __future__ import annotations

import math

import numpy as np

from fkarm._checks import check_choice
from fkarm.errors import RobotError
from fkarm.model import Joint, Robot

# Planar and floating joints have no limits: their positions are sampled this far, m.
FREE_LENGTH = 1.0


def sampling_bounds(robot: Robot) -> tuple[np.ndarray, np.ndarray]:
    """Bounds to sample `q` between: the limits, and one turn for joints that turn endlessly.

    A revolute joint with one limit gets one turn from it; the lengths of planar and floating
    joints, which have no limits, `FREE_LENGTH` either way.

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
        return upper - 2 * math.pi, upper
    start = -math.pi if math.isinf(lower) else lower
    return start, start + 2 * math.pi


def sample_configurations(
    robot: Robot,
    shape: int | tuple[int, ...],
    seed: int | np.random.Generator | None = None,
    dtype: str = "float64",
) -> np.ndarray:
    """Joint configurations, uniform within the limits; endless joints over one turn.

    Positions of planar and floating joints are within 1 m, orientations uniform on SO(3). A
    mimic's own limits bind nothing: it goes where the joint it follows takes it.

    Args:
        robot: The robot.
        shape: How many: a number or a batch shape.
        seed: Seed or generator; the same seed gives the same numbers.
        dtype: `"float64"` or `"float32"`.
    Returns:
        NumPy array, rad or m. Shape `(*shape, dof)`.
    Raises:
        RobotError: If a prismatic joint lacks a limit.
        ValueError: If `shape` holds a negative number or `dtype` is another.
    """
    check_choice("dtype", dtype, ("float32", "float64"))
    batch = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    lower, upper = sampling_bounds(robot)
    if any(size < 0 for size in batch):
        raise ValueError(f"shape must not hold a negative number. Received: {shape}.")
    rng = np.random.default_rng(seed)
    uniform = rng.uniform(lower, upper, size=(*batch, robot.dof))
    for joint in robot.independent_joints:
        if "quaternion" in joint.entries:
            end = robot.coordinates[joint.name].index + len(joint.entries)
            quat = rng.normal(size=(*batch, 4))
            quat /= np.linalg.norm(quat, axis=-1, keepdims=True)
            uniform[..., end - 4 : end] = quat
    return np.clip(uniform.astype(dtype), *inward_bounds(lower, upper, dtype))


def inward_bounds(
    lower: np.ndarray, upper: np.ndarray, dtype: str
) -> tuple[np.ndarray, np.ndarray]:
    """The outermost numbers of `dtype` within float64 bounds: rounding must not cross a limit."""
    low, high = lower.astype(dtype), upper.astype(dtype)
    infinity = low.dtype.type(np.inf)
    low = np.where(low < lower, np.nextafter(low, infinity), low)
    high = np.where(high > upper, np.nextafter(high, -infinity), high)
    return low, high
