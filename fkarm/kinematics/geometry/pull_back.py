"""The cotangents of a configuration and of a geometry, in closed form.

A wrench on a frame `A T B` is one on `T` in the axes of `T`. As a cotangent of the matrix of `T`
it is taken along rigid changes: changes that keep the matrix a rotation have the exact derivative.
"""

from __future__ import annotations

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
from fkarm.kinematics.loop import Layout, LoopArrays, wrenches_on_links, wrenches_on_nodes
from fkarm.kinematics.loop.nodes import Nodes, frame_of, nodes_at, three
from fkarm.kinematics.motions import Wrench

_AXES = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


def pull_back(
    layout: Layout,
    q: Tensor,
    poses: Tensor,
    poses_bar: Tensor,
    geometry: Geometry,
    arrays: LoopArrays,
    recipe: Recipe,
) -> list[Tensor]:
    """Cotangents of `q (..., dof)` and of the geometry's arrays, all with the batch axes of `q`."""
    nodes = nodes_at(layout, with_geometry(arrays, recipe, geometry), q)
    on_links = wrenches_on_links(arrays.links.shape[0], poses, poses_bar)
    sums, on_nodes = wrenches_on_nodes(nodes, on_links, is_kept=True)
    batch = ops.shape(q)[:-1]
    values = _values_bar(nodes, on_nodes, arrays, recipe, geometry)
    origins = _origins_bar(on_nodes, on_links, recipe, geometry)
    tool = ops.sum(stacked(_rigid(tool_frame(geometry), on_links)), axis=0, keepdims=True)
    cotangents = (nodes.with_balls(sums), *values)
    q_bar, offsets_bar, multipliers_bar = (
        ops.reshape(entries_last(x), (*batch, x.shape[0])) for x in cotangents
    )
    return [
        q_bar,
        _as_matrices(origins, (*batch, origins.shape[0])),
        offsets_bar,
        multipliers_bar,
        _as_matrices(tool, batch),
    ]


def _values_bar(
    nodes: Nodes, on_nodes: Tensor, arrays: LoopArrays, recipe: Recipe, geometry: Geometry
) -> tuple[Tensor, Tensor]:
    """Cotangents of offsets and multipliers, `(joints, rows)`."""
    about, along = on_nodes[:, 5], on_nodes[:, 2]
    component = ops.where(arrays.turns[:, None] > 0, about, along) * recipe.signs[:, None]
    moved = component * ops.take(nodes.q, arrays.entries, axis=0)
    both = ops.stack([component, moved], axis=1)  # (n, 2, rows)
    summed = _summed(both, recipe.joints, geometry.offsets.shape[-1])
    return summed[:, 0], summed[:, 1]


def _origins_bar(on_nodes: Tensor, on_links: Wrench, recipe: Recipe, geometry: Geometry) -> Tensor:
    """Cotangents of the origins as columns, `(joints, 12, rows)`."""
    before_tool = carried(tool_frame(geometry), on_links)
    links = ops.stack([x for vector in before_tool for x in vector], axis=1)  # (m, 6, rows)
    e = ops.unstack(ops.concatenate([on_nodes, links]), 6, axis=1)
    _, own, after = frames_of_lines(recipe, geometry)
    wrench = carried(after, (three(e[:3]), three(e[3:])))
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
    e = ops.unstack(_summed(by_line, rows, joints + 1)[:joints], 6, axis=1)
    origins = frame_of(ops.swapaxes(columns_first(geometry.origins), 0, 1))
    return stacked(_rigid(origins, (three(e[:3]), three(e[3:]))))


def _rigid(frame: Frame, wrench: Wrench) -> Frame:
    """The cotangent of a frame's matrix for a wrench at its origin, in its axes."""
    force, moment = wrench
    x, y, z = (vec_scale(0.5, combine(frame.axes, cross(moment, axis))) for axis in _AXES)
    return Frame((x, y, z), combine(frame.axes, force))


def _summed(values: Tensor, rows: Tensor, count: int) -> Tensor:
    """Sums of `values (k, c, rows)` by their row of `count`."""
    empty = ops.zeros((count, *ops.shape(values)[1:]), values.dtype)

    def add(k: Tensor, sums: Tensor) -> Tensor:
        row = rows[k]
        return ops.slice_update(sums, (row, 0, 0), (sums[row] + values[k])[None])

    return ops.fori_loop(0, values.shape[0], add, empty)


def _as_matrices(columns: Tensor, batch: tuple[int, ...]) -> Tensor:
    """Frames `(..., 3, 4)` of columns `(n, 12, rows)`."""
    by_row = ops.transpose(columns, (2, 0, 1))
    return ops.swapaxes(ops.reshape(by_row, (*batch, 4, 3)), -1, -2)
