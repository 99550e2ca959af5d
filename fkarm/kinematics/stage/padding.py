"""Batches of any size for the few sizes that TensorFlow stages are compiled for."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from fkarm._types import Tensor
from fkarm.kinematics.stage.few_rows import Function, Ranks

# Sizes that stages are compiled for: eight per octave, so that at most an eighth is padding.
STAGE_ROWS = [(128 << octave) * eighths // 8 for octave in range(23) for eighths in range(8, 16)]


def rows_of_batch(x: Tensor, rank: int | None) -> Any:
    """Number of rows of a tensor with `rank` axes after the batch axes, None if it is unknown."""
    return batch_of(x, rank).num_elements()


def batch_of(x: Tensor, rank: int | None) -> Any:
    """The sizes of the batch axes."""
    return x.shape[: x.shape.rank - (rank or 0)]


def in_rows(
    concrete: Function, inputs: tuple[Tensor, ...], ranks: Ranks, has_rows: Sequence[bool] = ()
) -> Any:
    """Call a stage with one batch axis, of a size that it is compiled for.

    `has_rows` tells which of several outputs have the batch axis; empty: all of them.
    """
    batch = batch_of(inputs[0], ranks[0])
    rows, is_flat = rows_of_batch(inputs[0], ranks[0]), batch.rank == 1
    count = room = rows
    flat = list(inputs)
    if not is_flat:
        flat = [
            x if rank is None else tf.reshape(x, [-1, *x.shape[x.shape.rank - rank :]])
            for x, rank in zip(inputs, ranks, strict=True)
        ]
    if tf.executing_eagerly() or rows is None:
        count = tf.shape(flat[0])[0] if rows is None else rows
        room = _stage_rows(count)
    is_padded = rows is None or room != rows
    if is_padded:
        # Much faster than tf.pad, which handles every axis.
        flat = [
            x
            if rank is None
            else tf.concat([x, tf.zeros([room - count, *x.shape[1:]], x.dtype)], 0)
            for x, rank in zip(flat, ranks, strict=True)
        ]
    signature = [
        tf.TensorSpec(x.shape if rank is None else [None, *x.shape[1:]], x.dtype)
        for x, rank in zip(flat, ranks, strict=True)
    ]
    dynamic = None if is_flat else tf.shape(inputs[0])[: batch.rank]

    def restored(output: Tensor) -> Tensor:
        core = output.shape[1:]
        if is_padded:
            output = output[:count]
        if dynamic is not None:
            output = tf.reshape(output, tf.concat([dynamic, core], axis=0))
        if not tf.executing_eagerly():
            output.set_shape([*batch, *core])
        return output

    outputs = concrete(*signature)(*flat)
    if has_rows:
        pairs = zip(has_rows, outputs, strict=True)
        return [restored(x) if by_row else x for by_row, x in pairs]
    return tf.nest.map_structure(restored, outputs)


def _stage_rows(count: Any) -> Any:
    if isinstance(count, int):
        return STAGE_ROWS[bisect_left(STAGE_ROWS, count)]
    return tf.gather(STAGE_ROWS, tf.searchsorted(STAGE_ROWS, count[None])[0])
