"""Poses of links for a geometry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from keras import ops

from fkarm._types import Tensor, TensorLike
from fkarm.kinematics.geometry.description import Geometry, own_geometry, read_geometry
from fkarm.kinematics.geometry.lines import Recipe, geometry_lines, with_geometry
from fkarm.kinematics.geometry.pull_back import pull_back
from fkarm.kinematics.loop import Layout, LoopArrays, loop_poses, unrolled_poses
from fkarm.kinematics.stage import Function, Loops, compiled, once
from fkarm.model import Robot

_ARRAYS = len(LoopArrays._fields)
_INPUTS = len(Geometry._fields)


def poses_of_geometry(
    robot: Robot,
    q: Tensor,
    links: tuple[str, ...],
    axes: tuple[int, ...],
    base: str,
    geometry: Mapping[str, TensorLike],
) -> Tensor:
    """Poses `(..., *axes, 4, 4)` of `links` in `base` for a robot with another geometry."""
    tensors = read_geometry(robot, q, geometry)
    ranks = tuple(
        own.ndim if len(x.shape) > own.ndim else None
        for own, x in zip(own_geometry(robot), tensors, strict=True)
    )
    return _stage(robot, links, axes, base, ranks)(q, *tensors)


@once
def _stage(
    robot: Robot,
    links: tuple[str, ...],
    axes: tuple[int, ...],
    base: str,
    ranks: tuple[int | None, ...],
) -> Function:
    layout, arrays, recipe = geometry_lines(robot, links, base)

    def poses(q: Tensor, *geometry: Tensor) -> Tensor:
        own, how = LoopArrays(*_typed(arrays, q)), Recipe(*_typed(recipe, q))
        changed = with_geometry(own, how, Geometry(*geometry))
        return unrolled_poses(layout, axes, q, *changed)

    if not arrays.parents.size:
        return poses
    value, pulled = _by_loops(layout, axes)
    loops = Loops((*arrays, *recipe), value, pulled, len(axes) + 2)
    return compiled(poses, (1, *ranks), from_rows=0, loops=loops)


@once
def _by_loops(layout: Layout, axes: tuple[int, ...]) -> tuple[Function, Function]:
    """Poses and their pull-back, the same objects for all robots of a layout."""

    def split(inputs: Sequence[Tensor]) -> tuple[LoopArrays, Recipe]:
        return LoopArrays(*inputs[:_ARRAYS]), Recipe(*inputs[_ARRAYS:])

    def poses(q: Tensor, *inputs: Tensor) -> Tensor:
        geometry, (arrays, recipe) = Geometry(*inputs[:_INPUTS]), split(inputs[_INPUTS:])
        return loop_poses(layout, axes, q, *with_geometry(arrays, recipe, geometry))

    def pulled(q: Tensor, *inputs: Tensor) -> list[Tensor]:
        geometry, (y, y_bar) = Geometry(*inputs[:_INPUTS]), inputs[_INPUTS : _INPUTS + 2]
        return pull_back(layout, q, y, y_bar, geometry, *split(inputs[_INPUTS + 2 :]))

    return poses, pulled


def _typed(arrays: Any, q: Tensor) -> list[Any]:
    """Floating arrays as tensors of the type of `q`; integers stay NumPy's."""
    return [
        ops.convert_to_tensor(x, q.dtype) if np.issubdtype(x.dtype, np.floating) else x
        for x in arrays
    ]
