"""Spheres of links from a file, as other projects publish them (YAML: extra `fkarm[bodies]`)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fkarm.errors import FkarmError, RobotError
from fkarm.model.data_file import read_data
from fkarm.model.solids import Body, Exclusion

_FORMS = (
    "{link: [{center: [x, y, z], radius: r}, ...]} or {link: {centers: [...], radii: [...]}}, "
    "also under collision_spheres, and that under robot_cfg and kinematics"
)


def read_spheres(path: str | os.PathLike[str]) -> tuple[tuple[Body, ...], tuple[str, ...]]:
    """The spheres of a file, and lines for the report.

    A sphere of negative radius is one that the file's author switched off: it is left out.

    Args:
        path: A YAML or JSON file. `collision_spheres` may be the path of another one beside it.
    Raises:
        MissingFileError: If there is no such file.
        RobotError: If the file is not of the format, or PyYAML is missing.
    """
    label = str(path)
    table = _inside(read_data(path, "spheres"), "robot_cfg", "kinematics")
    if isinstance(table, Mapping) and "collision_spheres" in table:
        table = table["collision_spheres"]
        if isinstance(table, str):
            return read_spheres(Path(path).parent / table)
    if not isinstance(table, Mapping) or not table:
        raise RobotError(f"{label}: a file of spheres must hold {_FORMS}. Received: {table!r:.80}.")
    bodies, skipped = [], 0
    for link, entries in table.items():
        for number, (centre, radius) in enumerate(_spheres(label, link, entries)):
            if isinstance(radius, (int, float)) and radius < 0:
                skipped += 1
                continue
            try:
                bodies.append(Body(link, "sphere", radius, xyz=centre))
            except FkarmError as error:
                raise RobotError(f"{label}, sphere {number} of {link!r}: {error}") from error
    lines = [f"bodies from {label}"]
    if skipped:
        lines.append(f"spheres with a negative radius, which are switched off: {skipped}")
    return tuple(bodies), tuple(lines)


def read_ignored_pairs(path: str | os.PathLike[str]) -> tuple[Exclusion, ...]:
    """The pairs of `self_collision_ignore`, `{link: [links]}`, of a file.

    Raises:
        MissingFileError: If there is no such file.
        RobotError: If the file has no such table, or PyYAML is missing.
    """
    table = _inside(read_data(path, "spheres"), "robot_cfg", "kinematics")
    pairs = table.get("self_collision_ignore") if isinstance(table, Mapping) else None
    if not isinstance(pairs, Mapping) or not all(isinstance(v, list) for v in pairs.values()):
        raise RobotError(
            f"{path}: a file of excluded pairs must hold self_collision_ignore: {{link: [links]}}. "
            f"Received: {pairs!r:.80}. An SRDF file must be named .srdf or .xml."
        )
    unique = {frozenset((a, b)): (a, b) for a, others in pairs.items() for b in others if a != b}
    return tuple(Exclusion(a, b, "self_collision_ignore") for a, b in unique.values())


def _inside(table: Any, *names: str) -> Any:
    for name in names:
        if isinstance(table, Mapping) and isinstance(table.get(name), Mapping):
            table = table[name]
    return table


def _spheres(label: str, link: Any, entries: Any) -> Iterator[tuple[Any, Any]]:
    """Centres and radii of a link."""
    if isinstance(entries, Mapping) and {"centers", "radii"} <= set(entries):
        centres, radii = entries["centers"], entries["radii"]
        if isinstance(centres, list) and isinstance(radii, list) and len(centres) == len(radii):
            yield from zip(centres, radii, strict=True)
            return
    elif isinstance(entries, list) and all(
        isinstance(entry, Mapping) and {"center", "radius"} <= set(entry) for entry in entries
    ):
        yield from ((entry["center"], entry["radius"]) for entry in entries)
        return
    raise RobotError(
        f"{label}, link {link!r}: spheres must be a list of center and radius, or as many centers "
        f"as radii. Received: {entries!r:.80}."
    )
