"""Configurations along a path of poses, without jumps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from fkarm._types import TensorLike
from fkarm.collision.obstacles import Obstacle
from fkarm.errors import NoClosedFormError
from fkarm.ik.along_branches import AlongBranches
from fkarm.ik.by_closed_form import form_of
from fkarm.ik.candidates import at_starts, descend_tested
from fkarm.ik.clearance import Surroundings, judged, surroundings
from fkarm.ik.clearance.descent import descend_clear
from fkarm.ik.closed_form import ClosedForm
from fkarm.ik.limbs import joined, limbs_of, of_limb
from fkarm.ik.problem import ORIENTATION_TOLERANCE, POSITION_TOLERANCE, WEIGHTS, Task, Weights
from fkarm.ik.request import Request, read_request, runs_in_numpy
from fkarm.ik.result import IKResult, counted, distance_in_lines, errors_in_lines
from fkarm.ik.search import with_errors
from fkarm.model import Robot

# Steps from one pose of a path to the next, at most.
STEPS = 48


class PathResult(NamedTuple):
    """What `follow_path` returns. NumPy arrays."""

    q: np.ndarray  # configurations within the limits, (..., n, dof)
    converged: np.ndarray  # whether every error is within its tolerance, and q is clear, (..., n)
    position_error: np.ndarray  # m, (..., n)
    orientation_error: np.ndarray  # rad, (..., n)
    clearance: np.ndarray  # m, the smallest distance that counts; NaN if not asked for, (..., n)

    def __str__(self) -> str:
        *batch, poses = self.converged.shape
        solved = self.converged
        paths = int(np.prod(batch))
        of_paths = f"{counted(paths, 'path')} of " if batch else ""
        lines = [f"{of_paths}{counted(poses, 'pose')}, {int(solved.sum())} solved"]
        lines += errors_in_lines(self, {"solved": solved, "not solved": ~solved})
        return "\n".join(lines + distance_in_lines(self.clearance))


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
    method: str = "auto",
    clearance: float | None = None,
    obstacles: Obstacle | Iterable[Obstacle] | None = None,
) -> PathResult:
    """Configurations along a path of poses, every one near the configuration before it.

    Arms with six joints and a closed form take, of all solutions within 0.5 rad of the
    configuration before, the one nearest to where the last change leads, so that joints keep their
    velocities. All other arms and problems, poses out of reach and poses beside singularities are
    solved by damped least squares from the configuration before. Near a singularity, and where a
    limit stops a joint, a path demands fast motion of the other joints: see
    `np.diff(q, axis=-2)`. Many paths are followed in parallel.
    `fkarm.geometry.interpolate_transforms` makes the poses of a path.

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
        method: `"auto"`, `"closed_form"` or `"numeric"`, as in `fkarm.solve_ik`. Seven joints
            follow a closed form only if `joint_mask` holds one of them.
        clearance: Smallest distance of a solution, m, as in `fkarm.solve_ik`. Where a pose brings
            bodies nearer, steps push them apart, by motion that the pose leaves free: a redundant
            arm moves aside. The path does not change to another posture, so an arm with six joints
            can only say where it is not clear. `fkarm.solve_path` also deviates from the poses.
        obstacles: Objects of `fkarm.collision`, as in `fkarm.solve_ik`.
    Returns:
        `PathResult`. A pose out of reach does not end the path: its `converged` is False, and `q`
        is the nearest configuration that the descent from the pose before leads to. A pose that is
        not finite has NaN errors, and the configuration of the pose before.
    Raises:
        NoClosedFormError: With `method="closed_form"`, if the problem has none.
        UnknownLinkError, RobotError, ValueError: As `fkarm.solve_ik`; also if `target_poses` has no
            axis of poses.
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
    around = surroundings(request, clearance, obstacles)
    rows = np.arange(request.size).reshape((paths, count))
    limbs = limbs_of(request.problem)
    if len(limbs) > 1 and around is None:
        results = [_followed(of_limb(request, limb), rows, method) for limb in limbs]
        result = joined(limbs, results)
    else:  # limbs keep clear of each other
        result = _followed(request, rows, method, around)
    if around is not None:
        result = judged(result, around)
    fields = (*result[:4], result.clearance)
    return PathResult(*(field.reshape((*batch, count, *field.shape[2:])) for field in fields))


def _followed(
    request: Request, rows: np.ndarray, method: str, around: Surroundings | None = None
) -> IKResult:
    """The configurations of poses `(paths, poses)`, as one row per pose."""
    form = _form(request, method)
    branches = None if form is None else AlongBranches(form, request, rows)
    flat = rows.ravel()
    path = request.constrained(request.rest[:, None], flat)
    path = path.reshape(*rows.shape, path.shape[-1])
    is_short = np.zeros(rows.shape, bool)
    for k in range(rows.shape[1]):
        before = path[:, max(k - 1, 0)]
        q = before.copy()
        if branches is not None:
            by_form, is_short[:, k] = branches.step(k, before)
            q = np.where(is_short[:, k, None], by_form, before)
        is_open = ~is_short[:, k] & request.is_finite[rows[:, k]]
        q[is_open] = _descended(request, rows[is_open, k], before[is_open])
        if around is not None:
            q = _pushed(request, rows[:, k], q, around)
        path[:, k] = q
    path = path.reshape(-1, 1, path.shape[-1])
    # Whole turns are those of the path.
    request = request._replace(q_ref=path[:, 0])
    result = with_errors(request, flat, at_starts(path))
    is_coarse = is_short.ravel() & ~result.converged[:, 0]
    if is_coarse.any():
        path[is_coarse, 0] = _descended(request, flat[is_coarse], path[is_coarse, 0])
        result = with_errors(request, flat, at_starts(path))
    return result


def _descended(request: Request, rows: np.ndarray, q: np.ndarray) -> np.ndarray:
    """The ends of the descents from configurations `(rows, dof)`."""
    return descend_tested(request, rows, at_starts(q[:, None]), STEPS).q[:, 0]


def _pushed(request: Request, rows: np.ndarray, q: np.ndarray, around: Surroundings) -> np.ndarray:
    """Configurations `(rows, dof)` with their bodies apart, where steps can bring that about."""
    near = np.flatnonzero((around.distances(q) < around.least) & request.is_finite[rows])
    if near.size:
        ends = descend_clear(request, rows[near], at_starts(q[near, None]), around, STEPS)
        is_clear = ends.ratio[:, 0] <= 1.0
        q[near[is_clear]] = ends.q[is_clear, 0]
    return q


def _form(request: Request, method: str) -> ClosedForm | None:
    """The closed form that paths follow: that of six joints, of which none is left free."""
    form = form_of(request.problem, request.terms, method)
    if form is None or form.free_entry is None or request.terms.free[form.free_entry] == 0:
        return form
    if method == "closed_form":
        raise NoClosedFormError(
            "method='closed_form' needs six joints that may move. Received: seven. Hold "
            f"{form.free!r} by joint_mask, or use method='auto', which descends."
        )
    return None
