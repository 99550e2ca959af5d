"""How a function of the steps of a problem is compiled: unrolled, by loops, or for a geometry."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from fkarm.ik.loop import Kind, Looped
from fkarm.ik.problem import Components, Problem
from fkarm.ik.steps import MOST_NEWTON_ENTRIES
from fkarm.ik.unrolled import Unrolled, WithFrames
from fkarm.kinematics.geometry import Geometry, Recipe, geometry_lines, own_geometry, with_geometry
from fkarm.kinematics.loop import LoopArrays, columns_of, loop_of
from fkarm.kinematics.loop.nodes import frame_of
from fkarm.kinematics.plan import Skeleton, skeleton_of
from fkarm.kinematics.stage import Function, Loops, Ranks, compiled, once
from fkarm.kinematics.tree import moves_of

_ARRAYS = len(LoopArrays._fields)


class UnrolledKind(NamedTuple):
    """What code for every joint depends on."""

    components: Components
    skeleton: Skeleton


class LoopProblem(NamedTuple):
    """What loops are compiled for, and the robot, which they take as an input."""

    kind: Kind
    arrays: tuple[np.ndarray, ...]  # `Looped.is_above`, `LoopArrays`, and the `Recipe` if any


def compiled_steps(
    function: Function, problem: Problem, ranks: Ranks, has_geometry: bool
) -> Function:
    """A function of `Steps` and further inputs, compiled as a function of the further inputs.

    Args:
        function: The function.
        problem: The problem.
        ranks: Of the further inputs, see `compiled`.
        has_geometry: Whether the arrays of a geometry, one row per target, are inputs too. They
            come before the inputs that all rows share.
    """
    if has_geometry:
        own = tuple(x.ndim for x in own_geometry(problem.robot))
        shared = len([rank for rank in ranks if rank is None])
        first = len(ranks) - shared
        ranks = (*ranks[:first], *own, *ranks[first:])
        kind, arrays = geometry_problem(problem)
        value = _for_geometry(function, kind, len(ranks), first)
        return compiled(_with_arrays(value, arrays), ranks, 0, loops=Loops(arrays, value))
    if by_loops(problem):
        loop_kind, arrays = loop_problem(problem)
        value = _by_loops(function, loop_kind, len(ranks))
    else:
        kind, arrays = unrolled_problem(problem)
        value = _unrolled(function, kind, len(ranks))
    loops = Loops(arrays, value)
    return compiled(partial(function, Unrolled(problem)), ranks, from_rows=0, loops=loops)


def by_loops(problem: Problem) -> bool:
    """Whether compiled code loops over the joints of a problem, instead of having code for each.

    Unrolled code has `n^3` operations for a step of `n` joints.
    """
    return len(problem.active) > MOST_NEWTON_ENTRIES


def unrolled_problem(problem: Problem) -> tuple[UnrolledKind, tuple[np.ndarray, ...]]:
    """What code for every joint is compiled for, and the frames, which it takes as an input."""
    plan = problem.plan
    origins = [node.origin for node in plan.nodes]
    frames = (np.array(each) for each in (origins, [frame for _, frame in plan.links]))
    kind = UnrolledKind(problem.components, skeleton_of(plan))
    return kind, tuple(columns_of(each) for each in frames)


@once
def loop_problem(problem: Problem) -> LoopProblem:
    """A problem for loops."""
    layout, arrays = loop_of(problem.robot, problem.links, problem.base)
    return LoopProblem(Kind(problem.components, layout), (_is_above(arrays), *arrays))


@once
def geometry_problem(problem: Problem) -> LoopProblem:
    """A problem for loops whose frames follow from a geometry."""
    layout, arrays, recipe = geometry_lines(problem.robot, problem.links, problem.base)
    kind = Kind(problem.components, layout)
    return LoopProblem(kind, (_is_above(arrays), *arrays, *recipe))


@once
def _unrolled(function: Function, kind: UnrolledKind, inputs: int) -> Function:
    """The same object for all problems of a kind, as below."""

    def run(*arguments: Any) -> Any:
        origins, link_frames = (
            [frame_of(each) for each in ops.unstack(array, array.shape[0], axis=0)]
            for array in arguments[inputs:]
        )
        plan = kind.skeleton.with_frames(origins, link_frames)
        return function(Unrolled(WithFrames(plan, kind.components)), *arguments[:inputs])

    return run


@once
def _by_loops(function: Function, kind: Kind, inputs: int) -> Function:
    """The same object for all problems of a kind, as below."""

    def run(*arguments: Any) -> Any:
        is_above, *arrays = arguments[inputs:]
        return function(Looped(kind, is_above, LoopArrays(*arrays)), *arguments[:inputs])

    return run


@once
def _for_geometry(function: Function, kind: Kind, inputs: int, first: int) -> Function:
    size = len(Geometry._fields)

    def run(*arguments: Any) -> Any:
        own, (is_above, *arrays) = arguments[:inputs], arguments[inputs:]
        geometry = Geometry(*own[first : first + size])
        nodes, recipe = LoopArrays(*arrays[:_ARRAYS]), Recipe(*arrays[_ARRAYS:])
        steps = Looped(kind, is_above, with_geometry(nodes, recipe, geometry))
        return function(steps, *own[:first], *own[first + size :])

    return run


def _with_arrays(value: Function, arrays: tuple[np.ndarray, ...]) -> Function:
    """A function of arrays without them, for the backends that compile no loops."""

    def run(*inputs: Any) -> Any:
        dtype = inputs[0].dtype
        # Indices have the type that the backend gives to integers: JAX does not mix two of them.
        kinds = [dtype if x.dtype.kind == "f" else None for x in arrays]
        tensors = [ops.convert_to_tensor(x, k) for x, k in zip(arrays, kinds, strict=True)]
        return value(*inputs, *tensors)

    return run


def _is_above(arrays: LoopArrays) -> np.ndarray:
    """1 where a node moves a link, else 0. Shape `(links, nodes)`."""
    return moves_of(arrays.parents - 1, arrays.links - 1).T
