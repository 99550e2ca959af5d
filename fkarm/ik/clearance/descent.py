"""Descents to target poses that also push bodies apart, in NumPy.

The steps are the damped least-squares steps of `fkarm.ik.damped_step` with one more error per close
pair of bodies: how much its distance lacks. Of a redundant arm they move the joints that the pose
leaves free.
"""

from __future__ import annotations

import numpy as np

from fkarm.ik import damped_step as damped
from fkarm.ik.candidates import ROUNDING, Candidates
from fkarm.ik.clearance.surroundings import Surroundings
from fkarm.ik.in_numpy.descents import excess
from fkarm.ik.in_numpy.residual import Local, linearise, squared_length, structure_of
from fkarm.ik.in_numpy.steps import bounds_of, damped_change
from fkarm.ik.request import Request

# Rows that are computed together, and close pairs that push per row.
ROWS, PAIRS = 256, 12
# The steps aim at this much more than the clearance, m: the last step need not be exact.
AIM = 5e-4


def descend_clear(
    request: Request,
    rows: np.ndarray,
    candidates: Candidates,
    around: Surroundings,
    steps: int,
) -> Candidates:
    """The candidates after at most `steps` steps towards their targets and towards clearance.

    The configuration with the smallest error among those that are clear is returned, or else the
    last one, with an infinite error.
    """
    count = candidates.q.shape[1]
    q = candidates.q.reshape(-1, candidates.q.shape[-1]).astype(np.float64)
    targets = request.targets_of(rows, count)
    squared, ratio, taken = (np.full(len(q), value) for value in (np.inf, np.inf, 0.0))
    for first in range(0, len(q), ROWS):
        chunk = slice(first, first + ROWS)
        q[chunk], squared[chunk], ratio[chunk], taken[chunk] = _descended(
            request, q[chunk], targets[chunk], around, steps
        )
    shape = candidates.squared.shape
    return Candidates(
        q.reshape(candidates.q.shape).astype(request.dtype),
        squared.reshape(shape),
        ratio.reshape(shape),
        np.isfinite(squared).reshape(shape),
        candidates.steps + taken.reshape(shape).astype(int),
        candidates.start,
    )


def _descended(
    request: Request, q: np.ndarray, targets: np.ndarray, around: Surroundings, steps: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    of, terms = structure_of(request.problem), request.terms
    bounds, least = bounds_of(of, terms), damped.SMALLEST_DAMPING[terms.dtype]
    enough = (0.1 * ROUNDING[request.dtype]) ** 2
    best, squared, ratio = q.copy(), np.full(len(q), np.inf), np.full(len(q), np.inf)
    taken, rows = np.zeros(len(q)), np.arange(len(q))
    for step in range(steps + 1):
        local = linearise(of, terms, q[rows], targets[rows])
        distance, slope = around.closest(q[rows], PAIRS)
        lacking = around.least + AIM - distance
        is_clear = distance.min(axis=1) >= around.least
        now = np.where(is_clear, squared_length(local.error), np.inf)
        is_better = now < squared[rows]
        better = rows[is_better]
        best[better], squared[better] = q[better], now[is_better]
        ratio[better] = excess(of, terms, local.error[is_better])
        taken[better] = step
        is_open = squared[rows] > enough
        rows = rows[is_open]
        if step == steps or not rows.size:
            break
        pushes = (lacking > 0)[is_open]
        error = np.concatenate(
            [local.error[is_open], np.where(pushes, lacking[is_open], 0.0)], axis=1
        )
        push = slope[is_open][..., of.active] * pushes[..., None]
        jacobian = np.concatenate([local.jacobian[is_open], push], axis=1)
        here = q[rows][:, of.active]
        change = damped_change(Local(error, jacobian, []), here, bounds, least)
        q[rows[:, None], of.active] = here + change
    is_missed = np.isinf(squared)
    best[is_missed], taken[is_missed] = q[is_missed], steps
    return best, squared, ratio, taken
