"""Which eager calls are computed in NumPy, and how."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from fkarm import config
from fkarm._types import Tensor

# Eager calls with fewer rows are computed in NumPy. On two cores 1,000 poses of the Panda take as
# long by NumPy as by compiled code, which has to be compiled first (`benchmarks.small`).
FEW_ROWS = 1024
# How many stages of each maker stay in memory.
STAGES_KEPT = 512

# Takes tensors with equal leading batch axes; returns one such tensor or a list of them.
Function = Callable[..., Any]
# For each input, the number of its axes after the batch axes; None: all rows share it.
Ranks = tuple[int | None, ...]
# Of a cotangent of the value, to those of the inputs.
PullBack = Callable[[np.ndarray], list[np.ndarray]]
# A function of few rows, on arrays of float64 with one batch axis: to the value and its pull-back,
# or None where derivatives run operation by operation.
InNumpy = Callable[..., tuple[np.ndarray, PullBack | None]]


def are_few(rows: int, limit: int = FEW_ROWS) -> bool:
    """Whether an eager call with this number of rows is computed in NumPy."""
    mode = config.compilation_mode()
    return mode == "eager" or (mode == "auto" and rows < limit)


def rows_of(shape: Sequence[int], rank: int | None) -> int:
    """Number of rows of an input of known shape with `rank` axes after the batch axes."""
    return math.prod(shape[: len(shape) - (rank or 0)])


def by_numpy(
    function: InNumpy, arrays: Sequence[np.ndarray], ranks: Ranks
) -> tuple[np.ndarray, PullBack | None]:
    """Call a function of few rows on arrays with any batch axes; in the dtype of the first one."""
    batch, flat = _flat(arrays, ranks)
    with np.errstate(all="ignore"):  # NaN and infinity are data
        value, pull = function(*flat)
        output = _shaped(value, batch, arrays[0].dtype)
    if pull is None:
        return output, None

    def pull_back(bar: np.ndarray) -> list[np.ndarray]:
        with np.errstate(all="ignore"):
            cotangents = pull(bar.reshape(value.shape).astype(np.float64))
            return [_shaped(each, batch, arrays[0].dtype) for each in cotangents]

    return output, pull_back


def _flat(arrays: Sequence[np.ndarray], ranks: Ranks) -> tuple[tuple[int, ...], list[np.ndarray]]:
    """The batch axes, and the arrays in float64 with one batch axis."""
    batch = arrays[0].shape[: arrays[0].ndim - (ranks[0] or 0)]
    if len(batch) != 1:
        rows = math.prod(batch)
        arrays = [
            x if rank is None else x.reshape((rows, *x.shape[x.ndim - rank :]))
            for x, rank in zip(arrays, ranks, strict=True)
        ]
    return batch, [x.astype(np.float64) for x in arrays]


def _shaped(output: np.ndarray, batch: tuple[int, ...], dtype: Any) -> np.ndarray:
    output = output.astype(dtype)
    return output if len(batch) == 1 else output.reshape((*batch, *output.shape[1:]))


def is_symbolic(inputs: tuple[Tensor, ...]) -> bool:
    """Whether Keras infers shapes with one of the inputs."""
    return any([isinstance(x, keras.KerasTensor) for x in inputs])


def with_data(function: Function, data: tuple[np.ndarray, ...]) -> Function:
    """`function` of its inputs and of `data`, which are constants where it is traced."""
    return (lambda *inputs: function(*inputs, *data)) if data else function


def once(maker: Function, kept: int = STAGES_KEPT) -> Function:
    """A maker of stages that is called once for equal arguments, until `fkarm.config.clear`."""
    return config.cached(kept)(maker)
