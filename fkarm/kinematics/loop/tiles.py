"""Rows in tiles: what a loop over nodes writes and reads again stays in the cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from keras import ops

from fkarm._types import Tensor
from fkarm.kinematics.stage import is_traced_for_cpu

# With 2,000 rows the frames of a humanoid take 4 MB. Fewer rows in a tile mean more iterations.
MOST_ROWS = 2000


def in_tiles(
    function: Callable[..., Tensor], ranks: Sequence[int], shape: Sequence[int]
) -> Callable[..., Tensor]:
    """A function that calls `function` for some rows at a time where XLA compiles for a CPU.

    Args:
        function: Of tensors with batch axes, then of arrays that all rows share.
        ranks: For each of these tensors, the number of its axes after the batch axes.
        shape: Sizes of the axes of the value after the batch axes.
    """

    def call(*arguments: Tensor) -> Tensor:
        if not is_traced_for_cpu():
            return function(*arguments)
        inputs, arrays = arguments[: len(ranks)], arguments[len(ranks) :]
        batch = ops.shape(inputs[0])[: len(inputs[0].shape) - ranks[0]]
        flat = [
            ops.reshape(x, (-1, *x.shape[len(x.shape) - rank :]))
            for x, rank in zip(inputs, ranks, strict=True)
        ]
        rows = ops.shape(flat[0])[0]
        tiles = -(-rows // MOST_ROWS)
        # An odd multiple of 16: in arrays of 1,024 rows the same row of all entries would compete
        # for one place in the cache.
        size = ops.minimum(32 * -(-rows // ops.maximum(32 * tiles, 1)) + 16, rows)

        def step(k: Tensor, values: Tensor) -> Tensor:
            first = ops.minimum(k * size, rows - size)  # the last tile overlaps the one before it
            tile = [_rows(x, first, size) for x in flat]
            start = (first, *[0] * len(shape))
            return ops.slice_update(values, start, function(*tile, *arrays))

        values = ops.zeros((rows, *shape), inputs[0].dtype)
        return ops.reshape(ops.fori_loop(0, tiles, step, values), (*batch, *shape))

    return call


def _rows(x: Tensor, first: Any, size: Any) -> Tensor:
    return ops.slice(x, (first, *[0] * (len(x.shape) - 1)), (size, *x.shape[1:]))
