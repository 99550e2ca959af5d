"""Random configurations to train on: near limits, evenly in space, or only allowed ones."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from keras import ops

from fkarm._checks import check_choice
from fkarm._types import Tensor, TensorLike
from fkarm.collision import pairs, self_distance
from fkarm.errors import RobotError
from fkarm.geometry.native import to_numpy
from fkarm.kinematics import forward_kinematics
from fkarm.kinematics.joint_space import (
    has_two_limits,
    near_limit,
    representable_bounds,
    sampling_bounds,
)
from fkarm.model import Robot

LEAST_SHARE = 1 / 32  # of the configurations that `is_free` must accept
TRIALS, BALANCED_TRIALS = 4096, 32768
CELLS = 1000  # about so many cells fill the box around the positions
LEAST_COUNT = 8  # keeps a cell at the border of the reachable space from outweighing all others


class Sampler:
    """Batches of configurations, computed from arrays of uniform random numbers.

    With `balanced` or `is_free` more candidates are drawn than are needed. `balanced` divides
    space into cells. A candidate in a cell that holds `n` configurations of a trial has the weight
    1/n. The candidates with the largest `u^(1/weight)`, `u` uniform, are a weighted sample without
    replacement.

    Args:
        robot: The robot, on a fixed base.
        link: Link whose positions are balanced.
        batch_size: Configurations per batch.
        near_limits, balanced, is_free: As for `pose_stream`.
    Raises:
        RobotError, ValueError: As `pose_stream`.
    Attributes:
        shape: Shape of the uniform random numbers that one batch takes.
    """

    def __init__(
        self,
        robot: Robot,
        link: str,
        batch_size: int,
        near_limits: float = 0.0,
        balanced: bool = False,
        is_free: Callable[[Tensor], Tensor] | str | None = None,
    ) -> None:
        if isinstance(is_free, str):
            check_choice("is_free", is_free, ("self",))
            is_free = _clear_of_itself(robot)
        self.robot, self.link, self.batch_size = robot, link, batch_size
        self.near_limits, self.balanced, self.is_free = near_limits, balanced, is_free
        self._bounds = representable_bounds(*sampling_bounds(robot), "float32")
        is_limited = has_two_limits(robot)
        self._limited = int(is_limited.sum())
        # Joints with limits are numbered from 0. The others have -1, which is never drawn.
        self._ranks = np.where(is_limited, np.cumsum(is_limited) - 1, -1).astype("float32")
        self._check_near_limits()
        rows, columns = batch_size, robot.dof + (2 if near_limits else 0)
        if balanced or is_free is not None:
            trial = np.random.default_rng(0).uniform(
                size=(BALANCED_TRIALS if balanced else TRIALS, columns)
            )
            q = to_numpy(self._candidates(trial))
            free = np.ones(len(q), bool) if is_free is None else _tried(is_free, q)
            if balanced:
                self._count_cells(q[free])
            # On average more than 32 are accepted: the chance that all are refused is under 1e-13.
            rows = math.ceil(((4 if balanced else 2) * batch_size + 32) / free.mean())
            columns += 1
        self.shape = rows, columns

    def __call__(self, uniform: TensorLike) -> Tensor:
        """A batch of configurations within the limits.

        Args:
            uniform: Random numbers, uniform in [0, 1), an array or a tensor. Shape `shape`.
        Returns:
            Configurations, rad or m, float32. Shape `(batch_size, dof)`.
        """
        q = self._candidates(uniform)  # (rows, dof)
        if not self.balanced and self.is_free is None:
            return q
        # log(u^(1/weight)), which has the order of u^(1/weight).
        score = ops.log(ops.maximum(ops.cast(uniform[:, -1], "float32"), 1e-30))  # (rows,)
        if self.balanced:
            cells = self._cells(self._positions(q))
            score = score * ops.take(ops.convert_to_tensor(self._counts), cells)
        if self.is_free is None:
            _, chosen = ops.top_k(score, self.batch_size)
            return ops.take(q, chosen, axis=0)
        free = self.is_free(q)
        _, chosen = ops.top_k(ops.where(free, score, -math.inf), self.batch_size)
        # Refused candidates come last. Before the first of them, begin again.
        count = ops.maximum(ops.sum(ops.cast(free, "int32")), 1)
        order = ops.mod(ops.arange(self.batch_size, dtype="int32"), count)
        return ops.take(q, ops.take(chosen, order), axis=0)

    def _candidates(self, uniform: TensorLike) -> Tensor:
        """Uniform configurations, some of them with one joint near a bound. Shape `(n, dof)`."""
        dof = self.robot.dof
        lower, upper = self._bounds
        # Operators instead of keras.ops: NumPy arrays stay float64 on every backend up to here.
        q = self._within(lower + (upper - lower) * uniform[:, :dof])
        if not self.near_limits:
            return q
        # Number of the joint near a limit: no joint's number with probability 1 - near_limits.
        rank = uniform[:, dof : dof + 1] // (self.near_limits / self._limited)  # (n, 1)
        # Numbers in [0, 1/2) lead to the lower limit and numbers in [1/2, 1) to the upper one; 0
        # and 1 are the limits themselves.
        end = uniform[:, dof + 1 : dof + 2]  # (n, 1)
        near = near_limit(lower, upper, 1 - abs(1 - 2 * end), end // 0.5)  # (n, dof)
        return ops.where(ops.equal(rank, self._ranks), self._within(near), q)

    def _within(self, q: TensorLike) -> Tensor:
        """Configurations in float32, rounded to within the limits. Shape `(n, dof)`."""
        return ops.clip(ops.cast(q, "float32"), *self._bounds)

    def _positions(self, q: TensorLike) -> Tensor:
        return forward_kinematics(self.robot, q, self.link)[:, :3, 3]

    def _count_cells(self, q: np.ndarray) -> None:
        """Lay a grid of cubes over the positions of a trial, and count the positions per cube."""
        positions = to_numpy(self._positions(q))  # (n, 3)
        sides = np.maximum(np.ptp(positions, axis=0), 1e-6)
        wide = sides[sides > 1e-3 * sides.max()]  # two sides, if the arm moves in a plane
        self._corner = positions.min(axis=0)
        self._edge = float((wide.prod() / CELLS) ** (1 / len(wide)))
        self._last = np.floor(sides / self._edge).astype("int32")  # last cell along x, y and z
        _, y, z = map(int, self._last + 1)
        self._strides = np.array([y * z, z, 1], "int32")
        size = int(self._last @ self._strides) + 1
        counts = np.bincount(to_numpy(self._cells(positions)), minlength=size)
        self._counts = np.maximum(counts, LEAST_COUNT).astype("float32")

    def _cells(self, positions: TensorLike) -> Tensor:
        """Number of the cube that a position lies in, or of the nearest one. Shape `(n,)`."""
        steps = ops.floor(ops.subtract(positions, self._corner) / self._edge)
        cell = ops.clip(ops.cast(steps, "int32"), 0, self._last)  # along x, y and z, (n, 3)
        return ops.sum(ops.multiply(cell, self._strides), axis=-1)

    def _check_near_limits(self) -> None:
        value = self.near_limits
        is_number = isinstance(value, (int, float, np.integer, np.floating))
        if not is_number or not 0 <= value <= 1:
            raise ValueError(f"near_limits must be a share, 0 to 1. Received: {value!r}.")
        if value and not self._limited:
            raise RobotError(
                "near_limits needs a joint with two limits. Received: a robot without one. Set "
                "near_limits=0."
            )


def _clear_of_itself(robot: Robot) -> Callable[[Tensor], Tensor]:
    """Whether no two bodies of a robot overlap."""
    counted = pairs(robot)
    return lambda q: self_distance(robot, q, counted) > 0


def _tried(is_free: Callable[[Tensor], Tensor], q: np.ndarray) -> np.ndarray:
    """Which configurations `is_free` accepts; an error if it is no predicate or too strict."""
    free = to_numpy(is_free(ops.convert_to_tensor(q)))
    if free.dtype != bool or free.shape != (len(q),):
        raise ValueError(
            f"is_free must give one bool per configuration, shape ({len(q)},). Received: "
            f"{free.dtype}, shape {free.shape}. Compare a distance with a number: distance > 0."
        )
    if free.mean() < LEAST_SHARE:
        raise ValueError(
            "is_free must accept at least 1/32 of the configurations. Received: share "
            f"{free.mean():.2g}. Let it refuse less, or narrow the robot's limits to where it "
            "accepts."
        )
    return free
