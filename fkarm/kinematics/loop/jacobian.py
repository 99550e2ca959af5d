"""The Jacobian of one link by loops."""

from __future__ import annotations

from typing import Any

from keras import ops

from fkarm._types import Tensor
from fkarm.kinematics.chain import placed
from fkarm.kinematics.entries import ZERO, Frame, Vector, cross, dot, vec_add
from fkarm.kinematics.loop.arrays import Layout
from fkarm.kinematics.loop.nodes import (
    Nodes,
    along_first_axis,
    frame_of,
    nodes_at,
    three,
)


def loop_jacobian(in_link_axes: bool, layout: Layout, q: Tensor, *arrays: Tensor) -> Tensor:
    """The geometric Jacobian from `q (..., dof)` and the `LoopArrays` of one link.

    A first loop goes from the base to the link and keeps axes and steps; a second one goes back and
    sums the steps to levers, so that the distance of the base costs no digits.

    Args:
        in_link_axes: Whether the rows are in the axes of the link.
        layout: That of the arrays.
        q: Configurations.
        *arrays: The fields of `LoopArrays`.
    Returns:
        Shape `(..., 6, dof)`.
    """
    nodes = nodes_at(layout, arrays, q)
    last, axes_and_steps = _to_link(nodes)
    link = placed(last, frame_of(nodes.arrays.link_frames[0]))
    columns = _columns(nodes, along_first_axis([link.origin]), axes_and_steps)
    return _matrices(nodes, in_link_axes, link, columns, q)


def unrolled_jacobian(in_link_axes: bool, layout: Layout, q: Tensor, *arrays: Any) -> Tensor:
    """The same by operations that every backend differentiates; integer arrays are NumPy's."""
    nodes = nodes_at(layout, arrays, q)
    zero = ops.zeros_like(nodes.q[0])
    frame, kept = _at_origin(_base(zero)), []
    for k in range(nodes.size):
        new = nodes.moved(k, frame)
        kept.append((new.axes[2], new.origin))
        frame = Frame(new.axes, ZERO)
    link = placed(frame, frame_of(nodes.arrays.link_frames[0]))
    columns, lever = [ops.stack([zero] * 6)] * nodes.sums, link.origin
    for k in reversed(range(nodes.size)):
        axis, step = kept[k]
        row = nodes.arrays.sums[k]
        columns[row] = columns[row] + nodes.arrays.shares[k] * _column(nodes, k, axis, lever)
        lever = vec_add(lever, step)
    return _matrices(nodes, in_link_axes, link, ops.stack(columns), q)


def _matrices(nodes: Nodes, in_link_axes: bool, link: Frame, columns: Tensor, q: Tensor) -> Tensor:
    """Jacobians `(..., 6, dof)` from the columns by `LoopArrays.sums`."""
    columns = nodes.with_balls(columns)
    if in_link_axes:
        rows = ops.unstack(columns, 6, axis=1)
        halves = three(rows[:3]), three(rows[3:])
        columns = ops.stack([dot(axis, half) for half in halves for axis in link.axes], axis=1)
    matrices = ops.transpose(columns, (2, 1, 0))  # (rows, 6, dof)
    return ops.reshape(matrices, (*ops.shape(q)[:-1], 6, nodes.layout.dof))


def _to_link(nodes: Nodes) -> tuple[Frame, Tensor]:
    """The axes of the last node, and of every node its z axis and the step that leads to it."""
    zero = ops.zeros_like(nodes.q[0])

    def step(k: Tensor, now: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        axes, kept = now
        new = nodes.moved(k, _at_origin(axes))
        own = along_first_axis([new.axes[2], new.origin])
        return along_first_axis(new.axes), ops.slice_update(kept, (k, 0, 0), own[None])

    kept = ops.zeros((nodes.size, 6, ops.shape(zero)[0]), zero.dtype)
    axes, kept = ops.fori_loop(0, nodes.size, step, (_base(zero), kept))
    return _at_origin(axes), kept


def _columns(nodes: Nodes, lever: Tensor, axes_and_steps: Tensor) -> Tensor:
    """Velocity of the link per unit rate, by `LoopArrays.sums`. Shape `(nodes.sums, 6, rows)`."""
    arrays, count = nodes.arrays, nodes.size

    def step(j: Tensor, now: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        k, (lever, columns) = count - 1 - j, now
        e = ops.unstack(axes_and_steps[k], 6, axis=0)
        axis, to_node, to_link = three(e[:3]), three(e[3:]), three(ops.unstack(lever, 3, axis=0))
        column = _column(nodes, k, axis, to_link)
        row = arrays.sums[k]
        total = columns[row] + arrays.shares[k] * column
        columns = ops.slice_update(columns, (row, 0, 0), total[None])
        return along_first_axis([vec_add(to_link, to_node)]), columns

    columns = ops.zeros((nodes.sums, 6, ops.shape(lever)[1]), lever.dtype)
    return ops.fori_loop(0, count, step, (lever, columns))[1]


def _column(nodes: Nodes, k: Any, axis: Vector, lever: Vector) -> Tensor:
    """Velocity of the link per unit rate of node `k`, `(6, rows)`."""
    column = along_first_axis([cross(axis, lever), axis])
    if not nodes.layout.slides:
        return column
    slide = along_first_axis([axis, (0.0 * axis[0],) * 3])
    return ops.where(nodes.arrays.turns[k] > 0, column, slide)


def _base(zero: Tensor) -> Tensor:
    """The axes of the base, `(9, rows)`."""
    return ops.stack([zero + (1.0 if k in (0, 4, 8) else 0.0) for k in range(9)])


def _at_origin(axes: Tensor) -> Frame:
    e = ops.unstack(axes, 9, axis=0)
    return Frame((three(e[:3]), three(e[3:6]), three(e[6:])), ZERO)
