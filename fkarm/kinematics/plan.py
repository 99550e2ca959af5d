"""Which motions lie between a base link and other links; NumPy, float64.

A joint is a row of constant frames and of turns and slides about and along z: a planar joint
slides twice and turns, a floating joint slides three times and turns. The joints from the
base up to where the ways to it and to a link part are passed backwards: their steps in the other
order, each inverted. So every link can be the base, and no joint takes part that moves both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import takewhile
from typing import NamedTuple

import numpy as np

from fkarm.kinematics.entries import Entry, add, times
from fkarm.model import Joint, Robot
from fkarm.model.frames import Matrix, invert, rotation_to_axis, snap


class Motion(NamedTuple):
    """A turn or slide about or along the z of the frame it is in."""

    type: str  # of `joints.KINDS`
    first: int  # of its entries of q
    multipliers: tuple[float, ...]  # of its entries of q
    offset: float = 0.0

    @property
    def entries(self) -> range:
        """Its entries of q."""
        return range(self.first, self.first + len(self.multipliers))

    def values(self, q: Sequence[Entry]) -> list[Entry]:
        """How far it turns or slides; the quaternion of a spherical one."""
        pairs = zip(self.multipliers, self.entries, strict=True)
        return [add(times(multiplier, q[entry]), self.offset) for multiplier, entry in pairs]

    def inverted(self) -> Motion:
        """The motion back; its quaternion is the conjugate."""
        signs = (1.0, -1.0, -1.0, -1.0) if self.type == "spherical" else (-1.0,)
        multipliers = tuple(a * b for a, b in zip(signs, self.multipliers, strict=True))
        return self._replace(multipliers=multipliers, offset=-self.offset)


Step = Matrix | Motion


class Node(NamedTuple):
    """A motion, and where it starts."""

    parent: int  # node before it, -1 for the base
    origin: Matrix  # frame that it moves, in the frame that `parent` moved, (4, 4)
    motion: Motion


class Plan(NamedTuple):
    """The motions on the way from a base to some links, and where the links sit on them."""

    dof: int
    nodes: tuple[Node, ...]
    links: tuple[tuple[int, Matrix], ...]  # node before the link, constant frame in it

    @property
    def entries(self) -> set[int]:
        """The entries of q that move something."""
        return {entry for node in self.nodes for entry in node.motion.entries}

    @property
    def freedom(self) -> int:
        """Degrees of freedom: the entries, without the length of each quaternion."""
        quaternions = {n.motion.first for n in self.nodes if n.motion.type == "spherical"}
        return len(self.entries) - len(quaternions)


def plan_chain(robot: Robot, links: tuple[str, ...], base: str | None = None) -> Plan:
    """The plan for the poses of `links` in `base` (None: the root link).

    Only joints between the base and one of the links are in it.
    """
    return _plan(robot, links, robot.root_link if base is None else base)


@lru_cache(maxsize=256)
def _plan(robot: Robot, links: tuple[str, ...], base: str) -> Plan:
    upwards, downwards = _ways(robot, links, base)
    nodes: list[Node] = []
    placed: dict[str, tuple[int, Matrix]] = {base: (-1, np.eye(4))}

    def place(link: str, after: str, steps: Iterable[Step]) -> None:
        above, frame = placed[after]
        for step in steps:
            if isinstance(step, Motion):
                nodes.append(Node(above, frame, step))
                above, frame = len(nodes) - 1, np.eye(4)
            else:
                frame = snap(frame @ step)
        placed[link] = (above, frame)

    for joint in upwards:
        place(str(joint.parent), str(joint.child), map(_inverted, reversed(_steps(robot, joint))))
    for joint in downwards:
        place(str(joint.child), str(joint.parent), _steps(robot, joint))
    return Plan(robot.dof, tuple(nodes), tuple(placed[link] for link in links))


def _ways(robot: Robot, links: tuple[str, ...], base: str) -> tuple[list[Joint], list[Joint]]:
    """Joints from the base upwards, and those down to the links, parents first."""
    to_base = robot.path_to(base)
    turning_points = []
    needed: set[str] = set()
    for link in links:
        path = robot.path_to(link)
        both = takewhile(lambda pair: pair[0] is pair[1], zip(to_base, path, strict=False))
        turning_points.append(len(list(both)))
        needed.update(joint.name for joint in path[turning_points[-1] :])
    upwards = list(reversed(to_base[min(turning_points) :]))
    return upwards, [joint for joint in robot.joints if joint.name in needed]


def _steps(robot: Robot, joint: Joint) -> list[Step]:
    """A joint's constant frames and its motions, from its parent link to its child link."""
    if joint.is_fixed:
        return [joint.origin]
    coordinate = robot.coordinates[joint.name]

    def motion(kind: str, place: int = 0, size: int = 1) -> Motion:
        index = coordinate.index + place
        return Motion(kind, index, (coordinate.multiplier,) * size, coordinate.offset)

    def slides(*frames: Matrix) -> list[Step]:
        pairs = [(frame, motion("prismatic", place)) for place, frame in enumerate(frames)]
        return [step for frame, slide in pairs for step in (frame, slide, frame.T)]

    own: list[Step]
    if joint.type == "planar":
        own = [*slides(_Z_TO_X, _Z_TO_Y), motion("revolute", 2)]
    elif joint.type == "floating":
        own = [*slides(_Z_TO_X, _Z_TO_Y, np.eye(4)), motion("spherical", 3, 4)]
    else:
        own = [motion(joint.type, size=len(joint.entries))]
    return [joint.origin, joint.z_to_axis, *own, joint.z_to_axis.T]


def _inverted(step: Step) -> Step:
    return step.inverted() if isinstance(step, Motion) else invert(step)


def _frame_along(axis: tuple[float, float, float]) -> Matrix:
    frame = np.eye(4)
    frame[:3, :3] = rotation_to_axis(axis)
    return frame


_Z_TO_X, _Z_TO_Y = _frame_along((1.0, 0.0, 0.0)), _frame_along((0.0, 1.0, 0.0))
