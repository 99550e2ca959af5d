"""The share of a training step that the last layer of a model takes."""

from __future__ import annotations

import time
from typing import Any

import keras
import numpy as np
from keras import ops

from fkarm._types import Tensor, TensorLike
from fkarm.learning.data import check_tensorflow, without_autotune


class _Stub(keras.layers.Layer):
    """A layer with a gradient and next to no work: the input's mean, repeated in another shape."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.spread = shape

    def call(self, x: Tensor) -> Tensor:
        for _ in self.spread[1:]:
            x = ops.expand_dims(x, axis=-2)
        return ops.mean(x, axis=-1, keepdims=True) + ops.zeros(self.spread)


def last_layer_share(model: keras.Model, x: TensorLike, y: TensorLike, steps: int = 100) -> float:
    """Share of a training step that goes into the layer at the end of a model.

    Times training steps of the model and of the same model with that layer replaced by one
    that does next to nothing, in turn, so that other load on the machine slows both:
    `1 - median(without) / median(with)`, forward and gradient. The steps train clones, not the
    model itself.

    Args:
        model: A compiled functional model of one input and one output.
        x: One batch of inputs.
        y: One batch of labels.
        steps: Number of steps to time, of either model.
    Returns:
        The share, at most 1; noise can make a small share negative.
    Raises:
        RuntimeError: If Keras runs on another backend than TensorFlow.
    """
    check_tensorflow("last_layer_share")
    import tensorflow as tf

    data = tf.data.Dataset.from_tensors((x, y)).repeat()
    batch = iter(data.with_options(without_autotune()))
    whole, stripped = keras.models.clone_model(model), keras.models.clone_model(model)
    before_last = stripped.layers[-1].input
    spread = tuple(model.output.shape[len(before_last.shape) - 1 :])
    stripped = keras.Model(stripped.input, _Stub(spread)(before_last))
    for clone in (whole, stripped):
        clone.compile_from_config(model.get_compile_config())
        clone.make_train_function()

    def timed(step: Any) -> float:
        start = time.perf_counter()
        step(batch)
        return time.perf_counter() - start

    pairs = [
        (timed(whole.train_function), timed(stripped.train_function)) for _ in range(steps + 10)
    ]
    with_layer, without = np.median(pairs[10:], axis=0)
    return float(1.0 - without / with_layer)
