"""From candidates that a network proposes to one answer: the two best, a few steps later."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from fkarm._types import Tensor
from fkarm.ik.arguments import Question
from fkarm.ik.solve import IKResult, descend, judged, padded
from fkarm.ik.step import Problem, squared_error
from fkarm.kinematics.engine import Function, compiled
from fkarm.kinematics.entries import entries_first

FINALISTS = 2


def best_refined(question: Question, candidates: np.ndarray, steps: int) -> IKResult:
    """Of candidates `(n, count, dof)` the two best, `steps` steps later the better, judged."""
    count, rows = candidates.shape[1], np.arange(question.size)
    flat = candidates.reshape(-1, candidates.shape[-1]).astype(question.dtype)
    entries = np.repeat(question.entries, count, axis=0)
    squared = padded(_squared_error(question.problem), flat, entries)[0].reshape(-1, count)
    number = squared.argmin(axis=1)[:, None]
    if steps and count > 1:
        number = np.argpartition(squared, FINALISTS - 1, axis=1)[:, :FINALISTS]
    q = question.within_limits(candidates[rows[:, None], number].astype(question.dtype))
    if steps:
        q, squared = descend(question, rows, q, steps)
        best = squared.argmin(axis=1)[:, None]
        q, number = q[rows[:, None], best], number[rows[:, None], best]
    found = IKResult(*(each[:, 0] for each in judged(question, rows, q, steps)))
    return found._replace(seed_index=number[:, 0])


@lru_cache(maxsize=128)
def _squared_error(problem: Problem) -> Function:
    """A compiled function of `q (rows, dof)` and `targets (rows, 12)` to `(rows, 1)`."""

    def run(q: Tensor, targets: Tensor) -> Tensor:
        return squared_error(problem, entries_first(q), entries_first(targets))[..., None]

    return compiled(lambda *each: [run(*each)], (1, 1), from_rows=0)
