"""The `<visual>` elements of a URDF as meshes (extra `fkarm[view]`)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fkarm.errors import RobotError, URDFError
from fkarm.model.elements import read_elements
from fkarm.model.frames import finite_vector, make_frame
from fkarm.model.meshes import find_mesh, load_meshes
from fkarm.viz.edges import split_edges

_GREY = (195, 202, 211)

Colour = tuple[int, int, int]


class Solid(NamedTuple):
    """A solid that moves with a link."""

    link: str
    vertices: np.ndarray  # in the link's frame, m, (n, 3)
    faces: np.ndarray  # indices of vertices, (m, 3)
    colour: Colour  # 0 to 255


class Visuals(NamedTuple):
    """What a URDF says that its links look like."""

    solids: tuple[Solid, ...]
    links: frozenset[str]  # links with a visual element
    missing: tuple[str, ...]  # mesh files that are not at hand, as the URDF names them
    incomplete: frozenset[str]  # links with a mesh that is not at hand


def make_solid(link: str, mesh: Any, colour: Colour) -> Solid:
    """A solid of a `trimesh.Trimesh`."""
    return Solid(link, *split_edges(np.array(mesh.vertices), np.array(mesh.faces)), colour)


def read_visuals(path: str | os.PathLike[str]) -> Visuals:
    """Boxes, cylinders, spheres and the meshes that are at hand.

    `package://NAME/FILE` is looked for in the folders `NAME` beside the URDF and above it. Nothing
    is downloaded.

    Args:
        path: Path of a URDF.
    Raises:
        MissingFileError: If there is no such file.
        URDFError: If the file is not well-formed, or a shape has a size or a pose that is not of
            finite numbers.
    """
    label, robot, _ = read_elements(Path(path))
    materials = dict(_materials(robot, {}))
    solids, links, missing, incomplete = [], set(), [], set()
    for link in robot.named("link"):
        name = link.attributes.get("name", "")
        for visual in link.named("visual"):
            links.add(name)
            try:
                parts = _parts(visual, Path(path).parent)
            except RobotError as error:
                raise URDFError(
                    f"{label}, line {visual.line}, <visual> of {name!r}: {error}"
                ) from error
            except FileNotFoundError as error:
                missing.append(str(error))
                incomplete.add(name)
                continue
            for _, colour in _materials(visual, materials):
                parts = [(mesh, colour) for mesh, _ in parts]
            solids += [make_solid(name, mesh, colour) for mesh, colour in parts]
    return Visuals(tuple(solids), frozenset(links), tuple(missing), frozenset(incomplete))


def _materials(element: Any, known: dict[str, Colour]) -> Iterator[tuple[str, Colour]]:
    """Names and colours of the materials of an element; of a name alone the colour known for it."""
    for material in element.named("material"):
        name = material.attributes.get("name", "")
        for colour in material.named("color"):
            rgba = finite_vector("rgba", colour.attributes.get("rgba", "").split(), 4)
            red, green, blue = (round(255 * min(max(x, 0.0), 1.0)) for x in rgba[:3])
            yield name, (red, green, blue)
            break
        else:
            if name in known:
                yield name, known[name]


def _parts(visual: Any, folder: Path) -> list[tuple[Any, Colour]]:
    """Meshes of a visual element in the frame of its link, with their colours."""
    import trimesh

    parts: list[tuple[Any, Colour]] = []
    for geometry in visual.named("geometry"):
        for shape in geometry.children:
            sizes = shape.attributes
            if shape.tag == "mesh":
                parts += _loaded(
                    sizes.get("filename", ""), _numbers(sizes, "scale", 3, "1 1 1"), folder
                )
            elif shape.tag == "box":
                mesh = trimesh.creation.box(extents=_numbers(sizes, "size", 3))
                parts.append((mesh, _GREY))
            elif shape.tag == "sphere":
                (radius,) = _numbers(sizes, "radius", 1)
                parts.append((trimesh.creation.icosphere(subdivisions=2, radius=radius), _GREY))
            elif shape.tag in ("cylinder", "capsule"):
                (radius,), (length,) = (_numbers(sizes, key, 1) for key in ("radius", "length"))
                make = getattr(trimesh.creation, shape.tag)
                parts.append((make(radius=radius, height=length), _GREY))
    for origin in visual.named("origin"):
        frame = make_frame(
            *(_numbers(origin.attributes, key, 3, "0 0 0") for key in ("xyz", "rpy"))
        )
        for mesh, _ in parts:
            mesh.apply_transform(frame)
    return parts


def _numbers(
    attributes: dict[str, str], name: str, count: int, default: str = ""
) -> tuple[float, ...]:
    return finite_vector(name, attributes.get(name, default).split(), count)


def _loaded(name: str, scale: tuple[float, ...], folder: Path) -> list[tuple[Any, Colour]]:
    path = find_mesh(name, folder)
    if path is None:
        raise FileNotFoundError(name)
    parts = []
    for mesh in load_meshes(path, scale):
        red, green, blue, _ = _main_colour(mesh)
        mesh.merge_vertices(merge_tex=True, merge_norm=True)
        parts.append((mesh, (int(red), int(green), int(blue))))
    return parts


def _main_colour(mesh: Any) -> Any:
    if mesh.visual.kind == "texture":
        return mesh.visual.material.main_color
    return mesh.visual.main_color if mesh.visual.defined else (*_GREY, 255)
