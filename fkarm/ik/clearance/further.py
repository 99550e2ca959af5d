"""Further solutions of the targets whose first answer is not clear."""

from __future__ import annotations

import numpy as np

from fkarm.ik.by_closed_form import NO_START, all_branches_of, from_middle
from fkarm.ik.candidates import Candidates, at_starts
from fkarm.ik.closed_form import ClosedForm
from fkarm.ik.search import Search

# Further starts, or values of the joint that a closed form leaves free, per round.
ROUNDS = (3, 16, 64)
# Targets and values of a free joint whose branches are computed at a time, in NumPy: compiling all
# branches takes longer than those of the few targets that are left.
SETS = 512


def has_further(search: Search, number: int) -> bool:
    """Whether a round has candidates that the rounds before it did not have."""
    if search.form is not None:
        return number == 0 or search.form.free_entry is not None
    return _starts_of(search, number)[1] > 0


def further_candidates(search: Search, rows: np.ndarray, number: int) -> Candidates:
    """The candidates of a round, in order of preference.

    Args:
        search: The search of some links.
        rows: Its targets.
        number: Number of the round, from 0.
    """
    if search.form is not None:
        return _branches(search, search.form, rows, ROUNDS[number])
    first, count = _starts_of(search, number)
    if not count:
        return at_starts(np.empty((len(rows), 0, search.request.problem.robot.dof)))
    return search.further(rows, first, count)


def _starts_of(search: Search, number: int) -> tuple[int, int]:
    """The first start of a round of a search, and how many it has."""
    # Without a given configuration the first start led to the answer, or to no solution.
    first = max(search.first, 1) + sum(ROUNDS[:number])
    return first, max(min(ROUNDS[number], search.starts - first), 0)


def _branches(search: Search, form: ClosedForm, rows: np.ndarray, values: int) -> Candidates:
    """The branches of a closed form, those nearest to the middle of the joints' ranges first."""
    request, terms = search.request, search.request.terms
    chunks = np.array_split(rows, max(-(-len(rows) * values // SETS), 1))
    of_chunks = [all_branches_of(form, request, chunk, values) for chunk in chunks]
    q, is_solution = (np.concatenate(each) for each in zip(*of_chunks, strict=True))
    q = request.canonical(q, rows)
    is_within = ((q >= terms.lower) & (q <= terms.upper) | (terms.free == 0)).all(axis=-1)
    is_solution = is_solution & is_within
    q = np.where(terms.free > 0, q, request.rest[rows][:, None]).astype(request.dtype)
    order = np.where(is_solution, from_middle(form.robot, terms, q), np.inf)
    none = np.zeros(is_solution.shape, int)
    ratio = np.where(is_solution, 0.0, np.inf)
    squared = np.where(is_solution, search.form_error, np.inf)
    branches = Candidates(q, squared, ratio, none == 0, none, none + NO_START)
    return branches.take(order.argsort(axis=1, kind="stable"))


def combined(candidates: list[Candidates], seed: int) -> list[Candidates]:
    """Candidates of all limbs, of which those with the same index make one configuration.

    The indices of those that reach their targets are drawn; all rows have the same draws.
    """
    if len(candidates) == 1:
        return candidates
    count = max(each.ratio.shape[1] for each in candidates)
    draws = np.random.default_rng(seed).random((len(candidates), count))
    mixed = []
    for each, share in zip(candidates, draws, strict=True):
        is_solution = each.ratio <= 1.0
        order = np.argsort(~is_solution, axis=1, kind="stable")
        place = (share * np.maximum(is_solution.sum(axis=1, keepdims=True), 1)).astype(int)
        mixed.append(each.take(np.take_along_axis(order, place, axis=1)))
    return mixed
