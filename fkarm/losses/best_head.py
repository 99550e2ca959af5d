"""The loss of a network that proposes several answers: the best of them counts."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from fkarm._types import Tensor
from fkarm.geometry import pose_shape
from fkarm.losses.pose import PoseLoss


@keras.saving.register_keras_serializable(package="fkarm")
class BestHeadPoseLoss(PoseLoss):
    """`PoseLoss` of the best of several poses, and a little of all of them.

    `(1 - relaxation) * min_k loss_k + relaxation * mean_k loss_k`. Where a target has several
    solutions each head is drawn to the one it is nearest to, instead of all to their mean; the
    small share keeps a head that never wins from being lost.

    Args:
        position_weight: Loss a metre, >= 0.
        orientation_weight: Loss a radian, >= 0; None: 0.1, or 0 for positions.
        relaxation: Share of the mean, from 0 to 1.
        **kwargs: The other arguments of `PoseLoss`.
    Call arguments:
        y_true: Target poses. Shape `(..., 4, 4)` or as `representation` says.
        y_pred: Poses of the heads. Shape `(..., heads, 4, 4)`, likewise.
    Raises:
        ValueError: If an argument is out of range, or `y_pred` has not the batch axes of `y_true`
            and one more.
    Gradient:
        Of the head that is best; of the first one where several are equal.
    Reference:
        [Rupprecht2017].
    Example:
        >>> loss = fkarm.losses.BestHeadPoseLoss(relaxation=0.0)
        >>> far = np.eye(4) + np.array([[0, 0, 0, 5.0]] + 3 * [[0, 0, 0, 0]])
        >>> float(loss(np.eye(4)[None], np.stack([far, np.eye(4)])[None]))
        0.0
    """

    def __init__(
        self,
        position_weight: float = 1.0,
        orientation_weight: float | None = None,
        relaxation: float = 0.05,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            position_weight, orientation_weight, **{"name": "best_head_pose_loss", **kwargs}
        )
        if not 0 <= relaxation <= 1:
            raise ValueError(f"relaxation must be from 0 to 1. Received: {relaxation!r}.")
        self.relaxation = float(relaxation)

    def of_heads(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The loss of each head. Shape `(..., heads)`."""
        if len(y_pred.shape) != len(y_true.shape) + 1:
            raise ValueError(
                "y_pred must have one axis more than y_true, that of the heads, before those of a "
                f"pose. Received: shapes {tuple(y_true.shape)} and {tuple(y_pred.shape)}. For one "
                "prediction per target see PoseLoss."
            )
        axis = len(y_true.shape) - len(pose_shape(self.representation))
        return super().call(ops.expand_dims(y_true, axis), y_pred)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        losses = self.of_heads(y_true, y_pred)
        share = self.relaxation
        return (1.0 - share) * ops.min(losses, axis=-1) + share * ops.mean(losses, axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "relaxation": self.relaxation}
