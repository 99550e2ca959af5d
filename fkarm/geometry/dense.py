"""Vectors of three and small matrices, by multiply-add over their components.

Never matmul: on accelerators it drops float32 to TF32, and small batched products are slow.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import ops

from fkarm._checks import check_last_axes
from fkarm._types import Tensor, TensorLike


def checked_tensor(name: str, x: TensorLike, last_axes: tuple[int, ...]) -> Tensor:
    """`x` as a floating tensor whose last axes have the sizes `last_axes`, or ValueError."""
    x = ops.convert_to_tensor(x)
    if not keras.backend.is_float_dtype(keras.backend.standardize_dtype(x.dtype)):
        x = ops.cast(x, keras.config.floatx())
    check_last_axes(name, x.shape, last_axes)
    return x


def stack_rows(rows: Sequence[Sequence[Tensor]]) -> Tensor:
    """Matrix from rows of entries, each entry of shape `(...)`. Shape `(..., n, m)`."""
    return ops.stack([ops.stack(row, axis=-1) for row in rows], axis=-2)


def multiply(a: Tensor, b: Tensor) -> Tensor:
    """Matrix product over the last two axes, `(..., n, k), (..., k, m) -> (..., n, m)`."""
    return ops.sum(a[..., :, :, None] * b[..., None, :, :], axis=-2)


def apply(matrix: Tensor, vector: Tensor) -> Tensor:
    """Matrix times vector, `(..., n, k), (..., k) -> (..., n)`."""
    return ops.sum(matrix * vector[..., None, :], axis=-1)


def cross(a: TensorLike, b: TensorLike) -> Tensor:
    """Cross product. Shapes `(..., 3)`; batch axes broadcast."""
    ax, ay, az = ops.unstack(checked_tensor("a", a, (3,)), 3, axis=-1)
    bx, by, bz = ops.unstack(checked_tensor("b", b, (3,)), 3, axis=-1)
    return ops.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=-1)
