"""Configurations along a path of poses, without jumps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from fkarm._types import TensorLike
from fkarm.ik.candidates import at_starts, descend_tested
from fkarm.ik.problem import ORIENTATION_TOLERANCE, POSITION_TOLERANCE, WEIGHTS, Task, Weights
from fkarm.ik.request import read_request, runs_in_numpy
from fkarm.ik.search import with_errors
from fkarm.model import Robot

# Steps from one pose of a path to the next, at most.
STEPS = 48


class PathResult(NamedTuple):
    """What `follow_path` returns. NumPy arrays."""

    q: np.ndarray  # configurations within the limits, (..., n, dof)
    converged: np.ndarray  # whether every error is within its tolerance, (..., n)
    position_error: np.ndarray  # m, (..., n)
    orientation_error: np.ndarray  # rad, (..., n)


def follow_path(
    robot: Robot,
    target_poses: TensorLike | Mapping[str, TensorLike],
    q_start: TensorLike,
    link: str | None = None,
    *,
    base: str | None = None,
    position_tolerance: float | Mapping[str, float] = POSITION_TOLERANCE,
    orientation_tolerance: float | Mapping[str, float] = ORIENTATION_TOLERANCE,
    q_ref: TensorLike | None = None,
    joint_mask: Sequence[bool] | None = None,
    task: Task | Mapping[str, Task] = "pose",
    frame: str = "root",
    weights: Weights | Mapping[str, Weights] = WEIGHTS,
    limit_margin: float = 0.0,
    posture_weight: float = 0.0,
) -> PathResult:
    """Configurations along a path of poses, every one near the configuration before it.

    Every pose is solved by damped least squares from the configuration of the pose before it, so
    that joints stay on their branch of solutions. Near a singularity, and where a limit stops a
    joint, such a path demands fast motion of the other joints: see `np.diff(q, axis=-2)`. Many
    paths are followed in parallel. `fkarm.geometry.interpolate_transforms` makes the poses of a
    path.

    Args:
        robot: The robot.
        target_poses: Poses in the frame of `base`, m. Shape `(..., n, 4, 4)`; for several links
            `{link: poses}`.
        q_start: Configuration before the first pose, at it or near it. Shape `(..., dof)`, or
            `(dof,)` for all paths. Joints that `joint_mask` holds, and joints that move no link,
            keep these values.
        link: Link that follows the path; None: `robot.end_effector`.
        base: Link in whose frame the poses are, on any branch; None: the root link.
        position_tolerance: Largest position error of a solution, m.
        orientation_tolerance: Largest orientation error, rad.
        q_ref: Posture that `posture_weight` pulls to; None: `q_start`. Shape `(..., dof)` of the
            paths, or `(dof,)`.
        joint_mask: Which entries of `q` may move.
        task: Components of the pose that count, as in `fkarm.solve_ik`.
        frame: Frame of the task's axes, as in `fkarm.solve_ik`.
        weights: Weight of a metre and of a radian.
        limit_margin: Distance that joints keep from their limits, rad or m.
        posture_weight: Weight of the distance between `q` and `q_ref`.
    Returns:
        `PathResult`. A pose out of reach does not end the path: its `converged` is False, and `q`
        is the nearest configuration that the descent from the pose before leads to.
    Raises:
        UnknownLinkError, ValueError: As `fkarm.solve_ik`; also if `target_poses` has no axis of
            poses.
    """
    request = read_request(
        robot,
        target_poses,
        link,
        base=base,
        q_init=np.zeros(robot.dof),
        q_ref=np.zeros(robot.dof),
        task=task,
        frame=frame,
        weights=weights,
        position_tolerance=position_tolerance,
        orientation_tolerance=orientation_tolerance,
        joint_mask=joint_mask,
        limit_margin=limit_margin,
        posture_weight=posture_weight,
    )
    if not request.batch:
        raise ValueError(
            "target_poses must have shape (..., n, 4, 4). Received: shape (4, 4). For one pose use "
            "fkarm.solve_ik."
        )
    *batch, count = request.batch
    start = request.configurations("q_start", q_start, tuple(batch))
    wish = start if q_ref is None else request.configurations("q_ref", q_ref, tuple(batch))
    start, wish = (np.repeat(each, count, axis=0) for each in (start, wish))
    paths = int(np.prod(batch))
    request = request._replace(q_init=start, q_ref=wish, is_few=runs_in_numpy(paths))
    rows = np.arange(request.size).reshape((paths, count))
    q = request.constrained(start.reshape(*rows.shape, robot.dof)[:, :1], rows[:, 0])
    configurations = []
    for k in range(count):
        q = descend_tested(request, rows[:, k], at_starts(q), STEPS).q
        configurations.append(q)
    path = np.concatenate(configurations, axis=1).reshape(-1, 1, robot.dof)
    result = with_errors(request, rows.ravel(), at_starts(path))
    return PathResult(*(field.reshape((*batch, count, *field.shape[2:])) for field in result[:4]))
