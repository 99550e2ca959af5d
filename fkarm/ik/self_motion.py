"""Answers farther from singularities: the best of several solutions, then motion in place.

A redundant arm has more joints than the task has components: its joints can move while the link
keeps its pose. Steps follow the gradient of the manipulability along this self-motion.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fkarm._checks import check_non_negative
from fkarm.ik.candidates import Candidates, at_starts, descend_damped
from fkarm.ik.clearance.further import further_candidates, has_further
from fkarm.ik.clearance.search import judged
from fkarm.ik.clearance.surroundings import Surroundings
from fkarm.ik.in_numpy.residual import structure_of
from fkarm.ik.limbs import Limb
from fkarm.ik.request import Request
from fkarm.ik.result import IKResult
from fkarm.ik.search import Search, with_errors
from fkarm.kinematics.in_numpy import by_entry, hessian, posture, screws_of, twists, volume

# Rounds of further solutions that are compared.
_ROUNDS = 2
# Steps of self-motion, and damped steps by which each of them returns to the target.
_STEPS, _RETURN = 12, 6
# Largest move of a joint per step, rad or m: at first, ever, and below which a row is done.
_FIRST, _LARGEST, _SMALLEST = 0.2, 0.5, 5e-3
_LONGER, _SHORTER = 1.5, 0.3
# Derivatives of the logarithm of the measure below which there is no way up, per rad or m.
_FLAT = 1e-6
# Rows that are computed together: their arrays stay in a cache of the processor.
_ROWS = 512


class Dexterity:
    """The manipulability of some links' tasks, and how self-motion raises it, in NumPy.

    The Jacobian has a row for every component that counts, of all links that share joints, and a
    column for every joint that may move.

    Args:
        request: What is asked for of these links.
    """

    def __init__(self, request: Request) -> None:
        self._request, self._of = request, structure_of(request.problem)
        self._free = request.terms.free.astype(np.float64)

    @property
    def rank(self) -> int:
        """The largest number of components along which the links can move at once."""
        bounds = (self._request.terms.lower, self._request.terms.upper)
        q = np.random.default_rng(0).uniform(-1.5, 1.5, (8, len(self._free))).clip(*bounds)
        axes = np.broadcast_to(np.eye(3), (8, len(self._request.problem.links), 3, 3))
        return int(np.linalg.matrix_rank(self._derivatives(q, axes)[0]).max())

    def measure(self, rows: np.ndarray, q: np.ndarray) -> np.ndarray:
        """The manipulability at configurations `(n, dof)` for the targets of `n` rows. `(n,)`."""
        return self._in_chunks(self._measure, rows, q)

    def uphill(self, rows: np.ndarray, q: np.ndarray) -> np.ndarray:
        """Self-motions along which the measure grows most, largest entry 1. `(n, dof)`."""
        return self._in_chunks(self._uphill, rows, q)

    def _in_chunks(
        self, function: Callable[[np.ndarray, np.ndarray], np.ndarray], rows: np.ndarray,
        q: np.ndarray,
    ) -> np.ndarray:  # fmt: skip
        axes = self._request.targets[rows][..., :3, :3].astype(np.float64)
        chunks = max(-(-len(rows) // _ROWS), 1)
        pairs = zip(np.array_split(q, chunks), np.array_split(axes, chunks), strict=True)
        return np.concatenate([function(one.astype(np.float64), of) for one, of in pairs])

    def _measure(self, q: np.ndarray, axes: np.ndarray) -> np.ndarray:
        return volume(self._derivatives(q, axes)[0])

    def _uphill(self, q: np.ndarray, axes: np.ndarray) -> np.ndarray:
        jacobian, second = self._derivatives(q, axes, second=True)
        # The logarithm of the measure has the derivatives trace(J^+ dJ/dq_k).
        gradient = np.einsum("nir,nrik->nk", np.linalg.pinv(jacobian), second) * self._free
        along = np.linalg.pinv(jacobian) @ (jacobian @ gradient[..., None])
        uphill = gradient - along[..., 0]
        largest = np.abs(uphill).max(axis=1, keepdims=True)
        return np.asarray(uphill / np.maximum(largest, _FLAT))

    def _derivatives(
        self, q: np.ndarray, axes: np.ndarray, second: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """The Jacobian `(n, m, dof)`, and its derivative `(n, m, dof, dof)` if asked for."""
        tree, components = self._of.tree, self._of.problem.components
        at = posture(tree, q)
        screws, of_links = screws_of(at), []
        for link, rows in enumerate(components.rows):
            first = by_entry(tree, twists(at, screws, link).transpose(2, 0, 1)) * self._free
            both = [first[..., None]]
            if second:
                both.append(hessian(at, screws, link) * self._free[:, None])
            whole = np.concatenate(both, axis=-1)
            if components.frame == "target":
                halves = whole.reshape(len(q), 2, 3, -1)
                turned = axes[:, link, None].swapaxes(-1, -2) @ halves
                whole = turned.reshape(whole.shape)
            of_links.append(whole[:, rows])
        stacked = np.concatenate(of_links, axis=1)
        return stacked[..., 0], stacked[..., 1:]


class NimbleSearch:
    """What follows the usual search if answers shall be manipulable.

    Args:
        request: The targets, the problem and the preferences.
        limbs: Its links in groups that share no joint.
        searches: The search of every limb.
        wanted: The manipulability that is enough.
        around: What the answers must keep clear of; None: bodies do not matter.
    Raises:
        ValueError: If `wanted` is no number above zero, if a limb cannot move along all components,
            or if there are a geometry or a `posture_weight`.
    """

    def __init__(
        self,
        request: Request,
        limbs: tuple[Limb, ...],
        searches: list[Search],
        wanted: float,
        around: Surroundings | None,
    ) -> None:
        _check(request, wanted)
        self.request, self.wanted, self.around = request, wanted, around
        self._has_given = request.q_ref is not None or request.q_init is not None
        self._limbs = [
            (limb.entries, search, Dexterity(search.request))
            for limb, search in zip(limbs, searches, strict=True)
        ]
        for _, search, dexterity in self._limbs:
            _check_rank(search.request, dexterity.rank)

    def best(self, result: IKResult) -> IKResult:
        """The answers, moved away from singularities where they have less than what is wanted.

        Args:
            result: Answers; misses stay as they are.
        """
        for entries, search, dexterity in self._limbs:
            if not self._has_given:  # Otherwise the answer keeps its branch.
                self._compare(result, entries, search, dexterity)
            self._climb(result, entries, search, dexterity)
        return result

    def _open(self, result: IKResult, dexterity: Dexterity) -> tuple[np.ndarray, np.ndarray]:
        """The targets whose answers have less than what is wanted, and their measures."""
        rows = np.flatnonzero(result.converged)
        measure = dexterity.measure(rows, result.q[rows])
        is_open = measure < self.wanted
        return rows[is_open], measure[is_open]

    def _compare(
        self, result: IKResult, entries: list[int], search: Search, dexterity: Dexterity
    ) -> None:
        """Write the best of further solutions where it is better than the answer."""
        for number in range(_ROUNDS):
            rows, measure = self._open(result, dexterity)
            if not rows.size or not has_further(search, number):
                break
            further = further_candidates(search, rows, number)
            row, index = np.nonzero(further.ratio <= search.exact)
            of_further = np.zeros(further.ratio.shape)
            of_further[row, index] = dexterity.measure(rows[row], further.q[row, index])
            if self.around is not None:
                q = self._whole(result, rows[row], entries, further.q[row, index])
                of_further[row, index] *= self.around.distances(q) >= self.around.least
            best = of_further.argmax(axis=1)[:, None]
            better = np.flatnonzero(np.take_along_axis(of_further, best, axis=1)[:, 0] > measure)
            chosen = search.polished(rows[better], further.take(best).of(better))
            self._write(result, rows[better], measure[better], entries, search, chosen, dexterity)

    def _climb(
        self, result: IKResult, entries: list[int], search: Search, dexterity: Dexterity
    ) -> None:
        """Write the ends of self-motions; one that is no better answer is tried again, shorter."""
        rows, measure = self._open(result, dexterity)
        size = np.full(len(rows), _FIRST)
        for _ in range(_STEPS):
            moving = np.flatnonzero((size >= _SMALLEST) & (measure < self.wanted))
            if not moving.size:
                break
            of, q = rows[moving], result.q[rows[moving]]
            tried = q + size[moving, None] * dexterity.uphill(of, q)
            starts = at_starts(search.request.constrained(tried[:, None], of))
            ends = descend_damped(search.request, of, starts, _RETURN)
            ends = ends._replace(
                steps=ends.steps + result.steps[of, None], start=result.start_index[of, None]
            )
            is_better, measure[moving] = self._write(
                result, of, measure[moving], entries, search, ends, dexterity
            )
            longer = np.minimum(_LONGER * size[moving], _LARGEST)
            size[moving] = np.where(is_better, longer, _SHORTER * size[moving])

    def _write(
        self,
        result: IKResult,
        rows: np.ndarray,
        measure: np.ndarray,
        entries: list[int],
        search: Search,
        candidates: Candidates,
        dexterity: Dexterity,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Write the candidates `(rows, 1)` that are better answers; which are, and all measures."""
        q = self._whole(result, rows, entries, candidates.q[:, 0])
        answers = with_errors(self.request, rows, candidates._replace(q=q[:, None]))
        if self.around is not None:
            answers = judged(answers, self.around)
        reached = dexterity.measure(rows, answers.q[:, 0])
        is_exact = answers.converged[:, 0] & (candidates.ratio[:, 0] <= search.exact)
        is_better = is_exact & (reached > measure)
        for whole, new in zip(result, answers, strict=True):
            whole[rows[is_better]] = new[is_better, 0]
        return is_better, np.where(is_better, reached, measure)

    @staticmethod
    def _whole(result: IKResult, rows: np.ndarray, entries: list[int], q: np.ndarray) -> np.ndarray:
        """The answers of some targets with new values of a limb's joints."""
        whole = result.q[rows]
        whole[:, entries] = q[:, entries]
        return whole


def _check(request: Request, wanted: float) -> None:
    if wanted != np.inf:
        check_non_negative("manipulability", wanted, "Or np.inf: as much as possible.")
    for name, is_given in (
        ("geometry", bool(request.geometry)),
        ("posture_weight", request.terms.posture[0] > 0),
    ):
        if is_given:
            raise ValueError(
                f"manipulability must come without {name}. Received: both. Leave one of them out."
            )


def _check_rank(request: Request, rank: int) -> None:
    problem = request.problem
    if rank < problem.components.size:
        links = ", ".join(map(repr, problem.links))
        raise ValueError(
            "manipulability must be wanted of links that the joints can move along every component "
            f"of the task: here it is always zero. Received: {problem.components.size} components "
            f"for {links}, of which {rank} can change at once. Name fewer: task=('x', 'y')."
        )
