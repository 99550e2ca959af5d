"""Candidate configurations of many targets: the descents from their starts, and the choice."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fkarm.ik import in_numpy
from fkarm.ik.batch import run_in_chunks
from fkarm.ik.choice import ROUNDING_MARGIN, nearest_of
from fkarm.ik.descent import damped_descent, tested_descent
from fkarm.ik.problem import margin_near_reference
from fkarm.ik.request import Request

# Weighted errors that further steps do not bring down, m.
ROUNDING = {"float32": 1e-6, "float64": 1e-13}


class Candidates(NamedTuple):
    """`count` configurations per target. Shapes `(rows, count, ...)`."""

    q: np.ndarray  # (rows, count, dof)
    squared: np.ndarray  # squared weighted error, m^2
    ratio: np.ndarray  # largest squared ratio of an error to its tolerance; solved: <= 1
    is_at_rest: np.ndarray  # whether no further step brings the error down
    steps: np.ndarray  # number of steps so far
    start: np.ndarray  # number of the start

    def take(self, indices: np.ndarray) -> Candidates:
        """The candidates with indices `(rows, k)`."""
        rows = np.arange(len(indices))[:, None]
        return Candidates(*(field[rows, indices] for field in self))

    def of(self, rows: np.ndarray) -> Candidates:
        """The candidates of some targets."""
        return Candidates(*(field[rows] for field in self))

    def beside(self, other: Candidates) -> Candidates:
        """These candidates, then others of the same targets."""
        return Candidates(*(np.concatenate(pair, axis=1) for pair in zip(self, other, strict=True)))

    def above(self, other: Candidates) -> Candidates:
        """These targets, then other ones."""
        return Candidates(*(np.concatenate(pair) for pair in zip(self, other, strict=True)))

    def least(self, count: int) -> Candidates:
        """The `count` candidates with the smallest errors, in the order of their starts."""
        if count >= self.squared.shape[1]:
            return self
        indices = np.argpartition(self.squared, count - 1, axis=1)[:, :count]
        return self.take(np.sort(indices, axis=1))


def at_starts(starts: np.ndarray, first: int = 0) -> Candidates:
    """Candidates at starts `(rows, count, dof)` before any step; `first` numbers the first one."""
    shape = starts.shape[:2]
    unknown, none = np.full(shape, np.inf), np.zeros(shape, int)
    numbers = np.broadcast_to(first + np.arange(shape[1]), shape)
    return Candidates(starts, unknown, unknown, none > 0, none, numbers)


def descend_damped(
    request: Request,
    rows: np.ndarray,
    candidates: Candidates,
    steps: int,
    is_race: bool = False,
) -> Candidates:
    """The candidates `steps` damped least-squares steps later; no step is tested.

    In a race the first solution of a target is its answer: candidates behind it may stop early.
    """
    count = candidates.q.shape[1]
    if request.runs_in_numpy(candidates.squared.size):
        q, outcome = in_numpy.damped_descent(
            request.problem,
            request.terms,
            candidates.q.reshape(-1, candidates.q.shape[-1]),
            request.targets_of(rows, count),
            steps,
            _enough(request),
            count if is_race else 1,
        )
        return _after(candidates, q.astype(request.dtype), outcome)
    q, outcome = run_in_chunks(
        damped_descent(request.problem, bool(request.geometry)),
        candidates.q.reshape(-1, candidates.q.shape[-1]),
        np.repeat(request.entries[rows], count, axis=0),
        *request.geometries_of(rows, count),
        shared=(request.terms.packed(steps),),
    )
    return _after(candidates, q, outcome)


def descend_tested(
    request: Request, rows: np.ndarray, candidates: Candidates, max_steps: int
) -> Candidates:
    """The candidates at the local minima below them, by tested steps.

    All candidates must have made the same number of steps; the sum is at most `max_steps`.
    """
    taken = int(candidates.steps.max(initial=0))
    if max_steps <= taken or not candidates.q.size:
        return candidates
    count = candidates.q.shape[1]
    flat = candidates.q.reshape(-1, candidates.q.shape[-1])
    near = np.repeat(request.near[rows], count, axis=0)
    if request.runs_in_numpy(candidates.squared.size):
        q, outcome = in_numpy.tested_descent(
            request.problem,
            request.terms,
            flat,
            request.targets_of(rows, count),
            near,
            max_steps - taken,
            _enough(request),
        )
        return _after(candidates, q.astype(request.dtype), outcome)
    q, outcome = run_in_chunks(
        tested_descent(request.problem, bool(request.geometry)),
        flat,
        np.repeat(request.entries[rows], count, axis=0),
        near,
        *request.geometries_of(rows, count),
        shared=(request.terms.packed(max_steps - taken),),
    )
    return _after(candidates, q, outcome)


def preferred(request: Request, rows: np.ndarray, candidates: Candidates) -> np.ndarray:
    """Index of the candidate that is the answer, per target. Shape `(rows,)`.

    Of equally good candidates it is the nearest to `q_ref`, else to `q_init`; without them it is
    the first in the order of starts.
    """
    margin = ROUNDING_MARGIN[request.dtype]
    if request.q_ref is not None:
        margin = margin_near_reference(request.terms)
    is_given = request.q_ref is not None or request.q_init is not None
    near = request.near[rows] if is_given else None
    outcome = np.nan_to_num(np.stack([candidates.squared, candidates.ratio], -1), nan=np.inf)
    index = candidates.start.astype(float)
    key = nearest_of(request.problem.robot, candidates.q, outcome, index, near, margin)
    return key.argmin(axis=1)


def _enough(request: Request) -> float:
    """Squared error below rounding; NumPy computes in float64, and one more step costs little."""
    return float((0.1 * ROUNDING[request.dtype]) ** 2)


def _after(before: Candidates, q: np.ndarray, outcome: np.ndarray) -> Candidates:
    shape = before.steps.shape
    squared, ratio, taken, is_at_rest = (column.reshape(shape) for column in outcome.T)
    return Candidates(
        q.reshape(before.q.shape),
        squared,
        ratio,
        is_at_rest > 0,
        before.steps + taken.astype(int),
        before.start,
    )
