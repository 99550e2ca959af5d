"""From configurations that a network proposes to one answer: the best few, some steps later."""

from __future__ import annotations

import numpy as np

from fkarm.ik.arguments import Question
from fkarm.ik.candidates import preferred, quick
from fkarm.ik.finding import IKResult, judged

FINALISTS = 2


def best_refined(question: Question, candidates: np.ndarray, steps: int) -> IKResult:
    """Of candidates `(n, count, dof)` the best, `steps` steps later the preferred one, judged.

    With `q_ref` all of them are refined, for the nearest solution may be any.
    """
    rows = np.arange(question.size)
    q = question.prepared(candidates, rows)
    found = quick(question, rows, q, 0, 0)
    if steps and question.q_ref is None:
        found = found.least(FINALISTS)
    if steps:
        places = found.start
        found = quick(question, rows, found.q, 0, steps)._replace(start=places)
    place = found.squared.argmin(axis=1)
    if question.q_ref is not None:
        found = found._replace(q=question.settled(found.q, rows))
        place = preferred(question, rows, found)
    found = found.take(place[:, None])
    q = question.settled(found.q, rows)
    answer = judged(question, rows, q, found.steps, found.start)
    return IKResult(*(each[:, 0] for each in answer))
