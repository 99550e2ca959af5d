"""Random joint configurations."""

from __future__ import annotations

import math

import numpy as np

from fkarm.errors import RobotError
from fkarm.model import Robot


def sampling_bounds(robot: Robot) -> tuple[np.ndarray, np.ndarray]:
    """Bounds to sample `q` between: the limits, and one turn for joints that turn endlessly.

    A revolute joint with one limit gets one turn from it.

    Returns:
        Lower and upper bounds, rad or m. Float64, shape `(dof,)` each.
    Raises:
        RobotError: If a prismatic joint lacks a limit: there is no range to take.
    """
    lower, upper = robot.lower_limits, robot.upper_limits
    for i, joint in enumerate(robot.independent_joints):
        if math.isfinite(lower[i]) and math.isfinite(upper[i]):
            continue
        if joint.is_prismatic:
            raise RobotError(
                f"Sampling needs both limits of the prismatic joint {joint.name!r}. Received: "
                f"lower={lower[i]}, upper={upper[i]}. Set them, or fix it: with_fixed_joints."
            )
        if math.isfinite(upper[i]):
            lower[i] = upper[i] - 2 * math.pi
        else:
            lower[i] = -math.pi if math.isinf(lower[i]) else lower[i]
            upper[i] = lower[i] + 2 * math.pi
    return lower, upper


def sample_configurations(
    robot: Robot,
    shape: int | tuple[int, ...],
    seed: int | np.random.Generator | None = None,
    dtype: str = "float64",
) -> np.ndarray:
    """Joint configurations, uniform within the limits; endless joints over one turn.

    Args:
        robot: The robot.
        shape: How many: a number or a batch shape.
        seed: Seed or generator; the same seed gives the same numbers.
        dtype: `"float64"` or `"float32"`.
    Returns:
        NumPy array, rad or m. Shape `(*shape, dof)`.
    Raises:
        RobotError: If a prismatic joint lacks a limit.
        ValueError: If `shape` holds a negative number.
    """
    batch = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    lower, upper = sampling_bounds(robot)
    if any(size < 0 for size in batch):
        raise ValueError(f"shape must not hold a negative number. Received: {shape}.")
    uniform = np.random.default_rng(seed).uniform(lower, upper, size=(*batch, robot.dof))
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
