"""The search for the answers of one call: many starts in rounds, then the best of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from itertools import chain, repeat

import numpy as np

from fkarm.ik.batch import starts_to_try
from fkarm.ik.by_closed_form import NO_START, all_branches_of, nearest_solutions
from fkarm.ik.candidates import (
    ROUNDING,
    Candidates,
    at_starts,
    descend_damped,
    descend_tested,
    preferred,
)
from fkarm.ik.closed_form import ClosedForm
from fkarm.ik.closed_form.branches import TOLERANCES as CLOSED_FORM_TOLERANCES
from fkarm.ik.pose_errors import errors_of, is_solved
from fkarm.ik.request import Request
from fkarm.ik.result import REASON_DTYPE, IKReason, IKResult, IKSolutions
from fkarm.ik.starts import PARTS, StartTable, table_for
from fkarm.kinematics.joint_space import difference

# Damped steps from each start before one is chosen, and how many starts continue if none is solved.
DAMPED_STEPS = 10
# Further steps for solutions that are not yet exact: few for most, then more for the rest.
POLISH_STEPS = (2, 8)
FINALISTS = 16
# Number of starts per round; the last number repeats.
ROUNDS = (1, 3, 16, 64)
# Starts of a round in NumPy, of all targets together: fewer take as long.
FEWEST_STARTS = 4
# A solution this near to q_ref is returned without a search for others, rad or m.
NEAR = 0.1
# Solutions that differ by less than this in every joint are one solution, rad or m.
ONE_SOLUTION = 0.05
# A start gives the answer if its error is below this share of the tolerances.
_EXACT = 1e-2


class Search:
    """The search of one call of `solve_ik`.

    Args:
        request: The targets, the problem and the preferences.
        starts: Largest number of starts per target.
        max_steps: Largest number of steps from each start.
        seed: Seed of the low-discrepancy starts.
        form: Closed form that answers the request; None: there is none.
        approximate: Closed form whose branches are the first starts for all solutions, or None.
    """

    def __init__(
        self,
        request: Request,
        starts: int,
        max_steps: int,
        seed: int,
        form: ClosedForm | None = None,
        approximate: ClosedForm | None = None,
    ) -> None:
        self.request, self.max_steps = request, max_steps
        self.form, self.approximate = form, approximate
        given = request.q_ref if request.q_init is None else request.q_init
        self.given = None if given is None else given[:, None]
        self.starts, self.seed = starts, seed
        self.first = 0 if given is None else 1  # number of the first start of the table
        self._table: StartTable | None = None
        self._nearest_entries = np.empty((0, 0), int)  # of the table, per target

    def best(self) -> IKResult:
        """The answers, as `solve_ik` promises them."""
        request = self.request
        result = self._unsolved()
        open_rows = np.flatnonzero(request.is_finite)
        given: Candidates | None = None
        if self.given is not None and open_rows.size:
            given = self._from_given(open_rows)
            is_answer = self._write(result, open_rows, given)
            if request.q_ref is not None:
                apart = difference(request.problem.robot, result.q, request.q_ref)
                is_answer &= np.abs(apart[open_rows]).max(axis=-1, initial=0) <= NEAR
            open_rows, given = open_rows[~is_answer], given.of(~is_answer)
        if self.form is not None and open_rows.size and self.starts > self.first:
            is_answer = self._by_form(self.form, result, open_rows, given)
            open_rows = open_rows[~is_answer]
            given = None if given is None else given.of(~is_answer)
        if request.q_ref is not None and given is not None:
            open_rows, misses = self._nearest_solved(result, open_rows, given)
        else:
            open_rows, misses = self._first_solved(result, open_rows, given)
        if open_rows.size and misses is not None:
            last = misses.take(preferred(request, open_rows, misses)[:, None])
            self._write(result, open_rows, last)
        return result

    def all_solutions(self, judge: Callable[[IKResult], IKResult] | None = None) -> IKSolutions:
        """The outcome of every start. Of equal solutions the first one is marked.

        `judge` says which results are solutions, beyond the errors.
        """
        request, rows = self.request, np.arange(self.request.size)
        outcomes = [] if self.given is None else [self._from_given(rows)]
        if self.form is not None:
            room = self.starts - self.first
            count = max(1, room // self.form.branches)
            q, _ = all_branches_of(self.form, request, rows, count)
            # Rows beyond the branches repeat them.
            size = max(room, q.shape[1])
            branches = self._at_branches(q[:, np.arange(size) % q.shape[1]])
            steps = POLISH_STEPS[0] if self.form_error else 0
            outcomes.append(descend_damped(request, rows, branches, steps) if steps else branches)
        elif self.starts > self.first:
            starts = self._starts(rows, self.first, self.starts - self.first)
            if self.approximate is not None:
                q, _ = all_branches_of(self.approximate, request, rows, 1)
                first = np.tile(np.arange(starts.squared.shape[1]), (len(rows), 1))
                starts = self._at_branches(q).beside(starts).take(first)
            candidates = descend_damped(request, rows, starts, self._damped_steps)
            outcomes.append(descend_tested(request, rows, candidates, self.max_steps))
        result = with_errors(request, rows, reduce(Candidates.beside, outcomes))
        if judge is not None:
            result = judge(result)
        is_solution, robot = result.converged.copy(), request.problem.robot
        for j in range(1, is_solution.shape[1]):
            apart = difference(robot, result.q[:, :j], result.q[:, j : j + 1], by_turns=True)
            apart = np.where(request.terms.free > 0, np.abs(apart), 0.0).max(axis=-1)
            is_solution[:, j] &= ~np.any(is_solution[:, :j] & (apart < ONE_SOLUTION), axis=1)
        return IKSolutions(
            result.q,
            is_solution,
            result.position_error,
            result.orientation_error,
            result.steps,
            result.clearance,
        )

    def _at_branches(self, q: np.ndarray) -> Candidates:
        """Branches `(rows, branches, dof)` of all targets before any step."""
        rows = np.arange(self.request.size)
        q = self.request.constrained(self.request.canonical(q, rows), rows)
        return at_starts(q, self.first)

    @property
    def exact(self) -> float:
        """Squared ratio of an error to its tolerance below which a start gives the answer."""
        rounding = self.request.terms.closeness.max() * ROUNDING[self.request.dtype] ** 2
        return float(np.clip(4.0 * rounding, _EXACT**2, 0.25))

    def _starts_to_try(self, count: int, wished: int) -> int:
        """Number of starts per target in a round with `count` open targets."""
        if self.request.is_few:
            return max(wished, FEWEST_STARTS // count)
        return starts_to_try(count, wished)

    @property
    def form_error(self) -> float:
        """Squared error of a closed form, or zero if the tolerances allow ten times that error."""
        error = CLOSED_FORM_TOLERANCES[self.request.dtype]
        return 0.0 if self.request.tolerances.min() > 10.0 * error else error**2

    @property
    def _damped_steps(self) -> int:
        return min(DAMPED_STEPS, self.max_steps)

    def _from_given(self, rows: np.ndarray) -> Candidates:
        """The end of the descent from `q_init`, or from `q_ref` without it."""
        starts = self.request.constrained(np.asarray(self.given)[rows], rows)
        return descend_tested(self.request, rows, at_starts(starts), self.max_steps)

    def _by_form(
        self, form: ClosedForm, result: IKResult, rows: np.ndarray, given: Candidates | None
    ) -> np.ndarray:
        """Write the answers of a closed form; return which targets have one."""
        request = self.request
        q, is_there = nearest_solutions(form, request, rows)
        squared = np.where(is_there, self.form_error, np.inf)[:, None]
        none = np.zeros(squared.shape, int)
        ratio = np.where(is_there, 0.0, np.inf)[:, None]
        answers = Candidates(q[:, None], squared, ratio, none == 0, none, none + NO_START)
        if request.q_ref is not None and given is not None:
            both = given.beside(answers)
            answers = both.take(preferred(request, rows, both)[:, None])
            is_there = answers.ratio[:, 0] <= 1.0
        there = np.flatnonzero(is_there)
        winners = self.polished(rows[there], answers.of(there))
        is_there[there] = self._write(result, rows[there], winners)
        return is_there

    def _first_solved(
        self, result: IKResult, open_rows: np.ndarray, misses: Candidates | None
    ) -> tuple[np.ndarray, Candidates | None]:
        """Write the first solution per target; return the rows without one, and their misses."""
        first, finalists = self.first, None
        won: list[tuple[np.ndarray, Candidates]] = []
        rounds = chain(ROUNDS, repeat(ROUNDS[-1]))
        while first < self.starts and open_rows.size:
            count = min(self._starts_to_try(len(open_rows), next(rounds)), self.starts - first)
            starts = self._starts(open_rows, first, count)
            new = descend_damped(self.request, open_rows, starts, self._damped_steps, is_race=True)
            is_exact = new.ratio <= self.exact
            is_answer = np.asarray(is_exact.any(axis=1))
            winner = is_exact.argmax(axis=1)[:, None]
            won.append((open_rows[is_answer], new.of(is_answer).take(winner[is_answer])))
            finalists = new if finalists is None else finalists.beside(new)
            finalists = finalists.of(~is_answer).least(FINALISTS)
            open_rows = open_rows[~is_answer]
            misses = None if misses is None else misses.of(~is_answer)
            first += count
        if won:
            rows = np.concatenate([solved for solved, _ in won])
            winners = reduce(Candidates.above, [candidates for _, candidates in won])
            self._write(result, rows, self.polished(rows, winners))
        return open_rows, self._with_finalists(open_rows, misses, finalists)

    def _nearest_solved(
        self, result: IKResult, open_rows: np.ndarray, given: Candidates
    ) -> tuple[np.ndarray, Candidates | None]:
        """Write the solution nearest to `q_ref`; return the rows without one, and their misses."""
        new = given
        if self.starts > self.first and open_rows.size:
            starts = self._starts(open_rows, self.first, self.starts - self.first)
            new = descend_damped(self.request, open_rows, starts, self._damped_steps)
        new = new._replace(q=self.request.canonical(new.q, open_rows))
        both = given.beside(new)
        both = both.take(preferred(self.request, open_rows, both)[:, None])
        hits = np.flatnonzero(both.ratio[:, 0] <= 1.0)
        is_answer = np.zeros(len(open_rows), bool)
        by_given = both.start[hits, 0] < self.first
        for same_steps in (hits[by_given], hits[~by_given]):
            if same_steps.size:
                rows = open_rows[same_steps]
                winners = self.polished(rows, both.of(same_steps))
                is_answer[same_steps] = self._write(result, rows, winners)
        is_open = ~is_answer
        open_rows, finalists = open_rows[is_open], new.of(is_open).least(FINALISTS)
        return open_rows, self._with_finalists(open_rows, given.of(is_open), finalists)

    def further(self, rows: np.ndarray, first: int, count: int) -> Candidates:
        """The ends of the descents of `count` further starts per target, not yet polished."""
        starts = self._starts(rows, first, count)
        return descend_damped(self.request, rows, starts, self._damped_steps)

    def _with_finalists(
        self, open_rows: np.ndarray, misses: Candidates | None, finalists: Candidates | None
    ) -> Candidates | None:
        """Misses, and the most promising candidates at the local minima below them."""
        if finalists is None or not open_rows.size:
            return misses
        ends = descend_tested(self.request, open_rows, finalists, self.max_steps)
        ends = ends._replace(q=self.request.canonical(ends.q, open_rows))
        return ends if misses is None else misses.beside(ends)

    def polished(self, rows: np.ndarray, winners: Candidates) -> Candidates:
        """Solutions after the further steps that still bring their errors down."""
        request = self.request
        if request.terms.posture[0] > 0:
            return descend_tested(request, rows, winners, self.max_steps)
        for wished in POLISH_STEPS:
            coarse = np.flatnonzero(winners.squared[:, 0] > ROUNDING[request.dtype] ** 2)
            candidates = winners.of(coarse)
            count = min(wished, self.max_steps - int(candidates.steps.max(initial=0)))
            if coarse.size and count > 0:
                better = descend_damped(request, rows[coarse], candidates, count)
                for whole, new in zip(winners, better, strict=True):
                    whole[coarse] = new
        return winners

    def _write(self, result: IKResult, rows: np.ndarray, last: Candidates) -> np.ndarray:
        """Write the answers `(rows, 1)` of some targets; return whether they are solutions."""
        answers = with_errors(self.request, rows, last)
        for whole, answer in zip(result, answers, strict=True):
            whole[rows] = answer[:, 0]
        return answers.converged[:, 0].copy()

    def _starts(self, rows: np.ndarray, first: int, count: int) -> Candidates:
        """`count` starts of some targets: the nearest entries of the table, then any entries."""
        request, number = self.request, np.arange(first, first + count) - self.first
        parts = min(self.starts - self.first, PARTS)
        if self._table is None:
            more = max(self.starts - self.first - parts, 0)
            self._table = table_for(request.problem, request.terms, more, self.seed)
            self._nearest_entries = np.zeros((request.size, parts), int)
            entries, errors = self._table.nearest(request.targets[rows], parts)
            order = errors.argsort(axis=1, kind="stable")
            self._nearest_entries[rows] = np.take_along_axis(entries, order, axis=1)
        any_target = np.broadcast_to(self._table.size - parts + number, (len(rows), count))
        nearest = self._nearest_entries[rows][:, np.minimum(number, parts - 1)]
        entries = np.where(number < parts, nearest, any_target)
        q = request.constrained(self._table.at(entries, request.targets[rows]), rows)
        return at_starts(q, first)

    def _unsolved(self) -> IKResult:
        """The result before any search: joints at rest, no solution, NaN errors."""
        request = self.request
        rows = np.arange(request.size)
        q = request.constrained(np.zeros((request.size, 1, request.problem.robot.dof)), rows)[:, 0]
        errors, none = np.full(request.size, np.nan), np.zeros(request.size, int)
        reason = np.full(request.size, IKReason.NAN.value, REASON_DTYPE)
        return IKResult(
            q, none > 0, errors, errors.copy(), none, none.copy(), reason, errors.copy()
        )


def with_errors(request: Request, rows: np.ndarray, candidates: Candidates) -> IKResult:
    """Candidates `(rows, count)` as they are returned, with their errors in float64."""
    q = request.canonical(candidates.q, rows)
    errors = errors_of(request, rows, q)
    largest = errors.max(axis=-2)
    solved = is_solved(request, errors)
    return IKResult(
        q,
        solved,
        largest[..., 0],
        largest[..., 1],
        candidates.steps,
        candidates.start.copy(),
        _reasons(request, rows, q, solved, candidates.is_at_rest),
        np.full(solved.shape, np.nan),
    )


def _reasons(
    request: Request, rows: np.ndarray, q: np.ndarray, solved: np.ndarray, is_at_rest: np.ndarray
) -> np.ndarray:
    """Why the search ended, per configuration `(rows, count)`."""
    if solved.all():
        return np.full(solved.shape, IKReason.SOLVED.value, REASON_DTYPE)
    terms = request.terms
    is_at_limit = (terms.free > 0) & ((q <= terms.lower) | (q >= terms.upper))
    is_nan = np.broadcast_to(~request.is_finite[rows][:, None], solved.shape)
    reasons = np.select(
        [is_nan, solved, ~is_at_rest, is_at_limit.any(axis=-1)],
        [IKReason.NAN.value, IKReason.SOLVED.value, IKReason.STEPS.value, IKReason.LIMITS.value],
        IKReason.OUT_OF_REACH.value,
    )
    return reasons.astype(REASON_DTYPE)
