"""The JointLimits layer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from fkarm._carried import mark_units
from fkarm._checks import check_last_axes
from fkarm._types import Tensor
from fkarm.geometry.native import maximum, minimum, tanh
from fkarm.geometry.safe import normalised, safe_atan2
from fkarm.kinematics.joint_space import representable_bounds
from fkarm.layers.precision import KinematicLayer
from fkarm.layers.robot_argument import robot_entry, with_robot
from fkarm.layers.units import ConfigurationUnits
from fkarm.model import Joint, Robot
from fkarm.model.argument import check_robot


@keras.saving.register_keras_serializable(package="fkarm")
class JointLimits(KinematicLayer):
    """Joint configurations within the limits, as smooth functions of unbounded numbers.

    It follows the last `Dense(layer.input_size)` of a network and has no weights. The numbers are
    in the order of `robot.joint_names`. The function depends on the limits of the joint:

    - two limits: `middle + half_range * tanh(x)` of one number;
    - one limit: `lower + softplus(x)` or `upper - softplus(x)` of one number;
    - a rotation without limits: the angle `atan2(s, c)` in `(-pi, pi]` of two numbers `(s, c)`,
      which a network can learn without a jump at half a turn;
    - a translation without limits: the number `x` itself;
    - a planar joint: two lengths, unchanged, then `(s, c)`;
    - a spherical or floating joint: the position, unchanged, then a quaternion, normalised.

    Args:
        robot: `fkarm.Robot`.
        angle_unit: `"rad"` or `"deg"`: unit of the angles that it returns. The next layer must have
            the same unit. `ForwardKinematics` refuses another one if it follows directly; an
            operation in between hides the unit, and radians would be read as degrees.
        length_unit: `"m"` or `"mm"`: unit of the lengths that it returns.
        **kwargs: `name`, `dtype`, ... of `keras.layers.Layer`; a mixed policy becomes float32.

    Attributes:
        input_size: `dof`, plus one per joint that rotates without limits, planar joints included.

    Call arguments:
        x: Any numbers. Shape `(..., input_size)`.

    Returns:
        Joint configurations in these units, never outside the limits, even by rounding. Shape
        `(..., dof)`.

    Raises:
        TypeError: If `robot` is not a Robot.
        ValueError: If the input does not end with an axis of size `input_size`, or a unit is
            unknown.

    Gradient:
        Smooth. It vanishes towards a limit as that of tanh does. Zero at `(s, c) = (0, 0)`.

    Example:
        >>> panda = fkarm.robots.panda()
        >>> limits = fkarm.layers.JointLimits(panda)
        >>> q = limits(1e3 * np.ones((1, 7), "float32"))
        >>> bool(np.all(q <= panda.upper_limits))
        True
    """

    def __init__(
        self, robot: Robot, angle_unit: str = "rad", length_unit: str = "m", **kwargs: Any
    ) -> None:
        check_robot(robot)
        super().__init__(**kwargs)
        self.robot = robot
        self.angle_unit = angle_unit
        self.length_unit = length_unit
        self._units = ConfigurationUnits(robot, angle_unit, length_unit)
        units = np.array(self._units.in_si)
        bounds = representable_bounds(
            robot.lower_limits / units, robot.upper_limits / units, self.compute_dtype
        )
        # Numbers: torch.compile reads no arrays, and Keras would track lists.
        self._bounds = tuple(tuple(each.tolist()) for each in bounds)
        self.input_size = robot.dof + sum(joint.is_endless for joint in robot.independent_joints)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self._check_shape(input_shape)
        self.built = True

    def call(self, x: Tensor) -> Tensor:
        self._check_shape(x.shape)
        if not self.robot.dof:
            return ops.cast(x, self.compute_dtype)
        columns = iter(ops.unstack(self.precise(x), self.input_size, axis=-1))
        q = [entry for joint in self.robot.independent_joints for entry in _within(joint, columns)]
        q = ops.stack(q, axis=-1)
        if not self._units.is_si:
            q = q / ops.convert_to_tensor(self._units.in_si, dtype=q.dtype)
        rounded = ops.cast(q, self.compute_dtype)
        lower, upper = (ops.convert_to_tensor(each, rounded.dtype) for each in self._bounds)
        return mark_units(minimum(maximum(rounded, lower), upper), *self._units.names)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        self._check_shape(input_shape)
        return (*input_shape[:-1], self.robot.dof)

    def _check_shape(self, shape: tuple[int | None, ...]) -> None:
        check_last_axes(
            "The input of JointLimits",
            shape,
            (self.input_size,),
            "One number a joint, two for a joint that turns without limits; "
            "see JointLimits.input_size.",
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            **robot_entry(self.robot),
            "angle_unit": self.angle_unit,
            "length_unit": self.length_unit,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> JointLimits:
        return cls(**with_robot(config))


def _within(joint: Joint, columns: Iterator[Tensor]) -> list[Tensor]:
    """The entries of `q` of one joint, from the next columns of the input."""
    if "quaternion" in joint.entries:
        position = [next(columns) for _ in range(3)] if joint.type == "floating" else []
        quat = ops.stack([next(columns) for _ in range(4)], axis=-1)
        return [*position, *ops.unstack(normalised(quat), 4, axis=-1)]
    slides = [next(columns), next(columns)] if joint.type == "planar" else []
    x = next(columns)
    if joint.is_endless:
        return [*slides, safe_atan2(x, next(columns))]
    has_lower, has_upper = math.isfinite(joint.lower), math.isfinite(joint.upper)
    if has_lower and has_upper:
        middle, half_range = (joint.lower + joint.upper) / 2, (joint.upper - joint.lower) / 2
        return [middle + half_range * tanh(x)]
    if has_lower:
        return [joint.lower + ops.softplus(x)]
    return [joint.upper - ops.softplus(x) if has_upper else x]
