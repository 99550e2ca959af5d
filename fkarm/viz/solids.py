"""What is drawn of a robot: meshes where their files are at hand, capsules where not."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from fkarm.model import Joint, Robot
from fkarm.model.frames import rotation_to_axis
from fkarm.viz.extras import require
from fkarm.viz.visuals import Solid, Visuals, make_solid, read_visuals

LINK_COLOUR, JOINT_COLOUR = (195, 202, 211), (74, 134, 197)
# Of the length of the longest chain: the radius of its first capsule. The last is narrower.
_RADIUS, _NARROWER = 0.045, 0.5
_SHORT = 1e-3


def solids_of(robot: Robot, urdf: str | os.PathLike[str] | None = None) -> tuple[Solid, ...]:
    """The solids of a robot, in the frames of their links.

    Without a URDF every link is a row of capsules from its frame to the joints on it, and every
    moving joint a cylinder about its axis, or a box if it slides.

    Args:
        robot: The robot.
        urdf: Path of the URDF whose visuals are drawn. A link whose mesh is not at hand is drawn
            with capsules, with a warning.
    Raises:
        ModuleNotFoundError: If trimesh is not installed.
        MissingFileError, URDFError: If the file cannot be read.
    """
    require("trimesh", "view")
    visuals = Visuals((), frozenset(), (), frozenset()) if urdf is None else read_visuals(urdf)
    if visuals.missing:
        warnings.warn(
            f"Mesh files must be in the folder of the URDF, or in one above it. Not at hand: "
            f"{', '.join(sorted(set(visuals.missing))[:3])}"
            f"{', ...' if len(set(visuals.missing)) > 3 else ''}. Their links are drawn with "
            "capsules.",
            stacklevel=3,
        )
    known = set(robot.link_names)
    solids = [b for b in visuals.solids if b.link in known - visuals.incomplete]
    if not visuals.links & known:
        return tuple(_capsules(robot, robot.link_names))
    return (*solids, *_capsules(robot, sorted(visuals.incomplete & known)))


def _capsules(robot: Robot, links: Sequence[str]) -> list[Solid]:
    """Capsules and joints of some links."""
    import trimesh

    reach = _distances(robot)
    longest = max(*reach.values(), _SHORT)
    solids = []
    for joint in robot.joints:
        parent, child = str(joint.parent), str(joint.child)
        radius = _RADIUS * longest * (1.0 - _NARROWER * reach[child] / longest)
        length = float(np.linalg.norm(joint.xyz))
        if parent in links and length > max(_SHORT * longest, 0.2 * radius):
            tube = trimesh.creation.capsule(height=length, radius=radius, count=(20, 20))
            frame = np.eye(4)
            frame[:3, :3] = rotation_to_axis(np.array(joint.xyz) / length)
            frame[:3, 3] = np.array(joint.xyz) / 2
            solids.append(make_solid(parent, tube.apply_transform(frame), LINK_COLOUR))
        if child in links and not joint.is_fixed:
            solids.append(make_solid(child, _joint_mesh(joint, 1.15 * radius), JOINT_COLOUR))
    return solids


def _joint_mesh(joint: Joint, radius: float) -> Any:
    import trimesh

    if joint.turns_freely:
        return trimesh.creation.icosphere(subdivisions=2, radius=1.2 * radius)
    if "length" in joint.entries:
        mesh = trimesh.creation.box(extents=2.0 * radius * np.array([0.9, 0.9, 1.4]))
    else:
        mesh = trimesh.creation.cylinder(radius=radius, height=2.4 * radius, sections=28)
    return mesh.apply_transform(joint.z_to_axis)


def _distances(robot: Robot) -> dict[str, float]:
    """Length of the chain from the root to each link, m."""
    distances = {robot.root_link: 0.0}
    for joint in robot.joints:
        length = float(np.linalg.norm(joint.xyz))
        distances[str(joint.child)] = distances[str(joint.parent)] + length
    return distances
