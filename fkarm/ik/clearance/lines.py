"""Lines between bodies that are near each other or near obstacles, in NumPy.

The distance along a line grows as its ends move apart: its derivative by a joint is the work of
opposite unit forces along the line.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from fkarm.collision.arithmetic import NUMPY, crossed, minus, product, segment_distance
from fkarm.collision.groups import make_groups
from fkarm.collision.nearest import lines_of_pairs
from fkarm.collision.obstacles import SCENES_KEPT, Obstacle
from fkarm.collision.points import numpy_points
from fkarm.collision.shapes import shapes_of
from fkarm.collision.surfaces import surfaces_of
from fkarm.config import cached
from fkarm.kinematics.in_numpy import Array, Posture, by_entry, posture, screws_in_base
from fkarm.kinematics.tree import tree_of
from fkarm.model import Body, Robot

Pairs = tuple[tuple[str, str], ...]


class Lines(NamedTuple):
    """`k` lines at each of `n` configurations."""

    at: Posture
    distance: Array  # m, (k, n)
    normal: Array  # directions in which the distances grow, (3, k, n)
    point: Array  # a point on every line, m, (3, k, n)
    pulls: Array  # 1: a screw moves the first end alone, -1: the second end alone, (s, k)

    def shortest(self, count: int) -> tuple[Array, Array]:
        """The `count` smallest distances in any order, `(n, count)`, and `(n, count, dof)`.

        The second array holds their derivatives by `q`. If there are fewer lines, so many.
        """
        count = min(count, len(self.distance))
        chosen = np.argpartition(self.distance, count - 1, axis=0)[:count]
        normal, point = (
            np.take_along_axis(x, chosen[None], axis=1)[:, None] for x in (self.normal, self.point)
        )  # (3, 1, count, n)
        tree, screws = self.at.tree, screws_in_base(self.at)
        axes, origins = screws.axes[:, :, None], screws.origins[:, :, None]  # (3, s, 1, n)
        work = product(axes, crossed(minus(point, origins), normal))  # (s, count, n)
        if not tree.screw_turns.all():
            work = np.where(tree.screw_turns[:, None, None], work, product(axes, normal))
        slopes = by_entry(tree, (self.pulls[:, chosen] * work).transpose(2, 1, 0))
        return np.take_along_axis(self.distance, chosen, axis=0).T, slopes


class Near(Protocol):
    """What bodies may be near."""

    def smallest(self, q: Array) -> Array:
        """The smallest distances of configurations `(n, dof)`, m. Shape `(n,)`."""

    def lines(self, q: Array) -> Lines:
        """Lines that include the shortest one."""


class Links:
    """The bodies of pairs of links: a line for every pair."""

    def __init__(self, robot: Robot, bodies: tuple[Body, ...], pairs: Pairs) -> None:
        links = {link for pair in pairs for link in pair}
        self._shapes = shapes_of(robot, tuple(body for body in bodies if body.link in links))
        self._groups = make_groups(self._shapes, pairs)
        self._tree = tree_of(robot, self._shapes.links, self._shapes.base)
        index = np.array([[self._shapes.links.index(link) for link in pair] for pair in pairs])
        first, second = (self._tree.screw_moves[:, index[:, k]] for k in (0, 1))
        self._pulls = first - second
        on_link = self._shapes.body_links == np.arange(len(self._shapes.links))[:, None]
        self._a, self._b = np.concatenate(
            [np.argwhere(on_link[a][:, None] & on_link[b]) for a, b in index]
        ).T  # pairs of bodies
        ends = (self._shapes.local[:, each] for each in (self._shapes.first, self._shapes.last))
        half = 0.5 * np.linalg.norm(np.subtract(*ends), axis=0)
        self._reach = (half[self._a] + half[self._b])[:, None]
        self._radii = self._shapes.radii[self._a] + self._shapes.radii[self._b]

    def smallest(self, q: Array) -> Array:
        """The smallest distances, see `Near`."""
        points = np.array(numpy_points(posture(self._tree, q), self._shapes))
        first, last = points[:, self._shapes.first], points[:, self._shapes.last]
        middle = 0.5 * (first + last)
        between = middle[:, self._a] - middle[:, self._b]
        # Distances of middles are upper bounds, and less the half lengths lower bounds. Few pairs
        # have a lower bound below the smallest upper one.
        upper = np.sqrt(product(between, between)) - self._radii[:, None]  # (pairs, n)
        smallest: Array = upper.min(axis=0)
        pair, row = np.nonzero((upper - self._reach <= smallest) & (self._reach > 0))
        a, b = self._a[pair], self._b[pair]
        axes = (first[:, a, row], last[:, a, row]), (first[:, b, row], last[:, b, row])
        distance = segment_distance(NUMPY, *axes) - self._radii[pair]
        np.minimum.at(smallest, row, distance)
        return smallest

    def lines(self, q: Array) -> Lines:
        """The line of every pair."""
        at = posture(self._tree, q)
        line = lines_of_pairs(NUMPY, numpy_points(at, self._shapes), self._groups)
        return Lines(at, line.distance, np.array(line.normal), np.array(line.point), self._pulls)


class Obstacles:
    """The bodies, and obstacles: a line for every body and obstacle."""

    def __init__(
        self, robot: Robot, bodies: tuple[Body, ...], obstacles: tuple[Obstacle, ...]
    ) -> None:
        self._shapes = shapes_of(robot, bodies, robot.root_link)
        self._tree = tree_of(robot, self._shapes.links, robot.root_link)
        self._surfaces = surfaces_of(obstacles, max(body.length for body in bodies))

    def smallest(self, q: Array) -> Array:
        """The smallest distances, see `Near`."""
        smallest: Array = self.lines(q).distance.min(axis=0)
        return smallest

    def lines(self, q: Array) -> Lines:
        """The line of every body and obstacle."""
        at, shapes = posture(self._tree, q), self._shapes
        points = np.array(numpy_points(at, shapes))
        first, last = points[:, shapes.first], points[:, shapes.last]  # (3, bodies, n)
        distances, normals, places, pulls = [], [], [], []
        for surface in self._surfaces:
            contact = surface.contact(NUMPY, first, last)
            near = contact.distance - shapes.radii[:, None]  # (obstacles, bodies, n)
            count = near.shape[0] * near.shape[1]
            distances.append(near.reshape(count, len(q)))
            normals.append(np.array(contact.normal).reshape(3, count, len(q)))
            places.append(np.array(contact.point).reshape(3, count, len(q)))
            pulls.append(np.tile(self._tree.screw_moves[:, shapes.body_links], len(near)))
        return Lines(
            at,
            np.concatenate(distances),
            np.concatenate(normals, axis=1),
            np.concatenate(places, axis=1),
            np.concatenate(pulls, axis=1),
        )


@cached(64)
def near_links(robot: Robot, bodies: tuple[Body, ...], pairs: Pairs) -> Near:
    """`Links` of these arguments, which are made once."""
    return Links(robot, bodies, pairs)


@cached(SCENES_KEPT)
def near_obstacles(robot: Robot, bodies: tuple[Body, ...], obstacles: tuple[Obstacle, ...]) -> Near:
    """`Obstacles` of these arguments, which are made once."""
    return Obstacles(robot, bodies, obstacles)
