"""Where a search starts: configurations whose poses are known, the nearest ones first."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from keras import ops

from fkarm.geometry.native import to_numpy
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

    def __init__(self, problem: Problem, size: int = 4096, seed: int = 0) -> None:
        self.problem = problem
        self.q = low_discrepancy(problem.robot, size, seed)  # (size, dof)
        features = self.weighted(to_numpy(forward_kinematics(problem.robot, self.q, problem.links)))
        # |f - g|^2 - |g|^2 of entry f and target g is the product of (-2 f, |f|^2) and (g, 1).
        squares = np.sum(np.square(features), axis=1, keepdims=True)
        self._columns = np.concatenate([-2.0 * features, squares], axis=1).T

    def nearest(self, targets: Any, count: int) -> Any:
        """Places in the table of entries near targets: the best of each of `count` equal parts.

        The parts cover the same ground, so that these are near and differ; one of them is the
        best of all.

        Args:
            targets: Poses of the links, an array or a tensor. Shape `(n, links, 4, 4)`.
            count: How many for each target, `size` at most.
        Returns:
            Integers, of the kind of `targets`. Shape `(n, count)`.
        """
        part = len(self.q) // count
        features = self.weighted(targets)
        features = ops.concatenate([features, ops.ones_like(features[:, :1])], axis=1)
        errors = ops.matmul(features, self._columns[:, : count * part])
        errors = ops.reshape(errors, (-1, count, part))
        firsts = np.arange(count) * part
        if isinstance(targets, np.ndarray):
            return to_numpy(errors).argmin(axis=-1) + firsts
        _, places = ops.top_k(-errors, 1)  # not argmin, which ONNX cannot express
        return places[..., 0] + ops.convert_to_tensor(firsts, "int32")

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
        return ops.cast(ops.stack(columns, axis=-1), "float32")


@lru_cache(maxsize=32)
def seed_table(problem: Problem, size: int, seed: int) -> SeedTable:
    """The table of these arguments, made once."""
    return SeedTable(problem, size, seed)


@lru_cache(maxsize=32)
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
    q = np.clip(lower + share * (upper - lower), lower, upper)
    q.setflags(write=False)
    return q
