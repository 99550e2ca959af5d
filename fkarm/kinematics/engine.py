"""How a chain of joints becomes tensor operations.

Three steps. `plan_chain` (NumPy, float64) folds every fixed transform into its neighbours and
turns each joint frame so that its axis is z. `chain_frames` then carries the nine entries of
a rotation and the three of an origin down the chain as separate arrays with the batch as
their only axes: a joint mixes two columns with its sine and cosine, a link adds constants
times columns. Entries that are constants stay Python floats, and products with 0 and +-1
are never emitted. There is no matmul: accelerators would drop it to TF32.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from keras import ops

from fkarm._types import Tensor
from fkarm.geometry import quat_wxyz_to_matrix
from fkarm.geometry.safe import safe_norm
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


class Motion(NamedTuple):
    """How one entry of `q` moves what is below a joint: by turning or sliding it."""

    entry: int  # place in q
    multiplier: float
    axis: Vector  # direction of sliding, or angular velocity, in the root link
    point: Vector | None  # a point on the axis of turning; None: sliding


class Node(NamedTuple):
    """A moving joint, its frame turned so that it moves about or along z."""

    parent: int  # node above it, -1 for the root link
    origin: Matrix  # frame of the joint at zero in the frame of `parent`, (4, 4)
    type: str
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
                joint.type,
                robot.coordinates[joint.name],
            )
            above, frame = len(nodes), joint.z_to_axis.T
            nodes.append(node)
        placed[str(joint.child)] = (above, frame)
    return Plan(tuple(nodes), tuple(placed[link] for link in links))


def chain_frames(plan: Plan, q: Tensor) -> tuple[list[Motion], list[Frame]]:
    """Motions of the plan's joints, and frames of its links, in the root link.

    Args:
        plan: What to compute.
        q: Joint configuration. Shape `(..., dof)`.
    """
    if plan.nodes:
        q = ops.moveaxis(q, -1, 0)  # the batch is innermost: every operation is on whole vectors
    frames: list[Frame] = []
    motions: list[Motion] = []
    for node in plan.nodes:
        frame = _moved(_parent(frames, node.parent), node.origin)
        frame, moved = _MOVES[node.type](frame, q, node.coordinate)
        frames.append(frame)
        motions.extend(moved)
    return motions, [_moved(_parent(frames, above), frame) for above, frame in plan.links]


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


_ZERO: Vector = (0.0, 0.0, 0.0)
_ROOT = Frame(((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)), _ZERO)


def _parent(frames: Sequence[Frame], index: int) -> Frame:
    return _ROOT if index < 0 else frames[index]


def _moved(frame: Frame, constant: Matrix) -> Frame:
    """`frame` times a constant transform."""
    x, y, z, step = constant[:3].T.tolist()
    columns = (_combine(_ZERO, frame, x), _combine(_ZERO, frame, y), _combine(_ZERO, frame, z))
    return Frame(columns, _combine(frame.origin, frame, step))


def _combine(start: Vector, frame: Frame, weights: Sequence[Entry]) -> Vector:
    """`start` plus the frame's columns times weights."""
    for column, weight in zip(frame.columns, weights, strict=True):
        start = add_scaled(start, weight, column)
    return start


def _turned(frame: Frame, angle: Entry) -> Frame:
    """`frame` turned about its own z."""
    # A mimic with the multiplier 0 holds still: its angle is a constant.
    trig = math if isinstance(angle, float) else ops
    c, s = trig.cos(angle), trig.sin(angle)
    x, y, z = frame.columns
    new_x = add_scaled(add_scaled(_ZERO, c, x), s, y)
    new_y = add_scaled(add_scaled(_ZERO, c, y), times(-1.0, s), x)
    return Frame((new_x, new_y, z), frame.origin)


def _slid(frame: Frame, distance: Entry, column: int) -> Frame:
    """`frame` moved along one of its own columns."""
    return Frame(frame.columns, add_scaled(frame.origin, distance, frame.columns[column]))


def _revolute(frame: Frame, q: Tensor, place: Coordinate) -> tuple[Frame, list[Motion]]:
    angle = add(times(place.multiplier, q[place.index]), place.offset)
    motion = Motion(place.index, place.multiplier, frame.columns[2], frame.origin)
    return _turned(frame, angle), [motion]


def _prismatic(frame: Frame, q: Tensor, place: Coordinate) -> tuple[Frame, list[Motion]]:
    distance = add(times(place.multiplier, q[place.index]), place.offset)
    motion = Motion(place.index, place.multiplier, frame.columns[2], None)
    return _slid(frame, distance, 2), [motion]


def _planar(frame: Frame, q: Tensor, place: Coordinate) -> tuple[Frame, list[Motion]]:
    i = place.index
    frame = _slid(_slid(frame, q[i], 0), q[i + 1], 1)
    slides = [Motion(i + k, 1.0, frame.columns[k], None) for k in range(2)]
    turn = Motion(i + 2, 1.0, frame.columns[2], frame.origin)
    return _turned(frame, q[i + 2]), [*slides, turn]


def _spherical(frame: Frame, q: Tensor, place: Coordinate) -> tuple[Frame, list[Motion]]:
    """A quaternion wxyz, which is normalised; the zero quaternion does not turn."""
    entries = [place.index + k for k in range(4)]
    quat = ops.stack([q[entry] for entry in entries], axis=-1)
    matrix = quat_wxyz_to_matrix(quat)
    columns = [_combine(_ZERO, frame, [matrix[..., i, j] for i in range(3)]) for j in range(3)]
    # Angular velocity for the rate of each entry, in the axes before turning: 2 q' q^-1 / |q|.
    inverse_length = 1.0 / safe_norm(quat)
    w, x, y, z = (q[entry] * inverse_length for entry in entries)
    rates = [(-x, -y, -z), (w, z, -y), (-z, w, x), (y, -x, w)]
    turns = [
        Motion(
            entry,
            1.0,
            _combine(_ZERO, frame, [2.0 * inverse_length * each for each in rate]),
            frame.origin,
        )
        for entry, rate in zip(entries, rates, strict=True)
    ]
    x_column, y_column, z_column = columns
    return Frame((x_column, y_column, z_column), frame.origin), turns


def _floating(frame: Frame, q: Tensor, place: Coordinate) -> tuple[Frame, list[Motion]]:
    slides = [Motion(place.index + k, 1.0, frame.columns[k], None) for k in range(3)]
    for k in range(3):
        frame = _slid(frame, q[place.index + k], k)
    frame, turns = _spherical(frame, q, Coordinate(place.index + 3))
    return frame, [*slides, *turns]


_MOVES = {
    "revolute": _revolute,
    "continuous": _revolute,
    "prismatic": _prismatic,
    "planar": _planar,
    "spherical": _spherical,
    "floating": _floating,
}
