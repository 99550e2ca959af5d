"""Where training data is drawn: near limits, evenly in space, away from what is refused."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from keras import ops

from fkarm._types import Tensor, TensorLike
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

LEAST_SHARE = 1 / 32  # accepted by a predicate
TRIALS, BALANCED_TRIALS = 4096, 32768
CELLS = 1000  # of the box around the positions, about
LEAST_COUNT = 8  # a cell that the reach barely cuts would else outweigh all others


class Sampler:
    """Batches of configurations, each made of an array of uniform random numbers.

    More candidates are drawn than are needed if they are to be `balanced` or must pass
    `is_free`. A candidate in a cell of space that holds `n` of the trial's configurations has
    the weight 1/n; those with the largest `u^(1/weight)`, u uniform, are a weighted sample
    without replacement.

    Args:
        robot: The robot, on a fixed base.
        link: Link whose positions are balanced.
        batch_size: Configurations a batch.
        near_limits, balanced, is_free: As for `pose_stream`.
    Raises:
        RobotError, ValueError: As `pose_stream`.
    """

    def __init__(
        self,
        robot: Robot,
        link: str,
        batch_size: int,
        near_limits: float = 0.0,
        balanced: bool = False,
        is_free: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        self.robot, self.link, self.batch_size = robot, link, batch_size
        self.near_limits, self.balanced, self.is_free = near_limits, balanced, is_free
        self._bounds = representable_bounds(*sampling_bounds(robot), "float32")
        is_limited = has_two_limits(robot)
        self._limited = int(is_limited.sum())
        # Numbers the limited joints; no joint without limits has a number that is drawn.
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
            # With 32 accepted ones to spare, that all are refused has a chance of 1e-14.
            rows = math.ceil(((4 if balanced else 2) * batch_size + 32) / free.mean())
            columns += 1
        self.shape = rows, columns

    def __call__(self, uniform: TensorLike) -> Tensor:
        """A batch of configurations within the limits.

        Args:
            uniform: Random numbers, uniform in 0..1, an array or a tensor. Shape `shape`.
        Returns:
            Configurations, rad or m, float32. Shape `(batch_size, dof)`.
        """
        q = self._candidates(uniform)
        if not self.balanced and self.is_free is None:
            return q
        score = ops.log(ops.maximum(ops.cast(uniform[:, -1], "float32"), 1e-30))
        if self.balanced:
            cells = self._cells(self._positions(q))
            score = score * ops.take(ops.convert_to_tensor(self._counts), cells)
        if self.is_free is None:
            _, places = ops.top_k(score, self.batch_size)
            return ops.take(q, places, axis=0)
        free = self.is_free(q)
        _, places = ops.top_k(ops.where(free, score, -math.inf), self.batch_size)
        # The refused come last: begin again before them.
        count = ops.maximum(ops.sum(ops.cast(free, "int32")), 1)
        order = ops.mod(ops.arange(self.batch_size, dtype="int32"), count)
        return ops.take(q, ops.take(places, order), axis=0)

    def _candidates(self, uniform: TensorLike) -> Tensor:
        """Uniform configurations, some of them with one joint near a bound."""
        dof = self.robot.dof
        lower, upper = self._bounds
        # Operators, not keras.ops: NumPy's numbers stay float64 on every backend up to here.
        q = self._within(lower + (upper - lower) * uniform[:, :dof])
        if not self.near_limits:
            return q
        # Numbers that no joint has for a share of 1 - near_limits.
        rank = uniform[:, dof : dof + 1] // (self.near_limits / self._limited)
        # The lower half of one number is near the lower limit, its ends are the limits.
        end = uniform[:, dof + 1 : dof + 2]
        near = near_limit(lower, upper, 1 - abs(1 - 2 * end), end // 0.5)
        return ops.where(ops.equal(rank, self._ranks), self._within(near), q)

    def _within(self, q: TensorLike) -> Tensor:
        return ops.clip(ops.cast(q, "float32"), *self._bounds)

    def _positions(self, q: TensorLike) -> Tensor:
        return forward_kinematics(self.robot, q, self.link)[:, :3, 3]

    def _count_cells(self, q: np.ndarray) -> None:
        """Lay a grid of cubes over the positions and count how many each holds."""
        positions = to_numpy(self._positions(q))
        sides = np.maximum(np.ptp(positions, axis=0), 1e-6)
        wide = sides[sides > 1e-3 * sides.max()]  # the positions of a planar arm fill two axes
        self._corner = positions.min(axis=0)
        self._edge = float((wide.prod() / CELLS) ** (1 / len(wide)))
        self._last = np.floor(sides / self._edge).astype("int32")
        _, y, z = map(int, self._last + 1)
        self._strides = np.array([y * z, z, 1], "int32")
        size = int(self._last @ self._strides) + 1
        counts = np.bincount(to_numpy(self._cells(positions)), minlength=size)
        self._counts = np.maximum(counts, LEAST_COUNT).astype("float32")

    def _cells(self, positions: TensorLike) -> Tensor:
        """Which cube positions lie in, the nearest one if outside. Integers, shape `(n,)`."""
        steps = ops.floor(ops.subtract(positions, self._corner) / self._edge)
        places = ops.clip(ops.cast(steps, "int32"), 0, self._last)
        return ops.sum(ops.multiply(places, self._strides), axis=-1)

    def _check_near_limits(self) -> None:
        value = self.near_limits
        is_number = isinstance(value, (int, float, np.integer, np.floating))
        if not is_number or not 0 <= value <= 1:
            raise ValueError(f"near_limits must be a share, 0 to 1. Received: {value!r}.")
        if value and not self._limited:
            raise RobotError(
                "near_limits needs a joint with two limits. Received: a robot without. Leave it 0."
            )


def _tried(is_free: Callable[[Tensor], Tensor], q: np.ndarray) -> np.ndarray:
    """Which configurations a predicate accepts; an error if it is none, or accepts too few."""
    free = to_numpy(is_free(ops.convert_to_tensor(q)))
    if free.dtype != bool or free.shape != (len(q),):
        raise ValueError(
            f"is_free must give a bool for each configuration, shape ({len(q)},). Received: "
            f"{free.dtype}, shape {free.shape}. A distance needs a comparison: > 0."
        )
    if free.mean() < LEAST_SHARE:
        raise ValueError(
            f"is_free must accept at least 1/32 of the configurations. Received: share "
            f"{free.mean():.2g}. Let it refuse less, or narrow the robot's limits to where it "
            "accepts."
        )
    return free
