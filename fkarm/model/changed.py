"""The same robot, changed: methods of `Robot`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from fkarm.errors import RobotError, UnknownJointError, unknown_name
from fkarm.model.frames import frame_from
from fkarm.model.joint import Joint
from fkarm.model.names import Names
from fkarm.model.serial import fixed_frame
from fkarm.model.solids import KINDS, Body, Exclusion, all_of
from fkarm.model.sphere_file import read_ignored_pairs, read_spheres
from fkarm.model.srdf import pairs_of_robot, read_srdf
from fkarm.model.tree import cut_path

if TYPE_CHECKING:
    from fkarm.model.robot import Robot


def with_end_effector(self: Robot, link: str) -> Robot:
    """The same robot with another end effector.

    Raises:
        UnknownLinkError: If there is no such link.
    """
    self.check_link(link)
    return replace(self, end_effector=link)


def with_tool(
    self: Robot,
    xyz: ArrayLike = (0.0, 0.0, 0.0),
    rpy: ArrayLike = (0.0, 0.0, 0.0),
    name: str | None = None,
) -> Robot:
    """The same robot with a tool on its end effector; the tool is the new end effector.

    Args:
        self: The robot.
        xyz: Position of the tool in the end effector's frame, m. Shape `(3,)`.
        rpy: Orientation of the tool in the end effector's frame, rad. Shape `(3,)`.
        name: Name of the new link; None: `tool`, or `tool_2`, `tool_3`, ... if taken.
    Raises:
        RobotError: If a number is not finite or the name is taken.
    """
    if name in self.link_names:
        raise RobotError(f"name must be new. Received: {name!r}, a link of {self.name!r}.")
    return with_frame(self, frame_from({"xyz": xyz, "rpy": rpy}, "tool"), name)


def with_frame(robot: Robot, frame: np.ndarray, name: str | None = None) -> Robot:
    """The robot with a link fixed to its end effector, as the new end effector."""
    name = Names(robot.link_names).make("tool") if name is None else name
    joint = fixed_frame(robot.joints, robot.end_effector, name, frame)
    return replace(robot, joints=(*robot.joints, joint), end_effector=name)


def with_floating_base(self: Robot, world: str = "world") -> Robot:
    """The same robot on a floating joint, such as a humanoid that walks.

    The first seven entries of its `q` are the position of the old root link in the new one, m, and
    its orientation as a quaternion `wxyz`.

    Args:
        self: The robot.
        world: Name of the new root link, which stands still.
    Raises:
        RobotError: If the name is that of a link, or the joint's, `floating_base`, is taken.
    """
    if world in self.link_names:
        raise RobotError(f"world must be a new name. Received: {world!r}, a link of {self.name!r}.")
    joint = Joint("floating_base", "floating", parent=world, child=self.root_link)
    return replace(self, joints=(joint, *self.joints))


def with_fixed_joints(self: Robot, values: Mapping[str, ArrayLike]) -> Robot:
    """The same robot with some joints fixed; joints that mimic them are fixed with them.

    Args:
        self: The robot.
        values: Joint names of `joint_names` and values, rad or m; a planar or floating
            joint's value is the list of its entries. Limits are not checked.
    Raises:
        UnknownJointError: If a name is not in `joint_names`.
        RobotError: If a value is not finite.
    """
    if not isinstance(values, Mapping):
        raise RobotError(f"values must be a dict of joint names. Received: {values!r}.")
    for name in values:
        if name not in self.joint_names:
            raise UnknownJointError(unknown_name("joint", name, self.joint_names))
    by_index = {self.coordinates[name].index: np.asarray(v) for name, v in values.items()}
    joints = []
    for joint in self.joints:
        coordinate = self.coordinates.get(joint.name)
        if coordinate is not None and coordinate.index in by_index:
            value = by_index[coordinate.index]
            joint = joint.fixed_at(coordinate.multiplier * value + coordinate.offset)
        joints.append(joint)
    return replace(self, joints=tuple(joints))


def with_bodies(self: Robot, bodies: Body | Iterable[Body] | str | os.PathLike[str]) -> Robot:
    """The same robot with these bodies in place of its own.

    To add one, as of an object in the gripper: `robot.with_bodies([*robot.bodies, body])`.

    Args:
        self: The robot.
        bodies: Bodies on links of the robot; or the path of a YAML (extra `fkarm[bodies]`) or JSON
            file of spheres: `{link: [{center: [x, y, z], radius: r}, ...]}`, also under
            `collision_spheres` and `robot_cfg: kinematics:`, as cuRobo has it, or
            `{link: {centers: [...], radii: [...]}}`, as PyRoki has it. Spheres with a negative
            radius, which cuRobo switches off so, are left out.
    Raises:
        MissingFileError: If there is no such file.
        RobotError: If an entry is not a `Body`, a radius is not positive, or the file is not of
            one of these forms.
        UnknownLinkError: If there is no such link.
    """
    if isinstance(bodies, (str, os.PathLike)):
        bodies, lines = read_spheres(bodies)
    else:
        bodies = all_of(Body, bodies, "bodies")
        kept = sum(body in self.bodies for body in bodies)
        lines = tuple(self.notes.get("bodies", ())) if kept == len(self.bodies) else ()
        if kept < len(bodies):
            lines = (*lines, f"bodies that with_bodies was given: {len(bodies) - kept}")
    return replace(self, bodies=bodies, notes={**self.notes, "bodies": lines})


def with_exclusions(
    self: Robot, exclusions: Iterable[Exclusion | tuple[str, str]] | str | os.PathLike[str]
) -> Robot:
    """The same robot with these pairs of links left out, in place of its own exclusions.

    Args:
        self: The robot.
        exclusions: `Exclusion` objects, or pairs of names of links; or the path of an SRDF, whose
            `<disable_collisions>` name the pairs and the reasons, or of a YAML or JSON file with
            `self_collision_ignore: {link: [links]}`, as cuRobo has it. Pairs of a file with links
            that the robot does not have are left out; the report counts them.
    Raises:
        MissingFileError: If there is no such file.
        RobotError: If an entry is neither, or the file is not of its format.
        UnknownLinkError: If there is no such link, or a file names no pair of the robot's links.
    """
    if isinstance(exclusions, (str, os.PathLike)):
        path = Path(exclusions)
        is_table = path.suffix.lower() in (".yml", ".yaml", ".json")
        stated = read_ignored_pairs(path) if is_table else read_srdf(path, self.link_names)
        pairs, lines = pairs_of_robot(str(path), stated, self.link_names)
        ignored = (*self.notes.get("ignored", ()), *lines)
        return replace(self, exclusions=pairs, notes={**self.notes, "ignored": ignored})
    given = (
        Exclusion(*pair) if isinstance(pair, (tuple, list)) and len(pair) == 2 else pair
        for pair in (exclusions if isinstance(exclusions, Iterable) else (exclusions,))
    )
    return replace(self, exclusions=tuple(given))


def with_solids_in_order(robot: Robot) -> Robot:
    """The robot with its bodies and masses in the order of its links, in which they are written."""
    order = {link: number for number, link in enumerate(robot.link_names)}
    in_order: dict[str, Any] = {
        name: tuple(sorted(getattr(robot, name), key=lambda solid: order[solid.link]))
        for name in ("bodies", "masses")
    }
    return replace(robot, **in_order)


def sub_chain(self: Robot, base_link: str, tip_link: str) -> Robot:
    """The serial chain from one link down to another, as a robot of its own.

    Bodies and masses of other links are left out.

    Args:
        self: The robot.
        base_link: The new root; `tip_link` or a link above it.
        tip_link: The new end effector.
    Raises:
        UnknownLinkError: If a link does not exist.
        RobotError: If `base_link` is not on the way from the root to `tip_link`, or a joint
            of the chain mimics one outside it.
    """
    self.check_link(base_link)
    joints = cut_path(self.root_link, self.path_to(tip_link), base_link)
    links = {base_link, *(joint.child for joint in joints)}
    solids: dict[str, Any] = {
        name: tuple(solid for solid in getattr(self, name) if set(links_of(solid)) <= links)
        for name in KINDS
    }
    return replace(self, joints=joints, link_names=(base_link,), end_effector=tip_link, **solids)


def links_of(solid: Any) -> tuple[str, ...]:
    """The links that a body, a mass or an exclusion names."""
    return (solid.link_1, solid.link_2) if isinstance(solid, Exclusion) else (solid.link,)
