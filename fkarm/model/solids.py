"""What fills a robot's links: bodies that may collide, masses, pairs of links that never count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from fkarm.errors import RobotError, unknown_name
from fkarm.model.frames import finite_vector

SHAPES = ("sphere", "capsule")


@dataclass(frozen=True)
class Body:
    """A sphere or a capsule on a link: what `fkarm.collision` measures distances between.

    Args:
        link: Name of the link.
        shape: `"sphere"` or `"capsule"` (all points within `radius` of a segment).
        radius: Radius, m.
        length: Distance between the centres of a capsule's caps, m; 0 for a sphere.
        xyz: Centre in the link's frame, m. Shape `(3,)`.
        rpy: Orientation in the link's frame, rad: the capsule's segment is along its z axis. Shape
            `(3,)`.
    Raises:
        RobotError: If a value is not of its kind, the radius is not positive, the length is
            negative, or a sphere has a length.
    """

    link: str
    shape: str
    radius: float
    length: float = 0.0
    xyz: Any = (0.0, 0.0, 0.0)
    rpy: Any = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        label = f"body on link {self.link!r}"
        _check_link_name("A body's link", self.link)
        if self.shape not in SHAPES:
            raise RobotError(unknown_name(f"{label}: shape", self.shape, SHAPES))
        for name, size in (("radius", 1), ("length", 1), ("xyz", 3), ("rpy", 3)):
            _set_numbers(self, label, name, size)
        if self.radius <= 0:
            raise RobotError(f"{label}: radius must be positive, m. Received: {self.radius}.")
        if self.length < 0 or (self.length > 0 and self.shape == "sphere"):
            raise RobotError(
                f"{label}: length must be 0 for a sphere, and at least 0 for a capsule, m. "
                f"Received: shape={self.shape!r}, length={self.length}."
            )


@dataclass(frozen=True)
class Mass:
    """The mass of a link, for `fkarm.center_of_mass`.

    Args:
        link: Name of the link.
        mass: Mass, kg.
        xyz: Centre of mass in the link's frame, m. Shape `(3,)`.
    Raises:
        RobotError: If a value is not of its kind, or the mass is not positive.
    """

    link: str
    mass: float
    xyz: Any = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        label = f"mass of link {self.link!r}"
        _check_link_name("A mass's link", self.link)
        _set_numbers(self, label, "mass", 1)
        _set_numbers(self, label, "xyz", 3)
        if self.mass <= 0:
            raise RobotError(f"{label}: mass must be positive, kg. Received: {self.mass}.")


@dataclass(frozen=True)
class Exclusion:
    """Two links whose distance `fkarm.collision` leaves out.

    Args:
        link_1: Name of a link.
        link_2: Name of the other link.
        reason: Why they are left out, in words.
    Raises:
        RobotError: If the links are not two different names.
    """

    link_1: str
    link_2: str
    reason: str = "excluded"

    def __post_init__(self) -> None:
        _check_link_name("An exclusion's link", self.link_1)
        _check_link_name("An exclusion's link", self.link_2)
        if self.link_1 == self.link_2:
            raise RobotError(f"An exclusion must name two links. Received: {self.link_1!r} twice.")


def _check_link_name(label: str, link: object) -> None:
    if not isinstance(link, str) or not link:
        raise RobotError(f"{label} must be a non-empty string. Received: {link!r}.")


def _set_numbers(self: Any, label: str, name: str, size: int) -> None:
    given = getattr(self, name)
    numbers = finite_vector(f"{label}: {name}", given if size > 1 else [given], size)
    object.__setattr__(self, name, numbers if size > 1 else numbers[0])


def all_of(kind: type, values: Any, label: str) -> tuple[Any, ...]:
    """The values, or one value, as a tuple; RobotError if one is not of the kind."""
    values = tuple(values) if isinstance(values, Iterable) else (values,)
    for value in values:
        if not isinstance(value, kind):
            raise RobotError(f"{label} must be fkarm.{kind.__name__} objects. Received: {value!r}.")
    return values


def solids_to_dict(robot: Any) -> dict[str, list[dict[str, Any]]]:
    """Bodies, masses and exclusions as JSON types."""
    return {
        name: [
            {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(solid).items()}
            for solid in getattr(robot, name)
        ]
        for name in KINDS
    }


def solids_from_dict(data: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    """The fields of a `Robot` that `solids_to_dict` described; none of those that are missing."""
    return {name: tuple(kind(**d) for d in data.get(name, ())) for name, kind in KINDS.items()}


# The fields of a `Robot`, and what they hold.
KINDS: dict[str, type] = {"bodies": Body, "masses": Mass, "exclusions": Exclusion}
