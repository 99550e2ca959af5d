"""The SelfDistance layer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras
from keras import ops

from fkarm._carried import check_units
from fkarm._types import Tensor
from fkarm.collision import pair_distances, self_distance
from fkarm.collision.link_pairs import Pair, chosen_pairs
from fkarm.kinematics.arguments import check_configuration_shape
from fkarm.layers.precision import KinematicLayer
from fkarm.layers.robot_argument import robot_entry, with_robot
from fkarm.layers.units import ConfigurationUnits
from fkarm.model import Robot
from fkarm.model.argument import check_robot


@keras.saving.register_keras_serializable(package="fkarm")
class SelfDistance(KinematicLayer):
    """Signed distances between the bodies of a robot, as of `fkarm.collision.self_distance`.

    Train with `fkarm.losses.CollisionLoss`, watch with `fkarm.metrics.CollisionRate`. The layer
    has no weights; its configuration contains the robot with its bodies.

    Args:
        robot: `fkarm.Robot` with bodies.
        pairs: Pairs of names of links; None: those that count, `fkarm.collision.pairs`.
        by_pair: Whether to return a distance for every pair instead of the smallest one.
        angle_unit: `"rad"` or `"deg"`: unit of the angles of `q`.
        length_unit: `"m"` or `"mm"`: unit of the lengths of `q`. Distances are in metres.
        **kwargs: `name`, `dtype`, ... of `keras.layers.Layer`; a mixed policy becomes float32.

    Call arguments:
        q: Joint configurations. Shape `(..., dof)`.

    Returns:
        Distances, m. Shape `(..., 1)`, with `by_pair` `(..., pairs)`.

    Raises:
        TypeError: If `robot` is not a Robot.
        RobotError, UnknownLinkError, ValueError: As `fkarm.collision.self_distance`.

    Gradient:
        As `fkarm.collision.self_distance`.

    Example:
        >>> arm = fkarm.robots.planar([1.0, 1.0, 1.0])
        >>> arm = arm.with_bodies([fkarm.Body(link, "sphere", 0.1) for link in arm.link_names])
        >>> pair = (arm.link_names[1], arm.end_effector)
        >>> fkarm.layers.SelfDistance(arm, pairs=[pair])(np.zeros((5, 3), "float32")).shape
        TensorShape([5, 1])
    """

    def __init__(
        self,
        robot: Robot,
        pairs: Iterable[Pair] | None = None,
        by_pair: bool = False,
        angle_unit: str = "rad",
        length_unit: str = "m",
        **kwargs: Any,
    ) -> None:
        check_robot(robot)
        super().__init__(**kwargs)
        self.robot = robot
        self.pairs = chosen_pairs(robot, pairs)
        self.by_pair = by_pair
        self.angle_unit = angle_unit
        self.length_unit = length_unit
        self._units = ConfigurationUnits(robot, angle_unit, length_unit)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        check_configuration_shape(self.robot, input_shape)
        self.built = True

    def call(self, q: Tensor) -> Tensor:
        check_configuration_shape(self.robot, q.shape)
        check_units("q", q, *self._units.names)
        q = self.precise(q)
        if not self._units.is_si:
            q = q * ops.convert_to_tensor(self._units.in_si, dtype=q.dtype)
        if self.by_pair:
            distances = pair_distances(self.robot, q, self.pairs)
        else:
            distances = self_distance(self.robot, q, self.pairs)[..., None]
        return ops.cast(distances, self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        check_configuration_shape(self.robot, input_shape)
        return (*input_shape[:-1], len(self.pairs) if self.by_pair else 1)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            **robot_entry(self.robot),
            "pairs": [list(pair) for pair in self.pairs],
            "by_pair": self.by_pair,
            "angle_unit": self.angle_unit,
            "length_unit": self.length_unit,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SelfDistance:
        return cls(**with_robot(config))
