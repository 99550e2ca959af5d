"""The share of configurations that collide."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from fkarm._carried import mask_of
from fkarm._rows import row_weights
from fkarm.geometry.safe import as_float, at_least_single


@keras.saving.register_keras_serializable(package="fkarm")
class CollisionRate(keras.metrics.Mean):
    """Share of rows whose smallest distance is below a clearance, for a model of distances.

    Rows that Keras' mask excludes do not count. A row whose distance is NaN collides.

    Args:
        clearance: Smallest distance that is allowed, m.
        name: Name in logs.
        **kwargs: `dtype` of the metric.
    Call arguments:
        y_true: Ignored.
        y_pred: Signed distances, m, as of `fkarm.layers.SelfDistance`. Shape `(..., n)`.
        sample_weight: One weight per row.
    Raises:
        ValueError: If `clearance` is not finite.
    Example:
        >>> rate = fkarm.metrics.CollisionRate()
        >>> print(float(rate(np.zeros((2, 1)), np.array([[-0.01], [0.5]]))))
        0.5
    """

    _direction = "down"  # Keras' callbacks ask whether a smaller value is better.

    def __init__(self, clearance: float = 0.0, name: str = "collision_rate", **kwargs: Any) -> None:
        if not isinstance(clearance, (int, float)) or not math.isfinite(clearance):
            raise ValueError(f"clearance must be a finite number, m. Received: {clearance!r}.")
        super().__init__(name=name, **kwargs)
        self.clearance = float(clearance)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        distance = at_least_single(as_float(y_pred, "y_pred"))
        # TensorFlow's graphs turn `not (a >= b)` into `a < b`, and lose NaN so.
        is_near = ops.logical_or(distance < self.clearance, ops.isnan(distance))
        collides = ops.cast(ops.any(is_near, axis=-1), self.dtype)
        super().update_state(collides, row_weights(collides, sample_weight, mask_of(y_pred)))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "clearance": self.clearance}
