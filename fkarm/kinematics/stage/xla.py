"""What keeps XLA from computing cheap operations again for each output that needs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from fkarm._types import Tensor
from fkarm.geometry import native
from fkarm.kinematics.sine import is_small, polynomial_sincos


def native_sincos(angle: Tensor) -> tuple[Tensor, Tensor]:
    """Sine and cosine by the backend's own routines."""
    return native.sin(angle), native.cos(angle)


def guarded_sincos(angle: Tensor) -> tuple[Tensor, Tensor]:
    """Sine and cosine by polynomials if all angles are small enough, else by the backend."""
    pair = ops.cond(
        is_small(angle),
        lambda: ops.moveaxis(ops.stack(polynomial_sincos(angle)), 0, 1),
        lambda: ops.moveaxis(ops.stack(native_sincos(angle)), 0, 1),
    )
    return pair[:, 0], pair[:, 1]


def barrier(function: Callable[..., Any], *inputs: Tensor) -> Any:
    """`function(*inputs)` behind a condition.

    XLA moves no computation across a condition. This one always holds, but XLA cannot know that.
    """
    is_positive = ops.ravel(inputs[0])[:1] > 0
    shapes: list[Any] = []  # of the outputs, once they are known

    def run() -> Any:
        outputs = function(*inputs)
        shapes[:] = [keras.tree.map_structure(_Blank, outputs)]
        return outputs

    def blank() -> Any:
        # Tracing the function again for its shapes would take as long as the first time.
        if not shapes or any(None in each.shape for each in keras.tree.flatten(shapes[0])):
            return keras.tree.map_structure(ops.zeros_like, function(*inputs))
        return keras.tree.map_structure(lambda x: ops.zeros(x.shape, x.dtype), shapes[0])

    return ops.cond(ops.all(ops.cast(is_positive, "int32") < 2), run, blank)


class _Blank:
    """The shape and the type of a tensor."""

    def __init__(self, x: Tensor) -> None:
        self.shape = tuple(x.shape)
        self.dtype = keras.backend.standardize_dtype(x.dtype)
