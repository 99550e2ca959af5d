"""Levenberg-Marquardt on the unknowns of a problem, with losses that outliers hardly move.

The weights of residuals follow from the loss (iteratively reweighted least squares); the damping
is that of [Nielsen1999]. Residuals count by the length of a row's vector of one, or three, numbers.
Bounds of parameters hold in every step: parameters stay at a bound that the descent would cross,
and a step that leads beyond a bound ends there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from fkarm.calibration.problem import Block, Problem, State
from fkarm.calibration.rigid import Array

LOSSES = ("l2", "huber", "cauchy")
_STEPS = 200
_DECREASE = 1e-12  # relative to the cost
_AT_BOUND = 1.0 - 1e-12  # of a bound: a step to it rounds
_LEAST_DAMPING, _MOST_DAMPING = 1e-15, 1e12
# Medians of the lengths of one and three normal numbers.
_MEDIAN = {1: 0.6744897501960817, 3: 1.5381722544550522}
# 95 % efficiency on normal residuals; for three numbers scaled by their mean square.
_TUNING = {"huber": 1.345, "cauchy": 2.385}
_LEAST_SIGMA = 1e-10
_SCALE_ROUNDS, _SCALE_CHANGE = 20, 1e-3
# Standard deviations before any residual is known, m and rad.
FIRST_SIGMA = {"position": 1e-4, "plane": 1e-4, "orientation": 5e-4, "distance": 1e-4}
# Residuals whose standard deviations are estimated together.
_SHARED = {"position": "position", "plane": "position", "orientation": "orientation"}


class Sigmas(NamedTuple):
    """Standard deviations of the residuals of every kind that has none stated."""

    position: float
    orientation: float

    def of(self, block: Block) -> float:
        """That of a block."""
        return float(getattr(self, _SHARED[block.kind])) if block.sigma is None else block.sigma


FIRST = Sigmas(FIRST_SIGMA["position"], FIRST_SIGMA["orientation"])


class Fitted(NamedTuple):
    """The end of a descent."""

    state: State
    sigmas: Sigmas
    weights: Array  # of every row of residuals
    information: Array  # of the free unknowns, priors included
    free: Array  # which unknowns, as indices; those at a bound are not
    at_bound: Array  # parameters that would exceed their bounds, as indices
    steps: int


def fit(problem: Problem, state: State, active: Array, loss: str, sigmas: Sigmas = FIRST) -> Fitted:
    """The unknowns with the least loss; standard deviations that are not stated along with them.

    Args:
        problem: The problem.
        state: Where to start.
        active: Which parameters may change, booleans; all other unknowns may.
        loss: One of `LOSSES`.
        sigmas: First guess of standard deviations.
    """
    steps = 0
    for _ in range(_SCALE_ROUNDS):
        found = descend(problem, state, active, loss, sigmas)
        state, steps = found.state, steps + found.steps
        new = estimate(problem, found, loss)
        change = max(abs(a / b - 1.0) for a, b in zip(new, sigmas, strict=True))
        sigmas = new
        if change < _SCALE_CHANGE:
            break
    return found._replace(sigmas=sigmas, steps=steps)


def descend(
    problem: Problem, state: State, active: Array, loss: str, sigmas: Sigmas, most: int = _STEPS
) -> Fitted:
    """The unknowns with the least loss for given standard deviations, after at most some steps."""
    count = len(state.x)
    free = np.concatenate([np.flatnonzero(active), np.arange(count, problem.size)])
    priors = problem.parameters.priors
    pull = np.concatenate([priors[active] ** -2.0, np.zeros(len(free) - active.sum())])
    own = np.arange(int(active.sum()))
    bounds = problem.parameters.bounds[active]
    start = state.x.copy()
    start[active] = np.clip(start[active], -bounds, bounds)
    state = replace(state, x=start)

    def cost_of(at: State) -> float:
        values = _losses(problem, problem.residuals(at), loss, sigmas)[0]
        return values + float(np.sum((at.x[active] / priors[active]) ** 2))

    def normal_equations(at: State) -> tuple[Array, Array, Array]:
        """The information, the slope of half the cost, and the weights."""
        residuals, jac = problem.linearised(at)
        _, weights, scale = _losses(problem, residuals, loss, sigmas)
        weighted = (weights / scale**2)[:, None] * jac[:, free]
        slope = weighted.T @ residuals
        slope[own] += pull[own] * at.x[active]
        return jac[:, free].T @ weighted + np.diag(pull), slope, weights

    def is_open(at: State, slope: Array) -> Array:
        """Which of the free unknowns are not at a bound that a descent would cross."""
        at_end = np.abs(at.x[active]) >= _AT_BOUND * bounds
        stays = at_end & (slope[own] * at.x[active] < 0)
        return ~np.concatenate([stays, np.zeros(len(free) - len(own), bool)])

    damping, growth, steps = 1e-6, 2.0, 0
    cost = cost_of(state)
    while steps < most:
        steps += 1
        information, slope, _ = normal_equations(state)
        opened = is_open(state, slope)
        diagonal = np.maximum(np.diag(information)[opened], 1e-12)
        is_done = False
        while True:
            root = np.sqrt(diagonal)
            system = information[np.ix_(opened, opened)] / np.outer(root, root)
            system += damping * np.eye(len(root))
            step = np.zeros(len(free))
            step[opened] = -np.linalg.solve(system, slope[opened] / root) / root
            x = state.x[active]
            within = np.clip(step[own], -bounds - x, bounds - x)
            is_cut = not np.array_equal(within, step[own])
            step[own] = within
            trial = problem.moved(state, _spread(step, free, problem.size))
            new_cost = cost_of(trial)
            expected = float(-2.0 * step @ slope - step @ information @ step)
            if new_cost <= cost:
                # A step that ends at bounds may gain what the quadratic model does not expect.
                gain = min((cost - new_cost) / max(expected, 1e-300), 1.0)
                is_done = cost - new_cost <= _DECREASE * cost + 1e-16 and not is_cut
                state, cost = trial, new_cost
                damping = max(damping * max(1 / 3, 1 - (2 * gain - 1) ** 3), _LEAST_DAMPING)
                growth = 2.0
                break
            damping, growth = damping * growth, growth * 2.0
            if damping > _MOST_DAMPING or (expected <= _DECREASE * cost and not is_cut):
                is_done = True
                break
        if is_done:
            break
    information, slope, weights = normal_equations(state)
    opened = is_open(state, slope)
    information = information[np.ix_(opened, opened)]
    return Fitted(state, sigmas, weights, information, free[opened], free[~opened], steps)


def lengths(block: Block, residuals: Array) -> Array:
    """The length of the residual of every row of a block's measurement."""
    return np.asarray(np.linalg.norm(residuals[block.rows].reshape((-1, block.size)), axis=1))


def weight(loss: str, size: int, scaled: Array) -> tuple[Array, Array, Array]:
    """Loss, weight and mean curvature of residuals of so many standard deviations."""
    if loss == "l2":
        return scaled**2, np.ones_like(scaled), np.ones_like(scaled)
    bend = _TUNING[loss] * np.sqrt(size)
    if loss == "huber":
        far = scaled > bend
        weights = np.where(far, bend / np.maximum(scaled, bend), 1.0)
        curvature = np.where(far, weights * (size - 1) / size, 1.0)
        return np.where(far, bend * (2.0 * scaled - bend), scaled**2), weights, curvature
    share = (scaled / bend) ** 2
    weights = 1.0 / (1.0 + share)
    return bend**2 * np.log1p(share), weights, weights * (1.0 - 2.0 * share * weights / size)


def estimate(problem: Problem, fitted: Fitted, loss: str) -> Sigmas:
    """Standard deviations of residuals: their mean square, or from their median."""
    residuals = problem.residuals(fitted.state)
    spare = max(problem.count - len(fitted.free), 1) / problem.count
    values = []
    for kind, old in zip(Sigmas._fields, fitted.sigmas, strict=True):
        blocks = [b for b in problem.blocks if b.sigma is None and _SHARED[b.kind] == kind]
        own = [
            lengths(block, residuals) / (1.0 if loss == "l2" else _MEDIAN[block.size])
            for block in blocks
        ]
        if not own:
            values.append(old)
        elif loss == "l2":
            sizes = sum(block.rows.stop - block.rows.start for block in blocks)
            mean = sum(float(np.sum(each**2)) for each in own) / sizes
            values.append(max(np.sqrt(mean / spare), _LEAST_SIGMA))
        else:
            middle = float(np.median(np.concatenate(own)))
            values.append(max(middle / np.sqrt(spare), _LEAST_SIGMA))
    return Sigmas(*values)


def inflation(problem: Problem, fitted: Fitted, loss: str) -> float:
    """Variance of the unknowns over that of least squares: [Huber1981], equation 7.6.5."""
    if loss == "l2":
        return 1.0
    residuals = problem.residuals(fitted.state)
    squares, curvatures, mean_weights, count = 0.0, 0.0, 0.0, 0
    for block in problem.blocks:
        if block.kind == "distance":
            continue
        scaled = lengths(block, residuals) / fitted.sigmas.of(block)
        _, weights, curvature = weight(loss, block.size, scaled)
        squares += float(np.sum((weights * scaled) ** 2))
        curvatures += block.size * float(np.sum(curvature))
        mean_weights += block.size * float(np.sum(weights))
        count += block.size * len(scaled)
    spare = max(problem.count - len(fitted.free), 1) / problem.count
    variance = squares / count / spare / (curvatures / count) ** 2
    return variance * mean_weights / count  # the information holds the weights already


def _losses(
    problem: Problem, residuals: Array, loss: str, sigmas: Sigmas
) -> tuple[float, Array, Array]:
    """The loss, and the weight and standard deviation of every residual."""
    total, weights, scale = 0.0, np.empty_like(residuals), np.empty_like(residuals)
    for block in problem.blocks:
        sigma = sigmas.of(block)
        scaled = lengths(block, residuals) / sigma
        own_loss = "l2" if block.kind == "distance" else loss
        value, weighted, _ = weight(own_loss, block.size, scaled)
        total += float(np.sum(value))
        weights[block.rows] = np.repeat(weighted, block.size)
        scale[block.rows] = sigma
    return total, weights, scale


def _spread(step: Array, free: Array, size: int) -> Array:
    full = np.zeros(size)
    full[free] = step
    return full
