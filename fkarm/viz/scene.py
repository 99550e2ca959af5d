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
from fkarm.motion import SolvedPath
from fkarm.viz.sliders import resting

# Rows of `solve_ik_all`: a closed form with a free joint tries so many values of it times eight.
_STARTS = 256
_SECONDS = 5.0  # of a path without times
_FRAMED = 50  # about as many rows of a path decide where the camera stands


class Scene(NamedTuple):
    """A configuration, and what is shown beside it."""

    q: np.ndarray  # (dof,)
    link: str
    others: np.ndarray  # configurations, (n, dof)
    targets: np.ndarray  # poses, (n, 4, 4)
    path: np.ndarray  # configurations, (n, dof)
    times: np.ndarray  # of the path, from 0, s, (n,)
    size: float  # of the robot, m
    centre: np.ndarray  # of all that the robot passes through, m, (3,)
    span: float  # of that, m

    def at(self, time: float) -> np.ndarray:
        """The configuration of the path at a time, s: entries go straight. Shape `(dof,)`."""
        return np.array([np.interp(time, self.times, entry) for entry in self.path.T])


def read_scene(
    robot: Robot,
    q: Any = None,
    link: str | None = None,
    others: Any = None,
    targets: Any = None,
    path: Any = None,
    seconds: float | None = None,
) -> Scene:
    """The arguments of a viewer, checked.

    Raises:
        UnknownLinkError: If the link does not exist.
        ValueError: If an array has another shape, or holds a number that is not finite.
    """
    link = robot.link_or_end_effector(link)
    rows, times = _read_path(robot, path, seconds)
    if q is not None:
        start = one_configuration(robot, "q", q)
    else:
        start = rows[0] if len(rows) else resting(robot)
    poses = np.zeros((0, 4, 4)) if targets is None else real_array("targets", targets)
    check_pose_shape("targets", poses.shape)
    _check_finite("targets", poses)
    places = _places(robot, start[None])
    passed = np.concatenate([places, _places(robot, rows[:: 1 + len(rows) // _FRAMED])])
    return Scene(
        q=start,
        link=link,
        others=_rows(robot, "others", others),
        targets=poses.reshape(-1, 4, 4),
        path=rows,
        times=times,
        size=_diagonal(places),
        centre=(passed.min(axis=0) + passed.max(axis=0)) / 2,
        span=_diagonal(passed),
    )


def _places(robot: Robot, q: np.ndarray) -> np.ndarray:
    """Positions of links at configurations, m; `(n, dof)` to `(m, 3)`.

    The root that a floating robot moves against is no link of it.
    """
    on_root = [joint.type for joint in robot.joints if joint.parent == robot.root_link]
    is_world = set(on_root) == {"floating"}
    links = [link for link in robot.link_names if not is_world or link != robot.root_link]
    poses = to_numpy(forward_kinematics(robot, q, links))
    return poses[..., :3, 3].reshape(-1, 3)


def _diagonal(places: np.ndarray) -> float:
    """Of the box around places, m; 1 if they are one place."""
    return float(np.linalg.norm(np.ptp(places, axis=0))) or 1.0


def _read_path(robot: Robot, path: Any, seconds: float | None) -> tuple[np.ndarray, np.ndarray]:
    """Configurations `(n, dof)` and their times from 0, s, `(n,)`."""
    if seconds is not None:
        check_positive("seconds", seconds)
    if not isinstance(path, SolvedPath):
        rows = _rows(robot, "path", path)
        times = np.linspace(0.0, _SECONDS if seconds is None else seconds, len(rows))
    else:
        if path.q.ndim != 2:
            raise ValueError(
                "path must be one clip, with q of shape (time, dof). Received: q of shape "
                f"{path.q.shape}. Take one: path._replace(q=path.q[0], times=path.times[0])."
            )
        rows = _rows(robot, "path", path.q)
        times = path.times - path.times[:1]
        if seconds is not None and len(times) > 1:
            times = seconds / times[-1] * times
    return _with_near_quaternions(robot, rows), times


def _with_near_quaternions(robot: Robot, rows: np.ndarray) -> np.ndarray:
    """The same poses, whose quaternions do not change their signs from row to row."""
    rows = rows.copy()
    for first in robot.quaternions:
        quat = rows[:, first : first + 4]
        flips = np.sum(quat[1:] * quat[:-1], axis=1) < 0
        quat[1:] *= 1 - 2 * (np.cumsum(flips) % 2)[:, None]
    return rows


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
