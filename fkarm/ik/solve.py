"""Inverse kinematics of many targets at once."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from keras import ops

from fkarm._types import Tensor, TensorLike
from fkarm.geometry import pose_error
from fkarm.geometry.native import to_numpy
from fkarm.geometry.safe import safe_norm
from fkarm.ik.arguments import WEIGHTS, Question, read_question
from fkarm.ik.search import descent
from fkarm.ik.seeds import low_discrepancy, seed_table
from fkarm.ik.step import Problem
from fkarm.kinematics import forward_kinematics
from fkarm.kinematics.engine import Function, compiled
from fkarm.model import Robot

# Starts for each target and steps from each, stage after stage; a stage serves the targets
# that those before it left open.
STAGES = ((4, 6), (16, 10), (64, 24))
# Sizes that a search is compiled for: whatever the batch, it is compiled three times at most.
ROWS = (128, 1024, 4096)
# Steps that bring a solution within tolerance down to rounding.
POLISH = 8


class IKResult(NamedTuple):
    """What `solve_ik` found. NumPy arrays; batch axes are those of the targets."""

    q: np.ndarray  # configurations within the limits, the best effort if not converged, (..., dof)
    converged: np.ndarray  # whether every error is within its tolerance, (...)
    position_error: np.ndarray  # m, the largest of the links; of what the task counts, (...)
    orientation_error: np.ndarray  # rad, likewise
    steps: np.ndarray  # steps taken from the start that led to q, (...)
    seed_index: np.ndarray  # which start that was; 0 is q_init if given, (...)


def solve_ik(
    robot: Robot,
    target: TensorLike | Mapping[str, TensorLike],
    link: str | None = None,
    *,
    position_tolerance: float = 1e-3,
    orientation_tolerance: float = 1e-2,
    q_init: TensorLike | None = None,
    q_ref: TensorLike | None = None,
    joint_mask: Sequence[bool] | None = None,
    seeds: int = 84,
    max_steps: int = 24,
    seed: int = 0,
    task: str | Sequence[str] = "pose",
    weights: tuple[float, float] = WEIGHTS,
    all_solutions: bool = False,
) -> IKResult:
    """Joint configurations that bring links to target poses, for many targets at once.

    Levenberg-Marquardt from many starts, in one compiled loop. Starts are entries of a table of
    known poses near the target; targets that stay open are tried again from more of them. Joint
    limits hold in every step: a joint at its limit that the step would push across it does not take
    part. Stateless: the same arguments give the same answer.

    Args:
        robot: The robot.
        target: Poses in the root link's frame, m. Shape `(..., 4, 4)`; for several links at once
            `{link: poses}`, all of one batch shape. float32 or float64: the type to solve in, and
            that of the result's `q`; where JAX has float64 switched off float32, with a warning.
        link: Link to bring there; None: `robot.end_effector`.
        position_tolerance: Largest position error of a solution, m.
        orientation_tolerance: Largest orientation error, rad.
        q_init: First start. Shape `(..., dof)`, or `(dof,)` for all targets.
        q_ref: Of the solutions found, the one nearest to this is returned, whole turns taken off;
            it is the first start too, unless `q_init` is. Shape as `q_init`.
        joint_mask: Which entries of `q` may move; the others keep the value of `q_init`.
        seeds: Starts for each target, at most.
        max_steps: Steps from each start, at most; the best then takes a few more.
        seed: Which low-discrepancy starts.
        task: What of the pose counts: `"pose"`, `"position"`, `"orientation"`, or a list of `"x"`,
            `"y"`, `"z"`, `"rx"`, `"ry"`, `"rz"` (root axes; the rotation vector from the link to
            the target).
        weights: Of a metre and of a radian in the error that is minimised.
        all_solutions: Return every start's outcome: all fields get an axis of size `seeds` behind
            the batch axes, and `converged` marks one of each group of like solutions.
    Returns:
        `IKResult`. A target out of reach is no exception: its `converged` is False, and `q` comes
        nearest. A target with NaN has NaN errors; others are not affected.
    Raises:
        UnknownLinkError: If a link does not exist.
        RobotError: If a sliding joint without limits leaves no range for starts.
        TypeError: If it is called while tracing: use `fkarm.layers.InverseKinematics` in models.
        ValueError: If a target is no pose, no joint may move a link, or an argument is out of
            range; a tolerance below what the type can reach is one.
    Reference:
        [Sugihara2011] for the damping, [Bertsekas1982] for the limits.
    Example:
        >>> robot = fkarm.robots.panda()
        >>> T = fkarm.forward_kinematics(robot, fkarm.sample_configurations(robot, 5), "panda_hand")
        >>> bool(fkarm.solve_ik(robot, T, "panda_hand").converged.all())
        True
    """
    question = read_question(
        robot,
        target,
        link,
        tolerances=(position_tolerance, orientation_tolerance),
        q_init=q_init,
        q_ref=q_ref,
        joint_mask=joint_mask,
        counts={"seeds": seeds, "max_steps": max_steps},
        task=task,
        weights=weights,
    )
    if all_solutions:
        found = _distinct(question, _from_all(question, seeds, max_steps, seed))
    elif question.q_ref is not None:
        found = _nearest(question, _from_all(question, seeds, max_steps, seed))
    else:
        found = _in_stages(question, seeds, max_steps, seed)
    axes = (*question.batch, seeds) if all_solutions else question.batch
    return IKResult(
        *(each.reshape((*axes, *each.shape[len(found.converged.shape) :])) for each in found)
    )


def _in_stages(question: Question, seeds: int, max_steps: int, seed: int) -> IKResult:
    """The first solution found, or the nearest miss."""
    found = _nothing(question)
    tried = 0
    for count, steps in STAGES + (STAGES[-1],) * (seeds // STAGES[-1][0]):
        count, steps = min(count, seeds - tried), min(steps, max_steps)
        open_rows = np.flatnonzero(~found.converged & question.is_finite)
        if not count or not open_rows.size:
            break
        starts = _starts(question, open_rows, tried, count, seed)
        q, squared = descend(question, open_rows, starts, steps)
        best = squared.argmin(axis=1)
        chosen = np.take_along_axis(q, best[:, None, None], axis=1)
        chosen, _ = descend(question, open_rows, chosen, POLISH)
        again = judged(question, open_rows, chosen, steps + POLISH)
        again = again._replace(seed_index=tried + best[:, None])
        is_better = again.converged[:, 0] | (
            _cost(question, again)[:, 0] < _cost(question, found)[open_rows]
        )
        for old, new in zip(found, again, strict=True):
            old[open_rows[is_better]] = new[is_better, 0]
        tried += count
    return found


def _from_all(question: Question, seeds: int, steps: int, seed: int) -> IKResult:
    """Where every start leads, `(targets, seeds)`."""
    rows = np.arange(question.size)
    starts = _starts(question, rows, 0, seeds, seed)
    q, _ = descend(question, rows, starts, steps)
    return judged(question, rows, question.turned(q), steps)


def _nearest(question: Question, found: IKResult) -> IKResult:
    """The solution nearest to the reference; without a solution the nearest miss."""
    reference = np.asarray(question.q_ref)[:, None]
    distance = np.linalg.norm(question.difference(found.q, reference), axis=-1)
    order = np.where(found.converged, distance, 1e10 + _cost(question, found))
    best = np.nan_to_num(order, nan=np.inf).argmin(axis=1)
    return IKResult(*(each[np.arange(len(best)), best] for each in found))


def _distinct(question: Question, found: IKResult) -> IKResult:
    """Of solutions less than 0.05 rad or m apart in each joint only the first counts."""
    converged = found.converged.copy()
    for j in range(1, converged.shape[1]):
        apart = np.abs(question.difference(found.q[:, :j], found.q[:, j : j + 1])).max(axis=-1)
        converged[:, j] &= ~np.any(converged[:, :j] & (apart < 0.05), axis=1)
    return found._replace(converged=converged)


def _starts(question: Question, rows: np.ndarray, first: int, count: int, seed: int) -> np.ndarray:
    """Starts number `first` to `first + count` of some targets. Shape `(rows, count, dof)`."""
    robot = question.problem.robot
    if first < STAGES[0][0] + STAGES[1][0]:
        # Each stage has a table of its own: what was nearest is not tried twice.
        table = seed_table(question.problem, max(4096, count), seed + first)
        starts = table.q[table.nearest(question.targets[rows], count)]
    else:
        starts = np.broadcast_to(
            low_discrepancy(robot, count, seed + first), (len(rows), count, robot.dof)
        )
    return question.prepared(starts, rows, is_first=first == 0)


def descend(
    question: Question, rows: np.ndarray, starts: np.ndarray, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Best configurations from starts `(rows, count, dof)`, and squared errors `(rows, count)`."""
    shape = starts.shape[:2]
    entries = np.repeat(question.entries[rows], shape[1], axis=0)
    q, squared = padded(
        descent(question.problem),
        starts.reshape(-1, starts.shape[-1]).astype(question.dtype),
        entries,
        np.full((len(entries), 1), steps, question.dtype),
    )
    return q.reshape(starts.shape), squared.reshape(shape)


def judged(question: Question, rows: np.ndarray, q: np.ndarray, steps: int) -> IKResult:
    """Errors of configurations `(rows, count, dof)`, by forward kinematics in float64."""
    shape = q.shape[:2]
    targets = np.repeat(question.targets[rows], shape[1], axis=0).astype("float64")
    flat = q.reshape(-1, q.shape[-1])
    errors = padded(_judge(question.problem), flat.astype("float64"), targets)
    position, orientation = (each.reshape(shape) for each in errors)
    unknown = ~question.is_finite[rows]
    position[unknown] = orientation[unknown] = np.nan
    within = (position <= question.tolerances[0]) & (orientation <= question.tolerances[1])
    counts = np.zeros(shape, int)
    index = np.broadcast_to(np.arange(shape[1]), shape)
    return IKResult(q, within, position, orientation, counts + steps, index)


@lru_cache(maxsize=128)
def _judge(problem: Problem) -> Function:
    def errors(q: Tensor, targets: Tensor) -> list[Tensor]:
        poses = forward_kinematics(problem.robot, q, problem.links)
        twist = pose_error(poses, targets)  # (rows, links, 6)
        both = []
        for half in (range(3), range(3, 6)):
            lengths = [
                safe_norm(ops.stack([twist[:, k, row] for row in rows if row in half], axis=-1))
                for k, rows in enumerate(problem.rows)
                if any(row in half for row in rows)
            ]
            zero = ops.zeros_like(twist[:, 0, 0])
            both.append(ops.max(ops.stack([zero, *lengths]), axis=0))
        return both

    return compiled(errors, (1, 3), from_rows=0)


def padded(function: Function, *inputs: np.ndarray) -> list[np.ndarray]:
    """Call a stage on all rows, a chunk of one of the sizes at a time."""
    chunks = []
    for start in range(0, max(len(inputs[0]), 1), ROWS[-1]):
        parts = [each[start : start + ROWS[-1]] for each in inputs]
        count = len(parts[0])
        room = ROWS[bisect_left(ROWS, count)]
        if room > count:
            parts = [np.resize(each, (room, *each.shape[1:])) for each in parts]  # repeated
        found = function(*(ops.convert_to_tensor(each) for each in parts))
        chunks.append([to_numpy(each)[:count] for each in found])
    return [np.concatenate(each) for each in zip(*chunks, strict=True)]


def _cost(question: Question, found: IKResult) -> np.ndarray:
    meter, radian = question.problem.weights
    return np.square(meter * found.position_error) + np.square(radian * found.orientation_error)


def _nothing(question: Question) -> IKResult:
    """Before any search: the first start, and no solution."""
    q = question.prepared(
        low_discrepancy(question.problem.robot, 1, 0)[None], np.arange(question.size), True
    )[:, 0]
    errors = np.full(question.size, np.inf)
    errors[~question.is_finite] = np.nan
    none = np.zeros(question.size, int)
    return IKResult(
        q.astype(question.dtype).copy(), none.astype(bool), errors, errors.copy(), none, none.copy()
    )
