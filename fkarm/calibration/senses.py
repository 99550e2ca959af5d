"""Which joints seem to count the other way, where a fit leaves measurements unexplained.

Every pattern of senses is fitted to some of the rows, by offsets and what is unknown besides: its
frames start in closed form, so a few steps sort the patterns. Flips of one joint after the other
would end where two joints together are wrong.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from fkarm.calibration.measurements import Distance
from fkarm.calibration.parameters import parameters
from fkarm.calibration.problem import Problem, State
from fkarm.calibration.rigid import Array
from fkarm.calibration.solve import Sigmas, descend
from fkarm.calibration.start import start
from fkarm.calibration.validate import rows_of

_ROWS, _LEAST_ROWS = 30, 6  # of all measurements together, and of each
_MOST_JOINTS = 8
_SIGMAS = Sigmas(5e-3, 5e-3)  # what a nominal geometry leaves, m and rad
_FIRST_STEPS, _STEPS, _KEPT = 5, 20, 4
_TIE = 1.05  # costs that do not tell patterns apart
_BETTER = 0.3  # of what was left before


class _Tried(NamedTuple):
    cost: float
    senses: tuple[int, ...]
    problem: Problem
    state: State


def likely_senses(problem: Problem, medians: Sequence[float]) -> dict[str, int] | None:
    """Senses that explain measurements much better, by joint names; None if there are none.

    A joint that the measurements do not show keeps its sense. Geometry is nominal but for offsets,
    base and tool. Arms of more than eight joints are not tried.

    Args:
        problem: The problem whose fit leaves measurements unexplained.
        medians: Median lengths of the residuals that it leaves, by blocks, m or rad.
    """
    robot, given = problem.parameters.robot, problem.parameters.senses
    moving = [j for j in problem.chain.path if not j.is_fixed and j.mimic is None]
    names = [joint.name for joint in moving if len(joint.entries) == 1]
    if not 0 < len(names) <= _MOST_JOINTS:
        return None
    owners = {entry.owner for entry in problem.parameters.entries}
    base, point, tool = (owner in owners for owner in ("base", "point", "tool"))
    wanted = parameters(robot, offsets=names, base=base, point=point, tool=tool)
    measured = _some_rows(problem.measurements)
    places = [robot.coordinates[name].index for name in names]

    def tried(pattern: tuple[int, ...]) -> _Tried:
        senses = np.array(given)
        senses[places] *= pattern
        with_senses = replace(wanted, senses=tuple(map(int, senses)))
        own = Problem(with_senses, problem.link, measured)
        return _descended(own, start(own), _FIRST_STEPS)

    patterns = itertools.product((1, -1), repeat=len(names))
    first, *others = map(tried, patterns)  # the first changes nothing
    others = sorted(others, key=lambda each: each.cost)[:_KEPT]
    kept, *best = (_descended(each.problem, each.state, _STEPS) for each in (first, *others))
    least = min(each.cost for each in best)
    alike = [each for each in best if each.cost <= _TIE * least]
    chosen = min(alike, key=lambda each: np.count_nonzero(np.not_equal(each.senses, given)))
    after = block_medians(chosen.problem, chosen.state)
    before = np.minimum(medians, block_medians(kept.problem, kept.state))
    if np.any(after > _BETTER * before):
        return None
    return {
        name: chosen.senses[k]
        for name, k in zip(names, places, strict=True)
        if chosen.senses[k] < 0 or chosen.senses[k] != given[k]
    }


def backwards_in_words(problem: Problem, medians: Sequence[float]) -> str:
    """Names of the joints that seem to count the other way, and what to try; or nothing."""
    senses = likely_senses(problem, medians)
    if senses is None:
        return ""
    joints = problem.parameters.robot.coordinates
    turned = [n for n, s in senses.items() if s != problem.parameters.senses[joints[n].index]]
    return (
        f" {' and '.join(map(repr, turned))} seem{'s' * (len(turned) == 1)} to count the other "
        f"way: try fkarm.calibration.parameters(..., senses={senses}, offsets=True)."
    )


def block_medians(problem: Problem, state: State) -> list[float]:
    """Median lengths of residuals of every block but distances, m or rad."""
    residuals = problem.residuals(state)
    return [
        float(np.median(np.linalg.norm(residuals[b.rows].reshape((-1, b.size)), axis=1)))
        for b in problem.row_blocks
    ]


def _descended(problem: Problem, state: State, steps: int) -> _Tried:
    """A pattern after some steps, and its cost."""
    wanted = problem.parameters
    state = descend(problem, state, np.ones(len(wanted.entries), bool), "l2", _SIGMAS, steps).state
    squares = float(np.sum((problem.residuals(state) / _SIGMAS.position) ** 2))
    cost = squares + float(np.sum((state.x / wanted.priors) ** 2))
    return _Tried(cost, wanted.senses, problem, state)


def _some_rows(measurements: Sequence[Any]) -> list[Any]:
    """The measurements at a few configurations each; deviations that are stated do not count."""
    count = sum(not isinstance(m, Distance) for m in measurements)
    most = max(_ROWS // count, _LEAST_ROWS)
    found: list[Any] = []
    for m in measurements:
        if isinstance(m, Distance):
            found.append(m)
            continue
        rows: Array = np.unique(np.linspace(0, len(m) - 1, most).astype(int))
        found.append(rows_of(replace(m, sigma=None), rows))
    return found
