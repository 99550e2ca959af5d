"""Which motions lie between a base link and other links; NumPy, float64.

A joint is a row of steps: constant frames and motions (`joints.py`). The joints from the base up to
where the paths to the base and to a link part are passed backwards: their steps in reverse order,
each inverted. So every link can be the base, and a joint that moves both ends takes no part.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import takewhile
from typing import NamedTuple

import numpy as np

from fkarm.kinematics.joints import Motion, Step, inverted_step, joint_steps
from fkarm.model import Joint, Robot
from fkarm.model.frames import Matrix, snap


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
        """Degrees of freedom; motions of the same entries, as those of mimics, have them once."""
        by_entry = {node.motion.first: node.motion.kind.freedom for node in self.nodes}
        return sum(by_entry.values())


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

    def steps(joint: Joint) -> list[Step]:
        return joint_steps(joint, robot.coordinates.get(joint.name))

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
        place(str(joint.parent), str(joint.child), map(inverted_step, reversed(steps(joint))))
    for joint in downwards:
        place(str(joint.child), str(joint.parent), steps(joint))
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
