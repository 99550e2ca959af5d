"""The search for the answer to a question: starts one after the other, then the best of them."""

from __future__ import annotations

from functools import reduce
from typing import NamedTuple

import numpy as np

from fkarm.ik.arguments import Question
from fkarm.ik.batch import starts_to_try
from fkarm.ik.candidates import Candidates, careful, preferred, quick
from fkarm.ik.judge import errors_of, is_solved
from fkarm.ik.seeds import PARTS, SeedTable, table_for
from fkarm.kinematics.joint_space import difference

# Steps from each start before one is chosen, and how many go on where none is solved.
QUICK_STEPS = 10
# More of them for solutions that are not sharp yet: few for most, then many for what is left.
POLISH_STEPS = (2, 8)
FINALISTS = 16
# Starts that are tried at a time; the last number again and again.
ROUNDS = (1, 3, 16, 64)
# A solution that near to q_ref is taken without looking for others, rad or m.
NEAR = 0.1
# Solutions less than this apart in each joint are one, rad or m.
ONE_SOLUTION = 0.05
# Weighted errors that further steps do not bring down, m.
_ROUNDING = {"float32": 1e-6, "float64": 1e-13}
# A start is the answer if it comes that near, of its tolerances: it could come as near as you like.
_SHARP = 1e-2


class IKResult(NamedTuple):
    """What `solve_ik` found. NumPy arrays; batch axes are those of the targets."""

    q: np.ndarray  # configurations within the limits, the best effort if not converged, (..., dof)
    converged: np.ndarray  # whether every error is within its tolerance, (...)
    position_error: np.ndarray  # m, the largest of the links; of what the task counts, (...)
    orientation_error: np.ndarray  # rad, likewise
    steps: np.ndarray  # steps taken from the start that led to q, (...)
    seed_index: np.ndarray  # which start that was; 0 is q_init if given, (...)


class Search:
    """One call of `solve_ik`.

    Args:
        question: What is asked.
        seeds: Starts for each target, at most.
        max_steps: Steps from each start, at most.
        seed: Which low-discrepancy starts.
    """

    def __init__(self, question: Question, seeds: int, max_steps: int, seed: int) -> None:
        self.question, self.max_steps = question, max_steps
        given = question.q_ref if question.q_init is None else question.q_init
        self.given = None if given is None else given[:, None]
        self.seeds, self.seed = seeds, seed
        self._first = 0 if given is None else 1  # number of the first start of the table
        self._table: SeedTable | None = None
        self._places = np.empty((0, 0), int)  # of the nearest entries of the table

    def best(self) -> IKResult:
        """The answers, as `solve_ik` promises them."""
        question = self.question
        found = self._nothing()
        open_rows = np.flatnonzero(question.is_finite)
        tried: Candidates | None = None
        if self.given is not None and open_rows.size:
            tried = self._from_given(open_rows)
            is_answer = self._settle(found, open_rows, tried)
            if question.q_ref is not None:
                apart = difference(question.problem.robot, found.q, question.q_ref)
                is_answer &= np.abs(apart[open_rows]).max(axis=-1, initial=0) <= NEAR
            open_rows, tried = open_rows[~is_answer], tried.of(~is_answer)
        if question.q_ref is not None and tried is not None:
            open_rows, tried = self._nearest(found, open_rows, tried)
        else:
            open_rows, tried = self._first_solved(found, open_rows, tried)
        if open_rows.size and tried is not None:
            last = tried.take(preferred(question, open_rows, tried)[:, None])
            self._settle(found, open_rows, last)
        return found

    def all_outcomes(self) -> IKResult:
        """Where every start leads; of like solutions one is marked."""
        question, rows = self.question, np.arange(self.question.size)
        outcomes = [] if self.given is None else [self._from_given(rows)]
        if self.seeds > self._first:
            starts = self._starts(rows, self._first, self.seeds - self._first)
            quickly = quick(question, rows, starts, self._first, self._quick_steps)
            outcomes.append(careful(question, rows, quickly, self.max_steps))
        found = self._judged(rows, reduce(Candidates.beside, outcomes))
        converged, robot = found.converged.copy(), question.problem.robot
        for j in range(1, self.seeds):
            apart = difference(robot, found.q[:, :j], found.q[:, j : j + 1], by_turns=True)
            apart = np.where(question.terms.free > 0, np.abs(apart), 0.0).max(axis=-1)
            converged[:, j] &= ~np.any(converged[:, :j] & (apart < ONE_SOLUTION), axis=1)
        return found._replace(converged=converged)

    @property
    def _sharp(self) -> float:
        """Squared ratio of an error to its tolerance from which on a start gives the answer."""
        rounding = self.question.terms.closeness.max() * _ROUNDING[self.question.dtype] ** 2
        return float(np.clip(4.0 * rounding, _SHARP**2, 0.25))

    @property
    def _quick_steps(self) -> int:
        return min(QUICK_STEPS, self.max_steps)

    def _from_given(self, rows: np.ndarray) -> Candidates:
        """Where `q_init` leads, or `q_ref` without it."""
        starts = self.question.prepared(np.asarray(self.given)[rows], rows)
        zeros = np.zeros((len(rows), 1))
        start = Candidates(starts, zeros, zeros, zeros.astype(int), zeros.astype(int))
        return careful(self.question, rows, start, self.max_steps)

    def _first_solved(
        self, found: IKResult, open_rows: np.ndarray, misses: Candidates | None
    ) -> tuple[np.ndarray, Candidates | None]:
        """Settle what one start after the other solves; the rest, with where all starts led."""
        first, kept = self._first, None
        won: list[tuple[np.ndarray, Candidates]] = []
        for wished in ROUNDS + (ROUNDS[-1],) * (self.seeds // ROUNDS[-1]):
            if first >= self.seeds or not open_rows.size:
                break
            count = min(starts_to_try(len(open_rows), wished), self.seeds - first)
            starts = self._starts(open_rows, first, count)
            new = quick(self.question, open_rows, starts, first, self._quick_steps)
            is_solved_by = new.ratio <= self._sharp
            is_answer = np.asarray(is_solved_by.any(axis=1))
            place = is_solved_by.argmax(axis=1)[:, None]
            won.append((open_rows[is_answer], new.of(is_answer).take(place[is_answer])))
            kept = new if kept is None else kept.beside(new)
            kept = kept.of(~is_answer).least(FINALISTS)
            open_rows = open_rows[~is_answer]
            misses = None if misses is None else misses.of(~is_answer)
            first += count
        if won:
            rows = np.concatenate([each for each, _ in won])
            winners = reduce(Candidates.above, [each for _, each in won])
            self._settle(found, rows, self._sharpened(rows, winners))
        return self._finals(found, open_rows, misses, kept)

    def _nearest(
        self, found: IKResult, open_rows: np.ndarray, tried: Candidates
    ) -> tuple[np.ndarray, Candidates | None]:
        """Settle the solution nearest to `q_ref` of all starts; the rest, with where they led."""
        new = tried
        if self.seeds > self._first and open_rows.size:
            starts = self._starts(open_rows, self._first, self.seeds - self._first)
            new = quick(self.question, open_rows, starts, self._first, self._quick_steps)
        new = new._replace(q=self.question.settled(new.q, open_rows))
        place = preferred(self.question, open_rows, tried.beside(new))
        both = tried.beside(new).take(place[:, None])
        hits = np.flatnonzero(both.ratio[:, 0] <= 1.0)
        is_answer = np.zeros(len(open_rows), bool)
        by_given = both.start[hits, 0] < self._first
        for part in (hits[by_given], hits[~by_given]):
            if part.size:
                winners = self._sharpened(open_rows[part], both.of(part))
                is_answer[part] = self._settle(found, open_rows[part], winners)
        rest = ~is_answer
        kept = new.of(rest).least(FINALISTS)
        return self._finals(found, open_rows[rest], tried.of(rest), kept)

    def _finals(
        self,
        found: IKResult,
        open_rows: np.ndarray,
        misses: Candidates | None,
        kept: Candidates | None,
    ) -> tuple[np.ndarray, Candidates | None]:
        """The most promising candidates in the valleys below them."""
        if kept is None or not open_rows.size:
            return open_rows, misses
        ends = careful(self.question, open_rows, kept, self.max_steps)
        ends = ends._replace(q=self.question.settled(ends.q, open_rows))
        return open_rows, ends if misses is None else misses.beside(ends)

    def _sharpened(self, rows: np.ndarray, winners: Candidates) -> Candidates:
        """Solutions with what further steps gain."""
        question = self.question
        if question.terms.posture[0] > 0:
            return careful(question, rows, winners, self.max_steps)
        for wished in POLISH_STEPS:
            blunt = np.flatnonzero(winners.squared[:, 0] > _ROUNDING[question.dtype] ** 2)
            part = winners.of(blunt)
            more = min(wished, self.max_steps - int(part.steps.max(initial=0)))
            if blunt.size and more > 0:
                better = quick(question, rows[blunt], part.q, 0, more)
                better = better._replace(steps=part.steps + more, start=part.start)
                for whole, sharp in zip(winners, better, strict=True):
                    whole[blunt] = sharp
        return winners

    def _settle(self, found: IKResult, rows: np.ndarray, last: Candidates) -> np.ndarray:
        """Write the answers of some targets `(rows, 1)`; whether they are solutions."""
        judged = self._judged(rows, last)
        for whole, part in zip(found, judged, strict=True):
            whole[rows] = part[:, 0]
        return judged.converged[:, 0].copy()

    def _judged(self, rows: np.ndarray, candidates: Candidates) -> IKResult:
        q = self.question.settled(candidates.q, rows)
        return judged(self.question, rows, q, candidates.steps, candidates.start)

    def _starts(self, rows: np.ndarray, first: int, count: int) -> np.ndarray:
        """Starts number `first` and on of some targets: the nearest in the table, then any."""
        question, number = self.question, np.arange(first, first + count) - self._first
        parts = min(self.seeds - self._first, PARTS)
        if self._table is None:
            more = max(self.seeds - self._first - parts, 0)
            self._table = table_for(question.problem, question.terms, more, self.seed)
            self._places = np.zeros((question.size, parts), int)
            places, errors = self._table.nearest(question.targets[rows], parts)
            order = errors.argsort(axis=1, kind="stable")
            self._places[rows] = np.take_along_axis(places, order, axis=1)
        any_target = np.broadcast_to(self._table.size - parts + number, (len(rows), count))
        nearest = self._places[rows][:, np.minimum(number, parts - 1)]
        places = np.where(number < parts, nearest, any_target)
        return question.prepared(self._table.at(places, question.targets[rows]), rows)

    def _nothing(self) -> IKResult:
        """Before any search: everything at rest, no solution, no number for what is not finite."""
        question = self.question
        rows = np.arange(question.size)
        q = question.prepared(np.zeros((question.size, 1, question.problem.robot.dof)), rows)[:, 0]
        errors, none = np.full(question.size, np.nan), np.zeros(question.size, int)
        return IKResult(q, none.astype(bool), errors, errors.copy(), none, none.copy())


def judged(
    question: Question, rows: np.ndarray, q: np.ndarray, steps: np.ndarray, index: np.ndarray
) -> IKResult:
    """Configurations `(rows, count, dof)` with their errors, by kinematics in float64."""
    errors = errors_of(question, rows, q)
    largest = errors.max(axis=-2)
    return IKResult(
        q, is_solved(question, errors), largest[..., 0], largest[..., 1], steps, index.copy()
    )
