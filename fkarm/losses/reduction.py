"""From one loss per row, or several, to the number that is minimised."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from fkarm._rows import row_weights
from fkarm._types import Tensor

# Keras' names for the mean over all values, of which padded ones are none.
_MEANS = ("mean", "sum_over_batch_size")


def reduced(
    losses: Tensor, sample_weight: Any, mask: Any, reduction: str | None, dtype: str
) -> Tensor:
    """Losses, reduced as Keras does, with weights and a mask of their rows.

    Keras aligns weights and masks with the last axes of a loss; here they belong to the first,
    whatever number of links or heads follows.

    Args:
        losses: Shape `(..., *rest)`.
        sample_weight: Weights of the rows, or None. Shape `(...)`, or with more axes of `losses`.
        mask: Which rows count, or None. Shape `(...)`.
        reduction: As in `keras.losses.Loss`.
        dtype: Type to reduce in.
    Returns:
        A number, or without reduction the weighted losses.
    Raises:
        ValueError: If a shape does not begin as that of `losses`.
    """
    losses = ops.cast(losses, dtype)
    weights = row_weights(losses, sample_weight, mask)
    if mask is not None and reduction in _MEANS:
        live = row_weights(losses, None, mask)
        # A mean is divided by the number of all values: by that of the live ones instead.
        weights = ops.divide_no_nan(weights, ops.mean(live))
    # Keras' own reduction, which knows of several devices.
    return _Given("given", reduction, dtype)(losses, losses, weights)


class _Given(keras.losses.Loss):
    """A loss that was computed before: its reduction."""

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return y_pred
