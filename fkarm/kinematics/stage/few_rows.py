"""Which eager calls are computed in NumPy, and how."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from fkarm import config
from fkarm._types import Tensor

# Eager calls with fewer rows are computed in NumPy. On two cores a compiled Panda is faster from
# 300 rows on, but compiling it takes as long as 1,000 such calls.
FEW_ROWS = 1024
# How many stages of each maker stay in memory.
STAGES_KEPT = 512

# Takes tensors with equal leading batch axes; returns one such tensor or a list of them.
Function = Callable[..., Any]
# For each input, the number of its axes after the batch axes; None: all rows share it.
Ranks = tuple[int | None, ...]


class InNumpy(NamedTuple):
    """A function of few rows, on arrays of float64 with one batch axis."""

    value: Callable[..., Any]  # of the inputs, to an array or a list of them
    # Of the inputs and a cotangent of the value, to the inputs' cotangents; None: by operations.
    pull_back: Any = None


def are_few(rows: int, limit: int = FEW_ROWS) -> bool:
    """Whether an eager call with this number of rows is computed in NumPy."""
    mode = config.compilation_mode()
    return mode == "eager" or (mode == "auto" and rows < limit)


def by_numpy(
    function: Callable[..., Any],
    arrays: Sequence[np.ndarray],
    ranks: Ranks,
    dtype: Any,
) -> Any:
    """Call a function of NumPy on arrays with any batch axes.

    Returns:
        Its array or arrays in `dtype`, with the batch axes of the first one of `arrays`.
    """
    first, rank = arrays[0], ranks[0] or 0
    batch = first.shape[: first.ndim - rank]
    rows = int(np.prod(batch))
    flat = [
        array.astype(np.float64)
        if rank is None
        else array.reshape((rows, *array.shape[array.ndim - rank :])).astype(np.float64)
        for array, rank in zip(arrays, ranks, strict=True)
    ]
    with np.errstate(all="ignore"):  # NaN and infinity are data
        outputs = function(*flat)
        is_one = isinstance(outputs, np.ndarray)
        outputs = [
            output.astype(dtype).reshape((*batch, *output.shape[1:]))
            for output in ([outputs] if is_one else outputs)
        ]
    return outputs[0] if is_one else outputs


def is_symbolic(inputs: tuple[Tensor, ...]) -> bool:
    """Whether Keras infers shapes with one of the inputs."""
    return any(isinstance(x, keras.KerasTensor) for x in inputs)


def once(maker: Function) -> Function:
    """A maker of stages that is called once for equal arguments, until `fkarm.config.clear`."""
    return config.cached(STAGES_KEPT)(maker)
