"""The Jacobian of one link by loops."""

from __future__ import annotations

from keras import ops

from fkarm._types import Tensor
from fkarm.kinematics.chain import placed
from fkarm.kinematics.entries import ZERO, Frame, cross, dot, vec_add
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
    columns = nodes.with_balls(_columns(nodes, along_first_axis([link.origin]), axes_and_steps))
    if in_link_axes:
        rows = ops.unstack(columns, 6, axis=1)
        halves = three(rows[:3]), three(rows[3:])
        columns = ops.stack([dot(axis, half) for half in halves for axis in link.axes], axis=1)
    matrices = ops.transpose(columns, (2, 1, 0))  # (rows, 6, dof)
    return ops.reshape(matrices, (*ops.shape(q)[:-1], 6, layout.dof))


def _to_link(nodes: Nodes) -> tuple[Frame, Tensor]:
    """The axes of the last node, and of every node its z axis and the step that leads to it."""
    zero = ops.zeros_like(nodes.q[0])
    base = ops.stack([zero + (1.0 if k in (0, 4, 8) else 0.0) for k in range(9)])

    def step(k: Tensor, now: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        axes, kept = now
        new = nodes.moved(k, _at_origin(axes))
        own = along_first_axis([new.axes[2], new.origin])
        return along_first_axis(new.axes), ops.slice_update(kept, (k, 0, 0), own[None])

    kept = ops.zeros((nodes.size, 6, ops.shape(zero)[0]), zero.dtype)
    axes, kept = ops.fori_loop(0, nodes.size, step, (base, kept))
    return _at_origin(axes), kept


def _columns(nodes: Nodes, lever: Tensor, axes_and_steps: Tensor) -> Tensor:
    """Velocity of the link per unit rate, by `LoopArrays.sums`. Shape `(nodes.sums, 6, rows)`."""
    arrays, count = nodes.arrays, nodes.size

    def step(j: Tensor, now: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        k, (lever, columns) = count - 1 - j, now
        e = ops.unstack(axes_and_steps[k], 6, axis=0)
        axis, to_node, to_link = three(e[:3]), three(e[3:]), three(ops.unstack(lever, 3, axis=0))
        column = along_first_axis([cross(axis, to_link), axis])
        if nodes.layout.slides:
            slide = along_first_axis([axis, (0.0 * axis[0],) * 3])
            column = ops.where(arrays.turns[k] > 0, column, slide)
        row = arrays.sums[k]
        total = columns[row] + arrays.shares[k] * column
        columns = ops.slice_update(columns, (row, 0, 0), total[None])
        return along_first_axis([vec_add(to_link, to_node)]), columns

    columns = ops.zeros((nodes.sums, 6, ops.shape(lever)[1]), lever.dtype)
    return ops.fori_loop(0, count, step, (lever, columns))[1]


def _at_origin(axes: Tensor) -> Frame:
    e = ops.unstack(axes, 9, axis=0)
    return Frame((three(e[:3]), three(e[3:6]), three(e[6:])), ZERO)
