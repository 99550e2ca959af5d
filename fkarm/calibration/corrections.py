"""What can be wrong with a robot, as numbers, and the robot with these numbers put right.

A joint's frame at zero is `before @ origin @ after`: a change in the parent link's frame, the
nominal origin, a change in the joint's own frame. The joint's value is
`sense * (q + gain * q + cosine * cos q + sine * sin q) + offset`. A change of six numbers is
a position and a rotation vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from fkarm.calibration.rigid import Array, rigid
from fkarm.kinematics.arguments import check_configuration_shape, configuration_array
from fkarm.model import Joint, Mimic, Robot
from fkarm.model.frames import Matrix, make_frame, placement, snap
from fkarm.model.named import joint_of_entry
from fkarm.model.names import Names
from fkarm.model.serial import fixed_frame

BY_ENTRY = ("offset", "gain", "cosine", "sine")  # numbers per entry of q


class Layout(NamedTuple):
    """Where the corrections of a robot are in one vector, all zero for the nominal robot."""

    joints: tuple[str, ...]  # all joints, fixed ones included
    dof: int

    @property
    def slots(self) -> int:
        """Changes of six numbers: of the base, before and after every origin, of the tool."""
        return 2 * len(self.joints) + 2

    @property
    def size(self) -> int:
        """Length of the vector."""
        return 6 * self.slots + len(BY_ENTRY) * self.dof

    def slot(self, place: str, joint: str = "") -> int:
        """The change at a place: `"base"`, `"before"` or `"after"` a joint's origin, `"tool"`."""
        if place in ("base", "tool"):
            return 0 if place == "base" else self.slots - 1
        return 1 + self.joints.index(joint) + (len(self.joints) if place == "after" else 0)

    def of_entry(self, kind: str, entry: int) -> int:
        """Index in the vector of a number of an entry of q."""
        return 6 * self.slots + BY_ENTRY.index(kind) * self.dof + entry

    def split(self, vector: Array) -> tuple[Array, Array]:
        """The changes `(slots, 6)` and the numbers of the entries of q, `(4, dof)`."""
        count = 6 * self.slots
        return vector[:count].reshape((self.slots, 6)), vector[count:].reshape((-1, self.dof))


def layout_of(robot: Robot) -> Layout:
    """The layout of a robot's corrections."""
    return Layout(tuple(joint.name for joint in robot.joints), robot.dof)


def corrected_robot(robot: Robot, vector: Array, senses: Sequence[int]) -> Robot:
    """The robot with its corrections but for those of the tool, of gains and of harmonics.

    Offsets and senses become part of origins and axes; limits move along with them.
    """
    layout = layout_of(robot)
    changes, numbers = layout.split(np.asarray(vector, float))
    frames = rigid(changes)
    joints = []
    for number, joint in enumerate(robot.joints):
        before, after = frames[1 + number], frames[1 + len(robot.joints) + number]
        origin = before @ joint.origin @ after
        if joint.parent == robot.root_link:
            origin = frames[0] @ origin
        coordinate = robot.coordinates.get(joint.name)
        if coordinate is None or len(joint.entries) != 1:
            joints.append(_at(joint, origin))
            continue
        offset, sense = float(numbers[0, coordinate.index]), int(senses[coordinate.index])
        if joint.mimic is not None:
            joints.append(_at(_follower(robot, joint, offset, sense), origin))
        else:
            joints.append(_at(_turned(joint, offset, sense), origin @ _motion(joint, offset)))
    return replace(robot, joints=tuple(joints))


def with_point(robot: Robot, link: str, tool: Array) -> tuple[Robot, str]:
    """The robot with a link at the corrected tool, and the name of that link."""
    name = Names(robot.link_names).make("point")
    joint = fixed_frame(robot.joints, link, name, snap(rigid(tool)))
    return replace(robot, joints=(*robot.joints, joint)), name


def configuration_of(robot: Robot, q: Any) -> Array:
    """Checked configurations `(..., dof)`, float64."""
    q = configuration_array("q", q)
    check_configuration_shape(robot, q.shape)
    return q


def measured_to_joint(numbers: Array, q: Array) -> Array:
    """`q + gain * q + cosine * cos q + sine * sin q`, shape of `q`."""
    _, gain, cosine, sine = numbers
    return np.asarray(q + gain * q + cosine * np.cos(q) + sine * np.sin(q))


def _at(joint: Joint, origin: Matrix) -> Joint:
    if np.array_equal(origin, joint.origin):
        return joint
    return replace(joint, **placement(origin))


def _motion(joint: Joint, value: float) -> Matrix:
    """The motion of a joint by a value, without its origin."""
    frame, along = joint.z_to_axis, (0.0, 0.0, value)
    motion = make_frame(along) if joint.is_prismatic else make_frame((0.0, 0.0, 0.0), along)
    return snap(frame @ motion @ frame.T)


def _turned(joint: Joint, offset: float, sense: int) -> Joint:
    """A joint whose value zero was at `-offset`, and whose value may count backwards."""
    lower, upper = joint.lower - offset, joint.upper - offset
    if sense < 0:
        lower, upper = -upper, -lower
    axis = tuple(sense * x + 0.0 for x in joint.axis)
    return replace(joint, axis=axis, lower=lower, upper=upper)


def _follower(robot: Robot, joint: Joint, offset: float, sense: int) -> Joint:
    """A joint that follows the first of its chain of mimics as before."""
    coordinate = robot.coordinates[joint.name]
    leader = joint_of_entry(robot, coordinate.index)
    multiplier = coordinate.multiplier
    shift = coordinate.offset + multiplier * offset
    return replace(joint, mimic=Mimic(leader.name, multiplier * sense, shift))
