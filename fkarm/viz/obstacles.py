"""Obstacles as meshes in the frame of the root link."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from fkarm.collision import Box, Capsule, DistanceGrid, HalfSpace
from fkarm.collision.obstacles import Obstacle, checked_obstacles
from fkarm.model import Body
from fkarm.model.frames import make_frame, rotation_to_axis
from fkarm.viz.capsules import unit_sphere
from fkarm.viz.edges import split_edges
from fkarm.viz.scene import Scene
from fkarm.viz.visuals import Colour, Solid

OBSTACLE_COLOUR: Colour = (150, 124, 98)
OBSTACLE_OPACITY = 0.45
# Radius that a wire or a point is drawn with, m.
_THINNEST = 1e-3
# Edge of the square that stands for a half-space, of the span of the scene.
_PLANE = 1.2
_BOX_FACES = np.array(
    [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
)
_SIGNS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)


def shown_obstacles(obstacles: Obstacle | Iterable[Obstacle] | None) -> tuple[Obstacle, ...]:
    """The obstacles that a viewer is given.

    Raises:
        TypeError: If one is of another kind.
        ValueError: If there is none in a list.
    """
    return () if obstacles is None else checked_obstacles(obstacles)


def obstacle_solids(obstacles: Sequence[Obstacle], link: str, scene: Scene) -> list[Solid]:
    """Meshes of obstacles, one per obstacle.

    A half-space is a square of its surface, where the robot is. A grid is the faces between nodes
    with a distance of at most zero and others.

    Args:
        obstacles: The obstacles.
        link: The root link.
        scene: What is shown beside them.
    """
    return [Solid(link, *_mesh(obstacle, scene), OBSTACLE_COLOUR) for obstacle in obstacles]


def _mesh(obstacle: Obstacle, scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Vertices `(n, 3)`, m, and faces `(m, 3)`."""
    if isinstance(obstacle, HalfSpace):
        return _square(obstacle, scene)
    if isinstance(obstacle, Box):
        frame = make_frame(obstacle.xyz, obstacle.rpy)
        corners = 0.5 * _SIGNS * np.array(obstacle.size) @ frame[:3, :3].T + frame[:3, 3]
        return split_edges(corners, _triangles(_BOX_FACES))
    if isinstance(obstacle, DistanceGrid):
        return _surface(obstacle)
    sphere, radius = unit_sphere(18, 28), max(obstacle.radius, _THINNEST)
    if isinstance(obstacle, Capsule):
        body = Body("-", "capsule", radius, obstacle.length, obstacle.xyz, obstacle.rpy)
    else:
        body = Body("-", "sphere", radius, xyz=obstacle.xyz)
    return sphere.as_body(body), sphere.faces


def _square(obstacle: HalfSpace, scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    normal = np.array(obstacle.normal)
    centre = scene.centre + (obstacle.offset - normal @ scene.centre) * normal
    corners = 0.5 * _PLANE * scene.span * np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]])
    return corners @ rotation_to_axis(normal).T + centre, _triangles(np.arange(4)[None])


def _surface(grid: DistanceGrid) -> tuple[np.ndarray, np.ndarray]:
    """A square halfway between every two neighbouring nodes of which one is inside."""
    inside, squares = np.pad(grid.values <= 0, 1).astype(np.int8), []
    for axis in range(3):
        along, u, v = np.roll(np.eye(3), -axis, axis=0)
        corners = 0.5 * (along + np.array([-u - v, u - v, u + v, v - u]))
        change = np.diff(inside, axis=axis)
        for sign in (-1, 1):  # the side that faces outwards is seen counterclockwise
            before = np.argwhere(change == sign)[:, None] - 1.0  # less the padding
            squares.append(before + corners[::-sign])
    corners = np.concatenate(squares).reshape(-1, 3)
    faces = np.arange(len(corners)).reshape(-1, 4)
    return np.array(grid.xyz) + grid.spacing * corners, _triangles(faces)


def _triangles(squares: np.ndarray) -> np.ndarray:
    """Two triangles per square. Shapes `(n, 4)` to `(2 n, 3)`."""
    return squares[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)
