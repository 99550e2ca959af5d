"""One value per channel: add to a tensor, or scale it, along any of its axes.

Broadcasting aligns shapes at the last axis, so `x + [a, b]` adds along the width of an image in
`(batch, channel, height, width)`, or fails. The values must first be given as many axes as `x`.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from fkarm._checks import check_floating
from fkarm._types import Tensor, TensorLike


def add_per_channel(x: TensorLike, values: TensorLike, axis: int = 1) -> Tensor:
    """`x` with one value added to each channel.

    Runs eagerly, in `tf.function`, under XLA and on symbolic inputs. The size of any axis may be
    unknown while tracing; an unknown number of channels is checked when the function runs.

    Args:
        x: Floating tensor with at least one axis. Shape `(..., channels, ...)`.
        values: One number per channel: a list, an array, a tensor or a variable, cast to the
            dtype of `x`. Shape `(channels,)`.
        axis: Axis of the channels. Negative numbers count from the end: 1 or -3 for
            `(batch, channel, height, width)`, -1 for channels last.
    Returns:
        The sum. Shape and dtype of `x`.
    Raises:
        TypeError: If `x` is not floating, because the values would lose their fractions.
        ValueError: If `x` has no such axis, or `values` is not one number per channel.
    Gradient:
        With respect to `values`: the upstream gradient, summed over all axes except `axis`.
    Example:
        >>> fkarm.primers.add_per_channel(np.zeros((1, 2, 1, 3)), [1.0, 2.0]).numpy()
        array([[[[1., 1., 1.]],
        <BLANKLINE>
                [[2., 2., 2.]]]])
    """
    x, values = _aligned(x, values, axis)
    return x + values


def scale_per_channel(x: TensorLike, values: TensorLike, axis: int = 1) -> Tensor:
    """`x` with each channel multiplied by its value.

    Arguments, result and errors are those of `add_per_channel`.

    Gradient:
        With respect to `values`: `x` times the upstream gradient, summed over all axes except
        `axis`.
    """
    x, values = _aligned(x, values, axis)
    return x * values


def _aligned(x: TensorLike, values: TensorLike, axis: int) -> tuple[Tensor, Tensor]:
    """`x`, and `values` in the dtype and rank of `x`, which broadcast along `axis`."""
    x = ops.convert_to_tensor(x)
    check_floating("x", x.dtype)
    values = ops.convert_to_tensor(values, dtype=x.dtype)
    _check_channels(tuple(x.shape), tuple(values.shape), axis)
    shape: list[Any] = [1] * len(x.shape)
    # The number of channels of x, not -1: one value must not broadcast to an unknown number.
    size = ops.shape(x)[axis]
    shape[axis] = -1 if size is None else size
    return x, ops.reshape(values, shape)


def _check_channels(
    x_shape: tuple[int | None, ...], values_shape: tuple[int | None, ...], axis: int
) -> None:
    received = f"Received: axis={axis}, x of shape {x_shape}, values of shape {values_shape}."
    rank = len(x_shape)
    if not -rank <= axis < rank:
        raise ValueError(
            f"axis must be one of the {rank} axes of x, counted from 0 or from -1. {received}"
        )
    channels = x_shape[axis]
    if len(values_shape) != 1 or (
        channels is not None and values_shape[0] is not None and values_shape[0] != channels
    ):
        wanted = "channels" if channels is None else channels
        raise ValueError(
            f"values must hold one number for each channel of x, shape ({wanted},). {received} "
            "Pass its number as axis= if the channels are on another axis."
        )


@keras.saving.register_keras_serializable(package="fkarm")
class ChannelAffine(keras.layers.Layer):
    """`scale * x + offset` with one scale and one offset per channel.

    Args:
        axis: Axis of the channels; -1 for channels last.
        offset: Initial offsets: one number for all channels, or one per channel. None: no offset.
        scale: Initial scales: one number for all channels, or one per channel. None: no scale.
        trainable: Whether training changes offsets and scales.
        **kwargs: `name`, `dtype`, ... of `keras.layers.Layer`.
    Call arguments:
        x: Shape `(..., channels, ...)`. The number of channels must be known.
    Returns:
        Shape of `x`, dtype of the layer.
    Raises:
        ValueError: When the layer is built, if the input has no such axis, the number of channels
            is unknown, or `offset` or `scale` has another number of values.
    Example:
        >>> layer = fkarm.primers.ChannelAffine(axis=-1, offset=[1.0, 2.0], scale=None)
        >>> layer(np.zeros((1, 2), "float32")).numpy()
        array([[1., 2.]], dtype=float32)
    """

    def __init__(
        self,
        axis: int = 1,
        offset: TensorLike | None = 0.0,
        scale: TensorLike | None = 1.0,
        trainable: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(trainable=trainable, **kwargs)
        self.axis = axis
        # Lists and numbers, so that the configuration can be written as JSON.
        self.initial_offset = None if offset is None else np.asarray(offset, float).tolist()
        self.initial_scale = None if scale is None else np.asarray(scale, float).tolist()
        self.offset = self.scale = None
        self.supports_masking = True

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.scale = self._add_values("scale", self.initial_scale, input_shape)
        self.offset = self._add_values("offset", self.initial_offset, input_shape)
        self.built = True

    def _add_values(self, name: str, initial: Any, input_shape: tuple[int | None, ...]) -> Any:
        shape = tuple(input_shape)
        _check_channels(shape, np.shape(initial) or (None,), self.axis)
        channels = shape[self.axis]
        if channels is None:
            raise ValueError(
                "The input of ChannelAffine must have a known number of channels. Received: "
                f"axis={self.axis}, input of shape {shape}. State it in keras.Input(shape)."
            )
        if initial is None:
            return None
        values = np.broadcast_to(initial, (channels,))
        return self.add_weight(
            shape=(channels,),
            initializer=lambda shape, dtype: ops.convert_to_tensor(values, dtype=dtype),
            name=name,
        )

    def call(self, x: Tensor) -> Tensor:
        if self.scale is not None:
            x = scale_per_channel(x, self.scale, self.axis)
        if self.offset is not None:
            x = add_per_channel(x, self.offset, self.axis)
        return x

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "axis": self.axis,
            "offset": self.initial_offset,
            "scale": self.initial_scale,
        }
