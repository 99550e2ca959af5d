"""A distance as the line between two nearest points, and its derivative in closed form.

The distance pulls on what moves one end of the line, and not the other one, by a force along it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from fkarm._types import Tensor
from fkarm.collision.arithmetic import Array, crossed
from fkarm.collision.nearest import Line
from fkarm.collision.points import (
    loop_configuration_bar,
    numpy_configuration_bar,
    split_points,
)
from fkarm.kinematics.in_numpy import Posture, posture
from fkarm.kinematics.loop import Layout, in_tiles
from fkarm.kinematics.loop.nodes import nodes_at
from fkarm.kinematics.stage import Function, InNumpy, PullBack, once
from fkarm.kinematics.tree import Tree

# What a stage returns per row: distance, index, normal, point.
LINE = 8


def wrench_of(line: list[Array], bar: Array) -> tuple[Any, Any]:
    """Force along a line, and its moment about the origin of its points, of a cotangent.

    Args:
        line: Three entries of the normal, then three of a point.
        bar: Cotangent of the distance.
    """
    force = [bar * x for x in line[:3]]
    return force, crossed(line[3:], force)


@once
def line_pull_back(layout: Layout) -> Function:
    """The pull-back of lines `(rows, 8)`, the same object for all robots of a layout.

    `PointArrays.moves` has a column for each index of lines.
    """

    def pulled(q: Tensor, y: Tensor, y_bar: Tensor, *arrays: Tensor) -> Tensor:
        loop, points, _ = split_points(arrays)
        moves = ops.take(points.moves, ops.cast(y[:, 1], "int32"), axis=1)  # (n, rows)
        wrench = wrench_of([y[:, 2 + k] for k in range(6)], y_bar[:, 0])
        force, moment = ([moves * x for x in vector] for vector in wrench)
        return loop_configuration_bar(nodes_at(layout, loop, q), points.to_sums, force, moment)

    in_parts = in_tiles(pulled, (1, 1, 1), (layout.dof,))
    return lambda *arguments: [in_parts(*arguments)]


def line_in_numpy(tree: Tree, moves: Array, line_at: Callable[[Posture], Line]) -> InNumpy:
    """Lines `(rows, 8)` and their pull-back.

    Args:
        tree: The robot.
        moves: What moves the first end of a line and not the other one, 1 for every screw and
            index of lines. Shape `(s, indices)`.
        line_at: The line at a posture.
    """

    def nearest(q: Array) -> tuple[Array, PullBack]:
        at = posture(tree, q)
        line = line_at(at)
        ends = [*line.normal, *line.point]

        def pull_back(bar: Array) -> list[Array]:
            own = moves[:, line.index]  # (s, rows)
            force, moment = (own * np.array(x)[:, None] for x in wrench_of(ends, bar[:, 0]))
            return [numpy_configuration_bar(at, force, moment)]

        return np.array([line.distance, line.index, *ends]).T, pull_back

    return nearest
