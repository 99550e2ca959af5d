"""Task-space losses: how far a pose is from where it should be."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import keras
from keras import ops

from fkarm._checks import check_choice, check_non_negative
from fkarm._rows import check_same_rows, mask_of
from fkarm._types import Tensor, TensorLike
from fkarm.geometry import (
    FULL_POSE_REPRESENTATIONS,
    chordal_distance,
    geodesic_distance,
    pose_position,
    pose_rotation,
    pose_shape,
)
from fkarm.geometry.dense import in_one_type
from fkarm.geometry.safe import as_float, at_least_single, safe_norm
from fkarm.losses.reduction import reduced

_ORIENTATIONS = ("geodesic", "chordal")


def pose_loss(
    y_true: TensorLike,
    y_pred: TensorLike,
    position_weight: float = 1.0,
    orientation_weight: float = 0.1,
    orientation: str = "geodesic",
    representation: str = "matrix",
) -> Tensor:
    """Weighted sum of the position error and the orientation error of a pose.

    `position_weight * |p_pred - p_true| + orientation_weight * angle`, distances and not
    their squares, so that the gradient does not fade as the error shrinks. `"geodesic"`:
    the angle between the orientations. `"chordal"`: `2 sin(angle / 2)`, the Frobenius
    distance over sqrt(2), which equals the angle for small ones and is smooth at a half turn.

    A part whose weight is the number 0 is not computed: its graph is not built. A tensor's
    value is unknown while tracing, so with a weight of zero in a tensor both parts are.

    Args:
        y_true: Target poses, m and rad. Shape `(..., 4, 4)` or as `representation` says.
        y_pred: Predicted poses, likewise.
        position_weight: Loss a metre.
        orientation_weight: Loss a radian. The default weighs 1 rad like 0.1 m, so 5 degrees
            count like 9 mm.
        orientation: `"geodesic"` or `"chordal"`.
        representation: How poses are written: one of `geometry.FULL_POSE_REPRESENTATIONS`.
    Returns:
        One value a pose. Shape `(...)`.
    Raises:
        ValueError: If the last axes do not fit the representation, the batch axes differ (one pose
            goes with any number, an axis of size one with any size) or a name is unknown.
    Gradient:
        Finite everywhere; zero at an exact match.
    """
    check_choice("orientation", orientation, _ORIENTATIONS)
    check_choice("representation", representation, FULL_POSE_REPRESENTATIONS)
    poses = [at_least_single(as_float(y)) for y in (y_true, y_pred)]
    check_same_rows(poses[0].shape, poses[1].shape, len(pose_shape(representation)))
    parts = []
    if not _is_zero(orientation_weight):
        parts.append(orientation_weight * _orientation_error(poses, representation, orientation))
    if not _is_zero(position_weight) or not parts:
        parts.append(position_weight * _position_error(poses, representation))
    return sum(parts[1:], start=parts[0])


def _is_zero(weight: Any) -> bool:
    return isinstance(weight, Real) and weight == 0


def _position_error(poses: list[Tensor], representation: str) -> Tensor:
    true, pred = in_one_type(*(pose_position(pose, representation) for pose in poses))
    return safe_norm(pred - true)


def _orientation_error(poses: list[Tensor], representation: str, orientation: str) -> Tensor:
    rotations = [pose_rotation(pose, representation) for pose in poses]
    if orientation == "geodesic":
        return geodesic_distance(*rotations)
    return chordal_distance(*rotations) / math.sqrt(2.0)


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
    Call arguments:
        y_true: Target poses. Shape `(..., 4, 4)` or as `representation` says.
        y_pred: Predicted poses, likewise. Rows that Keras' mask leaves out do not count.
        sample_weight: One weight per row, for all its links: the first of the batch axes, or more
            of them.
    Raises:
        ValueError: If a weight is negative or not finite, a name is unknown, or the batch axes
            differ, as for `pose_loss`.
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

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        mask = mask_of(y_pred)
        with keras.name_scope(self.name):
            true, pred = (ops.convert_to_tensor(y, dtype=self.dtype) for y in (y_true, y_pred))
            losses = self.call(true, pred)
            return reduced(losses, sample_weight, mask, self.reduction, self.dtype)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return pose_loss(
            y_true,
            y_pred,
            self.position_weight,
            self.orientation_weight,
            self.orientation,
            self.representation,
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "position_weight": self.position_weight,
            "orientation_weight": self.orientation_weight,
            "orientation": self.orientation,
            "representation": self.representation,
        }
