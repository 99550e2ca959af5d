"""Task-space losses: how far a pose is from where it should be."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import keras
from keras import ops

from fkarm._carried import check_units, mask_of
from fkarm._checks import check_choice, check_non_negative
from fkarm._recorded import with_new_names
from fkarm._rows import check_same_rows
from fkarm._types import Tensor, TensorLike
from fkarm._units import ANGLE_UNITS, LENGTH_UNITS, RADIAN_IN_METRES
from fkarm.geometry import (
    POSE_REPRESENTATIONS,
    chordal_distance,
    geodesic_distance,
    pose_position,
    pose_rotation,
    pose_shape,
)
from fkarm.geometry.dense import in_one_type
from fkarm.geometry.representations import has_angles, scaled_pose
from fkarm.geometry.safe import as_float, at_least_single, safe_norm
from fkarm.losses.reduction import reduced

_ORIENTATIONS = ("geodesic", "chordal")


def pose_loss(
    y_true: TensorLike,
    y_pred: TensorLike,
    position_weight: float = 1.0,
    orientation_weight: float | None = None,
    orientation: str = "geodesic",
    output: str = "matrix",
    angle_unit: str = "rad",
    length_unit: str = "m",
) -> Tensor:
    """Weighted sum of the position error and the orientation error of a pose.

    `position_weight * |p_pred - p_true| + orientation_weight * angle`. These are distances, not
    their squares, so the gradient does not fade as the error shrinks. `"geodesic"` takes the angle
    between the two orientations. `"chordal"` takes `2 sin(angle / 2)`, the Frobenius distance over
    sqrt(2), which equals the angle for small angles and is smooth at a half turn.

    A term whose weight is the number 0 is not computed, and its graph is not built. The value of a
    tensor is unknown while tracing, so a weight that is a tensor always computes its term.

    Args:
        y_true: Target poses. Shape `(..., 4, 4)`, or the shape that `output` names.
        y_pred: Predicted poses, in the same form.
        position_weight: Loss per metre.
        orientation_weight: Loss per radian; None: 0.3, so that a radian counts like 0.3 m, or 0 for
            `output="position"`, which has no orientation.
        orientation: `"geodesic"` or `"chordal"`.
        output: How poses are written: one of `geometry.POSE_REPRESENTATIONS`.
        angle_unit: `"rad"` or `"deg"`: of angles and rotation vectors in the poses.
        length_unit: `"m"` or `"mm"`: of positions in the poses. The loss is in metres.
    Returns:
        One value per pose. Shape `(...)`.
    Raises:
        ValueError: If the last axes do not fit `output`, the batch axes differ (one pose
            broadcasts to any number, an axis of size one to any size), a name is unknown, or
            positions are given an orientation weight.
    Gradient:
        Finite everywhere; zero at an exact match.
    """
    check_choice("orientation", orientation, _ORIENTATIONS)
    check_poses(output, angle_unit, length_unit)
    orientation_weight = _orientation_weight(orientation_weight, output)
    scales = ANGLE_UNITS[angle_unit], LENGTH_UNITS[length_unit]
    poses = [scaled_pose(at_least_single(as_float(y)), output, *scales) for y in (y_true, y_pred)]
    check_same_rows(poses[0].shape, poses[1].shape, len(pose_shape(output)))
    terms = []
    if not _is_zero(orientation_weight):
        terms.append(orientation_weight * _orientation_error(poses, output, orientation))
    if not _is_zero(position_weight) or not terms:
        terms.append(position_weight * _position_error(poses, output))
    return sum(terms[1:], start=terms[0])


def check_poses(output: str, angle_unit: str, length_unit: str) -> None:
    """Raise ValueError if the output format or a unit is unknown."""
    check_choice("output", output, POSE_REPRESENTATIONS)
    check_choice("angle_unit", angle_unit, ANGLE_UNITS)
    check_choice("length_unit", length_unit, LENGTH_UNITS)


def _orientation_weight(weight: Any, output: str) -> Any:
    if weight is None:
        return 0.0 if output == "position" else RADIAN_IN_METRES
    if output == "position" and not _is_zero(weight):
        raise ValueError(
            f"orientation_weight must be 0 or None for positions. Received: {weight!r}. Positions "
            "have no orientation: choose another output, or omit the weight."
        )
    return weight


def _is_zero(weight: Any) -> bool:
    return isinstance(weight, Real) and weight == 0


def _position_error(poses: list[Tensor], output: str) -> Tensor:
    true, pred = in_one_type(*(pose_position(pose, output) for pose in poses))
    return safe_norm(pred - true)


def _orientation_error(poses: list[Tensor], output: str, orientation: str) -> Tensor:
    rotations = [pose_rotation(pose, output) for pose in poses]
    if orientation == "geodesic":
        return geodesic_distance(*rotations)
    return chordal_distance(*rotations) / math.sqrt(2.0)


@keras.saving.register_keras_serializable(package="fkarm")
class PoseLoss(keras.losses.Loss):
    """`pose_loss` as a Keras loss, for a model whose output is a pose.

    Args:
        position_weight: Loss per metre, >= 0.
        orientation_weight: Loss per radian, >= 0; None: 0.3, or 0 for positions.
        orientation: `"geodesic"` or `"chordal"`, see `pose_loss`.
        output: How `y_true` and `y_pred` are written: one of `geometry.POSE_REPRESENTATIONS`, the
            `output` of the layer that predicts them. `"position"` trains positions alone.
        angle_unit: `"rad"` or `"deg"`: unit of angles and rotation vectors, as in the layer.
        length_unit: `"m"` or `"mm"`: unit of positions, as in the layer. The weights are
            per metre and per radian in every case.
        **kwargs: `reduction`, `name`, `dtype` of `keras.losses.Loss`.
    Call arguments:
        y_true: Target poses. Shape `(..., 4, 4)`, or the shape that `output` names.
        y_pred: Predicted poses, in the same form. Rows that Keras' mask excludes do not count.
        sample_weight: One weight per row, for all its links. Its shape is the first of the batch
            axes, or the first few.
    Raises:
        ValueError: If a weight is negative or not finite, a name is unknown, positions are given
            an orientation weight, the batch axes differ, as for `pose_loss`, or `y_pred` comes
            directly from a layer that returns other units.
    Example:
        >>> loss = fkarm.losses.PoseLoss(orientation_weight=0.2)
        >>> float(loss(np.eye(4)[None], np.eye(4)[None]))
        0.0
    """

    def __init__(
        self,
        position_weight: float = 1.0,
        orientation_weight: float | None = None,
        orientation: str = "geodesic",
        output: str = "matrix",
        angle_unit: str = "rad",
        length_unit: str = "m",
        **kwargs: Any,
    ) -> None:
        super().__init__(**{"name": "pose_loss", **kwargs})
        check_choice("orientation", orientation, _ORIENTATIONS)
        check_poses(output, angle_unit, length_unit)
        orientation_weight = _orientation_weight(orientation_weight, output)
        check_non_negative("position_weight", position_weight)
        check_non_negative("orientation_weight", orientation_weight)
        self.position_weight = float(position_weight)
        self.orientation_weight = float(orientation_weight)
        self.orientation = orientation
        self.output = output
        self.angle_unit = angle_unit
        self.length_unit = length_unit

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        mask = mask_of(y_pred)
        angle_unit = self.angle_unit if has_angles(self.output) else None
        check_units("y_pred", y_pred, angle_unit, self.length_unit)
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
            self.output,
            self.angle_unit,
            self.length_unit,
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "position_weight": self.position_weight,
            "orientation_weight": self.orientation_weight,
            "orientation": self.orientation,
            "output": self.output,
            "angle_unit": self.angle_unit,
            "length_unit": self.length_unit,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**with_new_names(config, representation="output"))
