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
        tiles = _Tiles(inputs, ranks)

        def step(k: Tensor, values: Tensor) -> Tensor:
            start = (tiles.first(k), *[0] * len(shape))
            return ops.slice_update(values, start, function(*tiles.of(k), *arrays))

        values = ops.zeros((tiles.rows, *shape), inputs[0].dtype)
        values = ops.fori_loop(0, tiles.count, step, values)
        return ops.reshape(values, (*tiles.batch, *shape))

    return call


def sums_in_tiles(
    function: Callable[..., tuple[Tensor, list[Tensor]]], ranks: Sequence[int], size: int
) -> Callable[..., tuple[Tensor, list[Tensor]]]:
    """The same for a function with two values: one by row, and arrays that are summed over rows.

    Args:
        function: As that of `in_tiles`; to a tensor `(rows, size)` and some tensors
            `(..., rows)`, where `rows` are all rows of a tile.
        ranks: As in `in_tiles`.
        size: Size of the last axis of the first value.
    Returns:
        A function to the first value, and the sums `(..., 1)`.
    """

    def call(*arguments: Tensor) -> tuple[Tensor, list[Tensor]]:
        inputs, arrays = arguments[: len(ranks)], arguments[len(ranks) :]
        tiles = _Tiles(inputs, ranks)
        if not is_traced_for_cpu():
            values, summed = function(*tiles.flat, *arrays)
        else:
            empty = [ops.zeros_like(x) for x in function(*tiles.of(0), *arrays)[1]]

            def step(k: Tensor, now: Sequence[Tensor]) -> tuple[Tensor, ...]:
                values, summed = function(*tiles.of(k), *arrays)
                is_new = tiles.is_new(k)
                own = (ops.where(is_new, x, 0.0) for x in summed)
                # TensorFlow does not know the size of a tile.
                pairs = [
                    (x, ops.reshape(y, ops.shape(x))) for x, y in zip(now[1:], own, strict=True)
                ]
                return (
                    ops.slice_update(now[0], (tiles.first(k), 0), values),
                    *(x + y for x, y in pairs),
                )

            start = (ops.zeros((tiles.rows, size), inputs[0].dtype), *empty)
            values, *summed = ops.fori_loop(0, tiles.count, step, start)
        sums = [ops.sum(x, axis=-1, keepdims=True) for x in summed]
        return ops.reshape(values, (*tiles.batch, size)), sums

    return call


class _Tiles:
    """The rows of tensors, some at a time."""

    def __init__(self, inputs: Sequence[Tensor], ranks: Sequence[int]) -> None:
        self.batch = ops.shape(inputs[0])[: len(inputs[0].shape) - ranks[0]]
        self.flat = [
            ops.reshape(x, (-1, *x.shape[len(x.shape) - rank :]))
            for x, rank in zip(inputs, ranks, strict=True)
        ]
        self.rows = ops.shape(self.flat[0])[0]
        self.count = -(-self.rows // MOST_ROWS)
        # An odd multiple of 16: in arrays of 1,024 rows the same row of all entries would compete
        # for one place in the cache.
        even = 32 * -(-self.rows // ops.maximum(32 * self.count, 1)) + 16
        self.size = ops.minimum(even, self.rows)

    def first(self, k: Any) -> Any:
        """The first row of tile `k`; the last tile overlaps the one before it."""
        return ops.minimum(k * self.size, self.rows - self.size)

    def of(self, k: Any) -> list[Tensor]:
        """The tensors' rows of a tile."""
        first = self.first(k)
        return [
            ops.slice(x, (first, *[0] * (len(x.shape) - 1)), (self.size, *x.shape[1:]))
            for x in self.flat
        ]

    def is_new(self, k: Any) -> Tensor:
        """Which rows of a tile no tile before it has."""
        return self.first(k) + ops.arange(self.size) >= k * self.size
