"""What a viewer shows beside the robot, checked."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fkarm._checks import check_pose_shape, check_positive, real_array
from fkarm.geometry.native import to_numpy
from fkarm.ik import solve_ik_all
from fkarm.kinematics import forward_kinematics
from fkarm.kinematics.arguments import check_configuration_shape, configuration_array
from fkarm.model import Robot
from fkarm.viz.sliders import resting

# Rows of `solve_ik_all`: a closed form with a free joint tries so many values of it times eight.
_STARTS = 256


class Scene(NamedTuple):
    """A configuration, and what is shown beside it."""

    q: np.ndarray  # (dof,)
    link: str
    others: np.ndarray  # configurations, (n, dof)
    targets: np.ndarray  # poses, (n, 4, 4)
    path: np.ndarray  # configurations, (n, dof)
    seconds: float
    centre: np.ndarray  # of the robot, m, (3,)
    size: float  # m


def read_scene(
    robot: Robot,
    q: Any = None,
    link: str | None = None,
    others: Any = None,
    targets: Any = None,
    path: Any = None,
    seconds: float = 1.0,
) -> Scene:
    """The arguments of a viewer, checked.

    Raises:
        UnknownLinkError: If the link does not exist.
        ValueError: If an array has another shape, or holds a number that is not finite.
    """
    link = robot.link_or_end_effector(link)
    check_positive("seconds", seconds)
    start = resting(robot) if q is None else one_configuration(robot, "q", q)
    poses = np.zeros((0, 4, 4)) if targets is None else real_array("targets", targets)
    check_pose_shape("targets", poses.shape)
    _check_finite("targets", poses)
    places = to_numpy(forward_kinematics(robot, start, robot.link_names))[:, :3, 3]
    return Scene(
        q=start,
        link=link,
        others=_rows(robot, "others", others),
        targets=poses.reshape(-1, 4, 4),
        path=_rows(robot, "path", path),
        seconds=float(seconds),
        centre=(places.min(axis=0) + places.max(axis=0)) / 2,
        size=float(np.linalg.norm(np.ptp(places, axis=0))) or 1.0,
    )


def one_configuration(robot: Robot, name: str, q: Any) -> np.ndarray:
    """A configuration `(dof,)` as float64; ValueError if it is of another shape or not finite."""
    array = configuration_array(name, q)
    if array.shape != (robot.dof,):
        raise ValueError(
            f"{name} must be one configuration, of shape ({robot.dof},). Received: {array.shape}."
        )
    _check_finite(name, array)
    return array


def _rows(robot: Robot, name: str, values: Any) -> np.ndarray:
    if values is None:
        return np.zeros((0, robot.dof))
    array = configuration_array(name, values)
    check_configuration_shape(robot, array.shape)
    _check_finite(name, array)
    return array.reshape(-1, robot.dof)


def _check_finite(name: str, array: np.ndarray) -> None:
    if not np.isfinite(array).all():
        raise ValueError(
            f"{name} must hold finite numbers. Received: {np.count_nonzero(~np.isfinite(array))} "
            "that are not."
        )


def all_solutions(
    robot: Robot, target: np.ndarray, link: str, q: np.ndarray, task: Any = "pose"
) -> np.ndarray:
    """The distinct solutions of a target: by the closed form, if there is one. Shape `(n, dof)`."""
    found = solve_ik_all(robot, target, link, q_init=q, q_ref=q, task=task, starts=_STARTS)
    return found.q[found.is_solution]
