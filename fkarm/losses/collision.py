"""The loss of distances that are too small."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from fkarm._carried import mask_of
from fkarm._checks import check_non_negative
from fkarm._types import Tensor, TensorLike
from fkarm.geometry.safe import as_float
from fkarm.losses.reduction import reduced


def collision_loss(distance: TensorLike, margin: float = 0.02, softness: float = 0.0) -> Tensor:
    """How far distances are below a margin, summed over the last axis.

    `max(margin - d, 0)`, or `softness * softplus((margin - d) / softness)`, which is smooth and
    differs from it by at most `0.7 * softness`.

    Args:
        distance: Signed distances, m, as of `fkarm.layers.SelfDistance` or
            `fkarm.collision.pair_distances`. Shape `(..., n)`.
        margin: Distance from which on there is no loss, m.
        softness: Width over which the loss sets in, m; 0: it sets in at once.
    Returns:
        Loss, m. Shape `(...)`.
    Raises:
        ValueError: If `margin` or `softness` is negative or not finite.
    Gradient:
        With `softness=0` it is -1 below the margin, 0 above and at it.
    """
    check_non_negative("margin", margin)
    check_non_negative("softness", softness)
    lack = margin - as_float(distance, "distance")
    if softness:
        return ops.sum(softness * ops.softplus(lack / softness), axis=-1)
    return ops.sum(ops.relu(lack), axis=-1)


@keras.saving.register_keras_serializable(package="fkarm")
class CollisionLoss(keras.losses.Loss):
    """`collision_loss` as a Keras loss, for a model whose output are distances.

    Args:
        margin: Distance from which on there is no loss, m.
        softness: Width over which the loss sets in, m; 0: it sets in at once.
        **kwargs: `reduction`, `name`, `dtype` of `keras.losses.Loss`.
    Call arguments:
        y_true: Ignored: distances have no targets. Keras asks for an array with as many rows.
        y_pred: Signed distances, m. Shape `(..., n)`. Rows that Keras' mask excludes do not count.
        sample_weight: One weight per row.
    Raises:
        ValueError: If `margin` or `softness` is negative or not finite.
    Example:
        >>> loss = fkarm.losses.CollisionLoss(margin=0.02)
        >>> print(round(float(loss(np.zeros((2, 1)), np.array([[0.01], [0.5]]))), 6))
        0.005
    """

    def __init__(self, margin: float = 0.02, softness: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**{"name": "collision_loss", **kwargs})
        check_non_negative("margin", margin)
        check_non_negative("softness", softness)
        self.margin = float(margin)
        self.softness = float(softness)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        mask = mask_of(y_pred)
        with keras.name_scope(self.name):
            losses = self.call(y_true, ops.convert_to_tensor(y_pred, dtype=self.dtype))
            return reduced(losses, sample_weight, mask, self.reduction, self.dtype)

    def call(self, y_true: Any, y_pred: Tensor) -> Tensor:
        return collision_loss(y_pred, self.margin, self.softness)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "margin": self.margin, "softness": self.softness}
