"""What a configuration must keep clear of: the robot's own bodies, and obstacles."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import NamedTuple

import numpy as np

from fkarm._checks import check_non_negative
from fkarm._types import Tensor
from fkarm.collision import pairs, self_distance, world_distance
from fkarm.collision.link_pairs import chosen_pairs
from fkarm.collision.obstacles import Obstacle, checked_obstacles
from fkarm.collision.shapes import moving_bodies
from fkarm.geometry.native import has_float64, minimum
from fkarm.ik.batch import ROWS, run_in_chunks
from fkarm.ik.clearance.lines import Near, Pairs, near_links, near_obstacles
from fkarm.ik.request import Request
from fkarm.model import Robot

# Rows whose distances NumPy computes at a time: their arrays stay in a cache of the processor.
NUMPY_ROWS = 128
# With fewer rows NumPy is faster than a chunk of compiled code.
FEW = ROWS[-1] // 6


class Surroundings(NamedTuple):
    """What configurations of a robot must keep clear of."""

    robot: Robot
    least: float  # smallest distance that is clear, m
    pairs: Pairs  # of links
    obstacles: tuple[Obstacle, ...]
    near: tuple[Near, ...]  # the same in NumPy
    in_numpy: bool  # whether NumPy computes all distances, and nothing is compiled

    def distances(self, q: np.ndarray) -> np.ndarray:
        """The smallest distances of configurations `(n, dof)`, m, float64. `(n,)`."""
        q = q.astype(np.float64)
        if self.in_numpy or len(q) < FEW or not has_float64():
            parts = np.array_split(q, max(-(-len(q) // NUMPY_ROWS), 1))
            return np.concatenate(
                [np.min([near.smallest(part) for near in self.near], axis=0) for part in parts]
            )
        return run_in_chunks(self._compiled, q, size=ROWS[-1])[0]

    def closest(self, q: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The smallest distances of configurations `(n, dof)`, and their derivatives by `q`.

        Returns:
            Distances, m, in any order, `(n, k)`, and derivatives `(n, k, dof)`: of the `count`
            nearest pairs of links, and of the `count` nearest pairs of a body and an obstacle.
        """
        shortest = [near.lines(q).shortest(count) for near in self.near]
        distances, slopes = zip(*shortest, strict=True)
        return np.concatenate(distances, axis=1), np.concatenate(slopes, axis=1)

    def _compiled(self, q: Tensor) -> list[Tensor]:
        distances = []
        if self.pairs:
            distances.append(self_distance(self.robot, q, self.pairs))
        if self.obstacles:
            distances.append(world_distance(self.robot, q, self.obstacles))
        return [reduce(minimum, distances)]


def surroundings(
    request: Request, clearance: float | None, obstacles: Obstacle | Iterable[Obstacle] | None
) -> Surroundings | None:
    """The surroundings that the arguments of `solve_ik` name; None: bodies do not matter.

    Raises:
        ValueError: If there is a geometry beside a clearance.
        RobotError, TypeError, ValueError: As `surroundings_of`.
    """
    around = surroundings_of(request.problem.robot, clearance, obstacles, request.is_few)
    if around is not None and request.geometry:
        raise ValueError(
            "clearance must come without geometry: distances are those of the robot itself. "
            "Received: both. Leave one of them out."
        )
    return around


def surroundings_of(
    robot: Robot,
    clearance: float | None,
    obstacles: Obstacle | Iterable[Obstacle] | None,
    in_numpy: bool,
) -> Surroundings | None:
    """What a robot must keep clear of; None: bodies do not matter.

    Raises:
        RobotError: If the robot has no bodies.
        TypeError: If an obstacle is none.
        ValueError: If the clearance is no finite number >= 0, if there are obstacles without it, or
            if no pair of links counts and there is no obstacle.
    """
    if clearance is None:
        if obstacles is not None:
            raise ValueError(
                "obstacles must come with clearance, the smallest distance from them. Received: "
                "clearance=None. Try clearance=0.005."
            )
        return None
    check_non_negative("clearance", clearance, "It is a distance in m: try clearance=0.005.")
    counted = pairs(robot) if obstacles is not None else chosen_pairs(robot, None)
    around = () if obstacles is None else checked_obstacles(obstacles)
    near: list[Near] = []
    if counted:
        near.append(near_links(robot, robot.bodies, counted))
    if around:
        near.append(near_obstacles(robot, moving_bodies(robot), around))
    return Surroundings(robot, float(clearance), counted, around, tuple(near), in_numpy)
