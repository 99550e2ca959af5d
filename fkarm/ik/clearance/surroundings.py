"""What a configuration must keep clear of: the robot's own bodies, and obstacles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from fkarm._checks import check_non_negative
from fkarm.collision import pairs, self_distance
from fkarm.collision.arithmetic import NUMPY, crossed, minus, product
from fkarm.collision.groups import Groups, make_groups
from fkarm.collision.nearest import group_minima, lines_of_pairs
from fkarm.collision.points import numpy_points
from fkarm.collision.shapes import Shapes, shapes_of
from fkarm.config import cached
from fkarm.geometry.native import has_float64
from fkarm.ik.batch import run_in_chunks
from fkarm.ik.request import Request
from fkarm.kinematics.in_numpy import Posture, by_entry, posture, screws_in_base
from fkarm.kinematics.tree import Tree, tree_of
from fkarm.model import Body, Robot

# Rows whose distances NumPy computes at a time: their arrays stay in a cache of the processor.
ROWS = 128
Pairs = tuple[tuple[str, str], ...]


class Surroundings(NamedTuple):
    """What configurations of a robot must keep clear of."""

    robot: Robot
    least: float  # smallest distance that is clear, m
    pairs: Pairs  # of links
    obstacles: tuple[Any, ...]
    in_numpy: bool  # whether NumPy computes all distances, and nothing is compiled

    def distances(self, q: np.ndarray) -> np.ndarray:
        """The smallest distance of configurations `(n, dof)`, m, float64. Shape `(n,)`."""
        q = q.astype(np.float64)
        if self.in_numpy or not has_float64():
            parts = np.array_split(q, max(-(-len(q) // ROWS), 1))
            return np.concatenate([self._smallest(part) for part in parts])
        return run_in_chunks(lambda q: [self_distance(self.robot, q, self.pairs)], q)[0]

    def _smallest(self, q: np.ndarray) -> np.ndarray:
        """`distances` of a few configurations, in NumPy."""
        ready = _prepared(self.robot, self.robot.bodies, self.pairs)
        points = numpy_points(posture(ready.tree, q), ready.shapes)
        smallest: np.ndarray = group_minima(NUMPY, points, ready.groups).min(axis=0)
        return smallest

    def closest(self, q: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The smallest distances of configurations `(n, dof)`, and their derivatives by `q`.

        Distances of bodies grow as their links move apart along the line between the nearest
        points: the derivative is the work of opposite unit forces along that line.

        Returns:
            Distances of the `count` closest pairs, m, in any order, `(n, count)`, and derivatives
            `(n, count, dof)`. If there are fewer pairs, so many.
        """
        at, distance, normal, point, pulls = self._lines(q)
        if count < len(distance):
            near = np.argpartition(distance, count, axis=0)[:count]
        else:
            near = np.broadcast_to(np.arange(len(distance))[:, None], distance.shape)
        normal, point = (
            np.take_along_axis(x, near[None], axis=1)[:, None] for x in (normal, point)
        )  # (3, 1, count, n)
        screws = screws_in_base(at)
        axes, origins = screws.axes[:, :, None], screws.origins[:, :, None]  # (3, s, 1, n)
        work = product(axes, crossed(minus(point, origins), normal))  # (s, count, n)
        if not at.tree.screw_turns.all():
            work = np.where(at.tree.screw_turns[:, None, None], work, product(axes, normal))
        slope = by_entry(at.tree, (pulls[:, near] * work).transpose(2, 1, 0))
        return np.take_along_axis(distance, near, axis=0).T, slope

    def _lines(self, q: np.ndarray) -> tuple[Posture, np.ndarray, np.ndarray, np.ndarray, Any]:
        """Lines between nearest points: distances `(k, n)`, normals and points `(3, k, n)`."""
        ready = _prepared(self.robot, self.robot.bodies, self.pairs)
        at = posture(ready.tree, q)
        lines = lines_of_pairs(NUMPY, numpy_points(at, ready.shapes), ready.groups)
        return at, lines.distance, np.array(lines.normal), np.array(lines.point), ready.pulls


class Prepared(NamedTuple):
    """The bodies of pairs, ready for NumPy."""

    shapes: Shapes
    groups: Groups
    tree: Tree
    pulls: np.ndarray  # 1: a screw moves the first link alone, -1: the second alone, (s, pairs)


@cached(64)
def _prepared(robot: Robot, bodies: tuple[Body, ...], pairs: Pairs) -> Prepared:
    links = {link for pair in pairs for link in pair}
    shapes = shapes_of(robot, tuple(body for body in bodies if body.link in links))
    tree = tree_of(robot, shapes.links, shapes.base)
    first, second = (
        tree.screw_moves[:, [shapes.links.index(pair[k]) for pair in pairs]] for k in (0, 1)
    )
    return Prepared(shapes, make_groups(shapes, pairs), tree, first - second)


def surroundings(
    request: Request, clearance: float | None, obstacles: Sequence[Any] | None
) -> Surroundings | None:
    """The surroundings that the arguments of `solve_ik` name; None: bodies do not matter.

    Raises:
        RobotError: If the robot has no bodies.
        ValueError: If the clearance is no finite number >= 0, or there are obstacles without it, or
            a geometry beside it.
    """
    if clearance is None:
        if obstacles is not None:
            raise ValueError(
                "obstacles must come with clearance, the smallest distance from them. Received: "
                "clearance=None. Try clearance=0.005."
            )
        return None
    check_non_negative("clearance", clearance)
    if request.geometry:
        raise ValueError(
            "clearance must come without geometry: distances are those of the robot itself. "
            "Received: both. Leave one of them out."
        )
    robot = request.problem.robot
    obstacles = tuple(obstacles or ())
    return Surroundings(robot, float(clearance), pairs(robot), obstacles, request.is_few)
