"""Following a path of poses without jumps."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fkarm._types import TensorLike
from fkarm.ik.arguments import read_question
from fkarm.ik.solve import descend, judged
from fkarm.model import Robot

# Steps from one pose of a path to the next.
STEPS = 12


class PathResult(NamedTuple):
    """What `follow_path` found. NumPy arrays."""

    q: np.ndarray  # configurations within the limits, (..., n, dof)
    converged: np.ndarray  # whether every error is within its tolerance, (..., n)
    position_error: np.ndarray  # m, (..., n)
    orientation_error: np.ndarray  # rad, (..., n)


def follow_path(
    robot: Robot,
    targets: TensorLike,
    q_start: TensorLike,
    link: str | None = None,
    *,
    position_tolerance: float = 1e-3,
    orientation_tolerance: float = 1e-2,
) -> PathResult:
    """Configurations along a path of poses, each next to the one before.

    Every pose is reached by damped least squares from the configuration of the pose before it, so
    that joints stay on their branch of solutions. Near a singularity, and where a limit stops a
    joint, the others move fast, as such a path demands: look at `np.diff(q, axis=-2)`. Many paths
    go in parallel.
    For the poses of a path see `fkarm.geometry.interpolate_transforms`.

    Args:
        robot: The robot.
        targets: Poses in the root link's frame, m. Shape `(..., n, 4, 4)`.
        q_start: Configuration to come from: one that reaches the first pose, or nearly.
            Shape `(..., dof)`, or `(dof,)` for all paths.
        link: Link to lead along the path; None: `robot.end_effector`.
        position_tolerance: Largest position error that counts as reached, m.
        orientation_tolerance: Largest orientation error, rad.
    Returns:
        `PathResult`. A pose out of reach does not end the path: its `converged` is False, `q` comes
        as near as the way from the pose before leads.
    Raises:
        UnknownLinkError, ValueError: As `fkarm.solve_ik`; `targets` must have an axis of poses.
    """
    question = read_question(
        robot,
        targets,
        link,
        tolerances=(position_tolerance, orientation_tolerance),
    )
    if not question.batch:
        raise ValueError("targets must have shape (..., n, 4, 4). Received: shape (4, 4).")
    *batch, count = question.batch
    rows = np.arange(question.size).reshape((int(np.prod(batch)), count))
    start = question.configurations("q_start", q_start, tuple(batch))
    q = question.within_limits(start)[:, None]
    way = []
    for k in range(count):
        q, _ = descend(question, rows[:, k], q, STEPS)
        way.append(q)
    found = judged(question, rows.ravel(), np.concatenate(way, axis=1).reshape(-1, 1, robot.dof), 0)
    return PathResult(*(each.reshape((*batch, count, *each.shape[2:])) for each in found[:4]))
