"""Errors of many links, and their derivative by many joints, by loops."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from keras import ops

from fkarm._types import Tensor
from fkarm.ik.problem import Components
from fkarm.ik.residual import counted_errors, directions, have_fixed_directions
from fkarm.kinematics.entries import Frame, Vector, cross, vec_sub
from fkarm.kinematics.loop import frames_of_links, frames_of_nodes
from fkarm.kinematics.loop.nodes import Nodes, along_first_axis, frame_of, three


def targets_of(components: Components, targets: Tensor) -> Frame:
    """The targets `(12 links, rows)` as frames with entries `(links, rows)`."""
    by_link = ops.reshape(targets, (len(components.rows), 12, ops.shape(targets)[1]))
    return frame_of(ops.swapaxes(by_link, 0, 1))


def errors(components: Components, nodes: Nodes, targets: Frame) -> Tensor:
    """The components of the errors that count. Shape `(components, rows)`."""
    frames = frames_of_nodes(nodes, only_last=nodes.layout.is_run)
    return _counted(components, frames_of_links(nodes, frames), targets)


def error_and_jacobian(
    components: Components, nodes: Nodes, is_above: Tensor, targets: Frame
) -> tuple[Tensor, Tensor]:
    """Errors, and their negative derivative by the entries of `q`.

    Args:
        components: The components that count.
        nodes: The nodes at the configurations.
        is_above: 1 where a node moves a link, else 0. Shape `(links, nodes)`.
        targets: Frames with entries `(links, rows)`.
    Returns:
        Shapes `(components, rows)` and `(dof, components, rows)`.
    """
    frames = frames_of_nodes(nodes)
    links = frames_of_links(nodes, frames)
    twists = nodes.with_balls(_twists(nodes, is_above, frames, links))
    return _counted(components, links, targets), _along(components, twists, links, targets)


def _counted(components: Components, links: Frame, targets: Frame) -> Tensor:
    """`counted_errors` of all links, those with the same components at once."""
    values: list[Tensor] = [None] * components.size
    firsts = [0, *accumulate(map(len, components.rows))]
    for rows in set(components.rows):
        same = [index for index, other in enumerate(components.rows) if other == rows]
        pair = [_some(frame, same, len(components.rows)) for frame in (links, targets)]
        kind = Components((rows,), components.frame)
        for k, of_links in enumerate(counted_errors(kind, [pair[0]], [pair[1]])):
            for index, value in zip(same, ops.unstack(of_links, len(same), axis=0), strict=True):
                values[firsts[index] + k] = value
    return ops.stack(values)


def _twists(nodes: Nodes, is_above: Tensor, frames: Tensor, links: Frame) -> Tensor:
    """Velocities of the links per unit rate, by `LoopArrays.sums`: `(nodes.sums, 6 links, rows)`.

    All linear x, y, z, then all angular ones.
    """
    arrays, size = nodes.arrays, 6 * is_above.shape[0]

    def column(k: Tensor, twists: Tensor) -> Tensor:
        e = ops.unstack(frames[k + 1], 12, axis=0)
        axis, position = _for_links(three(e[6:9])), _for_links(three(e[9:]))
        linear = cross(axis, vec_sub(links.origin, position))
        zero = ops.zeros_like(linear[0])
        angular = three([zero + each for each in axis])
        if nodes.layout.slides:
            is_turn = arrays.turns[k] > 0
            linear, angular = (
                three([ops.where(is_turn, a, b) for a, b in zip(turn, slide, strict=True)])
                for turn, slide in ((linear, angular), (angular, (zero, zero, zero)))
            )
        share = is_above[:, k][:, None] * arrays.shares[k]  # (links, 1) or (links, rows)
        new = ops.concatenate([share * each for each in (*linear, *angular)])
        row = arrays.sums[k]
        return ops.slice_update(twists, (row, 0, 0), (twists[row] + new)[None])

    empty = ops.zeros((nodes.sums, size, ops.shape(frames)[2]), frames.dtype)
    return ops.fori_loop(0, nodes.size, column, empty)


def _along(components: Components, twists: Tensor, links: Frame, targets: Frame) -> Tensor:
    """The Jacobian from the twists `(dof, 6 links, rows)`."""
    count = len(components.rows)
    flat = [(link, row) for link, rows in enumerate(components.rows) for row in rows]
    if have_fixed_directions(components):
        return ops.take(twists, np.array([row * count + link for link, row in flat]), axis=1)
    jacobian = None
    along = _directions(components, links, targets)
    for axis in range(3):
        places = [(3 * (row // 3) + axis) * count + link for link, row in flat]
        own = along[axis] * ops.take(twists, np.array(places), axis=1)
        jacobian = own if jacobian is None else jacobian + own
    return jacobian


def _directions(components: Components, links: Frame, targets: Frame) -> list[Tensor]:
    """x, y and z of the directions of all components, `(components, rows)` each."""
    origin: Any = links.origin
    zero = ops.zeros_like(origin[0][0])
    vectors: list[Vector] = []
    for index, rows in enumerate(components.rows):
        kind = Components((rows,), components.frame)
        pair = ([_one(frame, index)] for frame in (links, targets))
        vectors += directions(kind, *pair)[0]
    return [ops.stack([zero + vector[axis] for vector in vectors]) for axis in range(3)]


def _some(frame: Frame, indices: list[int], count: int) -> Frame:
    """The frames of some links."""
    if len(indices) == count:
        return frame
    entries = along_first_axis((*frame.axes, frame.origin))
    return frame_of(ops.take(entries, np.array(indices), axis=1))


def _one(frame: Frame, index: int) -> Frame:
    """The frame of one link, entries `(rows,)`."""
    return frame_of(along_first_axis((*frame.axes, frame.origin))[:, index])


def _for_links(vector: Sequence[Any]) -> Vector:
    return three([each[None] for each in vector])
