"""The loss of a network that proposes several configurations: the best one counts."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from fkarm._types import Tensor
from fkarm.geometry import pose_shape
from fkarm.losses.pose import PoseLoss


@keras.saving.register_keras_serializable(package="fkarm")
class BestHeadPoseLoss(PoseLoss):
    """`PoseLoss` of the best of several predicted poses, plus a small share of their mean.

    `(1 - relaxation) * min_k loss_k + relaxation * mean_k loss_k`. Where a target has several
    solutions, every head learns the solution that it is nearest to, instead of their mean. The
    share of the mean also trains a head that never predicts the best pose.

    Args:
        position_weight: Loss per metre, >= 0.
        orientation_weight: Loss per radian, >= 0; None: 0.3, or 0 for positions.
        relaxation: Share of the mean, from 0 to 1.
        **kwargs: The other arguments of `PoseLoss`.
    Call arguments:
        y_true: Target poses. Shape `(..., 4, 4)`, or the shape that `output` names.
        y_pred: Poses of the heads, in the same form. Shape `(..., heads, 4, 4)`.
    Raises:
        ValueError: If an argument is out of range, or `y_pred` does not have the batch axes of
            `y_true` and one more.
    Gradient:
        The gradient of the best head; of the first one where several are equal.
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
        """Loss per head. Shape `(..., heads)`."""
        if len(y_pred.shape) != len(y_true.shape) + 1:
            raise ValueError(
                "y_pred must have one axis more than y_true: the heads, before the axes of a "
                f"pose. Received: shapes {tuple(y_true.shape)} and {tuple(y_pred.shape)}. For one "
                "prediction per target see PoseLoss."
            )
        axis = len(y_true.shape) - len(pose_shape(self.output))
        return super().call(ops.expand_dims(y_true, axis), y_pred)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        losses = self.of_heads(y_true, y_pred)
        share = self.relaxation
        return (1.0 - share) * ops.min(losses, axis=-1) + share * ops.mean(losses, axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "relaxation": self.relaxation}
