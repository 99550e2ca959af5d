"""A distance as the line between two nearest points, and its derivative in closed form.

The distance pulls on what moves one end of the line, and not the other one, by a force along it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from keras import ops

from fkarm._types import Tensor
from fkarm.collision.arithmetic import COMPILED, Array, Point, crossed, nan_of
from fkarm.collision.nearest import Line
from fkarm.collision.points import (
    loop_configuration_bar,
    loop_points,
    numpy_configuration_bar,
    split_points,
)
from fkarm.kinematics.entries import stack_last
from fkarm.kinematics.in_numpy import Posture, posture
from fkarm.kinematics.loop import Layout, frames_of_nodes
from fkarm.kinematics.loop.nodes import nodes_at
from fkarm.kinematics.stage import InNumpy, PullBack
from fkarm.kinematics.tree import Tree


def wrench_of(line: Line, bar: Array) -> tuple[Point, Point]:
    """Force along a line, and its moment about the origin of its points, of a cotangent."""
    force = [bar * x for x in line.normal]
    return force, crossed(line.point, force)


def distance_and_index(distance: Tensor, index: Tensor, dof: int) -> Tensor:
    """What a stage returns, without its gradient: what differentiates these needs none.

    Shape `(..., 2 + dof)`.
    """
    zero = ops.zeros_like(distance)
    return stack_last([distance, ops.cast(index, distance.dtype), *[zero] * dof])


def line_with_gradient(
    layout: Layout, q: Tensor, arrays: tuple[Tensor, ...], line_at: Callable[[Point], Line]
) -> Tensor:
    """Distance, index, and the derivative of the distance by `q (rows, dof)`.

    The derivative takes an eighth of the time of the line, and would need the nodes again later.

    Args:
        layout: The layout of the loop.
        q: Configurations.
        arrays: Those of the loop and of its points, of which `moves` has a column per index.
        line_at: The line between the nearest of some points.
    Returns:
        Shape `(rows, 2 + dof)`.
    """
    loop, own, _ = split_points(arrays)
    nodes = nodes_at(layout, loop, q)
    frames = frames_of_nodes(nodes)
    points = loop_points(frames, own)
    line = line_at(points)
    moves = ops.take(own.moves, line.index, axis=1)  # (n, rows)
    force, moment = ([moves * x for x in vector] for vector in wrench_of(line, 1.0))
    gradient = loop_configuration_bar(nodes, frames, own.to_sums, force, moment)
    distance = line.distance + nan_of(COMPILED, points)
    first = stack_last([distance, ops.cast(line.index, q.dtype)])
    return ops.concatenate([first, gradient], axis=-1)


def scaled_gradient(q: Tensor, y: Tensor, y_bar: Tensor, *arrays: Tensor) -> list[Tensor]:
    """The pull-back of a stage that returns its gradient."""
    return [y_bar[..., :1] * y[..., 2:]]


def line_in_numpy(tree: Tree, moves: Array, line_at: Callable[[Posture], Line]) -> InNumpy:
    """Distances and indices as rows of stages, and their pull-back.

    Args:
        tree: The robot.
        moves: What moves the first end of a line and not the other one, 1 for every screw and
            index of lines. Shape `(s, indices)`.
        line_at: The line at a posture.
    """

    def nearest(q: Array) -> tuple[Array, PullBack]:
        at = posture(tree, q)
        line = line_at(at)

        def pull_back(bar: Array) -> list[Array]:
            own = moves[:, line.index]  # (s, rows)
            force, moment = (own * np.array(x)[:, None] for x in wrench_of(line, bar[:, 0]))
            return [numpy_configuration_bar(at, force, moment)]

        rows = np.zeros((len(q), 2 + q.shape[1]))
        rows[:, 0], rows[:, 1] = line.distance, line.index
        return rows, pull_back

    return nearest
