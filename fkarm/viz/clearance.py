"""How far collision bodies are from those of other links and from obstacles, and their colours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations, product

import numpy as np

from fkarm._checks import check_positive
from fkarm.collision import pairs
from fkarm.collision.arithmetic import NUMPY, segment_distance
from fkarm.collision.link_pairs import OVERLAP
from fkarm.collision.obstacles import Obstacle
from fkarm.collision.points import numpy_points
from fkarm.collision.shapes import moving_bodies, shapes_of
from fkarm.collision.surfaces import surfaces_of
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
    """The distance of every body of a robot from the nearest body that counts, and from obstacles.

    A body counts if its link forms a pair with the other one's in `fkarm.collision.pairs`, or if
    these links overlap in every posture. Obstacles count for bodies that a joint moves.

    Args:
        robot: The robot, with bodies.
        clearance: Distance from which on a body is green, m.
        obstacles: Obstacles in the root link's frame.
    Attributes:
        robot, clearance, obstacles: The arguments.
        pairs: Indices of two bodies each, in `robot.bodies`; those of obstacles follow. Shape
            `(n, 2)`.
    Raises:
        RobotError: If the robot has no bodies; with obstacles, if no joint moves one.
        ValueError: If the clearance is not positive.
    """

    def __init__(
        self, robot: Robot, clearance: float = CLEARANCE, obstacles: Sequence[Obstacle] = ()
    ) -> None:
        check_positive("clearance", clearance)
        self.robot, self.clearance = robot, float(clearance)
        self.obstacles = tuple(obstacles)
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
        self._count = len(both)  # of pairs of bodies
        if self.obstacles:
            moving = moving_bodies(robot)
            self._moving = [k for k, body in enumerate(robot.bodies) if body in moving]
            last = len(robot.bodies) + len(self.obstacles)
            both += [(a, b) for b in range(len(robot.bodies), last) for a in self._moving]
            longest = max(body.length for body in moving)
            self._surfaces = [surfaces_of([each], longest)[0] for each in self.obstacles]
        self.pairs = np.array(both, int).reshape(-1, 2)
        self._shapes = shapes_of(robot, robot.bodies, robot.root_link if self.obstacles else None)
        self._tree = tree_of(robot, self._shapes.links, self._shapes.base)

    @property
    def names(self) -> tuple[str, ...]:
        """What the indices of `pairs` stand for: links of bodies, then obstacles."""
        numbered = (f"{type(each).__name__} {k}" for k, each in enumerate(self.obstacles))
        return (*(body.link for body in self.robot.bodies), *numbered)

    def of_pairs(self, q: np.ndarray) -> np.ndarray:
        """Distances of pairs, m. Shapes `(dof,)` to `(pairs,)`."""
        if not len(self.pairs):
            return np.zeros(0)
        shapes = self._shapes
        points = numpy_points(posture(self._tree, q[None]), shapes)[..., 0]
        a, b = self.pairs[: self._count].T
        ends = [(points[:, shapes.first[k]], points[:, shapes.last[k]]) for k in (a, b)]
        distances = [segment_distance(NUMPY, *ends) - shapes.radii[a] - shapes.radii[b]]
        if self.obstacles:
            first, last = (points[:, own[self._moving]] for own in (shapes.first, shapes.last))
            contacts = (surface.contact(NUMPY, first, last) for surface in self._surfaces)
            radii = shapes.radii[self._moving]
            distances += [contact.distance.min(axis=0) - radii for contact in contacts]
        return np.concatenate(distances)

    def of_bodies(self, distances: np.ndarray) -> np.ndarray:
        """The distance of every body, m, inf for one without a pair; `(pairs,)` to `(bodies,)`."""
        nearest = np.full(len(self.names), np.inf)
        for k in (0, 1):
            np.minimum.at(nearest, self.pairs[:, k], distances)
        return nearest[: len(self.robot.bodies)]

    def nearest(self, distances: np.ndarray) -> str:
        """What is nearest to each other, in words; `distances` are those of pairs."""
        if not len(distances):
            return "no pair of bodies counts"
        k = int(np.argmin(distances))
        a, b = (self.names[index] for index in self.pairs[k])
        return f"nearest: {a} and {b}, {1e3 * distances[k]:.1f} mm"

    def colours(self, distances: np.ndarray) -> list[Colour]:
        """The colour of every body; `distances` are those of pairs."""
        of_bodies = self.of_bodies(distances)
        share = np.clip(of_bodies / self.clearance, 0.0, 1.0) * (len(COLOURS) - 1)
        stops = np.array(COLOURS, float).T
        mixed = [np.interp(share, range(len(COLOURS)), stop) for stop in stops]
        rgb = np.where(np.isinf(of_bodies), np.array(UNPAIRED)[:, None], np.round(mixed))
        return [(red, green, blue) for red, green, blue in rgb.T.astype(int).tolist()]
