"""Collision bodies on axes of matplotlib."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fkarm.collision.obstacles import Obstacle
from fkarm.geometry.native import to_numpy
from fkarm.kinematics import forward_kinematics
from fkarm.model import Robot
from fkarm.viz.capsules import unit_sphere
from fkarm.viz.clearance import CLEARANCE, Clearances
from fkarm.viz.obstacles import shown_obstacles
from fkarm.viz.scene import one_configuration

_RINGS, _SECTIONS, _OPACITY = 10, 16, 0.3


def draw_bodies(
    ax: Any,
    robot: Robot,
    q: ArrayLike,
    *,
    clearance: float = CLEARANCE,
    alpha: float = _OPACITY,
    obstacles: Obstacle | Iterable[Obstacle] | None = None,
) -> None:
    """Draw the collision bodies of a robot, coloured by their clearance.

    A body is red where it overlaps with a body that counts (`fkarm.collision.pairs`) or with an
    obstacle, green from a distance of `clearance` on, and yellow between. Bodies that no pair
    counts are grey.

    Args:
        ax: Matplotlib axes with `projection="3d"`.
        robot: The robot, with bodies.
        q: One joint configuration, rad or m. Shape `(dof,)`.
        clearance: Distance from which on a body is green, m.
        alpha: Opacity, from 0 to 1.
        obstacles: Objects of `fkarm.collision` that count too. `plot_robot` draws them.
    Raises:
        RobotError: If the robot has no bodies.
        TypeError: If an obstacle is of another kind.
        ValueError: If `q` is not of shape `(dof,)`, or the clearance is not positive.
    """
    q = one_configuration(robot, "q", q)
    clearances = Clearances(robot, clearance, shown_obstacles(obstacles))
    sphere = unit_sphere(_RINGS, _SECTIONS)
    poses = to_numpy(forward_kinematics(robot, q, [body.link for body in robot.bodies]))
    vertices = np.stack([sphere.as_body(body) for body in robot.bodies])
    vertices = vertices @ poses[:, :3, :3].swapaxes(1, 2) + poses[:, None, :3, 3]
    colours = np.array(clearances.colours(clearances.of_pairs(q)))
    colours = np.column_stack([colours, np.full(len(colours), 255 * alpha)])
    # One collection, so that the faces of all bodies are drawn from back to front.
    first = len(sphere.vertices) * np.arange(len(vertices))
    draw_mesh(
        ax,
        vertices.reshape(-1, 3),
        (first[:, None, None] + sphere.faces).reshape(-1, 3),
        np.repeat(colours, len(sphere.faces), axis=0),
    )


def draw_mesh(ax: Any, vertices: np.ndarray, faces: np.ndarray, colours: ArrayLike) -> None:
    """Draw triangles.

    Args:
        ax: Matplotlib axes with `projection="3d"`.
        vertices: Points, m. Shape `(n, 3)`.
        faces: Indices of corners. Shape `(m, 3)`.
        colours: Red, green, blue and opacity, from 0 to 255. Shape `(4,)` or `(m, 4)`.
    """
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection

    colours = np.broadcast_to(np.asarray(colours, float) / 255, (len(faces), 4))
    ax.add_collection3d(Poly3DCollection(vertices[faces], facecolors=colours, shade=True))
    ax.auto_scale_xyz(*vertices.T, had_data=True)
