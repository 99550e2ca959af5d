"""Vectors of three and small matrices, by multiply-add over their components.

Never matmul: on accelerators it drops float32 to TF32, and small batched products are slow.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import ops

from fkarm._checks import check_last_axes
from fkarm._types import Tensor, TensorLike
from fkarm.geometry.native import result_type
from fkarm.geometry.safe import as_float


def checked_tensor(name: str, x: TensorLike, last_axes: tuple[int, ...], hint: str = "") -> Tensor:
    """`x` as a floating tensor whose last axes have the sizes `last_axes`, or ValueError."""
    x = as_float(x, name)
    check_last_axes(name, x.shape, last_axes, hint)
    return x


def in_one_type(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Two tensors in the wider of their types."""
    dtype = result_type(a.dtype, b.dtype)
    return ops.cast(a, dtype), ops.cast(b, dtype)


def in_type_of(x: Tensor, other: Tensor) -> Tensor:
    """`x` in the type of `other`, by its name: Keras 3.12 saves no symbolic cast to another."""
    return ops.cast(x, keras.backend.standardize_dtype(other.dtype))


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
    a, b = in_one_type(checked_tensor("a", a, (3,)), checked_tensor("b", b, (3,)))
    (ax, ay, az), (bx, by, bz) = ops.unstack(a, 3, axis=-1), ops.unstack(b, 3, axis=-1)
    return ops.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=-1)
