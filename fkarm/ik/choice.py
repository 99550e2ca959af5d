"""The choice of the answer among several candidates.

Solutions come before misses. Among solutions the nearest to the preferred configuration is chosen.
The same holds for misses whose error is within a margin of the smallest, so that neither rounding
nor small changes of the target decide.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from fkarm._types import Tensor
from fkarm.kinematics.joint_space import difference
from fkarm.model import Robot

# Misses with errors this close are equally good without q_ref: some units of rounding, m.
ROUNDING_MARGIN = {"float32": 5e-6, "float64": 1e-9}


def order(ratio: Any, error: Any, distance: Any, margin: float) -> Any:
    """A rank per candidate; the answer has the smallest.

    Args:
        ratio: Largest squared ratio of an error to its tolerance. Shape `(n, count)`, as of all
            arguments.
        error: Weighted error, m.
        distance: Distance from the preferred configuration in any unit, >= 0.
        margin: How much larger than the smallest error that of an equally good miss may be, m.
    Returns:
        From 0 to 1 for solutions, from 1 to 2 for misses within the margin, above 2 for others.
    """
    library = np if isinstance(ratio, np.ndarray) else ops
    least = library.min(error, axis=1, keepdims=True)
    nearness = distance / (1.0 + distance)
    is_near = error <= least + margin
    missed = library.where(is_near, 1.0 + nearness, 2.0 + error)
    return library.where(ratio <= 1.0, nearness, missed)


def nearest_of(
    robot: Robot, q: Any, outcome: Any, first: Any, reference: Any, margin: float
) -> Any:
    """`order` of candidates `(n, count, dof)` with the outcome of their descents.

    Args:
        robot: The robot.
        q: Candidates.
        outcome: Outcome of `fkarm.ik.descent`. Shape `(n, count, 4)`.
        first: Order of the starts, which decides without a reference. Shape `(n, count)`.
        reference: Preferred configurations, or None. Shape `(n, dof)`.
        margin: How much larger than the smallest error that of an equally good miss may be, m.
    """
    library = np if isinstance(q, np.ndarray) else ops
    if reference is not None:
        apart = difference(robot, q, reference[:, None])
        first = library.sqrt(library.sum(apart * apart, axis=-1))
    return order(outcome[..., 1], library.sqrt(outcome[..., 0]), first, margin)


def best_of(key: Tensor, count: int, *fields: Tensor) -> list[Tensor]:
    """The `count` rows of tensors `(n, all, ...)` with the smallest `key (n, all)`."""
    # take_along_axis has no counterpart in ONNX and LiteRT.
    _, places = ops.top_k(-key, count)
    is_chosen = (ops.arange(key.shape[1], dtype=places.dtype) == places[..., None])[..., None]
    return [
        ops.sum(ops.where(is_chosen, each[:, None], ops.zeros_like(each[:, None])), axis=2)
        for each in fields
    ]
