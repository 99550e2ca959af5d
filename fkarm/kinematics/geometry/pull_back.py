"""The cotangents of a configuration and of a geometry, in closed form.

A wrench on a frame `A T B` is one on `T` in the axes of `T`. As a cotangent of the matrix of `T`
it is taken along rigid changes: changes that keep the matrix a rotation have the exact derivative.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from keras import ops

from fkarm._types import Tensor
from fkarm.kinematics.chain import carried
from fkarm.kinematics.entries import Frame, combine, cross, entries_last, vec_scale
from fkarm.kinematics.geometry.description import Geometry
from fkarm.kinematics.geometry.lines import (
    Recipe,
    columns_first,
    frames_of_lines,
    stacked,
    tool_frame,
    with_geometry,
)
from fkarm.kinematics.loop import (
    Layout,
    LoopArrays,
    sums_in_tiles,
    unrolled_wrenches,
    wrenches_on_links,
    wrenches_on_nodes,
)
from fkarm.kinematics.loop.nodes import frame_of, nodes_at, three
from fkarm.kinematics.motions import Wrench

_AXES = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


class Wrenches(NamedTuple):
    """The wrenches of all rows, or their sums as one row."""

    on_nodes: Tensor  # before they move, in the axes there, (n, 6, rows)
    on_links: Tensor  # (m, 6, rows)
    moved: Tensor  # component along a node's axis, times its entry of q, (n, rows)


def pull_back(
    layout: Layout,
    q: Tensor,
    poses: Tensor,
    poses_bar: Tensor,
    geometry: Geometry,
    arrays: LoopArrays,
    recipe: Recipe,
    is_shared: bool = False,
) -> list[Tensor]:
    """Cotangents of `q (..., dof)` and of the geometry's arrays, with the batch axes of `q`.

    There is code for every node if the integers of `arrays` are NumPy's, else a loop.

    If all rows share the arrays their cotangents have no batch axes. The frames are then the same
    in all rows, so the sums of wrenches are carried through them as one wrench is.
    """
    loop = with_geometry(arrays, recipe, geometry)
    run: Callable[..., tuple[Tensor, list[Tensor]]] = partial(_wrenches, layout)
    batch = () if is_shared else tuple(ops.shape(q)[:-1])
    if is_shared:
        rank = len(poses.shape) - len(q.shape) + 1
        run = sums_in_tiles(run, (1, rank, rank), layout.dof)
    q_bar, sums = run(q, poses, poses_bar, *loop)
    wrenches = Wrenches(*sums)
    on_links = _wrench(wrenches.on_links)
    origins = _origins_bar(wrenches, recipe, geometry)
    tool = ops.sum(stacked(_rigid(tool_frame(geometry), on_links)), axis=0, keepdims=True)
    offsets_bar, multipliers_bar = (
        ops.reshape(entries_last(x), (*batch, x.shape[0]))
        for x in _values_bar(wrenches, arrays, recipe, geometry)
    )
    return [
        ops.reshape(q_bar, ops.shape(q)),
        _as_matrices(origins, (*batch, origins.shape[0])),
        offsets_bar,
        multipliers_bar,
        _as_matrices(tool, batch),
    ]


def _wrenches(
    layout: Layout, q: Tensor, poses: Tensor, poses_bar: Tensor, *loop: Tensor
) -> tuple[Tensor, list[Tensor]]:
    """The cotangent of `q`, `(rows, dof)`, and `Wrenches`."""
    nodes = nodes_at(layout, loop, q)
    arrays = nodes.arrays
    on_links = wrenches_on_links(arrays.links.shape[0], poses, poses_bar)
    if isinstance(arrays.parents, np.ndarray):
        sums, on_nodes = unrolled_wrenches(nodes, on_links)
    else:
        sums, on_nodes = wrenches_on_nodes(nodes, on_links, is_kept=True)
    component = _component(on_nodes, arrays)
    moved = component * ops.take(nodes.q, arrays.entries, axis=0)
    by_link = ops.stack([x for vector in on_links for x in vector], axis=1)
    return entries_last(nodes.with_balls(sums)), [*Wrenches(on_nodes, by_link, moved)]


def _component(on_nodes: Tensor, arrays: LoopArrays) -> Tensor:
    """The components of wrenches along the nodes' axes, `(n, rows)`."""
    return ops.where(arrays.turns[:, None] > 0, on_nodes[:, 5], on_nodes[:, 2])


def _values_bar(
    wrenches: Wrenches, arrays: LoopArrays, recipe: Recipe, geometry: Geometry
) -> tuple[Tensor, Tensor]:
    """Cotangents of offsets and multipliers, `(joints, rows)`."""
    both = ops.stack([_component(wrenches.on_nodes, arrays), wrenches.moved], axis=1)
    by_node = both * recipe.signs[:, None, None]  # (n, 2, rows)
    summed = _summed(by_node, recipe.joints, geometry.offsets.shape[-1])
    return summed[:, 0], summed[:, 1]


def _origins_bar(wrenches: Wrenches, recipe: Recipe, geometry: Geometry) -> Tensor:
    """Cotangents of the origins as columns, `(joints, 12, rows)`."""
    before_tool = carried(tool_frame(geometry), _wrench(wrenches.on_links))
    links = ops.stack([x for vector in before_tool for x in vector], axis=1)  # (m, 6, rows)
    _, own, after = frames_of_lines(recipe, geometry)
    wrench = carried(after, _wrench(ops.concatenate([wrenches.on_nodes, links])))
    # A change of T from the right changes its inverse from the left, the other way.
    joints = geometry.origins.shape[-3]
    is_inverse = (recipe.rows >= joints)[:, None]
    sides = zip(wrench, carried(own, wrench), strict=True)
    force, moment = (
        three([ops.where(is_inverse, -b, a) for a, b in zip(*side, strict=True)]) for side in sides
    )
    by_line = ops.stack([*force, *moment], axis=1)  # (n + m, 6, rows)
    # Lines without an origin go to a row that is not read.
    rows = ops.where(recipe.rows >= joints, recipe.rows - joints, recipe.rows)
    by_joint = _summed(by_line, rows, joints + 1)[:joints]
    origins = frame_of(ops.swapaxes(columns_first(geometry.origins), 0, 1))
    return stacked(_rigid(origins, _wrench(by_joint)))


def _wrench(entries: Tensor) -> Wrench:
    """Wrenches with entries `(n, rows)`, of `(n, 6, rows)`."""
    e = ops.unstack(entries, 6, axis=1)
    return three(e[:3]), three(e[3:])


def _rigid(frame: Frame, wrench: Wrench) -> Frame:
    """The cotangent of a frame's matrix for a wrench at its origin, in its axes."""
    force, moment = wrench
    x, y, z = (vec_scale(0.5, combine(frame.axes, cross(moment, axis))) for axis in _AXES)
    return Frame((x, y, z), combine(frame.axes, force))


def _summed(values: Tensor, rows: Tensor, count: int) -> Tensor:
    """Sums of `values (k, c, rows)` by their row of `count`."""
    empty = ops.zeros((count, *ops.shape(values)[1:]), values.dtype)
    rows = ops.convert_to_tensor(rows, "int32")

    def add(k: Tensor, sums: Tensor) -> Tensor:
        row = rows[k]
        return ops.slice_update(sums, (row, 0, 0), (sums[row] + values[k])[None])

    return ops.fori_loop(0, values.shape[0], add, empty)


def _as_matrices(columns: Tensor, batch: tuple[int, ...]) -> Tensor:
    """Frames `(..., 3, 4)` of columns `(n, 12, rows)`."""
    by_row = ops.transpose(columns, (2, 0, 1))
    return ops.swapaxes(ops.reshape(by_row, (*batch, 4, 3)), -1, -2)
