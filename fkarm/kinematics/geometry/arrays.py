"""Poses and Jacobians of links for a geometry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from fkarm._types import Tensor, TensorLike
from fkarm.kinematics.geometry.description import Geometry, own_geometry, read_geometry
from fkarm.kinematics.geometry.lines import Recipe, geometry_lines, with_geometry
from fkarm.kinematics.geometry.pull_back import pull_back
from fkarm.kinematics.loop import Layout, LoopArrays, loop_poses, unrolled_poses
from fkarm.kinematics.loop.arrays import MOST_UNROLLED_IN_CHAIN
from fkarm.kinematics.stage import Function, Loops, compiled, is_traced_for_cpu, once
from fkarm.model import Robot

_ARRAYS = len(LoopArrays._fields)
_INPUTS = len(Geometry._fields)
# Batches of these sizes are computed by loops, which compile in a third of the time.
_FEW_ROWS = range(4096)


class OfGeometry(NamedTuple):
    """A function of a layout, the axes of links, `q` and the arrays of a loop, in two ways."""

    by_loops: Function
    unrolled: Function
    pull_back: Function | None = None  # see `pull_back.py`


POSES = OfGeometry(loop_poses, unrolled_poses, pull_back)


def of_geometry(
    what: OfGeometry,
    robot: Robot,
    q: Tensor,
    links: tuple[str, ...],
    axes: tuple[int, ...],
    base: str,
    geometry: Mapping[str, TensorLike],
) -> Tensor:
    """An array of `links` in `base`, for a robot with another geometry.

    Args:
        what: The array.
        robot: The robot.
        q: Configurations.
        links: Names of links.
        axes: Sizes of the axes of links in the array, `()` for one link.
        base: Name of the base link.
        geometry: The arrays that differ from the robot's own.
    """
    tensors = read_geometry(robot, geometry, q.shape[:-1], q.dtype, "q")
    ranks = tuple(
        own.ndim if len(x.shape) > own.ndim else None
        for own, x in zip(own_geometry(robot), tensors, strict=True)
    )
    return _stage(what, robot, links, axes, base, ranks)(q, *tensors)


@once
def _stage(
    what: OfGeometry,
    robot: Robot,
    links: tuple[str, ...],
    axes: tuple[int, ...],
    base: str,
    ranks: tuple[int | None, ...],
) -> Function:
    layout, arrays, recipe = geometry_lines(robot, links, base)

    def unrolled(q: Tensor, *geometry: Tensor) -> Tensor:
        own, how = LoopArrays(*_typed(arrays, q)), Recipe(*_typed(recipe, q))
        changed = with_geometry(own, how, Geometry(*geometry))
        return what.unrolled(layout, axes, q, *changed)

    if not arrays.parents.size:
        return unrolled
    is_shared = not any(ranks)
    few = len(arrays.parents) + len(links) <= MOST_UNROLLED_IN_CHAIN
    integers = tuple(
        (k, tuple(x.ravel().tolist()), x.shape)
        for k, x in enumerate((*arrays, *recipe))
        if is_shared and few and np.issubdtype(x.dtype, np.integer)
    )
    value, pulled = _by_loops(what, layout, axes, is_shared, integers)
    loops = Loops((*arrays, *recipe), value, pulled, len(axes) + 2, is_shared)
    return compiled(unrolled, (1, *ranks), from_rows=0, loops=loops)


@once
def _by_loops(
    what: OfGeometry,
    layout: Layout,
    axes: tuple[int, ...],
    is_shared: bool,
    integers: tuple[tuple[int, tuple[int, ...], tuple[int, ...]], ...],
) -> tuple[Function, Function | None]:
    """The array and its pull-back, the same objects for all robots of a layout.

    On a CPU many rows that share a geometry have code for every node, in which `integers`, the
    integer arrays with their places, are constants.
    """
    constants = {k: np.array(values, int).reshape(shape) for k, values, shape in integers}

    def split(q: Tensor, inputs: Sequence[Tensor]) -> tuple[bool, LoopArrays, Recipe]:
        is_unrolled = bool(constants) and is_traced_for_cpu() and q.shape[0] not in _FEW_ROWS
        if is_unrolled:
            inputs = [constants.get(k, x) for k, x in enumerate(inputs)]
        return is_unrolled, LoopArrays(*inputs[:_ARRAYS]), Recipe(*inputs[_ARRAYS:])

    def value(q: Tensor, *inputs: Tensor) -> Tensor:
        geometry, (is_unrolled, arrays, recipe) = (
            Geometry(*inputs[:_INPUTS]),
            split(q, inputs[_INPUTS:]),
        )
        run = what.unrolled if is_unrolled else what.by_loops
        return run(layout, axes, q, *with_geometry(arrays, recipe, geometry))

    def pulled(q: Tensor, *inputs: Tensor) -> Any:
        geometry, (y, y_bar) = Geometry(*inputs[:_INPUTS]), inputs[_INPUTS : _INPUTS + 2]
        _, arrays, recipe = split(q, inputs[_INPUTS + 2 :])
        if what.pull_back is None:
            return None
        return what.pull_back(layout, q, y, y_bar, geometry, arrays, recipe, is_shared)

    return value, None if what.pull_back is None else pulled


def _typed(arrays: Any, q: Tensor) -> list[Any]:
    """Floating arrays as tensors of the type of `q`; integers stay NumPy's."""
    return [
        ops.convert_to_tensor(x, q.dtype) if np.issubdtype(x.dtype, np.floating) else x
        for x in arrays
    ]
