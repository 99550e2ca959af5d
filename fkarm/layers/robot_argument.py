"""The robot of a layer: its entry in the layer's configuration."""

from __future__ import annotations

from typing import Any

import keras

from fkarm.model import Robot


def robot_entry(robot: Robot) -> dict[str, Any]:
    """The entry for the robot in a layer's configuration."""
    return {"robot": keras.saving.serialize_keras_object(robot)}


def with_robot(config: dict[str, Any]) -> dict[str, Any]:
    """A layer's configuration with its robot as an object."""
    return {**config, "robot": keras.saving.deserialize_keras_object(config["robot"])}
