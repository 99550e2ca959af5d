"""Configurations on their way to the answer: from starts, by descents, to the chosen one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fkarm.ik.arguments import Question
from fkarm.ik.batch import padded
from fkarm.ik.choice import ROUNDING_MARGIN, nearest_of
from fkarm.ik.problem import margin_near_reference
from fkarm.ik.search import careful_descent, quick_descent


class Candidates(NamedTuple):
    """Several configurations for each of some targets. Shapes `(rows, count, ...)`."""

    q: np.ndarray  # (rows, count, dof)
    squared: np.ndarray  # weighted error, m^2
    ratio: np.ndarray  # largest squared ratio of an error to its tolerance; solved: <= 1
    steps: np.ndarray  # taken so far
    start: np.ndarray  # its number

    def take(self, places: np.ndarray) -> Candidates:
        """Those at `places (rows, k)`."""
        rows = np.arange(len(places))[:, None]
        return Candidates(*(each[rows, places] for each in self))

    def of(self, rows: np.ndarray) -> Candidates:
        """Those of some targets."""
        return Candidates(*(each[rows] for each in self))

    def beside(self, other: Candidates) -> Candidates:
        """These, then the others."""
        return Candidates(*(np.concatenate(pair, axis=1) for pair in zip(self, other, strict=True)))

    def above(self, other: Candidates) -> Candidates:
        """These rows, then the other's."""
        return Candidates(*(np.concatenate(pair) for pair in zip(self, other, strict=True)))

    def least(self, count: int) -> Candidates:
        """Those with the least errors, in the order of their starts."""
        if count >= self.squared.shape[1]:
            return self
        places = np.argpartition(self.squared, count - 1, axis=1)[:, :count]
        return self.take(np.sort(places, axis=1))


def quick(
    question: Question, rows: np.ndarray, starts: np.ndarray, first: int, steps: int
) -> Candidates:
    """Where starts `(rows, count, dof)` lead, by steps that are not tested."""
    count = starts.shape[1]
    q, outcome = padded(
        quick_descent(question.problem),
        starts.reshape(-1, starts.shape[-1]),
        np.repeat(question.entries[rows], count, axis=0),
        shared=(question.terms.packed(steps),),
    )
    index = np.broadcast_to(first + np.arange(count), starts.shape[:2])
    return _made(q, outcome, np.zeros(starts.shape[:2], int), index)


def careful(
    question: Question, rows: np.ndarray, candidates: Candidates, max_steps: int
) -> Candidates:
    """The same candidates in the valleys below them; all have taken the same number of steps."""
    taken = int(candidates.steps.max(initial=0))
    if max_steps <= taken or not candidates.q.size:
        return candidates
    count = candidates.q.shape[1]
    q, outcome = padded(
        careful_descent(question.problem),
        candidates.q.reshape(-1, candidates.q.shape[-1]),
        np.repeat(question.entries[rows], count, axis=0),
        np.repeat(question.near[rows], count, axis=0),
        shared=(question.terms.packed(max_steps - taken),),
    )
    return _made(q, outcome, candidates.steps, candidates.start)


def preferred(question: Question, rows: np.ndarray, candidates: Candidates) -> np.ndarray:
    """For each target the place of the candidate that is the answer, `(rows,)`.

    Near to `q_ref` if it is given, and else to `q_init`; without them the first in the order of
    starts, of what is equally good.
    """
    margin = ROUNDING_MARGIN[question.dtype]
    if question.q_ref is not None:
        margin = margin_near_reference(question.terms)
    is_given = question.q_ref is not None or question.q_init is not None
    near = question.near[rows] if is_given else None
    outcome = np.nan_to_num(np.stack([candidates.squared, candidates.ratio], -1), nan=np.inf)
    index = candidates.start.astype(float)
    key = nearest_of(question.problem.robot, candidates.q, outcome, index, near, margin)
    return key.argmin(axis=1)


def _made(q: np.ndarray, outcome: np.ndarray, steps: np.ndarray, index: np.ndarray) -> Candidates:
    squared, ratio, taken = (each.reshape(index.shape) for each in outcome.T)
    return Candidates(
        q.reshape(*index.shape, q.shape[-1]), squared, ratio, steps + taken.astype(int), index
    )
