"""The loss of configurations that are near a singularity."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from fkarm._carried import mask_of
from fkarm._rows import check_same_rows
from fkarm._types import Tensor, TensorLike
from fkarm.geometry.dense import in_one_type
from fkarm.geometry.safe import as_float, at_least_single
from fkarm.losses.reduction import reduced


def manipulability_loss(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """Squared share of the least manipulability wanted that a configuration lacks.

    `max(0, 1 - y_pred / y_true)^2`: 1 at a singularity, 0 where the measure is at least as large as
    wanted. A configuration that is far enough from singularities costs nothing, so this loss does
    not compete with others there.

    Args:
        y_true: The least measure wanted, > 0, in the unit of `y_pred`. A value of zero wants
            nothing: its loss is zero. Shape `(...)`.
        y_pred: The measure, `fkarm.manipulability`. Shape `(...)`.
    Returns:
        One value per measure, without unit. Shape `(...)`.
    Raises:
        ValueError: If the shapes differ (one value broadcasts to any number).
    Gradient:
        Finite everywhere. The measure itself has gradient zero exactly at a singularity.
    """
    true, pred = in_one_type(*(at_least_single(as_float(y)) for y in (y_true, y_pred)))
    check_same_rows((*true.shape, 1), (*pred.shape, 1), 1)
    is_wanted = true > 0
    lacking = ops.relu(1.0 - pred / ops.where(is_wanted, true, 1.0))
    return ops.where(is_wanted, ops.square(lacking), 0.0)


@keras.saving.register_keras_serializable(package="fkarm")
class ManipulabilityLoss(keras.losses.Loss):
    """`manipulability_loss` as a Keras loss, for the output of `fkarm.layers.Manipulability`.

    Args:
        **kwargs: `reduction`, `name`, `dtype` of `keras.losses.Loss`.
    Call arguments:
        y_true: The least measure wanted per row. Shape `(...)`.
        y_pred: The measure. Rows that Keras' mask excludes do not count. Shape `(...)`.
        sample_weight: One weight per row, for the first of the batch axes, or the first few.
    Raises:
        ValueError: If the shapes differ.
    Example:
        >>> loss = fkarm.losses.ManipulabilityLoss()
        >>> float(loss(np.array([0.1, 0.1]), np.array([0.0, 0.3])))  # a singularity, and none
        0.5
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"name": "manipulability_loss", **kwargs})

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        mask = mask_of(y_pred)
        with keras.name_scope(self.name):
            true, pred = (ops.convert_to_tensor(y, dtype=self.dtype) for y in (y_true, y_pred))
            losses = self.call(true, pred)
            return reduced(losses, sample_weight, mask, self.reduction, self.dtype)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return manipulability_loss(y_true, y_pred)
