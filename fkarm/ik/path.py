"""Following a path of poses without jumps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from fkarm._types import TensorLike
from fkarm.ik.arguments import read_question
from fkarm.ik.candidates import Candidates, careful
from fkarm.ik.finding import judged
from fkarm.ik.problem import ORIENTATION_TOLERANCE, POSITION_TOLERANCE, WEIGHTS, Task, Weights
from fkarm.model import Robot

# Steps from one pose of a path to the next, at most.
STEPS = 48


class PathResult(NamedTuple):
    """What `follow_path` found. NumPy arrays."""

    q: np.ndarray  # configurations within the limits, (..., n, dof)
    converged: np.ndarray  # whether every error is within its tolerance, (..., n)
    position_error: np.ndarray  # m, (..., n)
    orientation_error: np.ndarray  # rad, (..., n)


def follow_path(
    robot: Robot,
    targets: TensorLike | Mapping[str, TensorLike],
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
    """Configurations along a path of poses, each next to the one before.

    Every pose is reached by damped least squares from the configuration of the pose before it, so
    that joints stay on their branch of solutions. Near a singularity, and where a limit stops a
    joint, the others move fast, as such a path demands: look at `np.diff(q, axis=-2)`. Many paths
    go in parallel.
    For the poses of a path see `fkarm.geometry.interpolate_transforms`.

    Args:
        robot: The robot.
        targets: Poses in the frame of `base`, m. Shape `(..., n, 4, 4)`; for several links
            `{link: poses}`.
        q_start: Configuration to come from: one that reaches the first pose, or nearly.
            Shape `(..., dof)`, or `(dof,)` for all paths. Joints that `joint_mask` holds, and
            those that move no link, stay there.
        link: Link to lead along the path; None: `robot.end_effector`.
        base: Link that targets are seen from, on any branch; None: the root link.
        position_tolerance: Largest position error that counts as reached, m.
        orientation_tolerance: Largest orientation error, rad.
        q_ref: What `posture_weight` pulls to; None: `q_start`. Shape `(..., dof)` of the paths, or
            `(dof,)`.
        joint_mask: Which entries of `q` may move.
        task: What of the pose counts, as in `fkarm.solve_ik`.
        frame: Whose axes the task's are, as there.
        weights: Of a metre and of a radian.
        limit_margin: How far from their limits joints stay, rad or m.
        posture_weight: Of the wish to be near `q_ref`.
    Returns:
        `PathResult`. A pose out of reach does not end the path: its `converged` is False, `q` comes
        as near as the way from the pose before leads, and stands still there.
    Raises:
        UnknownLinkError, ValueError: As `fkarm.solve_ik`; `targets` must have an axis of poses.
    """
    question = read_question(
        robot,
        targets,
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
    if not question.batch:
        raise ValueError("targets must have shape (..., n, 4, 4). Received: shape (4, 4).")
    *batch, count = question.batch
    start = question.configurations("q_start", q_start, tuple(batch))
    wish = start if q_ref is None else question.configurations("q_ref", q_ref, tuple(batch))
    start, wish = (np.repeat(each, count, axis=0) for each in (start, wish))
    question = question._replace(q_init=start, q_ref=wish)
    rows = np.arange(question.size).reshape((int(np.prod(batch)), count))
    q = question.prepared(start.reshape(*rows.shape, robot.dof)[:, :1], rows[:, 0])
    zeros = np.zeros(q.shape[:2], int)
    way = []
    for k in range(count):
        here = Candidates(q, zeros.astype(float), zeros.astype(float), zeros, zeros)
        q = careful(question, rows[:, k], here, STEPS).q
        way.append(q)
    whole = np.concatenate(way, axis=1).reshape(-1, 1, robot.dof)
    flat = np.zeros((len(whole), 1), int)
    found = judged(question, rows.ravel(), whole, flat, flat)
    return PathResult(*(each.reshape((*batch, count, *each.shape[2:])) for each in found[:4]))
