"""The search for clear answers: where the usual answer is not clear, another solution may be.

Most targets are answered by the usual search. For the others further solutions are compared, the
branches of a closed form or the ends of further starts. Where none is clear, steps push the bodies
apart.
"""

from __future__ import annotations

from functools import reduce
from typing import NamedTuple

import numpy as np

from fkarm.ik.candidates import Candidates
from fkarm.ik.clearance.descent import descend_clear
from fkarm.ik.clearance.further import ROUNDS, combined, further_candidates, has_further
from fkarm.ik.clearance.surroundings import Surroundings
from fkarm.ik.limbs import Limb, joined
from fkarm.ik.request import Request
from fkarm.ik.result import IKReason, IKResult
from fkarm.ik.search import Search, with_errors
from fkarm.kinematics.joint_space import difference

# How many solutions that are not clear the steps start from, the clearest ones first: one, then
# others where that fails.
PUSHED = (1, 7)


class Misses(NamedTuple):
    """Solutions of some targets that are not clear, and their distances."""

    candidates: Candidates
    distance: np.ndarray  # m, (rows, count); -inf where there is no solution

    def of(self, rows: np.ndarray) -> Misses:
        """The same of some targets."""
        return Misses(self.candidates.of(rows), self.distance[rows])

    def beside(self, other: Misses) -> Misses:
        """These, and others of the same targets; the clearest ones of both, the clearest first."""
        distance = np.concatenate([self.distance, other.distance], axis=1)
        order = np.argsort(-distance, axis=1, kind="stable")[:, : sum(PUSHED)]
        candidates = self.candidates.beside(other.candidates).take(order)
        return Misses(candidates, np.take_along_axis(distance, order, axis=1))


class ClearSearch:
    """What follows the usual search if answers must be clear.

    Args:
        request: The targets, the problem and the preferences.
        limbs: Its links in groups that share no joint.
        searches: The search of every limb.
        around: What the answers must keep clear of.
    """

    def __init__(
        self,
        request: Request,
        limbs: tuple[Limb, ...],
        searches: list[Search],
        around: Surroundings,
    ) -> None:
        self.request, self.limbs, self.searches = request, limbs, searches
        self.around = around
        self._has_given = request.q_ref is not None or request.q_init is not None

    def best(self, result: IKResult) -> IKResult:
        """The answers, with another solution where the first one is not clear.

        Args:
            result: The answers of the usual search.
        """
        result = judged(result, self.around)
        rows = np.flatnonzero(result.reason == IKReason.COLLISION.value)
        misses = _answers(result, rows)
        if self._has_given:  # The answer shall stay near.
            rows, misses = self._pushed(result, rows, misses, slice(0, 1))
        for number in range(len(ROUNDS)):
            if rows.size and any(has_further(each, number) for each in self.searches):
                rows, misses = self._compared(result, rows, misses, number)
        first = 0
        for count in PUSHED:
            if rows.size:
                these = slice(first, first + count)
                rows, misses = self._pushed(result, rows, misses, these)
            first += count
        if rows.size:
            clearest = misses.candidates.take(np.zeros((len(rows), 1), int))
            self._write(result, rows, with_errors(self.request, rows, clearest), is_last=True)
        return result

    def _compared(
        self, result: IKResult, rows: np.ndarray, misses: Misses, number: int
    ) -> tuple[np.ndarray, Misses]:
        """Write the clear solutions of a round; return the other rows, and what is not clear."""
        of_limbs = [further_candidates(search, rows, number) for search in self.searches]
        if len(of_limbs) > 1:
            own = _answers(result, rows).candidates
            of_limbs = combined([own.beside(each) for each in of_limbs], self.searches[0].seed)
        q = self._joined_q(of_limbs)
        is_solution = np.all([each.ratio <= 1.0 for each in of_limbs], axis=0)
        distance = np.full(is_solution.shape, -np.inf)
        distance[is_solution] = self.around.distances(q[is_solution])
        is_clear = distance >= self.around.least
        chosen = self._preferred(rows, q, is_clear)[:, None]
        there = np.flatnonzero(is_clear.any(axis=1))
        answers = [
            with_errors(search.request, rows[there], search.polished(rows[there], each))
            for search, each in zip(
                self.searches, [c.take(chosen).of(there) for c in of_limbs], strict=True
            )
        ]
        answer = joined(self.limbs, answers) if len(answers) > 1 else answers[0]
        is_open = np.ones(len(rows), bool)
        is_open[there] = ~self._write(result, rows[there], answer)
        whole = _whole(q, of_limbs)
        misses = misses.beside(Misses(whole, distance)).of(is_open)
        return rows[is_open], misses

    def _pushed(
        self, result: IKResult, rows: np.ndarray, misses: Misses, these: slice
    ) -> tuple[np.ndarray, Misses]:
        """Push the bodies of some misses apart; as `_compared`."""
        starts = Candidates(*(field[:, these] for field in misses.candidates))
        if not starts.q.size:
            return rows, misses
        ends = descend_clear(self.request, rows, starts, self.around, self.searches[0].max_steps)
        chosen = self._preferred(rows, ends.q, ends.ratio <= 1.0)[:, None]
        there = np.flatnonzero((ends.ratio <= 1.0).any(axis=1))
        answer = with_errors(self.request, rows[there], ends.take(chosen).of(there))
        is_open = np.ones(len(rows), bool)
        is_open[there] = ~self._write(result, rows[there], answer)
        return rows[is_open], misses.of(is_open)

    def _preferred(self, rows: np.ndarray, q: np.ndarray, is_answer: np.ndarray) -> np.ndarray:
        """Index of the nearest to the given configuration, or else of the first. `(rows,)`."""
        if not self._has_given:
            return is_answer.argmax(axis=1)
        apart = difference(self.request.problem.robot, q, self.request.near[rows][:, None])
        return np.where(is_answer, np.square(apart).sum(axis=-1), np.inf).argmin(axis=1)

    def _joined_q(self, of_limbs: list[Candidates]) -> np.ndarray:
        """The configurations `(rows, count, dof)` that candidates of all limbs make."""
        q = of_limbs[0].q
        for limb, each in zip(self.limbs[1:], of_limbs[1:], strict=True):
            q[..., limb.entries] = each.q[..., limb.entries]
        return q

    def _write(
        self, result: IKResult, rows: np.ndarray, answer: IKResult, is_last: bool = False
    ) -> np.ndarray:
        """Write answers `(rows, 1)` that are clear solutions, or all; return which are clear."""
        answer = judged(answer, self.around)
        is_written = answer.converged[:, 0] | is_last
        for whole, new in zip(result, answer, strict=True):
            whole[rows[is_written]] = new[is_written, 0]
        return answer.converged[:, 0]


def judged(result: IKResult, around: Surroundings) -> IKResult:
    """A result with its clearance; what is not clear has not converged."""
    flat = result.q.reshape(-1, result.q.shape[-1])
    distance = around.distances(flat).reshape(result.converged.shape)
    is_nan = result.reason == IKReason.NAN.value
    is_clear = distance >= around.least
    collides = result.converged & ~is_clear
    return result._replace(
        converged=result.converged & is_clear,
        reason=np.where(collides, IKReason.COLLISION.value, result.reason),
        clearance=np.where(is_nan, np.nan, distance),
    )


def _answers(result: IKResult, rows: np.ndarray) -> Misses:
    """The answers of some targets, which are solutions that are not clear."""
    of = IKResult(*(field[rows, None] for field in result))
    none = np.zeros(of.steps.shape)
    return Misses(Candidates(of.q, none, none, none == 0, of.steps, of.start_index), of.clearance)


def _whole(q: np.ndarray, of_limbs: list[Candidates]) -> Candidates:
    """Candidates of all limbs as those of the whole robot."""
    _, *fields = zip(*of_limbs, strict=True)
    return Candidates(q, *(reduce(np.maximum, field) for field in fields))
