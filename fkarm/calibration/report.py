"""The report of a calibration: text for people, a dictionary for files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fkarm.calibration.rigid import Array

if TYPE_CHECKING:
    from fkarm.calibration.result import Calibration

_CLOSE = 0.95  # correlations that are named
_LISTED = 12
_AT_BOUNDS = "at a bound, and held there by the standard deviations of the others"


def report(found: Calibration) -> str:
    """Residuals in mm and degrees, parameters, what cannot be told, outliers, validation."""
    robot = found.problem.parameters.robot
    lines = [
        f"calibration of {robot.name!r}, link {found.problem.link!r}, loss {found.loss}: "
        f"{len(found.parameters)} parameters from {found.problem.count} numbers",
        "",
        f"{'residuals':<28}{'rows':>6}{'before':>12}{'after':>12}{'left out':>12}",
    ]
    validation = found.validation
    for name, after in found.residuals.items():
        before, left = found.residuals_before[name], validation.get(name)
        for column, unit in _columns(found, name):
            cells = [_mean(values, column, unit) for values in (before, after, left)]
            lines.append(f"{name:<28}{len(after):>6}" + "".join(f"{cell:>12}" for cell in cells))
    lines += ["", f"{'parameters':<28}{'value':>12}{'+-':>12}"]
    for entry in found.problem.parameters.entries:
        if entry.name in found.parameters:
            value = entry.scale * found.parameters[entry.name]
            deviation = entry.scale * found.standard_deviations[entry.name]
            lines.append(f"{entry.name:<28}{value:>12.4f}{deviation:>12.4f} {entry.unit}".rstrip())
    lines += _section("turned by more than 90 degrees, as no arm is", list(found.turned))
    lines += _section(_AT_BOUNDS, list(found.at_bounds))
    lines += _section("hardly told apart (correlation)", _correlated(found))
    lines += _section("not told by these measurements, held", list(found.unidentified))
    outliers = [f"{name}: rows {rows.tolist()}" for name, rows in found.outliers.items()]
    lines += _section("more than five standard deviations off", outliers)
    return "\n".join(lines)


def to_dict(found: Calibration) -> dict[str, Any]:
    """The report as JSON types: mm, degrees."""
    entries = {e.name: e for e in found.problem.parameters.entries}
    columns = {name: _columns(found, name) for name in found.residuals}
    return {
        "robot": found.problem.parameters.robot.name,
        "link": found.problem.link,
        "loss": found.loss,
        "parameters": {
            name: {
                "value": entries[name].scale * value,
                "standard_deviation": entries[name].scale * found.standard_deviations[name],
                "unit": entries[name].unit,
            }
            for name, value in found.parameters.items()
        },
        "turned": list(found.turned),
        "at_bounds": list(found.at_bounds),
        "unidentified": list(found.unidentified),
        "held": list(found.identifiability.held),
        "residuals": {
            name: [
                {
                    "unit": unit,
                    "rows": len(found.residuals[name]),
                    "before": _value(found.residuals_before[name], column, unit),
                    "after": _value(found.residuals[name], column, unit),
                    "left_out": _value(found.validation.get(name), column, unit),
                }
                for column, unit in own
            ]
            for name, own in columns.items()
        },
        "outliers": {name: rows.tolist() for name, rows in found.outliers.items()},
    }


def _columns(found: Calibration, name: str) -> list[tuple[int, str]]:
    """Columns of the residuals of a measurement, with their units."""
    kinds = [b.kind for b in found.problem.blocks if b.measurement.name == name]
    return [(k, "deg" if kind == "orientation" else "mm") for k, kind in enumerate(kinds)]


def _value(values: Array | None, column: int, unit: str) -> float | None:
    if values is None:
        return None
    own = values if values.ndim == 1 else values[:, column]
    return float(np.mean(own)) * (1e3 if unit == "mm" else float(np.degrees(1.0)))


def _mean(values: Array | None, column: int, unit: str) -> str:
    value = _value(values, column, unit)
    return "-" if value is None else f"{value:.3f} {unit}"


def _correlated(found: Calibration) -> list[str]:
    names = list(found.parameters)
    pairs = [
        (
            abs(found.correlations[i, j]),
            f"{names[i]} and {names[j]}: {found.correlations[i, j]:.3f}",
        )
        for i in range(len(names))
        for j in range(i)
        if abs(found.correlations[i, j]) > _CLOSE
    ]
    return [text for _, text in sorted(pairs, reverse=True)[:_LISTED]]


def _section(title: str, lines: list[str]) -> list[str]:
    return ["", title, *(f"  {line}" for line in lines)] if lines else []
