"""Pose errors in the units that people use: millimetres, degrees, the success rate."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from fkarm._carried import check_units, mask_of
from fkarm._checks import check_choice, check_non_negative
from fkarm._recorded import with_new_names
from fkarm._rows import check_same_rows, row_weights
from fkarm._types import Tensor
from fkarm._units import ANGLE_UNITS, LENGTH_UNITS
from fkarm.geometry import (
    FULL_POSE_REPRESENTATIONS,
    POSE_REPRESENTATIONS,
    orientation_distance,
    pose_position,
    pose_shape,
    pose_to_matrix,
    position_distance,
)
from fkarm.geometry.dense import in_one_type
from fkarm.geometry.representations import has_angles, scaled_pose
from fkarm.geometry.safe import as_float, at_least_single, safe_norm


class _PoseMetric(keras.metrics.Mean):
    """Mean over all poses of one value per pose, which subclasses compute in `values`.

    Rows that Keras' mask excludes do not count. A sample weight is the weight of a row, for all its
    links.
    """

    outputs = FULL_POSE_REPRESENTATIONS
    _direction = "down"  # Keras' callbacks ask whether a smaller value is better.

    def __init__(
        self,
        output: str,
        name: str,
        angle_unit: str = "rad",
        length_unit: str = "m",
        **kwargs: Any,
    ) -> None:
        check_choice("output", output, self.outputs)
        check_choice("angle_unit", angle_unit, ANGLE_UNITS)
        check_choice("length_unit", length_unit, LENGTH_UNITS)
        super().__init__(name=name, **kwargs)
        self.output = output
        self.angle_unit = angle_unit
        self.length_unit = length_unit

    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The value of each pose, from poses in m and rad. Shape `(...)`."""
        raise NotImplementedError

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        angle_unit = self.angle_unit if has_angles(self.output) else None
        check_units("y_pred", y_pred, angle_unit, self.length_unit)
        scales = ANGLE_UNITS[self.angle_unit], LENGTH_UNITS[self.length_unit]
        true, pred = (
            scaled_pose(at_least_single(as_float(y)), self.output, *scales)
            for y in (y_true, y_pred)
        )
        check_same_rows(true.shape, pred.shape, len(pose_shape(self.output)))
        values = self.values(true, pred)
        super().update_state(values, row_weights(values, sample_weight, mask_of(y_pred)))

    def _matrices(self, *poses: Tensor) -> list[Tensor]:
        return [pose_to_matrix(pose, self.output) for pose in poses]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "output": self.output,
            "angle_unit": self.angle_unit,
            "length_unit": self.length_unit,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**with_new_names(config, representation="output"))


class _DistanceMetric(_PoseMetric):
    """A mean distance, whose name ends in its unit."""

    units: dict[str, float]
    kind: str

    def __init__(self, unit: str, output: str, name: str | None, **kwargs: Any) -> None:
        check_choice("unit", unit, self.units)
        super().__init__(output, name or f"{self.kind}_{unit}", **kwargs)
        self.unit = unit

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "unit": self.unit}


@keras.saving.register_keras_serializable(package="fkarm")
class PositionError(_DistanceMetric):
    """Mean distance between predicted and true positions.

    Args:
        unit: Unit of the metric, `"mm"` or `"m"`.
        output: How poses are written: one of `geometry.POSE_REPRESENTATIONS`.
        name: Name in logs; `position_error_mm` by default.
        **kwargs: `angle_unit` and `length_unit` of the poses, as for `PoseLoss`; `dtype` of the
            metric.
    Raises:
        ValueError: If a unit or `output` is unknown, the batch axes differ, or poses come
            directly from a layer that returns other units.
    """

    outputs = POSE_REPRESENTATIONS
    units = LENGTH_UNITS
    kind = "position_error"

    def __init__(
        self,
        unit: str = "mm",
        output: str = "matrix",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(unit, output, name, **kwargs)

    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Distances in the unit."""
        true, pred = in_one_type(*(pose_position(y, self.output) for y in (y_true, y_pred)))
        return safe_norm(pred - true) / LENGTH_UNITS[self.unit]


@keras.saving.register_keras_serializable(package="fkarm")
class OrientationError(_DistanceMetric):
    """Mean angle between predicted and true orientations.

    Args:
        unit: Unit of the metric, `"deg"` or `"rad"`.
        output: How poses are written: one of `geometry.FULL_POSE_REPRESENTATIONS`.
        name: Name in logs; `orientation_error_deg` by default.
        **kwargs: As for `PositionError`.
    Raises:
        ValueError: As for `PositionError`.
    """

    units = ANGLE_UNITS
    kind = "orientation_error"

    def __init__(
        self,
        unit: str = "deg",
        output: str = "matrix",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(unit, output, name, **kwargs)

    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Angles in the unit."""
        return orientation_distance(*self._matrices(y_true, y_pred)) / ANGLE_UNITS[self.unit]


@keras.saving.register_keras_serializable(package="fkarm")
class PoseSuccess(_PoseMetric):
    """Fraction of poses within both tolerances, in [0, 1].

    Args:
        position_tolerance: Largest distance of a success, m.
        orientation_tolerance: Largest angle of a success, rad.
        output: How poses are written: one of `geometry.FULL_POSE_REPRESENTATIONS`.
        name: Name in logs.
        **kwargs: As for `PositionError`.
    Raises:
        ValueError: If a tolerance is negative or not finite, else as for `PositionError`.
    """

    _direction = "up"

    def __init__(
        self,
        position_tolerance: float = 0.01,
        orientation_tolerance: float = math.radians(5.0),
        output: str = "matrix",
        name: str = "pose_success",
        **kwargs: Any,
    ) -> None:
        check_non_negative("position_tolerance", position_tolerance)
        check_non_negative("orientation_tolerance", orientation_tolerance)
        super().__init__(output, name, **kwargs)
        self.position_tolerance = float(position_tolerance)
        self.orientation_tolerance = float(orientation_tolerance)

    def values(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """1 for a pose within both tolerances, else 0."""
        poses = self._matrices(y_true, y_pred)
        is_success = ops.logical_and(
            position_distance(*poses) <= self.position_tolerance,
            orientation_distance(*poses) <= self.orientation_tolerance,
        )
        return ops.cast(is_success, self.dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "position_tolerance": self.position_tolerance,
            "orientation_tolerance": self.orientation_tolerance,
        }


# KerasTuner looks an objective up by its name in Keras and infers the direction from the name of
# the object that Keras returns. These names point to Keras' own metrics of the same direction.
_TUNED_LIKE = {
    "mean_absolute_error": [
        *(f"position_error_{unit}" for unit in LENGTH_UNITS),
        *(f"orientation_error_{unit}" for unit in ANGLE_UNITS),
    ],
    "accuracy": ["pose_success"],
}
keras.saving.get_custom_objects().update(
    {name: known for known, names in _TUNED_LIKE.items() for name in names}
)
