"""How a tree of motions becomes arithmetic on entries, with its derivatives.

`chain_frames` carries the nine entries of a rotation and the three of an origin from the base to
the tips, as separate arrays with the batch as their only axes. Each origin is measured from that
of the frame before it: what does not depend on how far the base stands, as Jacobians, keeps all its
digits. `twists` and `push_forward` are the derivative of poses forwards, `link_wrench` and
`pull_back` the derivative backwards. There is no matmul: accelerators would drop it to TF32.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

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
from fkarm.kinematics.motions import Turn, Wrench
from fkarm.kinematics.plan import Plan
from fkarm.model.frames import Matrix

# Sines and cosines of a tensor of angles.
SinCos = Callable[[Tensor], tuple[Tensor, Tensor]]
# Velocity of a point, and angular velocity.
Twist = tuple[Vector, Vector]


class Chain(NamedTuple):
    """A plan at a configuration: frames in the base's axes, each origin from the one before.

    The origins of a node's frames and of links are measured from the origin that the node before
    them moved.
    """

    before: list[Frame]  # of each node, before it moves
    after: list[Frame]  # moved
    links: list[Frame]


class Column(NamedTuple):
    """The part of a Jacobian's column that one node adds."""

    node: int  # place in the plan's nodes
    entry: int  # place in q
    multiplier: float | Tensor
    axis: Vector  # angular velocity about the node's origin, or direction of sliding
    turns: bool


def chain_frames(plan: Plan, q: Sequence[Tensor], sincos: SinCos) -> Chain:
    """Frames of the plan's nodes and links.

    Args:
        plan: What to compute.
        q: The entries of the joint configuration, each of the batch shape.
        sincos: What computes all sines and cosines, in one call. Shapes `(n, ...)`.
    """
    before: list[Frame] = []
    after: list[Frame] = []
    for node, turn in zip(plan.nodes, _turns(plan, q, sincos), strict=True):
        frame = _moved(after, node.parent, node.origin)
        before.append(frame)
        after.append(node.motion.kind.move(frame, node.motion.values(q), turn))
    links = [_moved(after, above, frame) for above, frame in plan.links]
    return Chain(before, after, links)


def link_frames(plan: Plan, chain: Chain) -> list[Frame]:
    """Frames of the links with their origins measured from the base."""
    origins: list[Vector] = []
    for node, frame in zip(plan.nodes, chain.after, strict=True):
        origins.append(plus(_above(origins, node.parent), frame.origin))
    return [
        Frame(frame.columns, plus(_above(origins, above), frame.origin))
        for (above, _), frame in zip(plan.links, chain.links, strict=True)
    ]


def link_levers(plan: Plan, chain: Chain, link: int = 0) -> dict[int, Vector]:
    """For each node on the way to a link: the link's origin, measured from the node's."""
    found: dict[int, Vector] = {}
    node, lever = plan.links[link][0], chain.links[link].origin
    while node >= 0:
        found[node] = lever
        lever = plus(chain.after[node].origin, lever)
        node = plan.nodes[node].parent
    return found


def columns(plan: Plan, q: Sequence[Tensor], chain: Chain) -> list[Column]:
    """What each entry of `q` moves, node after node."""
    found = []
    for index, (_, _, motion) in enumerate(plan.nodes):
        kind = motion.kind
        axes = kind.axes(chain.before[index], motion.values(q))
        for entry, multiplier, axis in zip(motion.entries, motion.multipliers, axes, strict=True):
            found.append(Column(index, entry, multiplier, axis, kind.turns))
    return found


def link_twist(part: Column, lever: Vector) -> Twist:
    """Velocity of a link's origin, and its angular velocity, per unit rate of the part's entry."""
    change = scaled(part.multiplier, part.axis)
    return (cross(change, lever), change) if part.turns else (change, ZERO)


def link_twists(plan: Plan, parts: Sequence[Column], chain: Chain, link: int = 0) -> list[Twist]:
    """The geometric Jacobian of one of the plan's links: a twist for each entry of `q`."""
    levers = link_levers(plan, chain, link)
    sums: list[Twist] = [(ZERO, ZERO)] * plan.dof
    for part in parts:
        if part.node in levers:
            twist = link_twist(part, levers[part.node])
            sums[part.entry] = sum_of_twists(sums[part.entry], twist)
    return sums


def sum_of_twists(a: Twist, b: Twist) -> Twist:
    """The sum of two twists."""
    return plus(a[0], b[0]), plus(a[1], b[1])


def twists(
    plan: Plan, parts: Sequence[Column], chain: Chain, rates: Sequence[Entry]
) -> list[Twist]:
    """The twist of each node, its origin's velocity first, for rates of `q`."""
    found: list[Twist] = []
    for index, node in enumerate(plan.nodes):
        linear, angular = found[node.parent] if node.parent >= 0 else (ZERO, ZERO)
        linear = plus(linear, cross(angular, chain.after[index].origin))
        for part in parts:
            if part.node == index:
                change = scaled(times(part.multiplier, rates[part.entry]), part.axis)
                if part.turns:
                    angular = plus(angular, change)
                else:
                    linear = plus(linear, change)
        found.append((linear, angular))
    return found


def push_forward(plan: Plan, velocities: Sequence[Twist], chain: Chain) -> list[Frame]:
    """Changes of the link frames for twists of the nodes: the derivative, forwards."""
    changes = []
    for (above, _), frame in zip(plan.links, chain.links, strict=True):
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

    From the tips to the base, each wrench in the axes of its node: a motion takes the component
    along its own axis, and hands the wrench on to the node before.
    """
    turns = _turns(plan, q, sincos)
    found: list[Wrench] = [(ZERO, ZERO)] * len(plan.nodes)
    for (above, constant), wrench in zip(plan.links, wrenches, strict=True):
        if above >= 0:
            found[above] = _sum(found[above], _carried(constant, wrench))
    totals: list[Entry] = [0.0] * plan.dof
    for index in reversed(range(len(plan.nodes))):
        parent, origin, motion = plan.nodes[index]
        taken, wrench = motion.kind.take(motion.values(q), turns[index], found[index])
        for entry, multiplier, each in zip(motion.entries, motion.multipliers, taken, strict=True):
            totals[entry] = add(totals[entry], times(multiplier, each))
        if parent >= 0:
            found[parent] = _sum(found[parent], _carried(origin, wrench))
    return totals


_AXES: tuple[Vector, Vector, Vector] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


def _above(origins: Sequence[Vector], node: int) -> Vector:
    return origins[node] if node >= 0 else ZERO


def _moved(after: Sequence[Frame], node: int, constant: Matrix) -> Frame:
    """A constant frame behind a node; its origin from the node's."""
    axes = after[node].columns if node >= 0 else _AXES
    x, y, z, origin = (combine(axes, weights) for weights in constant[:3].T.tolist())
    return Frame((x, y, z), origin)


def _turns(plan: Plan, q: Sequence[Tensor], sincos: SinCos) -> list[Turn]:
    """Sine and cosine of the turn about z of each node; of zero, if it has none."""
    angles: list[Entry] = []
    for _, _, motion in plan.nodes:
        angles.append(motion.values(q)[0] if motion.kind.has_angle else 0.0)
    # A mimic with the multiplier 0 holds still: its angle is a constant too.
    variable = [angle for angle in angles if not isinstance(angle, float)]
    if variable:
        pair = sincos(ops.stack(variable, axis=0))
        found = zip(*(ops.unstack(each, len(variable), axis=0) for each in pair), strict=True)
    return [
        (math.sin(angle), math.cos(angle)) if isinstance(angle, float) else next(found)
        for angle in angles
    ]


def _sum(a: Wrench, b: Wrench) -> Wrench:
    return plus(a[0], b[0]), plus(a[1], b[1])


def _carried(constant: Matrix, wrench: Wrench) -> Wrench:
    """A wrench at the origin of a constant frame, in the frame around it."""
    x, y, z, step = ((u, v, w) for u, v, w in constant[:3].T.tolist())
    force, moment = (combine((x, y, z), vector) for vector in wrench)
    return force, plus(moment, cross(step, force))
