"""A fit judged on measurements that it did not see."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fkarm.calibration.measurements import AnyMeasurement, Distance, Measurement, SamePoint
from fkarm.calibration.problem import Problem, State
from fkarm.calibration.rigid import Array
from fkarm.calibration.solve import fit
from fkarm.calibration.start import start

if TYPE_CHECKING:
    from fkarm.calibration.result import Calibration

_FOLDS = 5


def left_out(found: Calibration) -> dict[str, Array]:
    """Residuals of every measurement under a fit to the others; `{}` if none can be spared."""
    from fkarm.calibration.result import lengths_by_name

    result: dict[str, list[Array]] = {}
    for fitted, judged in _folds(found.problem.measurements):
        own = Problem(found.problem.parameters, found.problem.link, fitted)
        if own.count <= found.active.sum() + own.size - len(found.active):
            continue
        begin = start(own)
        begin.x[:] = found.after.state.x
        fit_state = fit(own, begin, found.active, found.loss, found.after.sigmas).state
        for name, values in lengths_by_name(*predicted(own, fit_state, judged)).items():
            result.setdefault(name, []).append(values)
    return {name: np.concatenate(parts) for name, parts in result.items()}


def predicted(
    problem: Problem, state: State, judged: list[AnyMeasurement]
) -> tuple[Problem, State]:
    """A problem of other measurements, whose own points and planes are fitted to the robot."""
    other = Problem(problem.parameters, problem.link, judged)
    begin = start(other)
    begin.x[:] = state.x
    for name in begin.sensors.keys() & state.sensors.keys():
        begin.sensors[name] = state.sensors[name]
    for name in begin.tools.keys() & state.tools.keys():
        begin.tools[name] = state.tools[name]
    flange = other.flange(begin, derivatives=False)
    for m in other.with_rows:
        if isinstance(m, SamePoint):
            rows, tool = other.places[m.name], other.tool_frame(begin, m.tool)[:3, 3]
            tips = flange.position[rows] + flange.rotation[rows] @ tool
            begin.points[m.name] = tips.mean(axis=0)
    return other, begin


def _folds(
    measurements: tuple[AnyMeasurement, ...],
) -> list[tuple[list[AnyMeasurement], list[AnyMeasurement]]]:
    """What is fitted to and what is judged, for every fold."""
    groups = _groups(measurements)
    if len(groups) > 1 and all(_can_wait(group, measurements) for group in groups):
        folds = [list(range(k, len(groups), _FOLDS)) for k in range(min(_FOLDS, len(groups)))]
        return [
            (
                [m for k, group in enumerate(groups) if k not in fold for m in group],
                [m for k in fold for m in groups[k]],
            )
            for fold in folds
        ]
    return [_split(measurements, k) for k in range(_FOLDS)]


def _can_wait(group: list[AnyMeasurement], everything: tuple[AnyMeasurement, ...]) -> bool:
    """Whether others have the sensors and tools of a group."""
    others = [m for m in everything if m not in group]
    return all(
        any(getattr(m, kind, None) == getattr(other, kind, None) for other in others)
        for m in group
        for kind in ("sensor", "tool")
        if getattr(m, kind, None) is not None
    )


def _groups(measurements: tuple[AnyMeasurement, ...]) -> list[list[AnyMeasurement]]:
    """Measurements with configurations, those that distances join in one group."""
    group_of: dict[str, int] = {
        m.name: k for k, m in enumerate(m for m in measurements if isinstance(m, Measurement))
    }
    for m in measurements:
        if isinstance(m, Distance):
            new, old = group_of[m.first], group_of[m.second]
            group_of = {name: new if own == old else own for name, own in group_of.items()}
    groups: dict[int, list[AnyMeasurement]] = {}
    for m in measurements:
        name = m.first if isinstance(m, Distance) else m.name
        groups.setdefault(group_of[name], []).append(m)
    return list(groups.values())


def _split(
    measurements: tuple[AnyMeasurement, ...], fold: int
) -> tuple[list[AnyMeasurement], list[AnyMeasurement]]:
    """Every fifth row of each measurement is judged; groups that are too small are fitted whole."""
    fitted: list[AnyMeasurement] = []
    judged: list[AnyMeasurement] = []
    for m in measurements:
        if isinstance(m, Distance) or len(m) < 2 * _FOLDS:
            fitted.append(m)
            continue
        is_judged = np.arange(len(m)) % _FOLDS == fold
        fitted.append(rows_of(m, ~is_judged))
        judged.append(rows_of(m, is_judged))
    return fitted, judged


def rows_of(m: Measurement, rows: Array) -> Any:
    """A measurement at some of its configurations: indices or booleans."""
    changes = {"q": m.q[rows]}
    if m.value:
        changes[m.value] = getattr(m, m.value)[rows]
    return replace(m, **changes)
