"""Arrays that are computed from the chain to one link."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from fkarm._types import Tensor, TensorLike
from fkarm.kinematics.arguments import base_name, configuration
from fkarm.kinematics.chain import Chain, chain_frames
from fkarm.kinematics.entries import Entry, stack_entries, unstack_entries
from fkarm.kinematics.geometry import OfGeometry, of_geometry
from fkarm.kinematics.loop import Layout, loop_of, wants_loop
from fkarm.kinematics.plan import Plan, plan_chain
from fkarm.kinematics.stage import Function, InNumpy, Loops, compiled, once, sincos
from fkarm.kinematics.tree import Tree, tree_of
from fkarm.model import Robot


class ChainArray(NamedTuple):
    """An array of the chain to one link, in the ways that it is computed."""

    # Its entries, and the sizes of its last axes.
    entries: Callable[[Plan, list[Tensor], Chain], tuple[list[Entry], tuple[int, ...]]]
    in_numpy: Callable[[Tree], InNumpy]
    loops: OfGeometry | None = None  # None: it has no loops, and takes no geometry


def chain_array(
    array: ChainArray,
    robot: Robot,
    q: TensorLike,
    link: str | None,
    base: str | None,
    geometry: Mapping[str, TensorLike] | None = None,
) -> Tensor:
    """The array of the chain between `base` and a link at configurations `q`."""
    link, base = robot.link_or_end_effector(link), base_name(robot, base)
    q = configuration(robot, q)
    if geometry is not None and array.loops is not None:
        return of_geometry(array.loops, robot, q, (link,), (), base, geometry)
    return _stage(array, robot, link, base)(q)


@once
def _stage(array: ChainArray, robot: Robot, link: str, base: str) -> Function:
    plan = plan_chain(robot, (link,), base)

    def run(q: Tensor) -> Tensor:
        values = unstack_entries(q)
        entries, axes = array.entries(plan, values, chain_frames(plan, values, sincos))
        return stack_entries(entries, q, axes)

    if not plan.nodes:
        return run
    loops = None
    if array.loops is not None and wants_loop(plan):
        loop = loop_of(robot, (link,), base)
        loops = Loops(tuple(loop.arrays), _of_layout(array.loops, loop.layout))
    in_numpy = array.in_numpy(tree_of(robot, (link,), base))
    return compiled(run, (1,), in_numpy=in_numpy, loops=loops)


@once
def _of_layout(loops: OfGeometry, layout: Layout) -> Function:
    """The same object for all robots of a layout."""
    return partial(loops.by_loops, layout, ())
