"""A robot as one HTML file with sliders, which needs no Python and no network."""

from __future__ import annotations

import base64
import html
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fkarm.collision import Box, DistanceGrid, HalfSpace
from fkarm.collision.obstacles import Obstacle
from fkarm.model import Robot
from fkarm.model.frames import make_frame
from fkarm.motion import SolvedPath
from fkarm.viz.capsules import unit_sphere
from fkarm.viz.clearance import BODY_OPACITY, CLEARANCE, COLOURS, UNPAIRED, Clearances, cover
from fkarm.viz.obstacles import OBSTACLE_OPACITY, obstacle_solids, shown_obstacles
from fkarm.viz.scene import Scene, read_scene
from fkarm.viz.sliders import sliders_of
from fkarm.viz.solids import solids_of
from fkarm.viz.visuals import Solid

_HEIGHT = 480  # pixels, in a notebook
_SCRIPTS = ("kinematics.js", "renderer.js", "bodies.js", "page.js")


class Page(NamedTuple):
    """An HTML page, which a notebook shows where it is the last value of a cell."""

    html: str  # the whole document

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to a file, and return its path."""
        path = Path(path)
        path.write_text(self.html, encoding="utf-8")
        return path

    def _repr_html_(self) -> str:
        # The document has styles of its own, so it gets a frame of its own.
        return (
            f'<iframe srcdoc="{html.escape(self.html)}" width="100%" height="{_HEIGHT}" '
            'style="border: 0"></iframe>'
        )


def make_page(
    robot: Robot,
    q: ArrayLike | None = None,
    link: str | None = None,
    *,
    others: ArrayLike | None = None,
    targets: ArrayLike | None = None,
    path: ArrayLike | SolvedPath | None = None,
    seconds: float | None = None,
    bodies: bool = False,
    clearance: float = CLEARANCE,
    obstacles: Obstacle | Iterable[Obstacle] | None = None,
    urdf: str | os.PathLike[str] | None = None,
) -> Page:
    """A page that draws a robot and moves it by sliders (extra `fkarm[view]`).

    It is one file for any browser with WebGL, phones included. It holds all that it shows, makes no
    request, and computes forward kinematics itself. It solves no inverse kinematics: see `view`.

    Args:
        robot: The robot.
        q: Configuration at the start, rad or m; None: near the middle of the joints' ranges. Shape
            `(dof,)`.
        link: Link whose frame and pose are shown; None: `robot.end_effector`.
        others: Configurations that are drawn see-through, such as the solutions of
            `fkarm.solve_ik_all`. Shape `(n, dof)`.
        targets: Poses that are drawn as frames, m. Shape `(n, 4, 4)`.
        path: Configurations that a button plays back, shape `(n, dof)`, or what `fkarm.solve_path`
            or `fkarm.retarget` returned of one clip, with its own times.
        seconds: How long that takes; None: as long as these times say, or 5 s without times.
        bodies: Whether to show `robot.bodies`, coloured by their distance from the nearest body
            that counts, as in `view`. The page computes the distances.
        clearance: Distance from which on a body is green, m.
        obstacles: Objects of `fkarm.collision`, as in `view`. The page computes no distances from a
            `DistanceGrid`.
        urdf: Path of the URDF whose visuals are drawn, with the meshes that are at hand; None:
            capsules.
    Returns:
        `Page`. `make_page(robot).save("robot.html")` writes it.
    Raises:
        ModuleNotFoundError: If trimesh is not installed.
        UnknownLinkError: If the link does not exist.
        MissingFileError, URDFError: If `urdf` cannot be read.
        RobotError: With `bodies`, if the robot has none.
        TypeError: If an obstacle is of another kind.
        ValueError: If an array has another shape, or holds a number that is not finite.
    """
    scene = read_scene(robot, q, link, others, targets, path, seconds)
    solids, around = solids_of(robot, urdf), shown_obstacles(obstacles)
    data = {
        "robot": _tree(robot),
        "sliders": [slider._asdict() for slider in sliders_of(robot)],
        "solids": [_packed(solid) for solid in solids],
        "bodies": _bodies(Clearances(robot, clearance, around)) if bodies else None,
        "bodies_cover": bodies and cover(robot, solids),
        "obstacles": [_packed(each) for each in obstacle_solids(around, robot.root_link, scene)],
        "obstacle_opacity": OBSTACLE_OPACITY,
        **_arrays(scene),
    }
    texts = {
        "title": html.escape(robot.name),
        "style": _file("page.css"),
        "script": "\n".join(map(_file, _SCRIPTS)),
        # No text in the data can end the script that holds it.
        "scene": json.dumps(data, allow_nan=False).replace("<", "\\u003c"),
    }
    head, *parts = _file("page.html").split("{{")
    for part in parts:
        name, _, text = part.partition("}}")
        head += texts[name] + text
    return Page(head)


def _file(name: str) -> str:
    return files("fkarm.viz").joinpath("page_files", name).read_text(encoding="utf-8")


def _tree(robot: Robot) -> dict[str, Any]:
    """What the page needs for forward kinematics."""
    joints = []
    for joint in robot.joints:
        entry: dict[str, Any] = {
            "type": joint.type,
            "parent": joint.parent,
            "child": joint.child,
            "axis": joint.axis,
            "origin": _columns(joint.origin),
        }
        if joint.type == "planar":
            entry["plane"] = joint.z_to_axis[:3, :2].T.tolist()
        if not joint.is_fixed:
            entry |= asdict(robot.coordinates[joint.name])
        joints.append(entry)
    return {
        "name": robot.name, "root": robot.root_link, "links": robot.link_names, "joints": joints
    }  # fmt: skip


def _arrays(scene: Scene) -> Mapping[str, Any]:
    arrays = {
        "q": scene.q, "others": scene.others, "path": scene.path, "times": scene.times,
        "centre": scene.centre,
    }  # fmt: skip
    return {
        **{name: array.tolist() for name, array in arrays.items()},
        "targets": [_columns(pose) for pose in scene.targets],
        "link": scene.link,
        "size": scene.size,
        "span": scene.span,
    }


def _columns(pose: np.ndarray) -> list[float]:
    """A matrix column by column, as WebGL takes it."""
    return [float(x) for x in pose.T.ravel()]


def _packed(solid: Solid) -> dict[str, Any]:
    return {
        "link": solid.link,
        "colour": solid.colour,
        "vertices": _base64(solid.vertices, "<f4"),
        "faces": _base64(solid.faces, "<u4"),
    }


def _bodies(clearances: Clearances) -> dict[str, Any]:
    """What the page needs to draw the bodies and to colour them."""
    sphere, robot = unit_sphere(18, 28), clearances.robot
    shapes = [_shape(obstacle) for obstacle in clearances.obstacles]
    is_known = [True] * len(robot.bodies) + [shape is not None for shape in shapes]
    return {
        "vertices": _base64(sphere.vertices, "<f4"),
        "faces": _base64(sphere.faces, "<u4"),
        "bodies": [
            {
                "link": body.link,
                "radius": body.radius,
                "half": body.length / 2,
                "frame": _columns(make_frame(body.xyz, body.rpy)),
            }
            for body in robot.bodies
        ],
        "obstacles": shapes,
        "names": clearances.names,
        "pairs": [pair for pair in clearances.pairs.tolist() if is_known[pair[1]]],
        "clearance": clearances.clearance,
        "colours": COLOURS,
        "unpaired": UNPAIRED,
        "opacity": BODY_OPACITY,
    }


def _shape(obstacle: Obstacle) -> dict[str, Any] | None:
    """What the page computes distances from; None: it cannot."""
    if isinstance(obstacle, DistanceGrid):
        return None
    if isinstance(obstacle, HalfSpace):
        return {"normal": obstacle.normal, "offset": obstacle.offset}
    if isinstance(obstacle, Box):
        frame = np.linalg.inv(make_frame(obstacle.xyz, obstacle.rpy))
        return {"half": [x / 2 for x in obstacle.size], "into": _columns(frame)}
    frame = make_frame(obstacle.xyz, getattr(obstacle, "rpy", (0.0, 0.0, 0.0)))
    step = getattr(obstacle, "length", 0.0) / 2 * frame[:3, 2]
    ends = [frame[:3, 3] - step, frame[:3, 3] + step]
    return {"radius": obstacle.radius, "ends": [end.tolist() for end in ends]}


def _base64(array: np.ndarray, dtype: str) -> str:
    return base64.b64encode(array.astype(dtype).tobytes()).decode("ascii")
