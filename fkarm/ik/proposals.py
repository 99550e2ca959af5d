"""The answer of a network: its best proposals, refined by a few steps."""

from __future__ import annotations

import numpy as np

from fkarm.ik.candidates import Candidates, at_starts, descend_damped, preferred
from fkarm.ik.request import Request
from fkarm.ik.result import IKResult
from fkarm.ik.search import with_errors

FINALISTS = 2


def refined(request: Request, proposals: np.ndarray, steps: int) -> Candidates:
    """Every proposal `(n, count, dof)`, `steps` damped least-squares steps later."""
    rows = np.arange(request.size)
    return descend_damped(request, rows, at_starts(request.constrained(proposals, rows)), steps)


def best_refined(request: Request, proposals: np.ndarray, steps: int) -> IKResult:
    """Refine each target's two best proposals by `steps` steps and return the better one.

    With `q_ref` all proposals are refined, because the solution nearest to it may come from any.

    Args:
        request: The targets.
        proposals: Configurations. Shape `(n, count, dof)`.
        steps: Number of damped least-squares steps.
    """
    rows = np.arange(request.size)
    candidates = refined(request, proposals, 0)
    if steps and request.q_ref is None:
        candidates = candidates.least(FINALISTS)
    if steps:
        candidates = descend_damped(request, rows, candidates, steps)
    best = candidates.squared.argmin(axis=1)
    if request.q_ref is not None:
        candidates = candidates._replace(q=request.canonical(candidates.q, rows))
        best = preferred(request, rows, candidates)
    result = with_errors(request, rows, candidates.take(best[:, None]))
    return IKResult(*(field[:, 0] for field in result))
