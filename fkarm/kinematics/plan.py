"""Which motions lie between a base link and other links; NumPy, float64.

A joint is a row of steps: constant frames and motions (`joints.py`). The joints from the base up to
where the paths to the base and to a link part are passed backwards: their steps in reverse order,
each inverted. So every link can be the base, and a joint that moves both ends takes no part.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import Any, NamedTuple

import numpy as np

from fkarm.config import cached
from fkarm.kinematics.joints import Motion, Step, inverted_step, joint_steps
from fkarm.model import Joint, Robot
from fkarm.model.frames import Matrix, snap


class Node(NamedTuple):
    """A motion, and the frame that it moves."""

    parent: int  # node before it, -1 for the base
    origin: Any  # frame that it moves, in that after `parent`: a (4, 4) matrix, or a `Frame`
    motion: Motion


class Plan(NamedTuple):
    """The motions between a base and some links, and the frames of the links after them."""

    dof: int
    nodes: tuple[Node, ...]
    links: tuple[tuple[int, Any], ...]  # node before the link, constant frame in it

    @property
    def entries(self) -> set[int]:
        """The entries of q that move something."""
        return {entry for node in self.nodes for entry in node.motion.entries}

    @property
    def active(self) -> tuple[int, ...]:
        """The entries of q that move something, in order."""
        return tuple(sorted(self.entries))

    @property
    def freedom(self) -> int:
        """Degrees of freedom; motions of the same entries, as those of mimics, have them once."""
        by_entry = {node.motion.first: node.motion.kind.freedom for node in self.nodes}
        return sum(by_entry.values())


class Skeleton(NamedTuple):
    """A plan without its frames."""

    dof: int
    motions: tuple[tuple[int, Motion], ...]  # node before it, and the motion
    links: tuple[int, ...]  # node before the link

    def with_frames(self, origins: Sequence[Any], link_frames: Sequence[Any]) -> Plan:
        """The plan with frames of the nodes and of the links."""
        pairs = zip(self.motions, origins, strict=True)
        nodes = tuple(Node(parent, origin, motion) for (parent, motion), origin in pairs)
        return Plan(self.dof, nodes, tuple(zip(self.links, link_frames, strict=True)))


def skeleton_of(plan: Plan) -> Skeleton:
    """A plan without its frames."""
    motions = tuple((parent, motion) for parent, _, motion in plan.nodes)
    return Skeleton(plan.dof, motions, tuple(above for above, _ in plan.links))


def plan_chain(robot: Robot, links: tuple[str, ...], base: str | None = None) -> Plan:
    """The plan for the poses of `links` in `base` (None: the root link).

    Only joints between the base and one of the links are in it.
    """
    return _plan(robot, links, robot.root_link if base is None else base)


@cached(256)
def _plan(robot: Robot, links: tuple[str, ...], base: str) -> Plan:
    upwards, downwards = ways(robot, links, base)
    nodes: list[Node] = []
    frames: dict[str, tuple[int, Matrix]] = {base: (-1, np.eye(4))}  # node before, frame after it

    def steps(joint: Joint) -> list[Step]:
        return joint_steps(joint, robot.coordinates.get(joint.name))

    def add_link(link: str, neighbour: str, way: Iterable[Step]) -> None:
        above, frame = frames[neighbour]
        for step in way:
            if isinstance(step, Motion):
                nodes.append(Node(above, frame, step))
                above, frame = len(nodes) - 1, np.eye(4)
            else:
                frame = snap(frame @ step)
        frames[link] = (above, frame)

    for joint in upwards:
        add_link(str(joint.parent), str(joint.child), map(inverted_step, reversed(steps(joint))))
    for joint in downwards:
        add_link(str(joint.child), str(joint.parent), steps(joint))
    return Plan(robot.dof, tuple(nodes), tuple(frames[link] for link in links))


def ways(robot: Robot, links: tuple[str, ...], base: str) -> tuple[list[Joint], list[Joint]]:
    """Joints from the base upwards, and those downwards to the links, parents first."""
    to_base = robot.path_to(base)
    forks = []  # how many joints the path to each link has in common with that to the base
    downwards: set[str] = set()
    for link in links:
        path = robot.path_to(link)
        common = takewhile(lambda pair: pair[0] is pair[1], zip(to_base, path, strict=False))
        forks.append(len(list(common)))
        downwards.update(joint.name for joint in path[forks[-1] :])
    upwards = list(reversed(to_base[min(forks) :]))
    return upwards, [joint for joint in robot.joints if joint.name in downwards]
