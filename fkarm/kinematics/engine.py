"""How a chain of joints becomes tensor operations.

Three steps. `plan_chain` (NumPy, float64) folds every fixed transform into its neighbours and
turns each joint frame so that its axis is z. `chain_frames` then carries the nine entries of
a rotation and the three of an origin down the chain as separate arrays with the batch as
their only axes: a joint mixes two columns with its sine and cosine, a link adds constants
times columns. Entries that are constants stay Python floats, and products with 0 and +-1
are never emitted. There is no matmul: accelerators would drop it to TF32.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from keras import ops

from fkarm._types import Tensor
from fkarm.model import Robot
from fkarm.model.frames import Matrix, snap
from fkarm.model.tree import Coordinate

# An entry of a frame: a Python float while it is constant, else a tensor of the batch shape.
Entry = float | Tensor
Vector = tuple[Entry, Entry, Entry]


class Frame(NamedTuple):
    """A frame in the root link: the columns of its rotation, and its origin."""

    columns: tuple[Vector, Vector, Vector]
    origin: Vector


class Node(NamedTuple):
    """A moving joint, its frame turned so that it moves about or along z."""

    parent: int  # node above it, -1 for the root link
    origin: Matrix  # frame of the joint at zero in the frame of `parent`, (4, 4)
    is_prismatic: bool
    coordinate: Coordinate


class Plan(NamedTuple):
    """The moving joints on the way to some links, and where the links sit on them."""

    nodes: tuple[Node, ...]
    links: tuple[tuple[int, Matrix], ...]  # node above the link, constant frame in it


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
                joint.is_prismatic,
                robot.coordinates[joint.name],
            )
            above, frame = len(nodes), joint.z_to_axis.T
            nodes.append(node)
        placed[str(joint.child)] = (above, frame)
    return Plan(tuple(nodes), tuple(placed[link] for link in links))


def chain_frames(plan: Plan, q: Tensor) -> tuple[list[Frame], list[Frame]]:
    """Frames of the plan's nodes (axis z) and of its links, in the root link.

    Args:
        plan: What to compute.
        q: Joint configuration. Shape `(..., dof)`.
    """
    if plan.nodes:
        q = ops.moveaxis(q, -1, 0)  # the batch is innermost: every operation is on whole vectors
    frames: list[Frame] = []
    for node in plan.nodes:
        frame = _moved(_parent(frames, node.parent), node.origin)
        place = node.coordinate
        value = add(times(place.multiplier, q[place.index]), place.offset)
        frames.append(_slid(frame, value) if node.is_prismatic else _turned(frame, value))
    links = [_moved(_parent(frames, above), frame) for above, frame in plan.links]
    return frames, links


def dense(entries: Sequence[Entry], q: Tensor) -> list[Tensor]:
    """The entries, constants too, as tensors of the batch shape of `q`."""
    zeros = ops.zeros_like(q[..., 0] if q.shape[-1] else ops.sum(q, axis=-1))
    return [zeros + entry if isinstance(entry, float) else entry for entry in entries]


def add(a: Entry, b: Entry) -> Entry:
    """Sum of two entries; adding zero emits nothing."""
    if isinstance(a, float) and isinstance(b, float):
        return a + b
    if isinstance(a, float) and a == 0.0:
        return b
    if isinstance(b, float) and b == 0.0:
        return a
    return a + b


def times(a: Entry, b: Entry) -> Entry:
    """Product of two entries; products with 0 and +-1 emit no multiplication."""
    if isinstance(b, float):
        a, b = b, a
    if isinstance(a, float):
        if isinstance(b, float):
            return a * b
        if a == 0.0:
            return 0.0
        if a == 1.0:
            return b
        if a == -1.0:
            return -b
    return a * b


def subtract(a: Entry, b: Entry) -> Entry:
    """Difference of two entries."""
    return add(a, times(-1.0, b))


def cross(a: Vector, b: Vector) -> Vector:
    """Cross product of two vectors of entries."""
    return (
        subtract(times(a[1], b[2]), times(a[2], b[1])),
        subtract(times(a[2], b[0]), times(a[0], b[2])),
        subtract(times(a[0], b[1]), times(a[1], b[0])),
    )


def add_scaled(total: Vector, factor: Entry, vector: Vector) -> Vector:
    """`total + factor * vector`."""
    x, y, z = (add(t, times(factor, v)) for t, v in zip(total, vector, strict=True))
    return x, y, z


_ROOT = Frame(((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)), (0.0, 0.0, 0.0))


def _parent(frames: Sequence[Frame], index: int) -> Frame:
    return _ROOT if index < 0 else frames[index]


def _moved(frame: Frame, constant: Matrix) -> Frame:
    """`frame` times a constant transform."""
    x, y, z = (_combine((0.0, 0.0, 0.0), frame, constant[:3, j]) for j in range(3))
    return Frame((x, y, z), _combine(frame.origin, frame, constant[:3, 3]))


def _combine(start: Vector, frame: Frame, weights: Matrix) -> Vector:
    """`start` plus the frame's columns times constant weights."""
    for column, weight in zip(frame.columns, weights, strict=True):
        start = add_scaled(start, float(weight), column)
    return start


def _turned(frame: Frame, angle: Entry) -> Frame:
    """`frame` turned about its own z."""
    c, s = ops.cos(angle), ops.sin(angle)
    zero: Vector = (0.0, 0.0, 0.0)
    x, y, z = frame.columns
    new_x = add_scaled(add_scaled(zero, c, x), s, y)
    new_y = add_scaled(add_scaled(zero, c, y), times(-1.0, s), x)
    return Frame((new_x, new_y, z), frame.origin)


def _slid(frame: Frame, distance: Entry) -> Frame:
    """`frame` moved along its own z."""
    return Frame(frame.columns, add_scaled(frame.origin, distance, frame.columns[2]))
