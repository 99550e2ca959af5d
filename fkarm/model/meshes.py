"""Mesh files that a description names, and spheres that enclose them (extra `fkarm[bodies]`)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fkarm.errors import MissingFileError, RobotError, how_to_install
from fkarm.model.solids import Body

# A URDF may name any file. Only files of these kinds are opened.
_KINDS = (".stl", ".obj", ".ply", ".dae", ".glb", ".gltf", ".off")
# Triangles are cut until no edge is longer than this share of the mesh's size.
_EDGE = 0.06
_GRID, _ROUNDS, _SHRINKING = 200, 20, 40


def find_mesh(name: str, folder: Path) -> Path | None:
    """The mesh file that a URDF in `folder` names; None if it is not at hand.

    `package://NAME/FILE` is looked for in the folders `NAME` beside the URDF and above it.
    """
    if not name.lower().endswith(_KINDS):
        return None
    if not name.startswith("package://"):
        candidates = [folder / name.removeprefix("file://")]
    else:
        name = name.removeprefix("package://")
        above = folder.absolute(), *folder.absolute().parents
        candidates = [parent / name for parent in above]
    return next((path for path in candidates if path.is_file()), None)


def load_meshes(path: Path, scale: Sequence[float]) -> list[Any]:
    """The `trimesh.Trimesh` of a file, scaled; no lines and points."""
    import trimesh

    meshes = [mesh for mesh in trimesh.load_scene(path).dump() if isinstance(mesh, trimesh.Trimesh)]
    for mesh in meshes:
        mesh.apply_transform(np.diag([*scale, 1.0]))
    return meshes


def mesh_bodies(
    link: str, name: str, folder: Path | None, scale: Sequence[float], frame: np.ndarray, count: int
) -> tuple[tuple[Body, ...], float]:
    """Spheres around a mesh, and the largest distance of a point of theirs from it, m.

    Args:
        link: Name of the link.
        name: The mesh file, as the URDF names it.
        folder: The folder of the URDF.
        scale: Factors along x, y and z.
        frame: Pose of the mesh in the link. Shape `(4, 4)`.
        count: How many spheres, at most.
    Raises:
        MissingFileError: If the file is not at hand.
        RobotError: If trimesh is not installed or cannot read the file, or it has no triangle.
    """
    path = None if folder is None else find_mesh(name, folder)
    if path is None:
        hint = " Give the path of the URDF, not its text." if folder is None else ""
        raise MissingFileError(
            f"link {link!r}: the mesh must be at hand, beside the URDF or in a package above it. "
            f"Received: {name!r}.{hint}"
        )
    try:
        meshes = load_meshes(path, scale)
    except ModuleNotFoundError as error:
        raise RobotError(
            f"link {link!r}: meshes are read by {error.name}. Install it: "
            f"{how_to_install('bodies')}."
        ) from error
    except Exception as error:  # readers of meshes raise anything
        raise RobotError(f"{path}: the mesh must be readable. Received: {error}.") from error
    triangles = np.concatenate([np.empty((0, 3, 3)), *(mesh.triangles for mesh in meshes)])
    if not len(triangles):
        raise RobotError(f"{path}: the mesh must have triangles. Received: none.")
    return sphere_bodies(link, triangles, frame, count)


def sphere_bodies(
    link: str, triangles: np.ndarray, frame: np.ndarray, count: int
) -> tuple[tuple[Body, ...], float]:
    """Spheres around triangles `(n, 3, 3)` of a frame in the link, and the gap."""
    centres, radii, gap = enclosing_spheres(triangles, count)
    centres = centres @ frame[:3, :3].T + frame[:3, 3]
    bodies = (Body(link, "sphere", r, xyz=c) for c, r in zip(centres, radii, strict=True))
    return tuple(bodies), gap


def enclosing_spheres(triangles: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Spheres that contain every triangle, and how far they reach beyond the triangles.

    Lloyd's iteration divides the solid into cells; every sphere is nearly the smallest one around
    the triangles of a cell. Triangles are cut small first: one lies in a sphere that contains its
    corners.

    Args:
        triangles: Corners. Shape `(n, 3, 3)`.
        count: How many spheres, at most.
    Returns:
        Centres `(spheres, 3)`, radii `(spheres,)`, and the largest distance of a point of the
        spheres outside the mesh from it, m.
    """
    size = float(np.ptp(triangles.reshape(-1, 3), axis=0).max())
    pieces = _cut(triangles, size * _EDGE)
    middles = pieces.mean(1)
    filling = _fill(triangles, middles)
    centres = _spread(filling, count)
    for _ in range(_ROUNDS):
        nearest = _nearest(filling, centres)
        centres = np.array([filling[nearest == i].mean(0) for i in np.unique(nearest)])
    best, least = [], math.inf
    for _ in range(_ROUNDS // 4):
        nearest = _nearest(middles, centres)
        balls = [_smallest_ball(pieces[nearest == i].reshape(-1, 3)) for i in np.unique(nearest)]
        volume = sum(radius**3 for _, radius in balls)
        if volume < least:
            best, least = balls, volume
        centres = np.array([centre for centre, _ in balls])
    centres = np.array([centre for centre, _ in best])
    radii = np.array([radius for _, radius in best]) * (1 + 1e-9) + 1e-9
    return centres, radii, _gap(centres, radii, pieces, triangles)


def _fill(triangles: np.ndarray, surface: np.ndarray) -> np.ndarray:
    """Points of a grid inside a mesh; those of the surface where there are few."""
    low, high = triangles.reshape(-1, 3).min(0), triangles.reshape(-1, 3).max(0)
    sides = np.maximum(high - low, 1e-3 * (high - low).max())
    step = (np.prod(sides) / _GRID) ** (1 / 3)
    lines = [np.arange(a + step / 2, b, step) for a, b in zip(low, high, strict=True)]
    grid = np.stack(np.meshgrid(*lines, indexing="ij"), -1).reshape(-1, 3)
    every = max(1, len(triangles) // 2000)  # some triangles tell well enough
    some = triangles[::every]
    inside = np.array([p for p in grid if _is_inside(p, some, every)]).reshape(-1, 3)
    return inside if len(inside) >= _GRID // 10 else np.concatenate([inside, surface])


def _cut(triangles: np.ndarray, longest: float) -> np.ndarray:
    """Triangles with the same points whose edges are no longer than a length."""
    done, pending = [], triangles
    while len(pending):
        edges = np.linalg.norm(pending - np.roll(pending, -1, axis=1), axis=-1)
        is_long = edges.max(-1) > longest
        done.append(pending[~is_long])
        rows = np.arange(is_long.sum())[:, None]
        # Cut the longest edge, from corner 0 to 1, in the middle.
        order = (edges[is_long].argmax(-1)[:, None] + np.arange(3)) % 3
        a, b, c = np.moveaxis(pending[is_long][rows, order], 1, 0)
        middle = (a + b) / 2
        pending = np.concatenate([np.stack([a, middle, c], 1), np.stack([middle, b, c], 1)])
    return np.concatenate(done)


def _spread(points: np.ndarray, count: int) -> np.ndarray:
    """Points that are far from each other, the first one near the middle."""
    chosen = [points[np.linalg.norm(points - points.mean(0), axis=-1).argmin()]]
    distance = np.linalg.norm(points - chosen[0], axis=-1)
    while len(chosen) < min(count, len(points)):
        chosen.append(points[distance.argmax()])
        distance = np.minimum(distance, np.linalg.norm(points - chosen[-1], axis=-1))
    return np.array(chosen)


def _nearest(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Index of the nearest centre. Shape `(points,)`."""
    distances = [np.linalg.norm(points - centre, axis=-1) for centre in centres]
    return np.argmin(distances, axis=0)


def _smallest_ball(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Centre and radius of a ball around points, nearly the smallest one."""
    centre = (points.min(0) + points.max(0)) / 2
    best = centre, math.inf
    for step in range(1, _SHRINKING):
        distances = np.linalg.norm(points - centre, axis=-1)
        farthest = int(distances.argmax())
        best = min(best, (centre, float(distances[farthest])), key=lambda ball: ball[1])
        centre = centre + (points[farthest] - centre) / (step + 1)
    return best


def _gap(centres: np.ndarray, radii: np.ndarray, pieces: np.ndarray, mesh: np.ndarray) -> float:
    """The largest distance from the pieces of a mesh of points of spheres that are outside it."""
    turn = np.pi * (3 - np.sqrt(5)) * np.arange(64)
    height = 1 - (2 * np.arange(64) + 1) / 64
    across = np.sqrt(1 - height**2)
    normals = np.stack([across * np.cos(turn), across * np.sin(turn), height], -1)
    distances, middles = [], pieces.mean(1)
    for i, (centre, radius) in enumerate(zip(centres, radii, strict=True)):
        surface = centre + radius * normals
        depths = np.linalg.norm(surface[:, None] - centres, axis=-1) - radii
        depths[:, i] = 0.0
        for point in surface[depths.min(-1) >= 0]:
            distances.append((float(np.linalg.norm(middles - point, axis=-1).min()), point))
    for distance, point in sorted(distances, key=lambda pair: -pair[0]):
        if not _is_inside(point, mesh):
            return distance
    return 0.0


def _is_inside(point: np.ndarray, triangles: np.ndarray, weight: int = 1) -> bool:
    """Whether triangles wind around a point: the sum of their solid angles [Oosterom1983]."""
    a, b, c = np.moveaxis(triangles - point, 1, 0)
    la, lb, lc = (np.linalg.norm(corner, axis=-1) for corner in (a, b, c))
    dots = (a * b).sum(-1) * lc + (b * c).sum(-1) * la + (c * a).sum(-1) * lb
    volumes = (a * np.cross(b, c)).sum(-1)
    turns = np.arctan2(volumes, la * lb * lc + dots).sum() / (2 * np.pi)
    return bool(abs(weight * turns) > 0.5)
