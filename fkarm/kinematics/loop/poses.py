"""Poses of links, and the cotangent of the configuration, by loops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import ops

from fkarm._types import Tensor
from fkarm.kinematics.chain import carried, link_wrench, placed
from fkarm.kinematics.entries import Frame, entries_last
from fkarm.kinematics.loop.arrays import Layout
from fkarm.kinematics.loop.nodes import (
    NO_TURN,
    Nodes,
    along_first_axis,
    frame_of,
    link_frames,
    nodes_at,
    three,
)
from fkarm.kinematics.motions import Prismatic, Revolute, Wrench
from fkarm.kinematics.stage import xla_barrier


def loop_poses(layout: Layout, axes: tuple[int, ...], q: Tensor, *arrays: Tensor) -> Tensor:
    """Poses of the links from `q (..., dof)` and `LoopArrays`. Shape `(..., *axes, 4, 4)`."""
    nodes = nodes_at(layout, arrays, q)
    links = frames_of_links(nodes, frames_of_nodes(nodes, only_last=layout.is_run))
    return _matrices(links, (*ops.shape(q)[:-1], *axes))


def unrolled_poses(layout: Layout, axes: tuple[int, ...], q: Tensor, *arrays: Any) -> Tensor:
    """The same by operations that every backend differentiates; integer arrays are NumPy's."""
    nodes = nodes_at(layout, arrays, q)
    frames = [_base(nodes)]
    for k in range(nodes.size):
        frames.append(_after(nodes, k, frames[nodes.arrays.parents[k]]))
    links = frames_of_links(nodes, ops.stack(frames))
    return _matrices(links, (*ops.shape(q)[:-1], *axes))


def frames_of_links(nodes: Nodes, frames: Tensor) -> Frame:
    """The frames of the links, entries `(m, rows)`, from those of `frames_of_nodes`."""
    is_last = frames.shape[0] == 1
    above = frames if is_last else ops.take(frames, nodes.arrays.links, axis=0)
    return placed(frame_of(ops.swapaxes(above, 0, 1)), link_frames(nodes.arrays))


def _matrices(links: Frame, batch: tuple[Any, ...]) -> Tensor:
    """Poses from the frames of links."""
    columns = [*links.axes, links.origin]  # entries (m, rows)
    entries = [column[k] for k in range(3) for column in columns]
    zero = ops.zeros_like(entries[0])
    matrices = ops.transpose(ops.stack([*entries, zero, zero, zero, zero + 1.0]), (2, 1, 0))
    return ops.reshape(matrices, (*batch, 4, 4))  # of (rows, m, 16)


def loop_pull_back(
    layout: Layout, q: Tensor, poses: Tensor, poses_bar: Tensor, *arrays: Tensor
) -> Tensor:
    """The cotangent of `q (..., dof)` for one of the poses `(..., m, 4, 4)` or `(..., 4, 4)`."""
    nodes = nodes_at(layout, arrays, q)
    on_links = wrenches_on_links(nodes.arrays.links.shape[0], poses, poses_bar)
    sums, _ = wrenches_on_nodes(nodes, on_links)
    return ops.reshape(entries_last(nodes.with_balls(sums)), ops.shape(q))


def wrenches_on_links(links: int, poses: Tensor, poses_bar: Tensor) -> Wrench:
    """What cotangents of poses mean in the links' axes, entries `(m, rows)`."""

    def wrench(*both: Tensor) -> Tensor:
        frames = [_of_matrices(ops.reshape(x, (-1, links, 16))) for x in both]
        return ops.stack(_entries(link_wrench(*frames)))

    # The 6 entries of wrenches are transposed instead of the 32 of matrices.
    stacked = ops.transpose(xla_barrier(wrench, poses, poses_bar), (0, 2, 1))
    e = ops.unstack(stacked, 6, axis=0)
    return three(e[:3]), three(e[3:])


def wrenches_on_nodes(
    nodes: Nodes, on_links: Wrench, is_kept: bool = False
) -> tuple[Tensor, Tensor | None]:
    """The wrenches' components along the nodes' axes, and the wrenches themselves if they are kept.

    Returns:
        Sums of components, `(nodes.sums, rows)`; wrenches on the nodes before they move, in the
        axes there, `(n, 6, rows)`, or None.
    """
    arrays, count = nodes.arrays, nodes.size
    at_nodes = carried(link_frames(arrays), on_links)
    by_link = ops.stack(_entries(at_nodes), axis=1)  # (m, 6, rows)
    rows = ops.shape(by_link)[-1]
    empty = [
        ops.zeros(shape, by_link.dtype)
        for shape in ((nodes.sums, rows), *([(count, 6, rows)] if is_kept else []))
    ]

    def take(k: Tensor, wrench: Tensor, now: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """The wrench on the node before node `k`; sums and kept wrenches with those of `k`."""
        component, pair = _taken(nodes, k, wrench)
        row = arrays.sums[k]
        total = now[0][row] + arrays.shares[k] * component
        results = [ops.slice_update(now[0], (row, 0), total[None])]
        if is_kept:
            results.append(ops.slice_update(now[1], (k, 0, 0), along_first_axis(pair)[None]))
        return _carried_behind_barrier(nodes, k, pair), results

    def put(k: Tensor, on_nodes: Tensor) -> Tensor:
        row = arrays.links[k]
        return ops.slice_update(on_nodes, (row, 0, 0), (on_nodes[row] + by_link[k])[None])

    def run_step(j: Tensor, now: Sequence[Tensor]) -> tuple[Tensor, ...]:
        wrench, results = take(count - 1 - j, now[0], now[1:])
        return wrench, *results

    def step(j: Tensor, now: Sequence[Tensor]) -> tuple[Tensor, ...]:
        k, on_nodes = count - 1 - j, now[0]
        before, results = take(k, xla_barrier(lambda x: x, on_nodes[k + 1]), now[1:])
        row = arrays.parents[k]
        total = (on_nodes[row] + before)[None]
        return ops.slice_update(on_nodes, (row, 0, 0), total), *results

    if nodes.layout.is_run:
        results = ops.fori_loop(0, count, run_step, (ops.sum(by_link, axis=0), *empty))[1:]
    else:
        on_nodes = ops.zeros((count + 1, 6, rows), by_link.dtype)
        on_nodes = ops.fori_loop(0, arrays.links.shape[0], put, on_nodes)
        results = ops.fori_loop(0, count, step, (on_nodes, *empty))[1:]
    return results[0], results[1] if is_kept else None


def unrolled_wrenches(nodes: Nodes, on_links: Wrench) -> tuple[Tensor, Tensor]:
    """`wrenches_on_nodes` that are kept, with code for every node; integer arrays are NumPy's."""
    arrays = nodes.arrays
    by_link = ops.stack(_entries(carried(link_frames(arrays), on_links)), axis=1)  # (m, 6, rows)
    zero = ops.zeros_like(nodes.q[0])
    sums, on_nodes = [zero] * nodes.sums, [zero] * nodes.size
    by_row: dict[int, Tensor] = {}  # the wrenches on the frames after the nodes
    for row, own in zip(arrays.links, ops.unstack(by_link, len(arrays.links)), strict=True):
        by_row[row] = by_row[row] + own if row in by_row else own
    for k in reversed(range(nodes.size)):
        component, pair = _taken(nodes, k, by_row[k + 1])
        sums[arrays.sums[k]] = sums[arrays.sums[k]] + arrays.shares[k] * component
        on_nodes[k] = along_first_axis(pair)
        row = arrays.parents[k]
        if row > 0:
            before = _carried_behind_barrier(nodes, k, pair)
            by_row[row] = by_row[row] + before if row in by_row else before
    return ops.stack(sums), ops.stack(on_nodes)


def _taken(nodes: Nodes, k: Any, wrench: Tensor) -> tuple[Tensor, Wrench]:
    """The component along node `k` of a wrench on it, `(6, rows)`, and the wrench before it."""
    e = ops.unstack(wrench, 6, axis=0)
    pair = (three(e[:3]), three(e[3:]))
    component = pair[1][2]
    if nodes.layout.slides:
        component = ops.where(nodes.arrays.turns[k] > 0, component, pair[0][2])
        _, pair = Prismatic.take((nodes.slide[k],), NO_TURN, pair)
    _, pair = Revolute.take((), (nodes.sine[k], nodes.cosine[k]), pair)
    return component, pair


def _carried_behind_barrier(nodes: Nodes, k: Any, pair: Wrench) -> Tensor:
    """A wrench before node `k` moves, on the node before it, `(6, rows)`."""
    before = _entries(carried(frame_of(nodes.arrays.origins[k]), pair))
    # Without the barrier XLA would compute all entries again for each of them.
    return ops.stack(xla_barrier(lambda *entries: list(entries), *before))


def frames_of_nodes(nodes: Nodes, only_last: bool = False) -> Tensor:
    """The columns of the frames of base and nodes, `(n + 1, 12, rows)`.

    With `only_last`, which only runs have, those of the last node alone, `(1, 12, rows)`.
    """
    base = _base(nodes)
    if only_last:
        return ops.fori_loop(0, nodes.size, lambda k, frame: _after(nodes, k, frame), base)[None]

    def step(k: Tensor, frames: Tensor) -> Tensor:
        # Without the barriers here and below XLA would copy the whole array in every iteration.
        before = xla_barrier(lambda x: x, frames[nodes.arrays.parents[k]])
        return ops.slice_update(frames, (k + 1, 0, 0), _after(nodes, k, before)[None])

    frames = ops.zeros((nodes.size + 1, 12, ops.shape(base)[1]), base.dtype)
    return ops.fori_loop(0, nodes.size, step, ops.slice_update(frames, (0, 0, 0), base[None]))


def _base(nodes: Nodes) -> Tensor:
    """The frame of the base, `(12, rows)`."""
    zero = ops.zeros_like(nodes.q[0])
    return ops.stack([zero + (1.0 if k in (0, 4, 8) else 0.0) for k in range(12)])


def _after(nodes: Nodes, k: Any, frame: Tensor) -> Tensor:
    """The frame after node `k`, `(12, rows)`, from that of its parent."""
    new = nodes.moved(k, frame_of(frame))
    return along_first_axis((*new.axes, new.origin))


def _entries(wrench: Wrench) -> list[Tensor]:
    force, moment = wrench
    return [*force, *moment]


def _of_matrices(matrices: Tensor) -> Frame:
    """The frames of matrices `(rows, links, 16)`, entries `(rows, links)`."""
    e = ops.unstack(matrices, 16, axis=-1)
    x, y, z, origin = (three((e[k], e[4 + k], e[8 + k])) for k in range(4))
    return Frame((x, y, z), origin)
