"""Robots in the scene of a viser server: one that is solid, and others that are see-through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fkarm.geometry.native import to_numpy
from fkarm.kinematics import forward_kinematics
from fkarm.model import Robot
from fkarm.viz.capsules import unit_sphere
from fkarm.viz.clearance import BODY_OPACITY, Clearances
from fkarm.viz.obstacles import OBSTACLE_OPACITY
from fkarm.viz.visuals import Solid

_GHOST, _OPACITY = (120, 165, 215), 0.25


def wxyz_of(poses: np.ndarray) -> np.ndarray:
    """Unit quaternions of poses. Shapes `(..., 4, 4)` to `(..., 4)`."""
    from viser.transforms import SO3

    return SO3.from_matrix(poses[..., :3, :3]).wxyz


def add_axes(scene: Any, name: str, pose: np.ndarray, length: float, visible: bool = True) -> Any:
    """Draw a frame with axes of some length, m."""
    return scene.add_frame(
        name,
        axes_length=length,
        axes_radius=length / 30,
        wxyz=wxyz_of(pose),
        position=pose[:3, 3],
        visible=visible,
    )


def _add_solid(scene: Any, name: str, solid: Solid, **look: Any) -> Any:
    """Add a solid, seen from both sides, in the frame of what its name begins with."""
    return scene.add_mesh_simple(
        name, solid.vertices, solid.faces, color=solid.colour, side="double", **look
    )


class SolidRobot:
    """The robot itself, with the frames of its links.

    Args:
        scene: `viser.ViserServer.scene`.
        robot: The robot.
        solids: Its solids.
        length: Length of the axes of the frames, m.
    """

    def __init__(self, scene: Any, robot: Robot, solids: Sequence[Solid], length: float) -> None:
        self.robot = robot
        self._links = [
            scene.add_frame(f"/robot/{k}", show_axes=False) for k in range(len(robot.link_names))
        ]
        self._axes = [
            add_axes(scene, f"/robot/{k}/axes", np.eye(4), length, visible=False)
            for k in range(len(robot.link_names))
        ]
        self._solids = [
            _add_solid(scene, f"/robot/{robot.link_names.index(solid.link)}/{k}", solid)
            for k, solid in enumerate(solids)
        ]

    def place(self, q: np.ndarray) -> dict[str, np.ndarray]:
        """Move the links to a configuration `(dof,)`; return the pose of each."""
        names = self.robot.link_names
        poses = to_numpy(forward_kinematics(self.robot, q, names))
        for handle, wxyz, pose in zip(self._links, wxyz_of(poses), poses, strict=True):
            handle.wxyz, handle.position = wxyz, pose[:3, 3]
        return dict(zip(names, poses, strict=True))

    def show(self, visible: bool) -> None:
        """Show or hide the solids."""
        for handle in self._solids:
            handle.visible = visible

    def show_frames(self, visible: bool) -> None:
        """Show or hide the frame of every link."""
        for axes in self._axes:
            axes.visible = visible


class LiveBodies:
    """Collision bodies on the links of a `SolidRobot`, coloured by their clearance.

    Args:
        scene: `viser.ViserServer.scene`.
        clearances: Distances and colours of the bodies.
    """

    def __init__(self, scene: Any, clearances: Clearances) -> None:
        self._clearances = clearances
        sphere, names = unit_sphere(18, 28), clearances.robot.link_names
        self._handles = [
            scene.add_mesh_simple(
                f"/robot/{names.index(body.link)}/body_{k}",
                sphere.as_body(body),
                sphere.faces,
                opacity=BODY_OPACITY,
                cast_shadow=False,
                receive_shadow=False,
            )
            for k, body in enumerate(clearances.robot.bodies)
        ]

    def colour(self, q: np.ndarray) -> str:
        """Give the bodies their colours at a configuration `(dof,)`; return the nearest pair."""
        distances = self._clearances.of_pairs(q)
        for handle, colour in zip(self._handles, self._clearances.colours(distances), strict=True):
            if handle.color != colour:
                handle.color = colour
        return self._clearances.nearest(distances)

    def show(self, visible: bool) -> None:
        """Show or hide the bodies."""
        for handle in self._handles:
            handle.visible = visible


class StillSolids:
    """See-through solids in the frame of the root link, such as obstacles.

    Args:
        scene: `viser.ViserServer.scene`.
        solids: The solids.
    """

    def __init__(self, scene: Any, solids: Sequence[Solid]) -> None:
        self._handles = [
            _add_solid(
                scene,
                f"/obstacles/{k}",
                solid,
                opacity=OBSTACLE_OPACITY,
                cast_shadow=False,
                receive_shadow=False,
            )
            for k, solid in enumerate(solids)
        ]

    def show(self, visible: bool) -> None:
        """Show or hide the solids."""
        for handle in self._handles:
            handle.visible = visible


class Ghosts:
    """The robot in several configurations, see-through.

    Args:
        scene: `viser.ViserServer.scene`.
        robot: The robot.
        solids: Its solids.
    """

    def __init__(self, scene: Any, robot: Robot, solids: Sequence[Solid]) -> None:
        self._scene, self.robot, self._solids = scene, robot, solids
        self._handles: list[Any] = []
        self._shown = np.zeros((0, robot.dof))

    def place(self, q: np.ndarray) -> None:
        """Show the robot in these configurations instead. Shape `(n, dof)`."""
        if np.array_equal(q, self._shown):
            return
        for handle in self._handles:
            handle.remove()
        self._handles, self._shown = [], q
        if not len(q):
            return
        names = self.robot.link_names
        poses = to_numpy(forward_kinematics(self.robot, q, names))
        for k, solid in enumerate(self._solids):
            its = poses[:, names.index(solid.link)]
            self._handles.append(
                self._scene.add_batched_meshes_simple(
                    f"/ghosts/{k}",
                    solid.vertices,
                    solid.faces,
                    batched_wxyzs=wxyz_of(its),
                    batched_positions=its[:, :3, 3],
                    batched_colors=_GHOST,
                    opacity=_OPACITY,
                    lod="off",
                    cast_shadow=False,
                    receive_shadow=False,
                )
            )
