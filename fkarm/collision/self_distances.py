"""Distances between the links of a robot."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from keras import ops

from fkarm._types import Tensor, TensorLike
from fkarm.collision.arithmetic import COMPILED, DIFFERENTIABLE, NUMPY, Array, nan_of
from fkarm.collision.groups import Groups, make_groups
from fkarm.collision.lines import (
    distance_and_index,
    line_in_numpy,
    line_with_gradient,
    scaled_gradient,
    wrench_of,
)
from fkarm.collision.link_pairs import Pair, chosen_pairs
from fkarm.collision.nearest import (
    group_minima,
    lines_of_pairs,
    nearest_line,
    pair_minima,
)
from fkarm.collision.points import (
    loop_configuration_bar,
    loop_points,
    numpy_configuration_bar,
    numpy_points,
    point_loop,
    split_points,
    unrolled_points,
)
from fkarm.collision.shapes import Shapes, shapes_of
from fkarm.kinematics.arguments import configuration
from fkarm.kinematics.entries import entries_last
from fkarm.kinematics.in_numpy import posture
from fkarm.kinematics.loop import Layout, frames_of_nodes, in_tiles
from fkarm.kinematics.loop.nodes import nodes_at
from fkarm.kinematics.plan import plan_chain
from fkarm.kinematics.stage import Function, InNumpy, Loops, PullBack, compiled, once
from fkarm.kinematics.tree import tree_of
from fkarm.model import Body, Robot


def self_distance(robot: Robot, q: TensorLike, pairs: Iterable[Pair] | None = None) -> Tensor:
    """The smallest signed distance between bodies of a robot.

    Args:
        robot: The robot, with bodies.
        q: Joint configurations, rad or m. Shape `(..., dof)`.
        pairs: Pairs of names of links; None: those that count, `fkarm.collision.pairs`.
    Returns:
        Distance, m, negative where bodies overlap: how deep the axes of two bodies are below the
        sum of their radii. In the dtype of `q` (float32 for half precision). Shape `(...)`.
    Raises:
        RobotError: If the robot has no bodies, or two links overlap in every posture.
        UnknownLinkError: If a link does not exist.
        ValueError: If `q` does not end with an axis of size `robot.dof`, no pair counts, or a link
            of `pairs` has no bodies.
    Gradient:
        With respect to `q`, in closed form: that of the nearest pair of bodies. It jumps where
        another pair becomes the nearest, and where the nearest points of two segments jump. Zero
        where two axes meet, which have no direction. Second derivatives hold the nearest points of
        capsules fixed. A NaN in `q` reaches its own row only.
    Example:
        >>> arm = fkarm.robots.planar([1.0, 1.0, 1.0])
        >>> links = (arm.link_names[1], arm.end_effector)
        >>> arm = arm.with_bodies([fkarm.Body(link, "sphere", 0.1) for link in links])
        >>> print(fkarm.collision.self_distance(arm, [0.0, 0.0, 0.0], pairs=[links]).numpy())
        2.8
    """
    return _nearest(robot, q, pairs)[..., 0]


def closest_pair(robot: Robot, q: TensorLike, pairs: Iterable[Pair] | None = None) -> Tensor:
    """Which pair of links is nearest.

    Args:
        robot: The robot, with bodies.
        q: Joint configurations, rad or m. Shape `(..., dof)`.
        pairs: As for `self_distance`.
    Returns:
        Index in `pairs`, or in `fkarm.collision.pairs(robot)`; int32. Shape `(...)`.
    Raises:
        RobotError, UnknownLinkError, ValueError: As `self_distance`.
    """
    return ops.cast(_nearest(robot, q, pairs)[..., 1], "int32")


def pair_distances(robot: Robot, q: TensorLike, pairs: Iterable[Pair] | None = None) -> Tensor:
    """The smallest signed distance of every pair of links.

    Args:
        robot: The robot, with bodies.
        q: Joint configurations, rad or m. Shape `(..., dof)`.
        pairs: As for `self_distance`.
    Returns:
        Distances, m, in the order of `pairs`. Shape `(..., pairs)`.
    Raises:
        RobotError, UnknownLinkError, ValueError: As `self_distance`.
    Gradient:
        As `self_distance`, of the nearest bodies of every pair.
    """
    q = configuration(robot, q)
    return _pairs_stage(robot, robot.bodies, chosen_pairs(robot, pairs))(q)


def _nearest(robot: Robot, q: TensorLike, pairs: Iterable[Pair] | None) -> Tensor:
    """Distance, index of the pair, and perhaps the gradient. Shape `(..., 2 + dof)`."""
    q = configuration(robot, q)
    return _nearest_stage(robot, robot.bodies, chosen_pairs(robot, pairs))(q)


@once
def _nearest_stage(robot: Robot, bodies: tuple[Body, ...], pairs: tuple[Pair, ...]) -> Function:
    shapes, groups = _prepared(robot, bodies, pairs)
    plan = plan_chain(robot, shapes.links, shapes.base)

    def by_operations(q: Tensor) -> Tensor:
        points = unrolled_points(plan, shapes, q)
        minima = group_minima(DIFFERENTIABLE, points, _typed(groups, q))
        distance = ops.min(minima, axis=0) + nan_of(DIFFERENTIABLE, points)
        # Not argmin, which formats of exported files lack on some backends.
        numbers = groups.pair.reshape((-1, *[1] * len(distance.shape)))
        pair = ops.max(ops.where(minima <= distance, numbers, 0), axis=0)
        return distance_and_index(distance, pair, robot.dof)

    if not plan.nodes:
        return by_operations
    layout, arrays = _arrays(robot, shapes, groups, pairs)
    tree = tree_of(robot, shapes.links, shapes.base)
    in_numpy = line_in_numpy(
        tree,
        _pulls(tree.screw_moves, shapes, pairs),
        lambda at: nearest_line(NUMPY, numpy_points(at, shapes), groups),
    )
    value = _nearest_by_loops(layout, groups.spheres)
    loops = Loops(arrays, value, scaled_gradient, 1)
    return compiled(by_operations, (1,), in_numpy=in_numpy, loops=loops)


@once
def _pairs_stage(robot: Robot, bodies: tuple[Body, ...], pairs: tuple[Pair, ...]) -> Function:
    shapes, groups = _prepared(robot, bodies, pairs)
    plan = plan_chain(robot, shapes.links, shapes.base)

    def by_operations(q: Tensor) -> Tensor:
        minima = group_minima(DIFFERENTIABLE, unrolled_points(plan, shapes, q), _typed(groups, q))
        return entries_last(pair_minima(DIFFERENTIABLE, minima, groups))

    if not plan.nodes:
        return by_operations
    layout, arrays = _arrays(robot, shapes, groups, pairs)
    value, pulled = _pairs_by_loops(layout, groups.spheres, len(pairs))
    in_numpy = _pairs_in_numpy(robot, shapes, groups, pairs)
    return compiled(by_operations, (1,), in_numpy=in_numpy, loops=Loops(arrays, value, pulled, 1))


def _prepared(
    robot: Robot, bodies: tuple[Body, ...], pairs: tuple[Pair, ...]
) -> tuple[Shapes, Groups]:
    """The bodies of the links in `pairs`, and their groups."""
    links = {link for pair in pairs for link in pair}
    shapes = shapes_of(robot, tuple(body for body in bodies if body.link in links))
    return shapes, make_groups(shapes, pairs)


def _typed(groups: Groups, q: Tensor) -> Groups:
    """The groups with radii in the type of `q`."""
    return groups._replace(radii=ops.convert_to_tensor(groups.radii, q.dtype))


def _pulls(moves: Array, shapes: Shapes, pairs: tuple[Pair, ...]) -> Array:
    """What moves the first link of a pair and not the second: 1; the other way round: -1.

    Shapes `(n, links)` to `(n, pairs)`.
    """
    a, b = np.array([[shapes.links.index(link) for link in pair] for pair in pairs]).T
    pulls: Array = moves[:, a] - moves[:, b]
    return pulls


# ---- by loops


def _arrays(
    robot: Robot, shapes: Shapes, groups: Groups, pairs: tuple[Pair, ...]
) -> tuple[Layout, tuple[Array, ...]]:
    layout, loop, points = point_loop(robot, shapes)
    points = points._replace(moves=_pulls(points.moves, shapes, pairs))
    return layout, (*loop, *points, *groups[:-1])


@once
def _nearest_by_loops(layout: Layout, spheres: int) -> Function:
    """The nearest pair, the same object for all robots of a layout."""

    def value(q: Tensor, *arrays: Tensor) -> Tensor:
        groups = Groups._make((*split_points(arrays)[2], spheres))
        return line_with_gradient(
            layout, q, arrays, lambda points: nearest_line(COMPILED, points, groups)
        )

    return in_tiles(value, (1,), (2 + layout.dof,))


@once
def _pairs_by_loops(layout: Layout, spheres: int, pairs: int) -> tuple[Function, Function]:
    def value(q: Tensor, *arrays: Tensor) -> Tensor:
        loop, points, own = split_points(arrays)
        at = loop_points(frames_of_nodes(nodes_at(layout, loop, q)), points)
        groups = Groups._make((*own, spheres))
        return entries_last(pair_minima(COMPILED, group_minima(COMPILED, at, groups), groups))

    def pulled(q: Tensor, y: Tensor, y_bar: Tensor, *arrays: Tensor) -> Tensor:
        loop, points, own = split_points(arrays)
        nodes = nodes_at(layout, loop, q)
        frames = frames_of_nodes(nodes)
        at = loop_points(frames, points)
        wrench = wrench_of(
            lines_of_pairs(COMPILED, at, Groups._make((*own, spheres))), ops.transpose(y_bar)
        )
        # Sums, not matrix products: accelerators would round these to TF32.
        force, moment = (
            [ops.sum(points.moves[:, :, None] * x, axis=1) for x in vector] for vector in wrench
        )
        return loop_configuration_bar(nodes, frames, points.to_sums, force, moment)

    in_parts = in_tiles(pulled, (1, 1, 1), (layout.dof,))
    return in_tiles(value, (1,), (pairs,)), lambda *arguments: [in_parts(*arguments)]


# ---- in NumPy


def _pairs_in_numpy(
    robot: Robot, shapes: Shapes, groups: Groups, pairs: tuple[Pair, ...]
) -> InNumpy:
    tree = tree_of(robot, shapes.links, shapes.base)
    pulls = _pulls(tree.screw_moves, shapes, pairs)

    def distances(q: Array) -> tuple[Array, PullBack]:
        at = posture(tree, q)
        points = numpy_points(at, shapes)

        def pull_back(bar: Array) -> list[Array]:
            lines = lines_of_pairs(NUMPY, points, groups)
            force, moment = wrench_of(lines, bar.T)
            return [numpy_configuration_bar(at, pulls @ np.array(force), pulls @ np.array(moment))]

        return pair_minima(NUMPY, group_minima(NUMPY, points, groups), groups).T, pull_back

    return distances
