"""Arithmetic on the entries of vectors and frames, which drops what is constant.

An entry is a Python float while it is constant, else a tensor of the batch shape. Sums with 0 and
products with 0 and +-1, which most of those of a real arm are, emit no operation. `add`, `sub` and
`mul` take entries, `vec_add`, `vec_sub` and `vec_scale` vectors of three of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from keras import ops

from fkarm._types import Tensor

Entry = float | Tensor
Vector = tuple[Entry, Entry, Entry]

ZERO: Vector = (0.0, 0.0, 0.0)


class Frame(NamedTuple):
    """Axes (the columns of a rotation) and origin; or a change or a cotangent of these."""

    axes: tuple[Vector, Vector, Vector]
    origin: Vector


def add(a: Entry, b: Entry) -> Entry:
    """Sum of two entries."""
    if isinstance(a, float) and isinstance(b, float):
        return a + b
    if isinstance(a, float) and a == 0.0:
        return b
    if isinstance(b, float) and b == 0.0:
        return a
    return a + b


def mul(a: Entry, b: Entry) -> Entry:
    """Product of two entries."""
    if isinstance(b, float):
        a, b = b, a
    if isinstance(a, float):
        if isinstance(b, float):
            return a * b
        if a == 0.0:
            return 0.0
        if a == 1.0:
            return b
        if a == -1.0:
            return -b
    return a * b


def sub(a: Entry, b: Entry) -> Entry:
    """Difference of two entries."""
    if isinstance(a, float) or isinstance(b, float):
        return add(a, mul(-1.0, b))
    return a - b


def dot(a: Vector, b: Vector) -> Entry:
    """Scalar product of two vectors."""
    return add(add(mul(a[0], b[0]), mul(a[1], b[1])), mul(a[2], b[2]))


def cross(a: Vector, b: Vector) -> Vector:
    """Cross product of two vectors."""
    return (
        sub(mul(a[1], b[2]), mul(a[2], b[1])),
        sub(mul(a[2], b[0]), mul(a[0], b[2])),
        sub(mul(a[0], b[1]), mul(a[1], b[0])),
    )


def vec_add(a: Vector, b: Vector) -> Vector:
    """Sum of two vectors."""
    return add(a[0], b[0]), add(a[1], b[1]), add(a[2], b[2])


def vec_sub(a: Vector, b: Vector) -> Vector:
    """Difference of two vectors."""
    return sub(a[0], b[0]), sub(a[1], b[1]), sub(a[2], b[2])


def vec_scale(factor: Entry, a: Vector) -> Vector:
    """Multiple of a vector."""
    return mul(factor, a[0]), mul(factor, a[1]), mul(factor, a[2])


def combine(vectors: Sequence[Vector], weights: Sequence[Entry]) -> Vector:
    """Sum of vectors times weights."""
    total = ZERO
    for vector, weight in zip(vectors, weights, strict=True):
        total = vec_add(total, vec_scale(weight, vector))
    return total


def unstack_entries(x: Tensor) -> list[Tensor]:
    """The entries of the last axis, from an array with the batch innermost."""
    return list(ops.unstack(entries_first(x), x.shape[-1], axis=0)) if x.shape[-1] else []


def entries_first(x: Tensor) -> Tensor:
    """The last axis moved to the front."""
    # Not moveaxis, for which torch.func has no rule.
    last = len(x.shape) - 1
    return ops.transpose(x, (last, *range(last)))


def entries_last(x: Tensor) -> Tensor:
    """The first axis moved to the end."""
    return ops.transpose(x, (*range(1, len(x.shape)), 0))


def stack_entries(entries: Sequence[Entry], like: Tensor, axes: tuple[int, ...] = ()) -> Tensor:
    """Entries as the last axes of a tensor with the batch axes (all but the last) of `like`.

    Args:
        entries: As many as `axes` holds.
        like: Gives batch axes and dtype. Shape `(..., n)`.
        axes: Sizes of the last axes; `()`: one axis of as many entries as there are.
    Returns:
        Shape `(..., *axes)`.
    """
    if not entries:
        return ops.zeros((*ops.shape(like)[:-1], *axes), dtype=like.dtype)
    zeros = ops.zeros_like(like[..., 0] if like.shape[-1] else ops.sum(like, axis=-1))
    constants = {entry: zeros + entry for entry in entries if isinstance(entry, float)}
    arrays = [constants[entry] if isinstance(entry, float) else entry for entry in entries]
    return split_last_axis(stack_last(arrays), axes) if axes else stack_last(arrays)


def stack_last(arrays: Sequence[Tensor]) -> Tensor:
    """Tensors of one shape along a new last axis.

    Stacking whole arrays and moving the axis once is twice as fast as interleaving them.
    """
    return entries_last(ops.stack(arrays, axis=0))


def split_last_axis(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """The last axis of `x` as several."""
    batch = tuple(x.shape)[:-1]
    if batch.count(None) <= 1 and 0 not in batch:
        batch = tuple(-1 if size is None else size for size in batch)
    else:
        batch = tuple(ops.shape(x))[:-1]
    if None not in batch:
        return ops.reshape(x, (*batch, *axes))
    # A reshape takes one unknown size, and a symbolic input has no numbers for the others.
    for size in axes[:-1]:
        x = ops.stack(ops.split(x, size, axis=-1), axis=-2)
    return x
