"""Symmetric positive definite systems of any size, one per row of the batch, by loops."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from fkarm._types import Tensor
from fkarm.geometry.native import maximum
from fkarm.kinematics.stage import xla_barrier

# Outer products that are added in one iteration: the matrix is read and written once for them.
_AT_ONCE = 4


def damped_change(jacobian: Tensor, error: Tensor, damping: Tensor) -> Tensor:
    """`dq` that minimises `|J dq - e|^2 + damping |dq|^2`.

    Args:
        jacobian: `J`, entries of `q` first. Shape `(n, m, rows)`.
        error: `e`, `(m, rows)`.
        damping: `(rows,)`.
    Returns:
        Shape `(n, rows)`.
    """
    n, m = jacobian.shape[:2]
    if n < m:
        right = ops.sum(jacobian * error[None], axis=1)
        return solved(sum_of_squares(ops.swapaxes(jacobian, 0, 1)), right, damping)
    y = solved(sum_of_squares(jacobian), error, damping)
    return ops.sum(jacobian * y[None], axis=1)


def sum_of_squares(vectors: Tensor) -> Tensor:
    """The sum of `v v^T` over the vectors `(k, n, rows)`. Shape `(n, n, rows)`."""
    count, n = vectors.shape[:2]
    total = ops.zeros((n, n, ops.shape(vectors)[2]), vectors.dtype)

    def add(first: Tensor, size: int, total: Tensor) -> Tensor:
        some = ops.slice(vectors, (first, 0, 0), (size, n, ops.shape(vectors)[2]))
        for v in ops.unstack(some, size, axis=0):
            total = total + v[:, None] * v[None]
        return total

    whole, rest = divmod(count, _AT_ONCE)
    if whole:
        total = ops.fori_loop(0, whole, lambda j, now: add(_AT_ONCE * j, _AT_ONCE, now), total)
    return add(_AT_ONCE * whole, rest, total) if rest else total


def solved(matrix: Tensor, right: Tensor, damping: Tensor) -> Tensor:
    """`x` of `(A + damping I) x = b` by elimination; `A (n, n, rows)` is positive semidefinite.

    It needs no exchange of rows. Without rounding no pivot would be smaller than the damping; with
    it none is taken that is.
    """
    n = matrix.shape[0]
    identity = ops.eye(n, dtype=matrix.dtype)[..., None]
    eps = float(np.finfo(keras.backend.standardize_dtype(matrix.dtype)).eps)
    least = damping + 4.0 * eps * ops.sum(matrix * identity, axis=1)  # (n, rows)
    system = ops.concatenate([matrix + identity * damping, right[:, None]], axis=1)

    def eliminate(k: Tensor, system: Tensor) -> Tensor:
        # Without the barrier XLA would copy the whole array.
        row, column = xla_barrier(lambda s: [s[k], s[:, k]], system)
        pivot = maximum(column[k], least[k])
        row = row / pivot
        # Of row k this leaves the row over the pivot.
        column = ops.slice_update(column, (k, 0), (pivot - 1.0)[None])
        return system - column[:, None] * row[None]

    return ops.fori_loop(0, n, eliminate, system)[:, n]
