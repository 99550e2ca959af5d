"""Bodies, masses and excluded pairs of a URDF: `<collision>`, `<inertial>`, and what fkarm adds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fkarm.errors import RobotError
from fkarm.model.elements import Element, Location, number, numbers, only, required
from fkarm.model.enclosing import enclose, origin_line
from fkarm.model.frames import make_frame
from fkarm.model.meshes import mesh_bodies
from fkarm.model.solids import Body, Exclusion, Mass

# The attributes that hold a shape's sizes, and the number of numbers in each.
_SIZES = {
    "sphere": {"radius": 1},
    "cylinder": {"radius": 1, "length": 1},
    "capsule": {"radius": 1, "length": 1},
    "box": {"size": 3},
}
# How far a sphere may be from the end of a cylinder whose cap it is, in radii.
_AT_END = 1e-6


class _Solid(NamedTuple):
    kind: str
    sizes: tuple[float, ...]
    xyz: tuple[float, ...]
    rpy: tuple[float, ...]
    file: str = ""


class Solids:
    """What a URDF says of the solids of its links.

    Args:
        label: What messages call the file.
        robot: The `<robot>`.
        mesh_spheres: How many spheres enclose a mesh, at most; None: meshes are not read.
        folder: The folder of the file, if it was given by its path.
    Raises:
        URDFError: If a shape, a mass or a pose is not of numbers of its kind.
        MissingFileError: If a mesh is to be read and not at hand.
        RobotError: If a mesh cannot be read.
    """

    def __init__(
        self, label: str, robot: Element, mesh_spheres: int | None, folder: Path | None
    ) -> None:
        self._label, self._mesh_spheres, self._folder = label, mesh_spheres, folder
        self._empty: dict[str, list[str]] = {}
        self._meshes: list[str] = []
        self._unknown: dict[str, int] = {}
        self._lines: list[str] = []
        bodies: list[Body] = []
        masses: list[Mass] = []
        for link in robot.named("link"):
            bodies += self._bodies_of(link)
            masses += self._masses_of(link)
        self.bodies: tuple[Body, ...] = tuple(bodies)
        self.masses: tuple[Mass, ...] = tuple(masses)

    def notes(self) -> dict[str, tuple[str, ...]]:
        """Lines for the report."""
        links = list(dict.fromkeys(self._meshes))
        ignored = [f"<{tag}> in <collision>: {count}" for tag, count in self._unknown.items()]
        if links:
            shown = ", ".join(links[:5]) + f" and {len(links) - 5} more" * (len(links) > 5)
            ignored.append(f"meshes in <collision>, not read: {len(self._meshes)}, of {shown}")
        odd = [f"{text}: {', '.join(links)}" for text, links in self._empty.items()]
        return {"bodies": tuple(self._lines), "ignored": tuple(ignored), "odd": tuple(odd)}

    def _bodies_of(self, link: Element) -> Iterator[Body]:
        name = link.attributes["name"]
        solids = [
            solid for element in link.named("collision") for solid in self._solids_of(name, element)
        ]
        solids, is_capped = _with_caps(solids)
        origins = []
        for solid, has_caps in zip(solids, is_capped, strict=True):
            kind = "capsule" if has_caps else solid.kind
            if kind == "mesh":
                frame = make_frame(solid.xyz, solid.rpy)
                bodies, gap = mesh_bodies(
                    name, solid.file, self._folder, solid.sizes, frame, self._mesh_spheres or 1
                )
            else:
                bodies, gap = enclose(kind, name, solid.sizes, solid.xyz, solid.rpy)
            origins.append((f"<{solid.kind}>" + " with caps" * has_caps, bodies, gap))
            yield from bodies
        if origins:
            self._lines.append(origin_line(name, origins))

    def _solids_of(self, link: str, collision: Element) -> Iterator[_Solid]:
        location = Location(self._label, collision)
        origin = only(location, collision, "origin")
        xyz = numbers(location, origin, "xyz", (0.0, 0.0, 0.0))
        rpy = numbers(location, origin, "rpy", (0.0, 0.0, 0.0))
        geometry = only(location, collision, "geometry")
        for shape in geometry.children if geometry else ():
            if shape.tag == "mesh" and self._mesh_spheres is None:
                self._meshes.append(link)
            elif shape.tag == "mesh":
                scale = numbers(location, shape, "scale", (1.0, 1.0, 1.0))
                yield _Solid("mesh", scale, xyz, rpy, required(location, shape, "filename"))
            elif shape.tag not in _SIZES:
                self._unknown[shape.tag] = self._unknown.get(shape.tag, 0) + 1
            else:
                sizes = _sizes(location, shape)
                if 0.0 in (sizes[:1] if shape.tag == "capsule" else sizes):
                    self._note(f"<{shape.tag}> without volume; ignored", link)
                else:
                    yield _Solid(shape.tag, sizes, xyz, rpy)

    def _masses_of(self, link: Element) -> Iterator[Mass]:
        name = link.attributes["name"]
        location = Location(self._label, link)
        inertial = only(location, link, "inertial")
        mass = only(location, inertial, "mass") if inertial else None
        if inertial is None or mass is None:
            return
        required(location, mass, "value")
        value = number(location, mass, "value", 0.0)
        xyz = numbers(location, only(location, inertial, "origin"), "xyz", (0.0, 0.0, 0.0))
        if value > 0:
            yield Mass(name, value, xyz)
        elif value < 0:
            self._note("<mass> is negative; ignored", name)

    def _note(self, text: str, link: str) -> None:
        links = self._empty.setdefault(text, [])
        if link not in links:
            links.append(link)


def read_exclusions(label: str, parent: Element | None) -> tuple[Exclusion, ...]:
    """The `<disable_collisions>` in an element, as in SRDF.

    Raises:
        URDFError: If one does not name two links.
    """
    exclusions = []
    for element in parent.named("disable_collisions") if parent else ():
        location = Location(label, element)
        link_1, link_2 = (required(location, element, name) for name in ("link1", "link2"))
        reason = element.attributes.get("reason") or "excluded"
        try:
            exclusions.append(Exclusion(link_1, link_2, reason))
        except RobotError as error:
            raise location.error(str(error)) from error
    return tuple(exclusions)


def _sizes(location: Location, shape: Element) -> tuple[float, ...]:
    sizes: tuple[float, ...] = ()
    for name, count in _SIZES[shape.tag].items():
        required(location, shape, name)
        sizes += numbers(location, shape, name, (0.0,) * count)
    if min(sizes) < 0:
        raise location.error(f"sizes of <{shape.tag}> must not be negative. Received: {sizes}.")
    return sizes


def _with_caps(solids: Sequence[_Solid]) -> tuple[list[_Solid], list[bool]]:
    """The solids without spheres that are caps of cylinders, and which are cylinders with caps.

    URDF had no capsules for long: many files write a cylinder and a sphere at both ends.
    """
    caps: set[int] = set()
    is_capped = [False] * len(solids)
    for i, cylinder in enumerate(solids):
        if cylinder.kind == "cylinder":
            at_ends = [_spheres_at(solids, cylinder, side) for side in (-0.5, 0.5)]
            if all(at_ends):
                is_capped[i] = True
                caps.update(*at_ends)
    rest = [i for i in range(len(solids)) if i not in caps]
    return [solids[i] for i in rest], [is_capped[i] for i in rest]


def _spheres_at(solids: Sequence[_Solid], cylinder: _Solid, side: float) -> list[int]:
    """Indices of the spheres that fit onto an end of a cylinder."""
    radius, length = cylinder.sizes
    end = (make_frame(cylinder.xyz, cylinder.rpy) @ [0.0, 0.0, side * length, 1.0])[:3]
    return [
        i
        for i, solid in enumerate(solids)
        if solid.kind == "sphere"
        and abs(solid.sizes[0] - radius) <= _AT_END * radius
        and np.linalg.norm(end - solid.xyz) <= _AT_END * radius
    ]
