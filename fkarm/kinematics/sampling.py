"""Random joint configurations."""

from __future__ import annotations

import numpy as np

from fkarm._checks import check_choice
from fkarm.kinematics.joint_space import representable_bounds, sampling_bounds
from fkarm.model import Robot


def sample_configurations(
    robot: Robot,
    shape: int | tuple[int, ...],
    seed: int | np.random.Generator | None = None,
    dtype: str = "float64",
) -> np.ndarray:
    """Joint configurations, uniform within the limits; endless joints over one turn.

    Positions of planar and floating joints are within 1 m, orientations uniform on SO(3). A
    mimic's own limits bind nothing: it follows its joint past them.

    Args:
        robot: The robot.
        shape: How many: a number or a batch shape.
        seed: Seed or generator; the same seed gives the same numbers.
        dtype: `"float64"` or `"float32"`.
    Returns:
        NumPy array, rad or m. Shape `(*shape, dof)`.
    Raises:
        RobotError: If a prismatic joint lacks a limit.
        ValueError: If `shape` holds a negative number, or `dtype` is neither of the two.
    """
    check_choice("dtype", dtype, ("float32", "float64"))
    batch = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    lower, upper = sampling_bounds(robot)
    if any(size < 0 for size in batch):
        raise ValueError(f"shape must not hold a negative number. Received: {shape}.")
    rng = np.random.default_rng(seed)
    q = rng.uniform(lower, upper, size=(*batch, robot.dof))
    for first in robot.quaternions:
        # Uniform on SO(3): the direction of a normal vector is uniform on the sphere.
        quat = rng.normal(size=(*batch, 4))
        quat /= np.linalg.norm(quat, axis=-1, keepdims=True)
        q[..., first : first + 4] = quat
    return np.clip(q.astype(dtype), *representable_bounds(lower, upper, dtype))
