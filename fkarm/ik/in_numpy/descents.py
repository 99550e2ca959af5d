"""Descents of configurations to target poses in NumPy, each row for as many steps as it needs."""

from __future__ import annotations

import numpy as np

from fkarm.ik import damped_step as damped
from fkarm.ik.in_numpy.residual import Structure, errors_at, linearise, squared_length, structure_of
from fkarm.ik.in_numpy.steps import bounds_of, damped_change, first_state, tested_step
from fkarm.ik.problem import Problem, Terms
from fkarm.kinematics.in_numpy import Array, posture

# Rows that are computed together: their frames stay in a cache of the processor.
ROWS = 1024


def damped_descent(
    problem: Problem, terms: Terms, q: Array, targets: Array, steps: int, enough: float, count: int
) -> tuple[Array, Array]:
    """Configurations after damped steps; the best one of every row is returned.

    Args:
        problem: The problem.
        terms: Its values.
        q: Configurations within the limits, `count` per target. Shape `(rows, dof)`.
        targets: Target poses. Shape `(rows, links, 4, 4)`.
        steps: Number of steps.
        enough: Squared weighted error at which a row takes no further steps. The later rows of its
            target then stop too, because the first solution is the answer.
        count: Number of rows per target; 1: no row stops because of another.
    Returns:
        Configurations, and outcomes as those of `fkarm.ik.descent`. Shape `(rows, 4)`.
    """
    chunks = [
        _damped_chunk(problem, terms, q[rows], targets[rows], steps, enough, count)
        for rows in _chunks(len(q), count)
    ]
    return np.concatenate([best for best, _ in chunks]), np.concatenate([end for _, end in chunks])


def _damped_chunk(
    problem: Problem, terms: Terms, q: Array, targets: Array, steps: int, enough: float, count: int
) -> tuple[Array, Array]:
    of, q = structure_of(problem), q.astype(np.float64)
    bounds, least = bounds_of(of, terms), damped.SMALLEST_DAMPING[terms.dtype]
    best, squared = q.copy(), np.full(len(q), np.inf)
    errors = np.full((len(q), problem.components.size), np.inf)
    rows = np.arange(len(q))
    for step in range(steps + 1):
        local = linearise(of, terms, q[rows], targets[rows])
        now = squared_length(local.error)
        is_better = now < squared[rows]
        better = rows[is_better]
        best[better], squared[better], errors[better] = (
            q[better],
            now[is_better],
            local.error[is_better],
        )
        if step == steps:
            break
        moving = _moving(squared <= enough, count)[rows]
        if not moving.any():
            break
        if not moving.all():
            rows = rows[moving]
            local = local.of(moving)
        here = q[rows][:, of.active]
        q[rows[:, None], of.active] = here + damped_change(local, here, bounds, least)
    outcome = np.stack(
        [squared, excess(of, terms, errors), np.full(len(q), steps), np.zeros(len(q))], axis=1
    )
    return best, outcome


def tested_descent(
    problem: Problem, terms: Terms, q: Array, targets: Array, reference: Array, steps: int,
    enough: float,
) -> tuple[Array, Array]:  # fmt: skip
    """Local minima below configurations, by tested steps; see `fkarm.ik.descent.tested_descent`.

    Without a pull to the reference, a row is done at a squared weighted error of `enough`.
    """
    chunks = [
        _tested_chunk(problem, terms, q[rows], targets[rows], reference[rows], steps, enough)
        for rows in _chunks(len(q), 1)
    ]
    return np.concatenate([best for best, _ in chunks]), np.concatenate([end for _, end in chunks])


def _tested_chunk(
    problem: Problem, terms: Terms, q: Array, targets: Array, reference: Array, steps: int,
    enough: float,
) -> tuple[Array, Array]:  # fmt: skip
    of = structure_of(problem)
    bounds, q, count = bounds_of(of, terms), q.astype(np.float64), len(q)
    state = first_state(of, terms, bounds, q, targets)
    errors, rows = state.error.copy(), np.arange(count)
    used, at_rest = np.zeros(count), np.zeros(count)
    for step in range(steps):
        active = reference[rows][:, of.active]
        state = tested_step(of, terms, bounds, state, targets[rows], active, step == 0)
        used[rows] += 1
        q[rows], errors[rows] = state.q, state.error
        is_done = state.is_done
        if not terms.posture[0]:
            is_done = is_done | (squared_length(state.error) <= enough)
        at_rest[rows[is_done]] = 1.0
        if is_done.all():
            break
        if is_done.any():
            rows, state = rows[~is_done], state.of(~is_done)
    squared = squared_length(errors)
    return q, np.stack([squared, excess(of, terms, errors), used, at_rest], axis=1)


def pose_errors(problem: Problem, q: Array, targets: Array) -> Array:
    """Length of every link's position error, m, and orientation error, rad. `(rows, links, 2)`."""
    of = structure_of(problem)
    errors = errors_at(of, posture(of.tree, q), targets)
    lengths = [np.sqrt(np.sum(errors[:, half] ** 2, axis=1)) for half in of.halves]
    return np.stack(lengths, axis=1).reshape((len(q), len(problem.links), 2))


def _chunks(rows: int, count: int) -> list[slice]:
    """Slices of about `ROWS` rows that hold whole targets; at least one, which may be empty."""
    size = max(ROWS // count, 1) * count
    return [slice(first, first + size) for first in range(0, max(rows, 1), size)]


def _moving(is_solved: Array, count: int) -> Array:
    """Rows that are not solved, before the first solved one of their target."""
    if count == 1:
        return ~is_solved
    return ~np.logical_or.accumulate(is_solved.reshape((-1, count)), axis=1).ravel()


def excess(of: Structure, terms: Terms, errors: Array) -> Array:
    """The largest squared ratio of an error to its tolerance; a solution has 1 or less."""
    ratios = [
        closeness * np.sum(errors[:, half] ** 2, axis=1)
        for closeness, half in zip(terms.closeness, of.halves, strict=True)
        if half
    ]
    return np.max(ratios, axis=0)
