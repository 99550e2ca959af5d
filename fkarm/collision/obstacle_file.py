"""Obstacles from a file (YAML: extra `fkarm[bodies]`)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from fkarm.collision.obstacles import Box, Capsule, HalfSpace, Obstacle, Sphere
from fkarm.errors import FkarmError, RobotError, unknown_name
from fkarm.model.data_file import read_data

_SHAPES: dict[str, type[Obstacle]] = {
    "sphere": Sphere, "capsule": Capsule, "box": Box, "half_space": HalfSpace
}  # fmt: skip


def read_obstacles(path: str | os.PathLike[str]) -> tuple[Obstacle, ...]:
    """The obstacles in a YAML (extra `fkarm[bodies]`) or JSON file, for `obstacles=`.

    The file holds a list. Each entry has a `shape`, which is `sphere`, `capsule`, `box` or
    `half_space`, and the arguments of the class of `fkarm.collision` with that name, in m and rad:
    `[{"shape": "box", "size": [0.6, 0.4, 0.1], "xyz": [0.5, 0, 0.1]}]`.

    Args:
        path: The file; `.json` is read as JSON, all others as YAML.
    Returns:
        The obstacles, in the root link's frame.
    Raises:
        MissingFileError: If there is no such file.
        RobotError: If the file is not of this form, or PyYAML is missing; the message names the
            entry, counted from 0.
    """
    entries = read_data(path, "obstacles")
    if not isinstance(entries, list) or not entries:
        raise RobotError(
            f"{path}: a file of obstacles must hold a list such as [{{shape: sphere, radius: 0.1, "
            f"xyz: [0.4, 0, 0.3]}}]. Received: {entries!r:.80}."
        )
    return tuple(_obstacle(f"{path}, obstacle {k}", entry) for k, entry in enumerate(entries))


def _obstacle(label: str, entry: Any) -> Obstacle:
    values = dict(entry) if isinstance(entry, Mapping) else {}
    shape = values.pop("shape", None)
    if not isinstance(shape, str) or shape not in _SHAPES:
        raise RobotError(f"{label}: {unknown_name('shape', shape, _SHAPES)}")
    kind = _SHAPES[shape]
    known = [field.name for field in fields(kind)]
    for name in values:
        if name not in known:
            raise RobotError(f"{label}: {unknown_name(f'what a {shape} has', name, known)}")
    try:
        return kind(**values)
    except FkarmError as error:
        raise RobotError(f"{label}: {error}") from error
    except TypeError as error:
        raise RobotError(
            f"{label}: a {shape} must have its sizes. Received: {sorted(values)}, of {known}."
        ) from error
