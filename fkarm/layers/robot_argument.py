"""The robot of a layer: its check, and its entry in the layer's configuration."""

from __future__ import annotations

from typing import Any

import keras

from fkarm.model import Robot


def check_robot(robot: object) -> None:
    """Raise TypeError unless `robot` is a Robot."""
    if not isinstance(robot, Robot):
        raise TypeError(
            "robot must be a fkarm.Robot, such as fkarm.robots.panda() or "
            f"fkarm.Robot.from_urdf(path). Received: {robot!r}."
        )


def robot_entry(robot: Robot) -> dict[str, Any]:
    """The entry for the robot in a layer's configuration."""
    return {"robot": keras.saving.serialize_keras_object(robot)}


def with_robot(config: dict[str, Any]) -> dict[str, Any]:
    """A layer's configuration with its robot as an object."""
    return {**config, "robot": keras.saving.deserialize_keras_object(config["robot"])}
