"""How far the collision bodies of a robot are from those of other links, and their colours."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations, product

import numpy as np

from fkarm._checks import check_positive
from fkarm.collision import pairs
from fkarm.collision.arithmetic import NUMPY, segment_distance
from fkarm.collision.link_pairs import OVERLAP
from fkarm.collision.points import numpy_points
from fkarm.collision.shapes import shapes_of
from fkarm.kinematics.in_numpy import posture
from fkarm.kinematics.tree import tree_of
from fkarm.model import Robot
from fkarm.viz.visuals import Colour, Solid

CLEARANCE = 0.05  # m
# From overlap to clearance; and of bodies that are in no pair that counts.
COLOURS: tuple[Colour, ...] = ((214, 52, 48), (242, 193, 46), (52, 168, 96))
UNPAIRED: Colour = (150, 158, 168)
BODY_OPACITY = 0.7


def cover(robot: Robot, solids: Iterable[Solid]) -> bool:
    """Whether every link that is drawn has a body, so that bodies alone show the whole robot."""
    return {solid.link for solid in solids} <= {body.link for body in robot.bodies}


class Clearances:
    """The distance of every body of a robot from the nearest body that counts.

    A body counts if its link forms a pair with the other one's in `fkarm.collision.pairs`, or if
    these links overlap in every posture.

    Args:
        robot: The robot, with bodies.
        clearance: Distance from which on a body is green, m.
    Attributes:
        robot, clearance: The arguments.
        pairs: Indices of two bodies each, in `robot.bodies`. Shape `(n, 2)`.
    Raises:
        RobotError: If the robot has no bodies.
        ValueError: If the clearance is not positive.
    """

    def __init__(self, robot: Robot, clearance: float = CLEARANCE) -> None:
        check_positive("clearance", clearance)
        self.robot, self.clearance = robot, float(clearance)
        reasons = pairs(robot, reasons=True)
        on_link: dict[str, list[int]] = {link: [] for link in robot.link_names}
        for k, body in enumerate(robot.bodies):
            on_link[body.link].append(k)
        counted = [
            pair
            for pair in combinations([link for link in on_link if on_link[link]], 2)
            if reasons.get(pair, OVERLAP) == OVERLAP
        ]
        both = [both for a, b in counted for both in product(on_link[a], on_link[b])]
        self.pairs = np.array(both, int).reshape(-1, 2)
        self._shapes = shapes_of(robot, robot.bodies)
        self._tree = tree_of(robot, self._shapes.links, self._shapes.base)

    def of_pairs(self, q: np.ndarray) -> np.ndarray:
        """Distances of pairs of bodies, m. Shapes `(dof,)` to `(pairs,)`."""
        if not len(self.pairs):
            return np.zeros(0)
        shapes = self._shapes
        points = numpy_points(posture(self._tree, q[None]), shapes)[..., 0]
        a, b = self.pairs.T
        ends = [(points[:, shapes.first[k]], points[:, shapes.last[k]]) for k in (a, b)]
        distances: np.ndarray = segment_distance(NUMPY, *ends)
        return distances - shapes.radii[a] - shapes.radii[b]

    def of_bodies(self, distances: np.ndarray) -> np.ndarray:
        """The distance of every body, m, inf for one without a pair; `(pairs,)` to `(bodies,)`."""
        nearest = np.full(len(self.robot.bodies), np.inf)
        for k in (0, 1):
            np.minimum.at(nearest, self.pairs[:, k], distances)
        return nearest

    def nearest(self, distances: np.ndarray) -> str:
        """The two links with the smallest distance, in words; `distances` are those of pairs."""
        if not len(distances):
            return "no pair of bodies counts"
        k = int(np.argmin(distances))
        a, b = (self.robot.bodies[body].link for body in self.pairs[k])
        return f"nearest: {a} and {b}, {1e3 * distances[k]:.1f} mm"

    def colours(self, distances: np.ndarray) -> list[Colour]:
        """The colour of every body; `distances` are those of pairs."""
        of_bodies = self.of_bodies(distances)
        share = np.clip(of_bodies / self.clearance, 0.0, 1.0) * (len(COLOURS) - 1)
        stops = np.array(COLOURS, float).T
        mixed = [np.interp(share, range(len(COLOURS)), stop) for stop in stops]
        rgb = np.where(np.isinf(of_bodies), np.array(UNPAIRED)[:, None], np.round(mixed))
        return [(red, green, blue) for red, green, blue in rgb.T.astype(int).tolist()]
