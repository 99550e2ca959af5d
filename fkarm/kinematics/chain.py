"""How a tree of joints becomes arithmetic on entries, with its derivatives.

`plan_chain` (NumPy, float64) folds every fixed transform into its neighbours and turns each
joint frame so that its axis is z. `chain_frames` carries the nine entries of a rotation and
the three of an origin from the root to the tips, as separate arrays with the batch as their
only axes. `twists` and `push_forward` are the derivative of that forwards, `link_wrench` and
`pull_back` the derivative backwards. There is no matmul: accelerators would drop it to TF32.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from keras import ops

from fkarm._types import Tensor
from fkarm.kinematics.entries import (
    ZERO,
    Entry,
    Frame,
    Vector,
    add,
    combine,
    cross,
    dot,
    plus,
    scaled,
    subtract,
    times,
)
from fkarm.kinematics.joints import KINDS, Motion, Turn, Wrench
from fkarm.model import Robot
from fkarm.model.frames import Matrix, snap
from fkarm.model.tree import Coordinate

# Sines and cosines of a tensor of angles.
SinCos = Callable[[Tensor], tuple[Tensor, Tensor]]
# Velocity of the point at the root's origin, and angular velocity.
Twist = tuple[Vector, Vector]


class Node(NamedTuple):
    """A moving joint, its frame turned so that it moves about or along z."""

    parent: int  # node above it, -1 for the root link
    origin: Matrix  # frame of the joint at zero in the frame of `parent`, (4, 4)
    type: str
    coordinate: Coordinate

    def values(self, q: Sequence[Entry]) -> list[Entry]:
        """The joint's values."""
        index, multiplier, offset = (
            self.coordinate.index,
            self.coordinate.multiplier,
            self.coordinate.offset,
        )
        own = q[index : index + KINDS[self.type].size]
        return [add(times(multiplier, each), offset) for each in own]


class Plan(NamedTuple):
    """The moving joints on the way to some links, and where the links sit on them."""

    dof: int
    nodes: tuple[Node, ...]
    links: tuple[tuple[int, Matrix], ...]  # node above the link, constant frame in it


class Chain(NamedTuple):
    """A plan at a configuration: frames in the root link."""

    before: list[Frame]  # of each node, at zero of its joint
    after: list[Frame]  # moved by its joint
    links: list[Frame]


class Column(NamedTuple):
    """The part of a Jacobian's column that one node adds."""

    node: int  # place in the plan's nodes
    entry: int  # place in q
    multiplier: float
    motion: Motion


@lru_cache(maxsize=256)
def plan_chain(robot: Robot, links: tuple[str, ...]) -> Plan:
    """The plan for the poses of `links`; only joints on the way to them are in it."""
    needed = {joint.name for link in links for joint in robot.path_to(link)}
    placed: dict[str, tuple[int, Matrix]] = {robot.root_link: (-1, np.eye(4))}
    nodes: list[Node] = []
    for joint in robot.joints:
        if joint.name not in needed:
            continue
        above, frame = placed[str(joint.parent)]
        frame = snap(frame @ joint.origin)
        if not joint.is_fixed:
            node = Node(
                above,
                snap(frame @ joint.z_to_axis),
                joint.type,
                robot.coordinates[joint.name],
            )
            above, frame = len(nodes), joint.z_to_axis.T
            nodes.append(node)
        placed[str(joint.child)] = (above, frame)
    return Plan(robot.dof, tuple(nodes), tuple(placed[link] for link in links))


def chain_frames(plan: Plan, q: Sequence[Tensor], sincos: SinCos) -> Chain:
    """Frames of the plan's joints and links.

    Args:
        plan: What to compute.
        q: The entries of the joint configuration, each of the batch shape.
        sincos: What computes all sines and cosines, in one call. Shapes `(n, ...)`.
    """
    before: list[Frame] = []
    after: list[Frame] = []
    for node, turn in zip(plan.nodes, _turns(plan, q, sincos), strict=True):
        frame = _moved(_parent(after, node.parent), node.origin)
        before.append(frame)
        after.append(KINDS[node.type].move(frame, node.values(q), turn))
    links = [_moved(_parent(after, above), frame) for above, frame in plan.links]
    return Chain(before, after, links)


def columns(plan: Plan, q: Sequence[Tensor], chain: Chain) -> list[Column]:
    """What each entry of `q` moves, node after node."""
    found = []
    for index, node in enumerate(plan.nodes):
        moved = KINDS[node.type].motions(chain.before[index], chain.after[index], node.values(q))
        start, multiplier = node.coordinate.index, node.coordinate.multiplier
        found += [Column(index, start + k, multiplier, motion) for k, motion in enumerate(moved)]
    return found


def twists(plan: Plan, parts: Sequence[Column], rates: Sequence[Entry]) -> list[Twist]:
    """The twist of each node for rates of `q`."""
    found: list[Twist] = []
    for index, node in enumerate(plan.nodes):
        twist = found[node.parent] if node.parent >= 0 else (ZERO, ZERO)
        for part in parts:
            if part.node == index:
                axis, point = part.motion
                change = scaled(times(part.multiplier, rates[part.entry]), axis)
                added = (change, ZERO) if point is None else (cross(point, change), change)
                twist = _sum(twist, added)
        found.append(twist)
    return found


def push_forward(plan: Plan, velocities: Sequence[Twist], links: Sequence[Frame]) -> list[Frame]:
    """Changes of the link frames for twists of the nodes: the derivative, forwards."""
    changes = []
    for (above, _), frame in zip(plan.links, links, strict=True):
        linear, angular = velocities[above] if above >= 0 else (ZERO, ZERO)
        x, y, z = (cross(angular, column) for column in frame.columns)
        changes.append(Frame((x, y, z), plus(linear, cross(angular, frame.origin))))
    return changes


def link_wrench(frame: Frame, cotangent: Frame) -> Wrench:
    """Force and moment at a link's origin, in its own axes, that stand for a cotangent.

    `R^T f` and `sum_k e_k x R^T g_k`, for the cotangents `f` of the origin, `g_k` of the columns.
    """
    x, y, z = frame.columns
    g_x, g_y, g_z = cotangent.columns
    f = cotangent.origin
    moment = (
        subtract(dot(z, g_y), dot(y, g_z)),
        subtract(dot(x, g_z), dot(z, g_x)),
        subtract(dot(y, g_x), dot(x, g_y)),
    )
    return (dot(x, f), dot(y, f), dot(z, f)), moment


def pull_back(
    plan: Plan, q: Sequence[Tensor], wrenches: Sequence[Wrench], sincos: SinCos
) -> list[Entry]:
    """Cotangents of `q` from wrenches on the links: the derivative, backwards.

    From the tips to the root, each wrench in the axes of its node: a joint takes the component
    along its own axis, and hands the wrench on to the node above.
    """
    turns = _turns(plan, q, sincos)
    found: list[Wrench] = [(ZERO, ZERO)] * len(plan.nodes)
    for (above, constant), wrench in zip(plan.links, wrenches, strict=True):
        if above >= 0:
            found[above] = _sum(found[above], _carried(constant, wrench))
    totals: list[Entry] = [0.0] * plan.dof
    for index in reversed(range(len(plan.nodes))):
        node = plan.nodes[index]
        taken, wrench = KINDS[node.type].take(node.values(q), turns[index], found[index])
        for entry, each in enumerate(taken, start=node.coordinate.index):
            totals[entry] = add(totals[entry], times(node.coordinate.multiplier, each))
        if node.parent >= 0:
            found[node.parent] = _sum(found[node.parent], _carried(node.origin, wrench))
    return totals


_ROOT = Frame(((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)), ZERO)


def _parent(frames: Sequence[Frame], index: int) -> Frame:
    return _ROOT if index < 0 else frames[index]


def _moved(frame: Frame, constant: Matrix) -> Frame:
    """`frame` times a constant transform."""
    x, y, z, step = (combine(frame.columns, weights) for weights in constant[:3].T.tolist())
    return Frame((x, y, z), plus(frame.origin, step))


def _turns(plan: Plan, q: Sequence[Tensor], sincos: SinCos) -> list[Turn]:
    """Sine and cosine of the turn about z of each node; of zero, if it has none."""
    angles: list[Entry] = []
    for node in plan.nodes:
        angle = KINDS[node.type].angle
        angles.append(0.0 if angle is None else node.values(q)[angle])
    # A mimic with the multiplier 0 holds still: its angle is a constant too.
    variable = [angle for angle in angles if not isinstance(angle, float)]
    if variable:
        pair = sincos(ops.stack(variable, axis=0))
        found = zip(*(ops.unstack(each, len(variable), axis=0) for each in pair), strict=True)
    return [
        (math.sin(angle), math.cos(angle)) if isinstance(angle, float) else next(found)
        for angle in angles
    ]


def _sum(a: tuple[Vector, Vector], b: tuple[Vector, Vector]) -> tuple[Vector, Vector]:
    return plus(a[0], b[0]), plus(a[1], b[1])


def _carried(constant: Matrix, wrench: Wrench) -> Wrench:
    """A wrench at the origin of a constant frame, in the frame around it."""
    x, y, z, step = ((u, v, w) for u, v, w in constant[:3].T.tolist())
    force, moment = (combine((x, y, z), vector) for vector in wrench)
    return force, plus(moment, cross(step, force))
