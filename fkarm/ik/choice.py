"""Which of several candidates is the answer.

Solutions come before misses. Of solutions the nearest to what is preferred is chosen, and so it is
of the misses whose error is within a margin of the least: rounding and tremor do not choose.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from fkarm._types import Tensor
from fkarm.kinematics.joint_space import difference
from fkarm.model import Robot

# Margin of misses that are equally near where nothing else is asked for: some units of rounding, m.
ROUNDING_MARGIN = {"float32": 5e-6, "float64": 1e-9}


def order(ratio: Any, error: Any, distance: Any, margin: float) -> Any:
    """Numbers of candidates, the least of which is that of the answer.

    Args:
        ratio: Largest squared ratio of an error to its tolerance. Shape `(n, count)`, as all.
        error: Weighted error, m.
        distance: From what is preferred, any unit, not negative.
        margin: How much worse than the least a miss may be, m.
    Returns:
        Between 0 and 1 for solutions, 1 and 2 for misses within the margin, above for the others.
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
    """`order` of candidates `(n, count, dof)` with what a search says of them.

    Args:
        robot: The robot.
        q: Candidates.
        outcome: Of `fkarm.ik.descent`. Shape `(n, count, 4)`.
        first: What decides without a reference: the order of the starts. Shape `(n, count)`.
        reference: What they are to be near to, or None. Shape `(n, dof)`.
        margin: How much worse than the least a miss may be, m.
    """
    library = np if isinstance(q, np.ndarray) else ops
    if reference is not None:
        apart = difference(robot, q, reference[:, None])
        first = library.sqrt(library.sum(apart * apart, axis=-1))
    return order(outcome[..., 1], library.sqrt(outcome[..., 0]), first, margin)


def best_of(key: Tensor, count: int, *fields: Tensor) -> list[Tensor]:
    """Of tensors `(n, all, ...)` those where `key (n, all)` is least. `(n, count, ...)` each."""
    # Not take_along_axis: ONNX and LiteRT have no counterpart.
    _, places = ops.top_k(-key, count)
    is_chosen = (ops.arange(key.shape[1], dtype=places.dtype) == places[..., None])[..., None]
    return [
        ops.sum(ops.where(is_chosen, each[:, None], ops.zeros_like(each[:, None])), axis=2)
        for each in fields
    ]
