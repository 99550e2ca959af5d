"""Where a search starts: configurations whose poses are known, the nearest ones first."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from keras import ops

from fkarm.ik.step import Problem
from fkarm.kinematics import forward_kinematics
from fkarm.kinematics.sampling import sampling_bounds
from fkarm.model import Robot


class SeedTable:
    """Low-discrepancy configurations with their poses, to look up starts for targets.

    The error of every entry to every target is one matrix product: cheap, and rounded at will,
    for it only orders starts.

    Args:
        problem: What is to be reached.
        size: Number of configurations.
        seed: Which of the shifted sequences.
    """

    def __init__(self, problem: Problem, size: int = 1024, seed: int = 0) -> None:
        self.problem = problem
        self.q = low_discrepancy(problem.robot, size, seed)  # (size, dof)
        poses = np.asarray(forward_kinematics(problem.robot, self.q, problem.links))
        self.features = self.weighted(poses)
        self._squares = np.sum(np.square(self.features), axis=1)

    def nearest(self, targets: np.ndarray, count: int) -> np.ndarray:
        """Places in the table of the entries with the least error, ascending.

        Args:
            targets: Poses of the links. Shape `(n, links, 4, 4)`.
            count: How many for each target.
        Returns:
            Shape `(n, count)`.
        """
        places = []
        # A few thousand targets at a time, whose errors stay in the cache.
        for start in range(0, len(targets), 1024):
            features = self.weighted(targets[start : start + 1024])
            errors = self._squares - 2.0 * features @ self.features.T
            nearest = np.argpartition(errors, count - 1, axis=1)[:, :count]
            order = np.argsort(np.take_along_axis(errors, nearest, axis=1), axis=1)
            places.append(np.take_along_axis(nearest, order, axis=1))
        return np.concatenate(places) if places else np.empty((0, count), int)

    def weighted(self, poses: Any) -> Any:
        """Numbers whose squared distance is the squared error, for what counts of it.

        Args:
            poses: Poses of the links, an array or a tensor. Shape `(n, links, 4, 4)`.
        Returns:
            Shape `(n, k)`.
        """
        meter, radian = self.problem.weights
        columns = []
        for index, rows in enumerate(self.problem.rows):
            columns += [meter * poses[:, index, row, 3] for row in rows if row < 3]
            if any(row >= 3 for row in rows):
                # The squared distance of rotation matrices is twice the squared angle.
                weight = radian / math.sqrt(2.0)
                columns += [weight * poses[:, index, i, j] for i in range(3) for j in range(3)]
        if isinstance(poses, np.ndarray):
            return np.stack(columns, axis=-1).astype(np.float32)
        return ops.stack(columns, axis=-1)


@lru_cache(maxsize=32)
def seed_table(problem: Problem, size: int, seed: int) -> SeedTable:
    """The table of these arguments, made once."""
    return SeedTable(problem, size, seed)


def low_discrepancy(robot: Robot, size: int, seed: int) -> np.ndarray:
    """Configurations within the limits that fill them evenly.

    The additive recurrence of the generalised golden ratio, shifted by `seed`.

    Returns:
        Float64. Shape `(size, dof)`.
    Raises:
        RobotError: If a prismatic joint lacks a limit.
    Reference:
        [Roberts2018].
    """
    lower, upper = sampling_bounds(robot)
    ratio = 2.0
    for _ in range(40):  # the root of x^(dof + 1) = x + 1
        ratio = (1.0 + ratio) ** (1.0 / (robot.dof + 1))
    steps = ratio ** -np.arange(1.0, robot.dof + 1)
    shift = np.random.default_rng(seed).uniform(size=robot.dof)
    share = (shift + np.arange(1, size + 1)[:, None] * steps) % 1.0
    return np.clip(lower + share * (upper - lower), lower, upper)
