"""Tested steps: a step that does not bring the error down is not taken.

The steps minimise half the squared weighted error. They are Gauss-Newton steps as long as a step
takes a fifth of the error away, and else Newton steps with the whole second derivative: far from
the target only the curvature of the chain tells a minimum from a saddle. With many joints all steps
are Gauss-Newton steps (`steps.py`). The damping follows the
gain ratio, the actual gain of a step over the predicted one. The rows of the batch are innermost.
"""

from __future__ import annotations

from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from fkarm._types import Tensor
from fkarm.geometry.native import clip, maximum, minimum
from fkarm.ik.damped_step import movable, moved, squared_length
from fkarm.ik.problem import Terms
from fkarm.ik.steps import Steps, Wish

# The first damping. With it none of 3,000 starts 2 mm off left a branch that continues.
FIRST_DAMPING = 1e-4
LARGEST_DAMPING = 1e9
SMALLEST_DAMPING = {"float32": 1e-9, "float64": 1e-13}
# Bounds of its factors after an accepted step and after rejected ones.
LEAST_SHRINK = 0.1
LARGEST_GROWTH = 1e6
# A step is accepted from this share of its predicted gain on; after one that takes this share of
# the error away, the next is a Gauss-Newton step.
LEAST_GAIN = 1e-4
FAST_GAIN = 0.2
# The rounding error of a squared error, and of an error at a distance of 1 m, in units of rounding.
COST_ROUNDING = 8.0
POSE_ROUNDING = 16.0


class DescentState(NamedTuple):
    """The state of a descent: configurations, and the damping of the next step."""

    q: Tensor  # (dof, rows)
    damping: Tensor  # (rows,)
    growth: Tensor  # factor of the damping if the next step is rejected, (rows,)
    second_order: Tensor  # 1 if the next step is a Newton step, else 0, (rows,)
    is_done: Tensor  # whether no further step brings the error down, (rows,)


class Step(NamedTuple):
    """A proposed step, and the state after its test."""

    after: Tensor  # the proposed configuration, (dof, rows)
    is_settled: Tensor  # whether its predicted gain is below rounding, (rows,)
    state: DescentState  # the state after the test


def initial_state(q: Tensor) -> DescentState:
    """The state before the first step from `q (dof, rows)`."""
    ones = ops.ones_like(q[0])
    return DescentState(q, FIRST_DAMPING * ones, 2.0 * ones, 0.0 * ones, ones < 0)


def tested_step(
    steps: Steps,
    terms: Terms,
    state: DescentState,
    targets: Tensor,
    reference: Tensor,
    is_first: Tensor,
) -> Step:
    """One tested step.

    A step whose predicted gain is below rounding is the last one. If it is also the first one it is
    not taken, so that an exact solution is returned unchanged.

    Args:
        steps: Those of the problem.
        terms: Its values.
        state: Configurations within the limits, `(dof, rows)`, and the damping, `(rows,)`.
        targets: Frames, see `frames_of`. Shape `(12 links, rows)`.
        reference: Posture that `terms.posture` pulls to. Shape `(dof, rows)`.
        is_first: Whether this is the first step of the descent.
    Reference:
        [Fletcher1987] for the two kinds of steps, [Nielsen1999] for the damping, [Bertsekas1982]
        for the limits.
    """
    q, active = state.q, list(steps.active)
    local = steps.linearise(terms, q, targets)
    lower, upper, free, longest = (
        _active_entries(active, each)[:, None]
        for each in (terms.lower, terms.upper, terms.free, terms.longest)
    )
    here = _active_entries(active, q)  # (active, rows), as all below but costs and gains (rows,)
    wish = _active_entries(active, reference) - here
    pull = terms.posture[0]
    downhill = local.downhill() + pull * wish
    free = movable(here, downhill, lower, upper, free)
    downhill, wish = free * downhill, free * wish
    asked = Wish(free, downhill, wish, state.damping, state.second_order)
    change, curve = steps.change(terms, local, targets, asked)
    there = moved(here, change, lower, upper, longest)
    made = there - here
    promised = 2.0 * ops.sum(downhill * made, axis=0) - curve(made)
    after = _with_active_entries(q, there, active)
    cost = squared_length(steps.errors(terms.weights, after, targets))
    before = squared_length(local.error) + pull * ops.sum(ops.square(wish), axis=0)
    cost = cost + pull * ops.sum(ops.square(wish - free * made), axis=0)
    noise = _noise(before, targets)
    return _tested(state, after, before, before - cost, promised, noise, is_first)


def _tested(
    state: DescentState,
    after: Tensor,
    before: Tensor,
    gained: Tensor,
    promised: Tensor,
    noise: Tensor,
    is_first: Tensor,
) -> Step:
    """Accept or reject a step, and update the damping."""
    is_settled = ops.abs(promised) <= noise
    is_taken = ops.where(
        is_settled,
        ops.logical_and(gained >= -noise, ops.logical_not(is_first)),
        ops.logical_and(gained > LEAST_GAIN * promised, promised > 0),
    )
    ratio = clip(gained / ops.where(promised > 0, promised, ops.ones_like(promised)), 0.0, 1.0)
    shrink = maximum(1.0 - (2.0 * ratio - 1.0) ** 3, LEAST_SHRINK)
    damping = state.damping * ops.where(is_taken, shrink, state.growth)
    least = SMALLEST_DAMPING[keras.backend.standardize_dtype(damping.dtype)]
    damping = clip(damping, least, LARGEST_DAMPING)
    growth = minimum(
        ops.where(is_taken, 2.0 * ops.ones_like(gained), 2.0 * state.growth), LARGEST_GROWTH
    )
    is_fast = ops.logical_and(is_taken, gained > FAST_GAIN * before)
    second_order = ops.where(is_fast, ops.zeros_like(gained), ops.ones_like(gained))
    is_over = ops.logical_or(is_settled, damping >= LARGEST_DAMPING)
    is_done = ops.logical_or(state.is_done, is_over)
    is_taken = ops.logical_and(is_taken, ops.logical_not(state.is_done))
    q = ops.where(is_taken, after, state.q)
    return Step(after, is_settled, DescentState(q, damping, growth, second_order, is_done))


def _noise(cost: Tensor, targets: Tensor) -> Tensor:
    """The rounding error of a squared error, for targets at their distance."""
    eps = float(np.finfo(keras.backend.standardize_dtype(cost.dtype)).eps)
    size = maximum(ops.max(ops.abs(targets), axis=0), 1.0)
    return COST_ROUNDING * eps * cost + ops.square(POSE_ROUNDING * eps * size)


def _active_entries(active: list[int], x: Tensor) -> Tensor:
    """The active entries of `x (dof, ...)`, often all of them."""
    if len(active) == x.shape[0]:
        return x
    entries = ops.unstack(x, x.shape[0], axis=0)
    return ops.stack([entries[each] for each in active])


def _with_active_entries(q: Tensor, part: Tensor, active: list[int]) -> Tensor:
    """`q` with new values of its active entries."""
    dof = q.shape[0]
    if len(active) == dof:
        return part
    values, new = list(ops.unstack(q, dof, axis=0)), iter(ops.unstack(part, len(active), axis=0))
    for entry in active:
        values[entry] = next(new)
    return ops.stack(values)
