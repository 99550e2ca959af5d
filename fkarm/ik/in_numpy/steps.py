"""One step of the solver in NumPy.

The compiled counterparts are `fkarm.ik.damped_step` and `fkarm.ik.tested_step`, which have the
sources.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fkarm.ik import damped_step as damped
from fkarm.ik import tested_step as tested
from fkarm.ik.in_numpy.curvature import second_order_terms
from fkarm.ik.in_numpy.residual import (
    Local,
    Structure,
    derivatives,
    squared_length,
    weighted_errors,
)
from fkarm.ik.problem import Terms
from fkarm.ik.steps import MOST_NEWTON_ENTRIES
from fkarm.kinematics.in_numpy import Array, Posture, posture


class Bounds(NamedTuple):
    """The values of the active entries of `q`, and what rounding allows."""

    lower: Array
    upper: Array
    free: Array
    longest: Array
    eps: float  # spacing of the numbers next to 1 in the type of the answers
    least_damping: float  # of tested steps


def bounds_of(of: Structure, terms: Terms) -> Bounds:
    """The values of the active entries in float64."""
    arrays = (terms.lower, terms.upper, terms.free, terms.longest)
    eps = float(np.finfo(terms.weights.dtype).eps)
    lower, upper, free, longest = (x[of.active].astype(np.float64) for x in arrays)
    return Bounds(lower, upper, free, longest, eps, tested.SMALLEST_DAMPING[terms.dtype])


def damped_change(local: Local, q: Array, bounds: Bounds, least_damping: float) -> Array:
    """The change of the active entries `q (rows, a)` in one damped least-squares step."""
    downhill = _times_error(local.jacobian, local.error)
    free = _movable(q, downhill, bounds)
    squared = squared_length(local.error)
    damping = damped.GAIN * np.minimum(squared, 1.0) + least_damping
    change = _damped_solve(local.jacobian * free[:, None], local.error, damping)
    return within(q, change, bounds) - q


def within(q: Array, change: Array, bounds: Bounds) -> Array:
    """Active entries after a change that no entry exceeds its longest step, within the limits."""
    longest = (np.abs(change) / bounds.longest).max(axis=1, keepdims=True)
    moved = q + change / np.maximum(longest, 1.0)
    return np.minimum(np.maximum(moved, bounds.lower), bounds.upper)


class Descent(NamedTuple):
    """The state of a descent by tested steps."""

    q: Array  # whole configurations, (rows, dof)
    error: Array  # weighted errors at `q`, (rows, m)
    at: Posture | None  # the frames at `q`, where they are known
    damping: Array  # of the next step, (rows,)
    growth: Array  # factor of the damping if the next step is rejected, (rows,)
    is_newton: Array  # whether the next step is a Newton step, (rows,)
    is_done: Array  # whether no further step brings the error down, (rows,)
    rounding: Array  # squared error that rounding makes at the distance of the target, (rows,)

    def of(self, rows: Array) -> Descent:
        """The state of some rows."""
        at = None if self.at is None else self.at.of(rows)
        return Descent(self.q[rows], self.error[rows], at, *(field[rows] for field in self[3:]))


def first_state(of: Structure, terms: Terms, bounds: Bounds, q: Array, targets: Array) -> Descent:
    """The state before the first step from `q (rows, dof)`."""
    at, ones = posture(of.tree, q), np.ones(len(q))
    error = weighted_errors(of, terms, at, targets)
    damping = tested.FIRST_DAMPING * ones
    size = np.maximum(np.abs(targets[..., :3, :]).reshape((len(q), -1)).max(axis=1), 1.0)
    rounding = (tested.POSE_ROUNDING * bounds.eps * size) ** 2
    return Descent(q, error, at, damping, 2.0 * ones, ones < 0, ones < 0, rounding)


def tested_step(
    of: Structure,
    terms: Terms,
    bounds: Bounds,
    state: Descent,
    targets: Array,
    reference: Array,
    is_first: bool,
) -> Descent:
    """One tested step; `reference (rows, a)` is the posture that `terms.posture` pulls to."""
    at = posture(of.tree, state.q) if state.at is None else state.at
    local = derivatives(of, terms, at, state.error, targets)
    here, pull = state.q[:, of.active], float(terms.posture[0])
    wish = reference - here
    downhill = _times_error(local.jacobian, local.error)
    if pull:
        downhill += pull * wish
    free = _movable(here, downhill, bounds)
    downhill, wish = free * downhill, free * wish
    jacobian = local.jacobian * free[:, None]
    change, matrix = _change(of, terms, local, targets, jacobian, free, downhill, wish, state, pull)
    there = within(here, change, bounds)
    made = there - here
    if matrix is None:
        curve = squared_length((jacobian @ made[..., None])[..., 0])
    else:
        curve = np.einsum("ri,rij,rj->r", made, matrix, made)
    before = squared_length(local.error)
    if pull:
        curve += pull * squared_length(free * made)
        before += pull * squared_length(wish)
    promised = 2.0 * np.vecdot(downhill, made) - curve
    noise = tested.COST_ROUNDING * bounds.eps * before + state.rounding
    after = state.q.copy()
    after[:, of.active] = there
    if (np.abs(promised) <= noise).all():  # A step below rounding needs no test.
        done = np.ones(len(here), bool)
        return state._replace(q=state.q if is_first else after, at=None, is_done=done)
    new = posture(of.tree, after)
    error = weighted_errors(of, terms, new, targets)
    cost = squared_length(error)
    if pull:
        cost += pull * squared_length(wish - free * made)
    gained = before - cost
    tried = state._replace(q=after, error=error, at=new)
    new_state = _tested(state, tried, before, gained, promised, noise, is_first, bounds)
    if matrix is None and not pull and (cost <= state.rounding).all() and new_state.at is new:
        # The next step is below rounding: the derivatives at hand are good enough for it.
        change = _damped_solve(jacobian, error, state.damping)
        after[:, of.active] = within(there, change, bounds)
        return new_state._replace(q=after, at=None, is_done=np.ones(len(here), bool))
    return new_state


def _change(
    of: Structure, terms: Terms, local: Local, targets: Array, jacobian: Array, free: Array,
    downhill: Array, wish: Array, state: Descent, pull: float,
) -> tuple[Array, Array | None]:  # fmt: skip
    """The Newton or Gauss-Newton change, and the matrix of second derivatives for a Newton one."""
    is_newton = state.is_newton
    if len(of.active) > MOST_NEWTON_ENTRIES or not is_newton.any():
        total = state.damping + pull
        if not pull:
            return _damped_solve(jacobian, local.error, total), None
        wished = (pull / total)[:, None] * wish  # the step of the posture alone
        left = local.error - (jacobian @ wished[..., None])[..., 0]
        return wished + _damped_solve(jacobian, left, total), None
    beyond = second_order_terms(of, terms, local, targets) * is_newton[:, None, None]
    both = free[:, :, None] * free[:, None]
    matrix = jacobian.swapaxes(1, 2) @ jacobian + both * beyond
    damped_matrix = matrix.copy()
    entries = np.arange(free.shape[1])
    damped_matrix[:, entries, entries] += state.damping[:, None] + 1.0 - free + pull * free
    return solve_positive(damped_matrix, downhill, state.damping), matrix


def _tested(
    state: Descent, tried: Descent, before: Array, gained: Array, promised: Array, noise: Array,
    is_first: bool, bounds: Bounds,
) -> Descent:  # fmt: skip
    """Accept or reject a step, and update the damping."""
    is_settled = np.abs(promised) <= noise
    is_taken = np.where(
        is_settled,
        (gained >= -noise) & (not is_first),
        (gained > tested.LEAST_GAIN * promised) & (promised > 0),
    )
    ratio = gained / np.where(promised > 0, promised, 1.0)
    ratio = np.minimum(np.maximum(ratio, 0.0), 1.0)
    shrink = np.maximum(1.0 - (2.0 * ratio - 1.0) ** 3, tested.LEAST_SHRINK)
    damping = state.damping * np.where(is_taken, shrink, state.growth)
    damping = np.minimum(np.maximum(damping, bounds.least_damping), tested.LARGEST_DAMPING)
    growth = np.minimum(np.where(is_taken, 2.0, 2.0 * state.growth), tested.LARGEST_GROWTH)
    is_newton = ~(is_taken & (gained > tested.FAST_GAIN * before))
    is_done = is_settled | (damping >= tested.LARGEST_DAMPING)
    if is_taken.all():
        q, error, at = tried.q, tried.error, tried.at
    else:
        q, error = (
            np.where(is_taken[:, None], new, old)
            for new, old in ((tried.q, state.q), (tried.error, state.error))
        )
        at = None
    return Descent(q, error, at, damping, growth, is_newton, is_done, state.rounding)


def _times_error(jacobian: Array, error: Array) -> Array:
    return (error[:, None] @ jacobian)[:, 0]


def _movable(q: Array, downhill: Array, bounds: Bounds) -> Array:
    """1 for entries that may move and that no limit holds against the error, else 0."""
    is_stuck = ((q >= bounds.upper) & (downhill > 0)) | ((q <= bounds.lower) & (downhill < 0))
    return np.where(is_stuck, 0.0, bounds.free)


def _damped_solve(jacobian: Array, error: Array, damping: Array) -> Array:
    """`dq` that minimises `|J dq - e|^2 + damping |dq|^2`."""
    transposed = jacobian.swapaxes(1, 2)
    m, n = jacobian.shape[1:]
    matrix = transposed @ jacobian if n < m else jacobian @ transposed
    entries = np.arange(min(m, n))
    matrix[:, entries, entries] += damping[:, None]
    if n < m:
        return np.linalg.solve(matrix, transposed @ error[..., None])[..., 0]
    return (transposed @ np.linalg.solve(matrix, error[..., None]))[..., 0]


def solve_positive(matrix: Array, right: Array, least_pivot: Array) -> Array:
    """`x` of `A x = b` by `A = L D L^T`; entries of `D` become absolute values of at least a bound.

    Shapes `(rows, n, n)`, `(rows, n)` and `(rows,)`. See `fkarm.ik.linear.solve_symmetric`.
    """
    a, x, n = matrix.copy(), right.copy(), right.shape[1]
    pivots = np.empty_like(x)
    for k in range(n):
        pivots[:, k] = np.maximum(np.abs(a[:, k, k]), least_pivot)
        lower = a[:, k + 1 :, k] / pivots[:, k, None]
        a[:, k + 1 :, k + 1 :] -= lower[:, :, None] * a[:, None, k + 1 :, k]
        x[:, k + 1 :] -= lower * x[:, k, None]
        a[:, k + 1 :, k] = lower
    x /= pivots
    for k in range(n - 1, 0, -1):
        x[:, :k] -= a[:, k, :k] * x[:, k, None]
    return x
