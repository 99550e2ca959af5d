"""Collision bodies on axes of matplotlib."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fkarm.geometry.native import to_numpy
from fkarm.kinematics import forward_kinematics
from fkarm.model import Robot
from fkarm.viz.capsules import unit_sphere
from fkarm.viz.clearance import CLEARANCE, Clearances
from fkarm.viz.scene import one_configuration

_RINGS, _SECTIONS, _OPACITY = 10, 16, 0.3


def draw_bodies(
    ax: Any, robot: Robot, q: ArrayLike, *, clearance: float = CLEARANCE, alpha: float = _OPACITY
) -> None:
    """Draw the collision bodies of a robot, coloured by their clearance.

    A body is red where it overlaps with a body that counts (`fkarm.collision.pairs`), green from a
    distance of `clearance` on, and yellow between. Bodies that no pair counts are grey.

    Args:
        ax: Matplotlib axes with `projection="3d"`.
        robot: The robot, with bodies.
        q: One joint configuration, rad or m. Shape `(dof,)`.
        clearance: Distance from which on a body is green, m.
        alpha: Opacity, from 0 to 1.
    Raises:
        RobotError: If the robot has no bodies.
        ValueError: If `q` is not of shape `(dof,)`, or the clearance is not positive.
    """
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection

    q, clearances = one_configuration(robot, "q", q), Clearances(robot, clearance)
    sphere = unit_sphere(_RINGS, _SECTIONS)
    poses = to_numpy(forward_kinematics(robot, q, [body.link for body in robot.bodies]))
    vertices = np.stack([sphere.as_body(body) for body in robot.bodies])
    vertices = vertices @ poses[:, :3, :3].swapaxes(1, 2) + poses[:, None, :3, 3]
    colours = np.array(clearances.colours(clearances.of_pairs(q))) / 255
    colours = np.column_stack([colours, np.full(len(colours), alpha)])
    # One collection, so that the faces of all bodies are drawn from back to front.
    ax.add_collection3d(
        Poly3DCollection(
            vertices[:, sphere.faces].reshape(-1, 3, 3),
            facecolors=np.repeat(colours, len(sphere.faces), axis=0),
            shade=True,
        )
    )
    ax.auto_scale_xyz(*vertices.reshape(-1, 3).T, had_data=True)
