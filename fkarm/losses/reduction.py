"""Reduction of losses per row, or per link and head, to the number that is minimised."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from fkarm._rows import row_weights
from fkarm._types import Tensor

# Keras' names for the mean. Masked values do not count in it.
_MEANS = ("mean", "sum_over_batch_size")


def reduced(
    losses: Tensor, sample_weight: Any, mask: Any, reduction: str | None, dtype: str
) -> Tensor:
    """Losses, reduced as Keras does it, with sample weights and a mask per row.

    Keras aligns weights and masks with the last axes of a loss. Here they belong to the first axes,
    however many links or heads follow.

    Args:
        losses: Shape `(..., *rest)`.
        sample_weight: Weights of the rows, or None. Shape `(...)`, or with more axes of `losses`.
        mask: Which rows count, or None. Shape `(...)`.
        reduction: As in `keras.losses.Loss`.
        dtype: Type to reduce in.
    Returns:
        A number; the weighted losses if `reduction` is None.
    Raises:
        ValueError: If a shape does not begin with the batch axes of `losses`.
    """
    losses = ops.cast(losses, dtype)
    weights = row_weights(losses, sample_weight, mask)
    if mask is not None and reduction in _MEANS:
        live = row_weights(losses, None, mask)
        # Keras divides a mean by the number of all values; the mean is over the unmasked ones.
        weights = ops.divide_no_nan(weights, ops.mean(live))
    # Keras' own reduction handles several devices.
    return _Computed("computed", reduction, dtype)(losses, losses, weights)


class _Computed(keras.losses.Loss):
    """The Keras reduction of losses that are already computed."""

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return y_pred
