"""Poses of links, and the cotangent of the configuration, by loops."""

from __future__ import annotations

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
    frames = _frames(nodes)
    above = frames[None] if layout.is_run else ops.take(frames, nodes.arrays.links, axis=0)
    links = placed(frame_of(ops.swapaxes(above, 0, 1)), link_frames(nodes.arrays))
    columns = [*links.axes, links.origin]  # entries (m, rows)
    zero = ops.zeros_like(links.origin[0])
    entries = [*(column[k] for k in range(3) for column in columns), zero, zero, zero, zero + 1.0]
    matrices = ops.transpose(ops.stack(entries))  # (rows, m, 16)
    return ops.reshape(matrices, (*ops.shape(q)[:-1], *axes, 4, 4))


def loop_pull_back(
    layout: Layout, q: Tensor, poses: Tensor, poses_bar: Tensor, *arrays: Tensor
) -> Tensor:
    """The cotangent of `q (..., dof)` for one of the poses `(..., m, 4, 4)` or `(..., 4, 4)`."""
    nodes = nodes_at(layout, arrays, q)
    count = nodes.arrays.links.shape[0]
    pair = xla_barrier(lambda *both: [_links_first(x, count) for x in both], poses, poses_bar)
    on_links = carried(link_frames(nodes.arrays), link_wrench(*map(_of_matrices, pair)))
    q_bar = nodes.with_balls(_components(nodes, on_links))
    return ops.reshape(entries_last(q_bar), ops.shape(q))


def _frames(nodes: Nodes) -> Tensor:
    """Frames of base and nodes, `(n + 1, 12, rows)`; of a run only that of the last node."""
    zero = ops.zeros_like(nodes.sine[0])
    base = ops.stack([zero + (1.0 if k in (0, 4, 8) else 0.0) for k in range(12)])

    def after(k: Tensor, frame: Tensor) -> Tensor:
        new = nodes.moved(k, frame_of(frame))
        return along_first_axis((*new.axes, new.origin))

    if nodes.layout.is_run:
        return ops.fori_loop(0, nodes.size, after, base)

    def step(k: Tensor, frames: Tensor) -> Tensor:
        new = after(k, frames[nodes.arrays.parents[k]])
        return ops.slice_update(frames, (k + 1, 0, 0), new[None])

    frames = ops.zeros((nodes.size, 12, ops.shape(base)[1]), base.dtype)
    return ops.fori_loop(0, nodes.size, step, ops.concatenate([base[None], frames]))


def _components(nodes: Nodes, on_links: Wrench) -> Tensor:
    """Sums of the wrenches' components along the nodes' axes. Shape `(nodes.sums, rows)`."""
    arrays, count = nodes.arrays, nodes.size
    by_link = ops.stack([entry for vector in on_links for entry in vector], axis=1)  # (m, 6, rows)
    rows = ops.shape(by_link)[-1]
    sums = ops.zeros((nodes.sums, rows), by_link.dtype)

    def take(k: Tensor, wrench: Tensor, sums: Tensor) -> tuple[Tensor, Tensor]:
        """The wrench on the node before node `k`, and the sums with its component."""
        e = ops.unstack(wrench, 6, axis=0)
        pair, row = (three(e[:3]), three(e[3:])), arrays.sums[k]
        component = pair[1][2]
        if nodes.layout.slides:
            component = ops.where(arrays.turns[k] > 0, component, pair[0][2])
            _, pair = Prismatic.take((nodes.slide[k],), NO_TURN, pair)
        _, pair = Revolute.take((), (nodes.sine[k], nodes.cosine[k]), pair)
        total = sums[row] + arrays.shares[k] * component
        sums = ops.slice_update(sums, (row, 0), total[None])
        return along_first_axis(carried(frame_of(arrays.origins[k]), pair)), sums

    if nodes.layout.is_run:
        tip = ops.sum(by_link, axis=0)
        run = ops.fori_loop(0, count, lambda k, now: take(count - 1 - k, *now), (tip, sums))
        return run[1]
    on_nodes = ops.zeros((count + 1, 6, rows), by_link.dtype)

    def put(k: Tensor, on_nodes: Tensor) -> Tensor:
        row = arrays.links[k]
        return ops.slice_update(on_nodes, (row, 0, 0), (on_nodes[row] + by_link[k])[None])

    def step(j: Tensor, now: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        k, (on_nodes, sums) = count - 1 - j, now
        # Without the barrier XLA would copy all wrenches in every iteration.
        before, sums = take(k, xla_barrier(lambda x: x, on_nodes[k + 1]), sums)
        row = arrays.parents[k]
        total = (on_nodes[row] + before)[None]
        return ops.slice_update(on_nodes, (row, 0, 0), total), sums

    on_nodes = ops.fori_loop(0, arrays.links.shape[0], put, on_nodes)
    return ops.fori_loop(0, count, step, (on_nodes, sums))[1]


def _links_first(matrices: Tensor, links: int) -> Tensor:
    """Matrices `(..., links, 4, 4)` as `(links, 16, rows)`."""
    return ops.transpose(ops.reshape(matrices, (-1, links, 16)), (1, 2, 0))


def _of_matrices(matrices: Tensor) -> Frame:
    """The frames of matrices `(links, 16, rows)`, entries `(links, rows)`."""
    e = ops.unstack(matrices, 16, axis=1)
    x, y, z, origin = (three((e[k], e[4 + k], e[8 + k])) for k in range(4))
    return Frame((x, y, z), origin)
