"""Task-space losses: how far a pose is from where it should be."""

from __future__ import annotations

import math
from typing import Any

import keras

from fkarm._checks import check_choice, check_non_negative
from fkarm._types import Tensor, TensorLike
from fkarm.geometry import (
    FULL_POSE_REPRESENTATIONS,
    chordal_distance,
    orientation_distance,
    pose_to_matrix,
    position_distance,
    split_transform,
)
from fkarm.geometry.safe import as_float, at_least_single

_ORIENTATIONS = ("geodesic", "chordal")


def pose_loss(
    y_true: TensorLike,
    y_pred: TensorLike,
    position_weight: float = 1.0,
    orientation_weight: float = 0.1,
    orientation: str = "geodesic",
) -> Tensor:
    """Weighted sum of the position error and the orientation error of a pose.

    `position_weight * |p_pred - p_true| + orientation_weight * angle`, distances and not
    their squares, so that the gradient does not fade as the error shrinks. `"geodesic"`:
    the angle between the orientations. `"chordal"`: `2 sin(angle / 2)`, the Frobenius
    distance over sqrt(2), which equals the angle for small ones and is smooth at a half turn.

    Args:
        y_true: Target poses, m. Shape `(..., 4, 4)`.
        y_pred: Predicted poses, m. Shape `(..., 4, 4)`.
        position_weight: Loss a metre.
        orientation_weight: Loss a radian. The default weighs 1 rad like 0.1 m, so 5 degrees
            count like 9 mm.
        orientation: `"geodesic"` or `"chordal"`.
    Returns:
        One value a pose. Shape `(...)`.
    Raises:
        ValueError: If the last two axes are not 4 x 4 or `orientation` is unknown.
    Gradient:
        Finite everywhere; zero at an exact match.
    """
    check_choice("orientation", orientation, _ORIENTATIONS)
    y_true, y_pred = (at_least_single(as_float(y)) for y in (y_true, y_pred))
    if orientation == "geodesic":
        angle = orientation_distance(y_true, y_pred)
    else:
        rotation_true, rotation_pred = split_transform(y_true)[0], split_transform(y_pred)[0]
        angle = chordal_distance(rotation_true, rotation_pred) / math.sqrt(2.0)
    return position_weight * position_distance(y_true, y_pred) + orientation_weight * angle


@keras.saving.register_keras_serializable(package="fkarm")
class PoseLoss(keras.losses.Loss):
    """`pose_loss` as a Keras loss, for a model whose output is a pose.

    Args:
        position_weight: Loss a metre, >= 0.
        orientation_weight: Loss a radian, >= 0.
        orientation: `"geodesic"` or `"chordal"`, see `pose_loss`.
        representation: How `y_true` and `y_pred` are written, m and rad: one of
            `geometry.FULL_POSE_REPRESENTATIONS`.
        **kwargs: `reduction`, `name`, `dtype` of `keras.losses.Loss`.
    Raises:
        ValueError: If a weight is negative or not finite, or a name is unknown.
    Example:
        >>> loss = fkarm.losses.PoseLoss(orientation_weight=0.2)
        >>> float(loss(np.eye(4)[None], np.eye(4)[None]))
        0.0
    """

    def __init__(
        self,
        position_weight: float = 1.0,
        orientation_weight: float = 0.1,
        orientation: str = "geodesic",
        representation: str = "matrix",
        **kwargs: Any,
    ) -> None:
        super().__init__(**{"name": "pose_loss", **kwargs})
        check_non_negative("position_weight", position_weight)
        check_non_negative("orientation_weight", orientation_weight)
        check_choice("orientation", orientation, _ORIENTATIONS)
        check_choice("representation", representation, FULL_POSE_REPRESENTATIONS)
        self.position_weight = float(position_weight)
        self.orientation_weight = float(orientation_weight)
        self.orientation = orientation
        self.representation = representation

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return pose_loss(
            pose_to_matrix(at_least_single(y_true), self.representation),
            pose_to_matrix(at_least_single(y_pred), self.representation),
            self.position_weight,
            self.orientation_weight,
            self.orientation,
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "position_weight": self.position_weight,
            "orientation_weight": self.orientation_weight,
            "orientation": self.orientation,
            "representation": self.representation,
        }
