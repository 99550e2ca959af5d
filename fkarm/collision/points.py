"""The points of bodies at configurations, and cotangents of `q` from forces on points.

Centres of spheres and of caps are all that distances depend on, so no poses are computed, and the
reverse derivative needs no points: a distance pulls on its two links by opposite forces along
one line. Their moments about the axis of a joint cancel unless it moves just one of the links.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from keras import ops

from fkarm._types import Tensor
from fkarm.collision.arithmetic import Array, Point, crossed, minus, product
from fkarm.collision.shapes import Shapes
from fkarm.kinematics.chain import chain_frames, link_frames
from fkarm.kinematics.entries import Entry, combine, entries_last, unstack_entries, vec_add
from fkarm.kinematics.in_numpy import Posture, by_entry, screws_in_base
from fkarm.kinematics.loop import Layout, LoopArrays, loop_of
from fkarm.kinematics.loop.nodes import Nodes
from fkarm.kinematics.plan import Plan
from fkarm.kinematics.stage import sincos, xla_barrier
from fkarm.kinematics.tree import moves_of
from fkarm.model import Robot


class PointArrays(NamedTuple):
    """Points behind the nodes of a loop with `n` nodes; floating arrays are those of `q`."""

    rows: Any  # row of the frame that every point is fixed to, (p,)
    local: Any  # points in that frame, m, (3, p)
    moves: Any  # 1 where a node moves a link, else 0, (n, links)
    to_sums: Any  # share of the component of every node in the sums of `Nodes`, (sums, n)


class PointLoop(NamedTuple):
    """The points of a robot, ready for loops."""

    layout: Layout
    loop: LoopArrays
    points: PointArrays


def point_loop(robot: Robot, shapes: Shapes) -> PointLoop:
    """The points of bodies behind the nodes of a loop."""
    layout, arrays = loop_of(robot, shapes.links, shapes.base)
    frames = arrays.link_frames.reshape((-1, 4, 3))[shapes.point_links]  # columns, (p, 4, 3)
    local = np.einsum("pkc,kp->cp", frames[:, :3], shapes.local) + frames[:, 3].T
    count = len(arrays.parents)
    to_sums = np.zeros((layout.dof + 3 * layout.balls + 1, count))
    to_sums[arrays.sums, np.arange(count)] = arrays.shares
    moves = moves_of(arrays.parents - 1, arrays.links - 1)
    points = PointArrays(arrays.links[shapes.point_links], local, moves, to_sums)
    return PointLoop(layout, arrays, points)


# ---- by loops


def split_points(
    arrays: tuple[Tensor, ...],
) -> tuple[tuple[Tensor, ...], PointArrays, tuple[Tensor, ...]]:
    """The arrays of a loop, those of its points, and what follows them."""
    nodes, both = len(LoopArrays._fields), len(LoopArrays._fields) + len(PointArrays._fields)
    return arrays[:nodes], PointArrays(*arrays[nodes:both]), arrays[both:]


def loop_points(frames: Tensor, points: PointArrays) -> Point:
    """The points at frames of nodes `(n + 1, 12, rows)`; three arrays `(p, rows)`, m."""
    x, y, z = (points.local[k][:, None] for k in range(3))

    def placed(frames: Tensor) -> list[Tensor]:
        # One array per entry: all entries of all points would be written to memory.
        at = [ops.take(frames[:, k], points.rows, axis=0) for k in range(12)]
        return [at[9 + k] + x * at[k] + y * at[3 + k] + z * at[6 + k] for k in range(3)]

    # Without the barrier XLA would compute a point again for every pair that it is in.
    return xla_barrier(placed, frames)


def loop_configuration_bar(
    nodes: Nodes, frames: Tensor, to_sums: Tensor, force: Point, moment: Point
) -> Tensor:
    """The cotangent of `q`, `(rows, dof)`.

    Args:
        nodes: The nodes at configurations.
        frames: Their frames, `(n + 1, 12, rows)`.
        to_sums: As in `PointArrays`.
        force: What acts on the links that every node moves, three arrays `(n, rows)`.
        moment: Its moment about the origin of the frame of the points.
    """
    axis, origin = ([frames[1:, first + k] for k in range(3)] for first in (6, 9))
    component = product(axis, minus(moment, crossed(origin, force)))
    if nodes.layout.slides:
        turns = nodes.arrays.turns[:, None] > 0
        component = ops.where(turns, component, product(axis, force))
    component = xla_barrier(lambda x: x, component)  # is computed once, not for every sum
    sums = ops.sum(to_sums[:, :, None] * component, axis=1)  # (sums, rows)
    return entries_last(nodes.with_balls(sums))


# ---- by operations that every backend differentiates


def unrolled_points(plan: Plan, shapes: Shapes, q: Tensor) -> Point:
    """The points at configurations `q (..., dof)`; three arrays `(p, ...)`, m."""
    entries = unstack_entries(q)
    frames = link_frames(plan, chain_frames(plan, entries, sincos))
    zeros = ops.zeros_like(q[..., 0] if q.shape[-1] else ops.sum(q, axis=-1))
    columns: tuple[list[Entry], ...] = ([], [], [])
    for link, local in zip(shapes.point_links, shapes.local.T.tolist(), strict=True):
        point = vec_add(frames[link].origin, combine(frames[link].axes, local))
        for column, entry in zip(columns, point, strict=True):
            column.append(zeros + entry if isinstance(entry, float) else entry)
    return [ops.stack(column, axis=0) for column in columns]


# ---- in NumPy


def numpy_points(at: Posture, shapes: Shapes) -> Point:
    """The points at a posture; an array `(3, p, rows)`, m."""
    poses = at.links[shapes.point_links]  # (p, rows, 4, 4)
    placed = np.einsum("prck,kp->cpr", poses[..., :3, :3], shapes.local)
    points: Array = placed + poses[..., :3, 3].transpose(2, 0, 1)
    return points


def numpy_configuration_bar(at: Posture, force: Array, moment: Array) -> Array:
    """The cotangent of `q`, `(rows, dof)`, from what acts on every screw, `(3, s, rows)`."""
    tree, screws = at.tree, screws_in_base(at)
    component = product(screws.axes, minus(moment, crossed(screws.origins, force)))
    if not tree.screw_turns.all():
        slides = product(screws.axes, force)
        component = np.where(tree.screw_turns[:, None], component, slides)
    return by_entry(tree, component.T)
