"""The check of an argument that must be a robot."""

from __future__ import annotations

from fkarm.model.robot import Robot


def check_robot(robot: object) -> None:
    """Raise TypeError unless `robot` is a Robot."""
    if not isinstance(robot, Robot):
        raise TypeError(
            "robot must be a fkarm.Robot, such as fkarm.robots.panda() or "
            f"fkarm.Robot.from_urdf(path). Received: {robot!r}."
        )
