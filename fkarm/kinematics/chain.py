"""How a tree of motions becomes arithmetic on entries, with its derivatives.

`chain_frames` carries the nine entries of a rotation and the three of an origin from the base to
the tips, as separate arrays with the batch as their only axes. Each origin is measured from that
of the frame before it, so what does not depend on the distance of the base, such as a Jacobian,
keeps all its digits. `twists` and `push_forward` are the forward derivative of poses, `link_wrench`
and `pull_back` the reverse one. There is no matmul: accelerators would round it to TF32.
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
    mul,
    sub,
    vec_add,
    vec_scale,
)
from fkarm.kinematics.motions import Turn, Wrench
from fkarm.kinematics.plan import Plan
from fkarm.model.frames import Matrix

# Sines and cosines of a tensor of angles.
SinCos = Callable[[Tensor], tuple[Tensor, Tensor]]
# Velocity of a point, and angular velocity.
Twist = tuple[Vector, Vector]


class Chain(NamedTuple):
    """A plan at a configuration: frames in the axes of the base.

    The origin of a node's frames, or of a link, is measured from the origin of the node before it,
    after that node's motion.
    """

    before: list[Frame]  # of each node, before its motion
    after: list[Frame]  # of each node, after its motion
    links: list[Frame]


class Screw(NamedTuple):
    """The axis about which, or along which, one entry of `q` moves one node."""

    node: int  # index in the plan's nodes
    entry: int  # index in q
    multiplier: float | Tensor  # of the entry
    axis: Vector  # angular velocity about the node's origin, or direction of sliding
    turns: bool  # whether it is an angular velocity


def chain_frames(plan: Plan, q: Sequence[Tensor], sincos: SinCos) -> Chain:
    """Frames of the plan's nodes and links.

    Args:
        plan: What to compute.
        q: The entries of the joint configuration, each of the batch shape.
        sincos: Computes all sines and cosines in one call. Shapes `(n, ...)`.
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
    """Frames of the links with their origins measured from that of the base."""
    origins: list[Vector] = []
    for node, frame in zip(plan.nodes, chain.after, strict=True):
        origins.append(vec_add(_above(origins, node.parent), frame.origin))
    return [
        Frame(frame.axes, vec_add(_above(origins, above), frame.origin))
        for (above, _), frame in zip(plan.links, chain.links, strict=True)
    ]


def link_levers(plan: Plan, chain: Chain, link: int = 0) -> dict[int, Vector]:
    """For each node between base and link: the link's origin, measured from that of the node."""
    levers: dict[int, Vector] = {}
    node, lever = plan.links[link][0], chain.links[link].origin
    while node >= 0:
        levers[node] = lever
        lever = vec_add(chain.after[node].origin, lever)
        node = plan.nodes[node].parent
    return levers


def screws(plan: Plan, q: Sequence[Tensor], chain: Chain) -> list[Screw]:
    """The axes of all motions, node after node; one for each entry of `q` that a motion has."""
    return [
        Screw(index, entry, multiplier, axis, motion.kind.turns)
        for index, (_, _, motion) in enumerate(plan.nodes)
        for entry, multiplier, axis in zip(
            motion.entries,
            motion.multipliers,
            motion.kind.screw_axes(chain.before[index], motion.values(q)),
            strict=True,
        )
    ]


def link_twist(screw: Screw, lever: Vector) -> Twist:
    """Velocity of a link's origin, and its angular velocity, per unit rate of the screw's entry."""
    velocity = vec_scale(screw.multiplier, screw.axis)
    return (cross(velocity, lever), velocity) if screw.turns else (velocity, ZERO)


def link_twists(
    plan: Plan, motion_screws: Sequence[Screw], chain: Chain, link: int = 0
) -> list[Twist]:
    """The geometric Jacobian of one of the plan's links: a twist for each entry of `q`."""
    levers = link_levers(plan, chain, link)
    jacobian: list[Twist] = [(ZERO, ZERO)] * plan.dof
    for screw in motion_screws:
        if screw.node in levers:
            twist = link_twist(screw, levers[screw.node])
            jacobian[screw.entry] = sum_of_twists(jacobian[screw.entry], twist)
    return jacobian


def sum_of_twists(a: Twist, b: Twist) -> Twist:
    """The sum of two twists, or of two wrenches."""
    return vec_add(a[0], b[0]), vec_add(a[1], b[1])


def twists(
    plan: Plan, motion_screws: Sequence[Screw], chain: Chain, rates: Sequence[Entry]
) -> list[Twist]:
    """The twist of each node, the velocity of its origin first, for rates of `q`."""
    node_twists: list[Twist] = []
    for index, node in enumerate(plan.nodes):
        linear, angular = node_twists[node.parent] if node.parent >= 0 else (ZERO, ZERO)
        linear = vec_add(linear, cross(angular, chain.after[index].origin))
        for screw in motion_screws:
            if screw.node == index:
                velocity = vec_scale(mul(screw.multiplier, rates[screw.entry]), screw.axis)
                if screw.turns:
                    angular = vec_add(angular, velocity)
                else:
                    linear = vec_add(linear, velocity)
        node_twists.append((linear, angular))
    return node_twists


def push_forward(plan: Plan, velocities: Sequence[Twist], chain: Chain) -> list[Frame]:
    """Changes of the link frames for twists of the nodes: the forward derivative."""
    changes = []
    for (above, _), frame in zip(plan.links, chain.links, strict=True):
        linear, angular = velocities[above] if above >= 0 else (ZERO, ZERO)
        x, y, z = (cross(angular, axis) for axis in frame.axes)
        changes.append(Frame((x, y, z), vec_add(linear, cross(angular, frame.origin))))
    return changes


def link_wrench(frame: Frame, cotangent: Frame) -> Wrench:
    """Force and moment at a link's origin, in the link's axes, that a cotangent of its pose means.

    `R^T f` and `sum_k e_k x R^T g_k`, for the cotangents `f` of the origin and `g_k` of the axes.
    """
    x, y, z = frame.axes
    g_x, g_y, g_z = cotangent.axes
    f = cotangent.origin
    moment = (
        sub(dot(z, g_y), dot(y, g_z)),
        sub(dot(x, g_z), dot(z, g_x)),
        sub(dot(y, g_x), dot(x, g_y)),
    )
    return (dot(x, f), dot(y, f), dot(z, f)), moment


def placed(before: Frame, frame: Frame) -> Frame:
    """A frame that is given in another one, in the frame around that."""
    x, y, z, step = (combine(before.axes, column) for column in (*frame.axes, frame.origin))
    return Frame((x, y, z), vec_add(before.origin, step))


def inverse(frame: Frame) -> Frame:
    """The inverse of a rigid transform."""
    x, y, z = frame.axes
    a, b, c = (mul(-1.0, dot(axis, frame.origin)) for axis in frame.axes)
    rows = [(x[k], y[k], z[k]) for k in range(3)]
    return Frame((rows[0], rows[1], rows[2]), (a, b, c))


def carried(frame: Frame, wrench: Wrench) -> Wrench:
    """A wrench at the origin of a frame and in its axes, in the frame around it."""
    force, moment = (combine(frame.axes, vector) for vector in wrench)
    return force, vec_add(moment, cross(frame.origin, force))


def pull_back(
    plan: Plan, q: Sequence[Tensor], wrenches: Sequence[Wrench], sincos: SinCos
) -> list[Entry]:
    """Cotangents of `q` from wrenches on the links: the reverse derivative.

    Wrenches go from the tips to the base, each in the axes of its node: a motion takes the
    component along its own axis, and passes the wrench to the node before it.
    """
    turns = _turns(plan, q, sincos)
    on_node: list[Wrench] = [(ZERO, ZERO)] * len(plan.nodes)
    for (above, constant), wrench in zip(plan.links, wrenches, strict=True):
        if above >= 0:
            before = carried(constant_frame(constant), wrench)
            on_node[above] = sum_of_twists(on_node[above], before)
    cotangents: list[Entry] = [0.0] * plan.dof
    for index in reversed(range(len(plan.nodes))):
        parent, origin, motion = plan.nodes[index]
        components, wrench = motion.kind.take(motion.values(q), turns[index], on_node[index])
        for entry, multiplier, component in zip(
            motion.entries, motion.multipliers, components, strict=True
        ):
            cotangents[entry] = add(cotangents[entry], mul(multiplier, component))
        if parent >= 0:
            before = carried(constant_frame(origin), wrench)
            on_node[parent] = sum_of_twists(on_node[parent], before)
    return cotangents


_AXES: tuple[Vector, Vector, Vector] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


def _above(origins: Sequence[Vector], node: int) -> Vector:
    return origins[node] if node >= 0 else ZERO


def _moved(after: Sequence[Frame], node: int, constant: Matrix | Frame) -> Frame:
    """A constant frame after a node; its origin measured from that of the node."""
    axes = after[node].axes if node >= 0 else _AXES
    frame = constant_frame(constant)
    x, y, z, origin = (combine(axes, weights) for weights in (*frame.axes, frame.origin))
    return Frame((x, y, z), origin)


def _turns(plan: Plan, q: Sequence[Tensor], sincos: SinCos) -> list[Turn]:
    """Sine and cosine of the turn about z of each node; those of zero if it does not turn so."""
    angles: list[Entry] = []
    for _, _, motion in plan.nodes:
        angles.append(motion.values(q)[0] if motion.kind.has_angle else 0.0)
    # A mimic with the multiplier 0 holds still: its angle is a constant too.
    variable = [angle for angle in angles if not isinstance(angle, float)]
    if variable:
        pair = sincos(ops.stack(variable, axis=0))  # (n, ...) each
        turns = zip(*(ops.unstack(x, len(variable), axis=0) for x in pair), strict=True)
    return [
        (math.sin(angle), math.cos(angle)) if isinstance(angle, float) else next(turns)
        for angle in angles
    ]


def constant_frame(constant: Matrix | Frame) -> Frame:
    """A frame of floats; or the given frame of tensors, which the code does not depend on."""
    if isinstance(constant, Frame):
        return constant
    x, y, z, origin = ((u, v, w) for u, v, w in constant[:3].T.tolist())
    return Frame((x, y, z), origin)
