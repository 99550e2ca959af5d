"""One damped least-squares step towards target poses, limits respected inside the step.

All in entries with the rows of the batch innermost: arrays of shape `(n, rows)`.
"""

from __future__ import annotations

from functools import reduce
from typing import NamedTuple

import keras
from keras import ops

from fkarm._types import Tensor
from fkarm.geometry.native import arctan2, clip, maximum, minimum
from fkarm.geometry.safe import is_negligible
from fkarm.ik.linear import normal_matrix, solve_symmetric
from fkarm.kinematics.chain import Chain, chain_frames, columns, link_frames
from fkarm.kinematics.engine import kept, sincos
from fkarm.kinematics.entries import Frame, Vector, minus
from fkarm.kinematics.jacobian import link_twists
from fkarm.kinematics.plan import Plan, plan_chain
from fkarm.kinematics.sampling import inward_bounds
from fkarm.model import Robot

# Keeps the normal matrix positive definite where the error, and with it the damping, vanishes.
_SMALLEST_DAMPING = {"float32": 1e-7, "float64": 1e-13}


class Problem(NamedTuple):
    """What is to be reached with what. Hashable: stages are compiled once for each."""

    robot: Robot
    links: tuple[str, ...]
    rows: tuple[tuple[int, ...], ...]  # for each link, the axes of its error that count
    weights: tuple[float, float]  # of a metre and of a radian
    active: tuple[int, ...]  # entries of q that may move

    @property
    def plan(self) -> Plan:
        """The chain to the links."""
        return plan_chain(self.robot, self.links)


def frames_of(stacked: Tensor, links: int) -> list[Frame]:
    """Frames from arrays `(12 links, rows)`: columns x, y, z, then the origin."""
    entries = list(ops.unstack(stacked, 12 * links, axis=0))
    vectors = [(entries[k], entries[k + 1], entries[k + 2]) for k in range(0, 12 * links, 3)]
    return [
        Frame((vectors[k], vectors[k + 1], vectors[k + 2]), vectors[k + 3])
        for k in range(0, 4 * links, 4)
    ]


def residual_and_jacobian(problem: Problem, q: Tensor, targets: Tensor) -> Tensor:
    """Weighted error and Jacobian, `(m + m n, rows)`; entries of `q` that move only."""
    plan = problem.plan
    entries = list(ops.unstack(q, plan.dof, axis=0))
    chain = chain_frames(plan, entries, sincos)
    parts = columns(plan, entries, chain)
    jacobian = []
    for index, rows in enumerate(problem.rows):
        twists = link_twists(plan, parts, chain, index)
        for row in rows:
            weight = problem.weights[row // 3]
            jacobian += [weight * twists[entry][row // 3][row % 3] for entry in problem.active]
    error = _weighted_errors(problem, chain, targets)
    zeros = ops.zeros_like(error[0])
    return ops.stack([*error, *(each + zeros for each in jacobian)])


def squared_error(problem: Problem, q: Tensor, targets: Tensor) -> Tensor:
    """Squared weighted error. Shape `(rows,)`."""

    def run(q: Tensor, targets: Tensor) -> Tensor:
        plan = problem.plan
        chain = chain_frames(plan, list(ops.unstack(q, plan.dof, axis=0)), sincos)
        return sum(each * each for each in _weighted_errors(problem, chain, targets))

    return kept(run, q, targets)


def _weighted_errors(problem: Problem, chain: Chain, targets: Tensor) -> list[Tensor]:
    """What counts of the errors of the links, times its weights."""
    error = []
    for frame, target, rows in zip(
        link_frames(problem.plan, chain),
        frames_of(targets, len(chain.links)),
        problem.rows,
        strict=True,
    ):
        all_errors = [*minus(target.origin, frame.origin), *rotation_vector(target, frame)]
        error += [problem.weights[row // 3] * all_errors[row] for row in rows]
    return error


def rotation_vector(target: Frame, frame: Frame) -> Vector:
    """`log(R_target R^T)`, valid up to half a turn."""
    turn = [
        [
            sum(t[i] * c[j] for t, c in zip(target.columns, frame.columns, strict=True))
            for j in range(3)
        ]
        for i in range(3)
    ]
    sine = [
        0.5 * (turn[(k + 2) % 3][(k + 1) % 3] - turn[(k + 1) % 3][(k + 2) % 3]) for k in range(3)
    ]
    cosine = 0.5 * (turn[0][0] + turn[1][1] + turn[2][2] - 1.0)
    squared = sum(s * s for s in sine)
    is_zero = is_negligible(squared)
    length = ops.sqrt(ops.where(is_zero, 1.0, squared))
    angle = arctan2(ops.where(is_zero, 0.0, length), cosine)
    ratio = ops.where(is_zero, 1.0, angle / length)
    # Near half a turn the sine loses the axis; it is the largest column of R + R^T - 2 cos I.
    versine = 1.0 - cosine
    outer = [[0.5 * (turn[i][j] + turn[j][i]) for j in range(3)] for i in range(3)]
    diagonal = [outer[k][k] - cosine for k in range(3)]
    largest = maximum(maximum(diagonal[0], diagonal[1]), diagonal[2])
    column = [
        ops.where(
            diagonal[0] == largest,
            diagonal[0] if i == 0 else outer[i][0],
            ops.where(
                diagonal[1] == largest,
                diagonal[1] if i == 1 else outer[i][1],
                diagonal[2] if i == 2 else outer[i][2],
            ),
        )
        for i in range(3)
    ]
    norm = ops.sqrt(maximum(largest * versine, 1e-12))
    along = sum(s * c for s, c in zip(sine, column, strict=True))
    factor = ops.where(along < 0, -angle, angle) / norm
    is_far = cosine < -0.95
    x, y, z = (ops.where(is_far, factor * c, ratio * s) for s, c in zip(sine, column, strict=True))
    return x, y, z


def step(
    problem: Problem, q: Tensor, targets: Tensor, gain: float, largest: float
) -> tuple[Tensor, Tensor]:
    """One Levenberg-Marquardt step, and the squared weighted error before it.

    The damping is `gain` times the squared error, which needs no test whether a step helped
    [Sugihara2011]. Joints at a limit that the gradient would push across it do not take part
    (projected Newton steps, [Bertsekas1982]); the others stop at their limits.

    Args:
        problem: What to reach.
        q: Configurations within the limits. Shape `(dof, rows)`.
        targets: Frames, see `frames_of`. Shape `(12 links, rows)`.
        gain: Damping a unit of squared error.
        largest: Bound on the largest change of an entry, rad or m.
    Returns:
        Configurations within the limits, `(dof, rows)`; squared errors, `(rows,)`.
    """
    active, dtype = problem.active, keras.backend.standardize_dtype(q.dtype)
    size = sum(len(rows) for rows in problem.rows)
    flat = kept(lambda *each: residual_and_jacobian(problem, *each), q, targets)
    entries = list(ops.unstack(flat, size * (1 + len(active)), axis=0))
    error = entries[:size]
    jacobian = [entries[size + i * len(active) :][: len(active)] for i in range(size)]
    squared = sum(each * each for each in error)
    values = list(ops.unstack(q, problem.robot.dof, axis=0))
    limits = inward_bounds(problem.robot.lower_limits, problem.robot.upper_limits, dtype)
    lower, upper = (each.tolist() for each in limits)
    free = []
    for place, entry in enumerate(active):
        downhill = sum(row[place] * each for row, each in zip(jacobian, error, strict=True))
        is_stuck = ops.logical_or(
            ops.logical_and(values[entry] >= upper[entry], downhill > 0),
            ops.logical_and(values[entry] <= lower[entry], downhill < 0),
        )
        free.append(ops.where(is_stuck, 0.0, ops.ones_like(downhill)))
    jacobian = [[a * b for a, b in zip(row, free, strict=True)] for row in jacobian]
    change = damped_solve(jacobian, error, gain * squared + _SMALLEST_DAMPING[dtype])
    longest = reduce(maximum, (ops.abs(each) for each in change))
    share = minimum(1.0, largest / maximum(longest, 1e-9))
    for entry, each in zip(active, change, strict=True):
        values[entry] = clip(values[entry] + share * each, lower[entry], upper[entry])
    return ops.stack(values), squared


def damped_solve(
    jacobian: list[list[Tensor]], error: list[Tensor], damping: Tensor
) -> list[Tensor]:
    """`dq` that minimises `|J dq - e|^2 + damping |dq|^2`; `jacobian` as rows."""
    m, n = len(jacobian), len(jacobian[0])
    if n < m:
        by_joint = [list(column) for column in zip(*jacobian, strict=True)]
        matrix = _kept_matrix(by_joint, damping)
        right = [sum(a * e for a, e in zip(column, error, strict=True)) for column in by_joint]
        return _kept_solution(matrix, right)
    y = _kept_solution(_kept_matrix(jacobian, damping), error)
    return [sum(jacobian[i][j] * y[i] for i in range(m)) for j in range(n)]


def _kept_matrix(rows: list[list[Tensor]], damping: Tensor) -> list[list[Tensor]]:
    m, n = len(rows), len(rows[0])

    def build(flat: Tensor, damping: Tensor) -> Tensor:
        entries = list(ops.unstack(flat, m * n, axis=0))
        matrix = normal_matrix([entries[i * n : (i + 1) * n] for i in range(m)], damping)
        return ops.stack([each for line in matrix for each in line])

    flat = kept(build, ops.stack([each for row in rows for each in row]), damping)
    entries = iter(ops.unstack(flat, m * (m + 1) // 2, axis=0))
    return [[next(entries) for _ in range(i + 1)] for i in range(m)]


def _kept_solution(matrix: list[list[Tensor]], right: list[Tensor]) -> list[Tensor]:
    size = len(right)

    def solve(flat: Tensor) -> Tensor:
        entries = iter(ops.unstack(flat, size * (size + 1) // 2 + size, axis=0))
        lower = [[next(entries) for _ in range(i + 1)] for i in range(size)]
        return ops.stack(solve_symmetric(lower, list(entries)))

    flat = kept(solve, ops.stack([*(each for line in matrix for each in line), *right]))
    return list(ops.unstack(flat, size, axis=0))
