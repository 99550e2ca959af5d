"""The Manipulability layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from fkarm._carried import check_units
from fkarm._types import Tensor
from fkarm.kinematics import manipulability
from fkarm.kinematics.arguments import base_name, check_configuration_shape
from fkarm.kinematics.task import task_rows
from fkarm.layers.precision import KinematicLayer
from fkarm.layers.robot_argument import robot_entry, with_robot
from fkarm.model import Robot
from fkarm.model.argument import check_robot


@keras.saving.register_keras_serializable(package="fkarm")
class Manipulability(KinematicLayer):
    """How well a link can move in every direction: `fkarm.manipulability` as a layer.

    With `fkarm.losses.ManipulabilityLoss` a network learns to stay away from singularities.

    Args:
        robot: `fkarm.Robot`.
        link: Name of the link; None: `robot.end_effector`.
        task: The directions that count, as in `fkarm.manipulability`.
        base: The link against which the link moves; None: the root link.
        **kwargs: `name`, `dtype`, ... of `keras.layers.Layer`.

    Call arguments:
        q: Joint configurations, rad or m. Shape `(..., dof)`.

    Returns:
        The measure, in m and rad to the powers of the directions. Shape `(...)`.

    Raises:
        TypeError: If `robot` is not a Robot.
        UnknownLinkError: If the link or `base` does not exist.
        ValueError: If the task is unknown or has more directions than the link has degrees of
            freedom, or the input does not end with an axis of size `dof` or is known to be in
            degrees or millimetres.

    Gradient:
        Zero at a singularity, where the measure has a corner.

    Example:
        >>> arm = fkarm.robots.planar([1.0, 0.5])
        >>> layer = fkarm.layers.Manipulability(arm, task=("x", "y"))
        >>> layer(np.array([[0.0, np.pi / 2]], "float32")).numpy().tolist()
        [0.5]
    """

    def __init__(
        self,
        robot: Robot,
        link: str | None = None,
        task: str | Sequence[str] = "pose",
        base: str | None = None,
        **kwargs: Any,
    ) -> None:
        check_robot(robot)
        super().__init__(**kwargs)
        robot.link_or_end_effector(link)
        base_name(robot, base)
        task_rows(task)
        self.robot = robot
        self.link = link
        self.task = task if isinstance(task, str) else tuple(task)
        self.base = base

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        check_configuration_shape(self.robot, input_shape)
        self.built = True

    def call(self, q: Tensor) -> Tensor:
        check_configuration_shape(self.robot, q.shape)
        check_units("The input of Manipulability", q, "rad", "m")
        measure = manipulability(self.robot, self.precise(q), self.link, self.task, self.base)
        return ops.cast(measure, self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        check_configuration_shape(self.robot, input_shape)
        return tuple(input_shape[:-1])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            **robot_entry(self.robot),
            "link": self.link,
            "task": self.task if isinstance(self.task, str) else list(self.task),
            "base": self.base,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Manipulability:
        return cls(**with_robot(config))
