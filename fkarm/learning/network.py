"""The dense network inside the models for inverse kinematics."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from fkarm._types import Tensor


class ResidualNetwork(keras.layers.Layer):
    """Dense layers with a shortcut around all but the first and the last one; float32 out.

    Args:
        width: Units of a hidden layer.
        depth: Number of hidden layers.
        outputs: Units of the last layer.
        dtype: Policy of the hidden layers. The last layer computes in the type of their weights.
        **kwargs: Other arguments of the last dense layer.
    """

    def __init__(self, width: int, depth: int, outputs: int, dtype: Any, **kwargs: Any) -> None:
        super().__init__(dtype=dtype)
        self._hidden = [
            keras.layers.Dense(width, activation="silu", dtype=dtype) for _ in range(depth)
        ]
        self._last = keras.layers.Dense(outputs, dtype=self.variable_dtype, **kwargs)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        for layer in [*self._hidden, self._last]:
            layer.build(input_shape)
            input_shape = (None, layer.units)
        self.built = True

    def call(self, x: Tensor) -> Tensor:
        x = self._hidden[0](x)
        for layer in self._hidden[1:]:
            x = x + layer(x)
        return ops.cast(self._last(x), "float32")
