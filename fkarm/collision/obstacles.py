"""Obstacles in the frame of the root link."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fkarm.errors import RobotError
from fkarm.model.frames import finite_vector

# Sets of obstacles whose tables stay in memory: those of a grid may be large.
SCENES_KEPT = 16


@dataclass(frozen=True)
class Sphere:
    """A sphere.

    Args:
        radius: Radius, m.
        xyz: Centre in the root link's frame, m. Shape `(3,)`.
    Raises:
        RobotError: If a value is not of its kind, or the radius is negative.
    """

    radius: float
    xyz: Any = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        _set_sizes(self, "radius")
        _set_vectors(self, "xyz")


@dataclass(frozen=True)
class Capsule:
    """All points within a radius of a segment.

    Args:
        radius: Radius, m.
        length: Distance between the centres of the caps, m.
        xyz: Centre in the root link's frame, m. Shape `(3,)`.
        rpy: Orientation, rad: the segment is along the capsule's z axis. Shape `(3,)`.
    Raises:
        RobotError: If a value is not of its kind, or radius or length are negative.
    """

    radius: float
    length: float
    xyz: Any = (0.0, 0.0, 0.0)
    rpy: Any = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        _set_sizes(self, "radius", "length")
        _set_vectors(self, "xyz", "rpy")


@dataclass(frozen=True)
class Box:
    """A box.

    Args:
        size: Lengths of the edges along its x, y and z axes, m. Shape `(3,)`.
        xyz: Centre in the root link's frame, m. Shape `(3,)`.
        rpy: Orientation, rad. Shape `(3,)`.
    Raises:
        RobotError: If a value is not of its kind, or a length is negative.
    """

    size: Any
    xyz: Any = (0.0, 0.0, 0.0)
    rpy: Any = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        _set_vectors(self, "size", "xyz", "rpy")
        if min(self.size) < 0:
            raise RobotError(f"Box: size must not be negative, m. Received: {self.size}.")


@dataclass(frozen=True)
class HalfSpace:
    """All points `p` with `normal . p <= offset`, such as what is below a table top.

    Args:
        normal: Direction out of it, of any length but zero. Shape `(3,)`.
        offset: Distance of its surface from the root link's origin along the normal, m.
    Raises:
        RobotError: If a value is not of its kind, or the normal is zero.
    """

    normal: Any = (0.0, 0.0, 1.0)
    offset: float = 0.0

    def __post_init__(self) -> None:
        _set_vectors(self, "normal")
        object.__setattr__(self, "offset", *finite_vector("HalfSpace: offset", [self.offset], 1))
        length = float(np.linalg.norm(self.normal))
        if length == 0:
            raise RobotError("HalfSpace: normal must not be zero. Received: zero.")
        object.__setattr__(self, "normal", tuple(x / length for x in self.normal))


@dataclass(frozen=True, eq=False)
class DistanceGrid:
    """Signed distances at the nodes of a grid, interpolated linearly along each axis.

    Where a point lies outside, nothing is known but that it is free: the distance is then a lower
    bound of that to what the grid holds.

    Args:
        values: Signed distances, negative inside of obstacles, m. Shape `(nx, ny, nz)`, at least
            two along each axis.
        spacing: Distance of neighbouring nodes, m.
        xyz: Position of the node `(0, 0, 0)` in the root link's frame, m. Shape `(3,)`.
    Raises:
        RobotError: If a value is not of its kind, or the spacing is not positive.
    """

    values: Any = field(repr=False)
    spacing: float
    xyz: Any = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        _set_sizes(self, "spacing")
        _set_vectors(self, "xyz")
        try:
            values = np.array(self.values, np.float64)
        except (TypeError, ValueError):
            values = np.empty(0)
        if values.ndim != 3 or min(values.shape) < 2 or not np.isfinite(values).all():
            raise RobotError(
                "DistanceGrid: values must be finite numbers of shape (nx, ny, nz), at least two "
                f"along each axis. Received: shape {values.shape}."
            )
        if self.spacing == 0:
            raise RobotError("DistanceGrid: spacing must be positive, m. Received: 0.")
        values.flags.writeable = False
        object.__setattr__(self, "values", values)


Obstacle = Sphere | Capsule | Box | HalfSpace | DistanceGrid
KINDS = (Sphere, Capsule, Box, HalfSpace, DistanceGrid)


def checked_obstacles(obstacles: Obstacle | Iterable[Obstacle]) -> tuple[Obstacle, ...]:
    """Obstacles as a tuple.

    Raises:
        TypeError: If one is of another kind.
        ValueError: If there is none.
    """
    given = [obstacles] if isinstance(obstacles, KINDS) else obstacles
    listed = tuple(given) if isinstance(given, Iterable) else (given,)
    for obstacle in listed:
        if not isinstance(obstacle, KINDS):
            names = ", ".join(kind.__name__ for kind in KINDS)
            raise TypeError(
                f"obstacles must be objects of fkarm.collision: {names}. Received: {obstacle!r}."
            )
    if not listed:
        raise ValueError("obstacles must hold at least one obstacle. Received: none.")
    return listed


def _set_sizes(self: Any, *names: str) -> None:
    for name in names:
        label = f"{type(self).__name__}: {name}"
        (value,) = finite_vector(label, [getattr(self, name)], 1)
        if value < 0:
            raise RobotError(f"{label} must not be negative, m. Received: {value}.")
        object.__setattr__(self, name, value)


def _set_vectors(self: Any, *names: str) -> None:
    for name in names:
        vector = finite_vector(f"{type(self).__name__}: {name}", getattr(self, name), 3)
        object.__setattr__(self, name, vector)
