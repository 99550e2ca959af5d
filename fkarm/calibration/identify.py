"""What measurements can tell: a set of parameters that they determine, and words for the rest.

The derivatives of the residuals by the parameters, after those by all other unknowns are projected
out, are the columns of a matrix. A parameter whose column is a sum of columns already taken adds
nothing: its sum is the smallest set that acts alike (a fundamental circuit).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fkarm.calibration.parameters import Parameters
from fkarm.calibration.problem import Problem, State
from fkarm.calibration.rigid import Array
from fkarm.calibration.solve import Sigmas
from fkarm.calibration.words import explain

# Columns are sums of others within this, relative to their length: derivatives are exact.
_DEPENDENT = 1e-7
_TAKES_PART = 1e-5  # smallest share of a column in such a sum


@dataclass(frozen=True)
class Identifiability:
    """Which parameters measurements determine.

    Args:
        names: Names of all parameters.
        identified: Names of those that the data determine together, more closely than their priors.
        held: Names of the others: they keep the nominal value.
        sets: The sets of parameters that act alike, of which one is held. A set of one has no
            effect on the measurements.
        weak: Names of held parameters that belong to no set: the data tell less than the prior.
        unidentified: The sets and the weak parameters, in words.
        rank: How many combinations of parameters the data determine.
        singular_values: Of the derivatives, in standard deviations of the measurements per prior
            standard deviation, without those that are zero; largest first.
    """

    names: tuple[str, ...]
    identified: tuple[str, ...]
    held: tuple[str, ...]
    sets: tuple[tuple[str, ...], ...]
    weak: tuple[str, ...]
    unidentified: tuple[str, ...]
    rank: int
    singular_values: Array

    @property
    def condition(self) -> float:
        """Largest over smallest singular value of the parameters that are identified."""
        return float(self.singular_values[0] / self.singular_values[-1]) if self.rank else np.inf

    def __str__(self) -> str:
        lines = [
            f"{len(self.names)} parameters, {self.rank} of which can be told: condition "
            f"{self.condition:.3g}",
            *(f"  {line}" for line in self.unidentified),
        ]
        return "\n".join(lines)


def analyse(problem: Problem, state: State, sigmas: Sigmas) -> Identifiability:
    """What the measurements of a problem can tell at a state.

    Args:
        problem: The problem.
        state: Where to differentiate: the nominal robot, as a rule.
        sigmas: Standard deviations of measurements that state none.
    """
    parameters = problem.parameters
    count = len(parameters.entries)
    _, jac = problem.linearised(state)
    scale = np.empty(problem.count)
    for block in problem.blocks:
        scale[block.rows] = sigmas.of(block)
    jac = jac / scale[:, None]
    jac[:, :count] *= parameters.priors
    columns = _without(jac[:, :count], jac[:, count:])
    before = np.linalg.norm(jac[:, :count], axis=0)
    kept, sums = _independent(columns, before)
    told = _strong(columns, kept)
    names = parameters.names
    sets = tuple(tuple(names[k] for k in members) for members in sums)
    weak = tuple(names[k] for k in kept if k not in told)
    words = [explain(problem, state, members) for members in sums]
    words += [f"{name}: the measurements tell less about it than its prior does" for name in weak]
    values = np.linalg.svd(columns[:, told], compute_uv=False) if told else np.zeros(0)
    chosen = set(told)
    return Identifiability(
        names,
        tuple(names[k] for k in range(count) if k in chosen),
        tuple(names[k] for k in range(count) if k not in chosen),
        sets,
        weak,
        tuple(words),
        len(told),
        values,
    )


def active_of(parameters: Parameters, names: Sequence[str]) -> Array:
    """Which parameters have these names. Booleans."""
    wanted = set(names)
    return np.array([name in wanted for name in parameters.names], bool)


def _without(columns: Array, others: Array) -> Array:
    """Columns without their components along others."""
    lengths = np.linalg.norm(others, axis=0)
    others = others[:, lengths > 0] / lengths[lengths > 0]
    if not others.shape[1]:
        return columns
    basis, values, _ = np.linalg.svd(others, full_matrices=False)
    basis = basis[:, values > _DEPENDENT * values[0]]
    columns = columns - basis @ (basis.T @ columns)
    return columns - basis @ (basis.T @ columns)


def _independent(columns: Array, before: Array) -> tuple[list[int], list[tuple[int, ...]]]:
    """Columns that are no sums of others, the longest first, and the sums of all others.

    `before` are their lengths before other unknowns were projected out: what zero compares with.
    """
    count = columns.shape[1]
    rest = columns.copy()
    kept: list[int] = []
    # A column that is nothing but rounding is compared with the largest one.
    least = _DEPENDENT * np.maximum(before, 1e-3 * before.max(initial=1e-300))
    for _ in range(count):
        lengths = np.linalg.norm(rest, axis=0)
        lengths[lengths <= least] = 0.0
        lengths[kept] = 0.0
        best = int(np.argmax(lengths))
        if lengths[best] == 0.0:
            break
        kept.append(best)
        direction = rest[:, best] / lengths[best]
        for _ in range(2):  # a second time, for the digits
            rest -= np.outer(direction, direction @ rest)
    sums: list[tuple[int, ...]] = []
    for k in range(count):
        if k in kept:
            continue
        length = np.linalg.norm(columns[:, k])
        if length <= least[k]:
            sums.append((k,))
            continue
        basis = columns[:, kept]
        norms = np.linalg.norm(basis, axis=0)
        shares = np.linalg.lstsq(basis / norms, columns[:, k] / length, rcond=None)[0]
        own = [kept[i] for i in np.flatnonzero(np.abs(shares) > _TAKES_PART)]
        sums.append(tuple(sorted([k, *own])))
    return kept, sums


def _strong(columns: Array, kept: list[int]) -> list[int]:
    """Of independent columns those that stay longer than one when what is kept is projected out."""
    rest, strong = columns.copy(), []
    for _ in kept:
        lengths = np.linalg.norm(rest, axis=0)
        candidates = [k for k in kept if k not in strong]
        best = max(candidates, key=lambda k: lengths[k])
        if lengths[best] <= 1.0:
            break
        strong.append(best)
        direction = rest[:, best] / lengths[best]
        for _ in range(2):
            rest -= np.outer(direction, direction @ rest)
    return strong
