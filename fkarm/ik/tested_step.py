"""Steps that are tested: each brings the error down, or is not taken.

Gauss-Newton steps on half the squared weighted error, as long as they take a fifth of it away; else
Newton steps with its whole second derivative: away from the target the bending of the chain is what
tells a valley from a ridge. They are damped by how much of what a step promised it gains. All with
the rows of the batch innermost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from fkarm._types import Tensor
from fkarm.geometry.native import clip, maximum, minimum
from fkarm.ik.curvature import Seen, bending, look
from fkarm.ik.damped_step import damped_solve, squared_length
from fkarm.ik.linear import isolated_solution
from fkarm.ik.problem import Problem, Terms
from fkarm.ik.residual import weighted_errors

# Damping to begin with: of 3,000 starts 2 mm off none leaves a branch that goes on.
FIRST_DAMPING = 1e-4
LARGEST_DAMPING = 1e9
SMALLEST_DAMPING = {"float32": 1e-9, "float64": 1e-13}
# With more entries the second derivative takes too long to compile: Gauss-Newton steps.
MOST_BENT = 12


class Walk(NamedTuple):
    """Where rows are, and how far they trust the next step."""

    q: Tensor  # (dof, rows)
    damping: Tensor  # (rows,)
    growth: Tensor  # what the damping is multiplied by if the next step fails, (rows,)
    bend: Tensor  # whether the next step is Newton's, 1 or 0, (rows,)
    is_done: Tensor  # nothing is left to gain, (rows,)


class Step(NamedTuple):
    """A step that is proposed, and what is made of it."""

    after: Tensor  # where it leads, (dof, rows)
    is_settled: Tensor  # it promises less than rounding, (rows,)
    walk: Walk  # after it, if it is taken


def begin(q: Tensor) -> Walk:
    """Before the first step from `q (dof, rows)`."""
    ones = ops.ones_like(q[0])
    return Walk(q, FIRST_DAMPING * ones, 2.0 * ones, 0.0 * ones, ones < 0)


def tested_step(
    problem: Problem, terms: Terms, walk: Walk, targets: Tensor, reference: Tensor, is_first: Tensor
) -> Step:
    """One step of `walk`, tested.

    A step that promises less than rounding is the last one. As the first one it is not taken, so
    that what is exact comes back as it is.

    Args:
        problem: What to reach.
        terms: Its values.
        walk: Configurations within the limits, and trust.
        targets: Frames, see `frames_of`. Shape `(12 links, rows)`.
        reference: What `terms.posture` pulls to. Shape `(dof, rows)`.
        is_first: Whether this is the first step of the walk.
    Reference:
        [Fletcher1987] for the two kinds of steps, [Nielsen1999] for the damping, [Bertsekas1982]
        for the limits.
    """
    q, active = walk.q, list(problem.active)
    seen = look(problem, terms, q, targets)
    lower, upper, free, longest = (
        _of(active, each)[:, None] for each in (terms.lower, terms.upper, terms.free, terms.longest)
    )
    here = _of(active, q)
    wish = _of(active, reference) - here
    pull = terms.posture[0]
    downhill = seen.downhill() + pull * wish
    is_stuck = ops.logical_or(
        ops.logical_and(here >= upper, downhill > 0), ops.logical_and(here <= lower, downhill < 0)
    )
    free = ops.where(is_stuck, ops.zeros_like(downhill), free)
    downhill, wish = free * downhill, free * wish
    model = _bent if len(active) <= MOST_BENT else _flat
    change, curve = model(problem, terms, seen, targets, free, downhill, wish, walk)
    share = 1.0 / maximum(ops.max(ops.abs(change) / longest, axis=0), 1.0)
    there = clip(here + share * change, lower, upper)
    made = there - here
    promised = 2.0 * ops.sum(downhill * made, axis=0) - curve(made)
    after = _placed(q, there, active)
    cost = squared_length(weighted_errors(problem, terms, after, targets))
    before = squared_length(seen.error) + pull * ops.sum(ops.square(wish), axis=0)
    cost = cost + pull * ops.sum(ops.square(wish - free * made), axis=0)
    noise = _noise(before, targets)
    return _tested(walk, after, before, before - cost, promised, noise, is_first)


def _tested(
    walk: Walk,
    after: Tensor,
    before: Tensor,
    gained: Tensor,
    promised: Tensor,
    noise: Tensor,
    is_first: Tensor,
) -> Step:
    """Whether a step is taken, and the trust after it."""
    is_settled = ops.abs(promised) <= noise
    is_taken = ops.where(
        is_settled,
        ops.logical_and(gained >= -noise, ops.logical_not(is_first)),
        ops.logical_and(gained > 1e-4 * promised, promised > 0),
    )
    ratio = clip(gained / ops.where(promised > 0, promised, ops.ones_like(promised)), 0.0, 1.0)
    shrink = maximum(1.0 - (2.0 * ratio - 1.0) ** 3, 0.1)
    damping = walk.damping * ops.where(is_taken, shrink, walk.growth)
    least = SMALLEST_DAMPING[keras.backend.standardize_dtype(damping.dtype)]
    damping = clip(damping, least, LARGEST_DAMPING)
    growth = minimum(ops.where(is_taken, 2.0 * ops.ones_like(gained), 2.0 * walk.growth), 1e6)
    is_fast = ops.logical_and(is_taken, gained > 0.2 * before)
    bend = ops.where(is_fast, ops.zeros_like(gained), ops.ones_like(gained))
    is_over = ops.logical_or(is_settled, damping >= LARGEST_DAMPING)
    is_done = ops.logical_or(walk.is_done, is_over)
    is_taken = ops.logical_and(is_taken, ops.logical_not(walk.is_done))
    q = ops.where(is_taken, after, walk.q)
    return Step(after, is_settled, Walk(q, damping, growth, bend, is_done))


def _noise(cost: Tensor, targets: Tensor) -> Tensor:
    """What rounding does to a squared error, of targets that far away."""
    eps = float(np.finfo(keras.backend.standardize_dtype(cost.dtype)).eps)
    size = maximum(ops.max(ops.abs(targets), axis=0), 1.0)
    return 8.0 * eps * cost + ops.square(16.0 * eps * size)


def _bent(
    problem: Problem, terms: Terms, seen: Seen, targets: Tensor,
    free: Tensor, downhill: Tensor, wish: Tensor, walk: Walk,
) -> tuple[Tensor, Callable[[Tensor], Tensor]]:  # fmt: skip
    """The Newton step, and the second derivative along a change."""
    count = len(problem.active)
    mask, pull = ops.unstack(free, count, axis=0), terms.posture[0]
    matrix = [
        [mask[i] * mask[j] * each for j, each in enumerate(row)]
        for i, row in enumerate(bending(problem, terms, seen, targets, walk.bend))
    ]
    own = ops.unstack(walk.damping + 1.0 - free + pull * free, count, axis=0)
    lower = [[*row[:-1], row[-1] + added] for row, added in zip(matrix, own, strict=True)]
    change = isolated_solution(lower, ops.unstack(downhill, count, axis=0), walk.damping)

    def curve(made: Tensor) -> Tensor:
        parts = ops.unstack(made, count, axis=0)
        total = pull * ops.sum(ops.square(free * made), axis=0)
        for i, row in enumerate(matrix):
            across = 2.0 * sum(a * b for a, b in zip(row[:-1], parts, strict=False))
            total = total + parts[i] * (across + row[-1] * parts[i])
        return total

    return ops.stack(change), curve


def _flat(
    problem: Problem, terms: Terms, seen: Seen, targets: Tensor,
    free: Tensor, downhill: Tensor, wish: Tensor, walk: Walk,
) -> tuple[Tensor, Callable[[Tensor], Tensor]]:  # fmt: skip
    """The Gauss-Newton step, and the second derivative along a change."""
    pull, count = terms.posture[0], len(problem.active)
    rows = [row * free for row in seen.jacobian]
    total = walk.damping + pull
    wished = pull / total * wish  # the step without a target
    left = [e - ops.sum(row * wished, axis=0) for row, e in zip(rows, seen.error, strict=True)]
    jacobian = [list(ops.unstack(row, count, axis=0)) for row in rows]
    change = wished + ops.stack(damped_solve(jacobian, left, total))

    def curve(made: Tensor) -> Tensor:
        along = squared_length([ops.sum(row * made, axis=0) for row in rows])
        return along + pull * ops.sum(ops.square(free * made), axis=0)

    return change, curve


def _of(active: list[int], x: Tensor) -> Tensor:
    """The active entries, which are most often all."""
    if len(active) == x.shape[0]:
        return x
    entries = ops.unstack(x, x.shape[0], axis=0)
    return ops.stack([entries[each] for each in active])


def _placed(q: Tensor, part: Tensor, active: list[int]) -> Tensor:
    """`q` with other values of its active entries."""
    dof = q.shape[0]
    if len(active) == dof:
        return part
    values, new = list(ops.unstack(q, dof, axis=0)), iter(ops.unstack(part, len(active), axis=0))
    for entry in active:
        values[entry] = next(new)
    return ops.stack(values)
