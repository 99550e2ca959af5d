"""Distances between a robot and obstacles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial, reduce
from typing import NamedTuple

from keras import ops

from fkarm._types import Tensor, TensorLike
from fkarm.collision.arithmetic import (
    COMPILED,
    DIFFERENTIABLE,
    NUMPY,
    Arithmetic,
    Array,
    Point,
    nan_of,
)
from fkarm.collision.lines import (
    distance_and_index,
    line_in_numpy,
    line_with_gradient,
    scaled_gradient,
)
from fkarm.collision.nearest import Line, at_rows
from fkarm.collision.obstacles import SCENES_KEPT, Obstacle, checked_obstacles
from fkarm.collision.points import (
    numpy_points,
    point_loop,
    split_points,
    unrolled_points,
)
from fkarm.collision.shapes import moving_bodies, shapes_of
from fkarm.collision.surfaces import Kind, Surface, padded_tables, surfaces_of, with_tables
from fkarm.config import cached
from fkarm.kinematics.arguments import configuration
from fkarm.kinematics.loop import Layout, in_tiles
from fkarm.kinematics.plan import plan_chain
from fkarm.kinematics.stage import STAGES_KEPT, Function, Loops, compiled, once
from fkarm.kinematics.tree import tree_of
from fkarm.model import Body, Robot


class Bodies(NamedTuple):
    """The axes of `n` bodies between points."""

    first: Array  # index of a point, (n,)
    last: Array  # of the other one, (n,)
    radii: Array  # m, (n,)


def world_distance(robot: Robot, q: TensorLike, obstacles: Obstacle | Iterable[Obstacle]) -> Tensor:
    """The smallest signed distance between a robot's bodies and obstacles.

    Bodies that no joint moves in the root link's frame do not count: a base touches the floor that
    it stands on in every configuration.

    Exact for spheres, capsules and half-spaces, and for boxes to 1e-12 of the length of a capsule
    (in float32: to rounding).
    Where the axis of a capsule enters a box, its depth is that of the deepest point of the axis.
    In a `DistanceGrid` a capsule is measured at points of its axis that are at most the grid's
    spacing apart: the distance is then too large by at most half of it.

    Args:
        robot: The robot, with bodies.
        q: Joint configurations, rad or m. Shape `(..., dof)`.
        obstacles: Objects of `fkarm.collision`: `Sphere`, `Capsule`, `Box`, `HalfSpace` and
            `DistanceGrid`, one or several. They are inputs of the code that is compiled for large
            batches: it is the same wherever they are.
    Returns:
        Distance, m, negative where a body overlaps an obstacle. In the dtype of `q` (float32 for
        half precision). Shape `(...)`.
    Raises:
        RobotError: If no joint moves a body of the robot.
        TypeError: If an obstacle is of another kind.
        ValueError: If `q` does not end with an axis of size `robot.dof`, or there is no obstacle.
    Gradient:
        With respect to `q`, in closed form: that of the nearest body and obstacle. It jumps where
        others become the nearest, where the nearest face of a box changes, and at the cells of a
        grid. Second derivatives hold the direction fixed. A NaN in `q` reaches its own row only.
    Example:
        >>> arm = fkarm.robots.planar([1.0, 1.0])
        >>> arm = arm.with_bodies([fkarm.Body(arm.end_effector, "sphere", 0.1)])
        >>> wall = fkarm.collision.HalfSpace(normal=(-1, 0, 0), offset=-2.5)
        >>> print(round(float(fkarm.collision.world_distance(arm, [0.0, 0.0], wall)), 6))
        0.4
    """
    q = configuration(robot, q)
    return _stage(robot, moving_bodies(robot), checked_obstacles(obstacles))(q)[..., 0]


@partial(once, kept=SCENES_KEPT)
def _stage(robot: Robot, bodies: tuple[Body, ...], obstacles: tuple[Obstacle, ...]) -> Function:
    shapes = shapes_of(robot, bodies, robot.root_link)
    surfaces = surfaces_of(obstacles, max(body.length for body in bodies))
    kinds, tables = tuple(surface.kind for surface in surfaces), padded_tables(surfaces)
    tree = tree_of(robot, shapes.links, shapes.base)
    own = Bodies(shapes.first, shapes.last, shapes.radii)
    in_numpy = line_in_numpy(
        tree,
        tree.screw_moves[:, shapes.body_links],
        lambda at: _line(NUMPY, numpy_points(at, shapes), own, surfaces),
    )
    layout, arrays = _arrays(robot, bodies)
    value = _by_loops(layout, kinds)
    loops = Loops((*arrays, *tables), value, scaled_gradient, 1)
    by_operations = _by_operations(robot, bodies, kinds)
    return compiled(by_operations, (1,), in_numpy=in_numpy, loops=loops, data=tables)


# What does not depend on where obstacles are: code is compiled once for all scenes.


@cached(STAGES_KEPT)
def _by_operations(robot: Robot, bodies: tuple[Body, ...], kinds: tuple[Kind, ...]) -> Function:
    """Of configurations and tables, for derivatives."""
    shapes = shapes_of(robot, bodies, robot.root_link)
    plan = plan_chain(robot, shapes.links, shapes.base)
    own = Bodies(shapes.first, shapes.last, shapes.radii)

    def by_operations(q: Tensor, *tables: Array) -> Tensor:
        points, surfaces = unrolled_points(plan, shapes, q), with_tables(kinds, tables)
        by_body = _by_body(DIFFERENTIABLE, points, own, surfaces)
        distance = ops.min(by_body, axis=0) + nan_of(DIFFERENTIABLE, points)
        return distance_and_index(distance, ops.zeros_like(distance), robot.dof)

    return by_operations


@cached(STAGES_KEPT)
def _by_loops(layout: Layout, kinds: tuple[Kind, ...]) -> Function:
    """Of configurations, the arrays of a robot and tables: the same for all robots of a layout."""

    def value(q: Tensor, *arrays: Tensor) -> Tensor:
        rest = split_points(arrays)[2]
        count = len(Bodies._fields)
        own, surfaces = Bodies(*rest[:count]), with_tables(kinds, rest[count:])
        return line_with_gradient(
            layout, q, arrays, lambda points: _line(COMPILED, points, own, surfaces)
        )

    return in_tiles(value, (1,), (2 + layout.dof,))


@cached(STAGES_KEPT)
def _arrays(robot: Robot, bodies: tuple[Body, ...]) -> tuple[Layout, tuple[Array, ...]]:
    """The robot as an input of loops."""
    shapes = shapes_of(robot, bodies, robot.root_link)
    layout, loop, points = point_loop(robot, shapes)
    points = points._replace(moves=points.moves[:, shapes.body_links])
    return layout, (*loop, *points, *Bodies(shapes.first, shapes.last, shapes.radii))


def _by_body(by: Arithmetic, points: Point, bodies: Bodies, surfaces: Sequence[Surface]) -> Array:
    """The smallest distance of every body from the obstacles. Shape `(n, ...)`, m."""
    first, last = (
        [by.xp.take(x, own, axis=0) for x in points] for own in (bodies.first, bodies.last)
    )
    minima = []
    for distance, normal, point in (surface.contact(by, first, last) for surface in surfaces):
        if by is DIFFERENTIABLE:
            # Constant directions: derivatives of a distance need no derivative of how it arose.
            steps = [
                by.constant(u) * (x - by.constant(x)) for u, x in zip(normal, point, strict=True)
            ]
            distance = by.constant(distance) + sum(steps)
        minima.append(by.xp.min(distance, axis=0))
    radii = by.table(bodies.radii, points[0])
    radii = by.xp.reshape(radii, (-1, *[1] * (len(points[0].shape) - 1)))
    return reduce(by.xp.minimum, minima) - radii


def _line(by: Arithmetic, points: Point, bodies: Bodies, surfaces: Sequence[Surface]) -> Line:
    """The line between the nearest body, by its index, and the nearest obstacle."""
    xp = by.xp
    body = by.argmin(_by_body(by, points, bodies, surfaces), 0)
    first, last = (
        at_rows(by, points, xp.take(by.cast(own, "int32"), body, axis=0))
        for own in (bodies.first, bodies.last)
    )
    contacts = [surface.contact(by, first, last) for surface in surfaces]
    distances = xp.concatenate([contact.distance for contact in contacts], axis=0)
    best = by.argmin(distances, 0)

    def at_best(arrays: list[Array]) -> Array:
        whole = [x + 0.0 * c.distance for x, c in zip(arrays, contacts, strict=True)]
        return at_rows(by, [xp.concatenate(whole, axis=0)], best)[0]

    radius = xp.take(by.table(bodies.radii, distances), body, axis=0)
    return Line(
        at_best([c.distance for c in contacts]) - radius,
        body,
        [at_best([c.normal[k] for c in contacts]) for k in range(3)],
        [at_best([c.point[k] for c in contacts]) for k in range(3)],
    )
