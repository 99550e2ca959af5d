"""Where a search starts: configurations whose poses are known, the nearest ones first."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from keras import ops

from fkarm.geometry.native import to_numpy
from fkarm.ik.problem import WEIGHTS, Problem, Terms, Weights
from fkarm.kinematics import forward_kinematics
from fkarm.kinematics.joint_space import sampling_bounds
from fkarm.model import Robot

# Configurations in a table, and parts of it that give one start each.
SIZE, PARTS = 4096, 16


class StartTable:
    """Low-discrepancy configurations with their poses, to look up starts for targets.

    The error of every entry to every target is one matrix product: cheap, and rounded at will,
    for it only orders starts. A base that slides freely is put where the target is.

    Args:
        problem: What is to be reached.
        size: Number of configurations to look up.
        seed: Which of the shifted sequences.
        more: Number of configurations behind them, which serve any target.
        weights: Of a metre and of a radian.
        is_held: Whether the base, if it could slide, may not.
    """

    def __init__(
        self,
        problem: Problem,
        size: int = SIZE,
        seed: int = 0,
        more: int = 0,
        weights: Weights = WEIGHTS,
        is_held: bool = False,
    ) -> None:
        self.problem, self.size, self.weights = problem, size, weights
        base, axes = sliding_base(problem)
        self._base = [] if is_held else list(base)
        self._axes = axes[:, : len(self._base)]
        q = np.concatenate(
            [low_discrepancy(problem.robot, n, seed + k) for k, n in enumerate((size, more)) if n]
        )
        q[:, self._base] = 0.0
        self.q = q  # (size + more, dof)
        poses = to_numpy(forward_kinematics(problem.robot, self.q, problem.links, problem.base))
        self._centres = poses[..., :3, 3].mean(axis=1)
        features = self.weighted(poses[:size])
        # |f - g|^2 - |g|^2 of entry f and target g is the product of (-2 f, |f|^2) and (g, 1).
        squares = np.sum(np.square(features), axis=1, keepdims=True)
        columns = np.concatenate([-2.0 * features, squares], axis=1).T
        self._columns = np.ascontiguousarray(columns)

    def nearest(self, targets: Any, count: int) -> tuple[Any, Any]:
        """Places in the table of entries near targets: the best of each of `count` equal parts.

        The parts cover the same ground, so that these are near and differ; one of them is the
        best of all.

        Args:
            targets: Poses of the links, an array or a tensor. Shape `(n, links, 4, 4)`.
            count: How many for each target, `size` at most.
        Returns:
            Places and their errors, but for what is the same for all entries; of the kind of
            `targets`. Shape `(n, count)` each.
        """
        part = self.size // count
        features = self.weighted(targets)
        columns, firsts = self._columns[:, : count * part], np.arange(count) * part
        if isinstance(targets, np.ndarray):
            features = np.pad(features, ((0, 0), (0, 1)), constant_values=1.0)
            # Not NumPy's product: its threads keep spinning, and slow the search.
            errors = to_numpy(ops.matmul(features, columns)).reshape(-1, count, part)
            places = errors.argmin(axis=-1)
            return places + firsts, np.take_along_axis(errors, places[..., None], -1)[..., 0]
        features = ops.concatenate([features, ops.ones_like(features[:, :1])], axis=1)
        errors = ops.reshape(ops.matmul(features, columns), (-1, count, part))
        values, places = ops.top_k(-errors, 1)  # not argmin, which ONNX cannot express
        return places[..., 0] + ops.convert_to_tensor(firsts, "int32"), -values[..., 0]

    def at(self, places: Any, targets: Any) -> Any:
        """The configurations at places, with a base that slides freely where the targets are.

        Args:
            places: Integers. Shape `(n, count)`.
            targets: Poses of the links, of the same kind. Shape `(n, links, 4, 4)`.
        Returns:
            Shape `(n, count, dof)`.
        """
        if isinstance(targets, np.ndarray):
            q = self.q[places]
            if self._base:
                centres = targets[:, None, :, :3, 3].astype(np.float64).mean(axis=2)
                q[..., self._base] = (centres - self._centres[places]) @ self._axes
            return q
        q, known, axes = (
            ops.convert_to_tensor(each, targets.dtype)
            for each in (self.q, self._centres, self._axes)
        )
        q, known = ops.take(q, places, axis=0), ops.take(known, places, axis=0)
        if not self._base:
            return q
        centres = ops.mean(targets[:, None, :, :3, 3], axis=2)
        moves = ops.sum((centres - known)[..., None] * axes, axis=-2)
        entries = list(ops.unstack(q, q.shape[-1], axis=-1))
        for k, entry in enumerate(self._base):
            entries[entry] = moves[..., k]
        return ops.stack(entries, axis=-1)

    def weighted(self, poses: Any) -> Any:
        """Numbers whose squared distance is the squared error, for what counts of it.

        Args:
            poses: Poses of the links, an array or a tensor. Shape `(n, links, 4, 4)`.
        Returns:
            Shape `(n, k)`.
        """
        meter, radian = self.weights
        free = self._axes @ self._axes.T
        shift = (
            [
                sum(free[i, j] * poses[:, k, j, 3] for j in range(3) for k in range(poses.shape[1]))
                / poses.shape[1]
                for i in range(3)
            ]
            if self._base
            else [0.0, 0.0, 0.0]
        )
        columns = []
        for index, rows in enumerate(self.problem.rows):
            columns += [meter * (poses[:, index, row, 3] - shift[row]) for row in rows if row < 3]
            if any(row >= 3 for row in rows):
                # The squared distance of rotation matrices is twice the squared angle.
                weight = radian / math.sqrt(2.0)
                columns += [weight * poses[:, index, i, j] for i in range(3) for j in range(3)]
        if isinstance(poses, np.ndarray):
            return np.stack(columns, axis=-1).astype(np.float32)
        return ops.cast(ops.stack(columns, axis=-1), "float32")


@lru_cache(maxsize=32)
def start_table(
    problem: Problem,
    size: int = SIZE,
    seed: int = 0,
    more: int = 0,
    weights: Weights = WEIGHTS,
    is_held: bool = False,
) -> StartTable:
    """The table of these arguments, made once."""
    return StartTable(problem, size, seed, more, weights, is_held)


def table_for(problem: Problem, terms: Terms, more: int, seed: int) -> StartTable:
    """The table for a problem with these values."""
    base, _ = sliding_base(problem)
    is_held = not terms.free[list(base)].all()
    return start_table(problem, seed=seed, more=more, is_held=is_held)


def sliding_base(problem: Problem) -> tuple[tuple[int, ...], np.ndarray]:
    """Entries of `q` that slide all links together, without a limit, and along what.

    These are the leading slides of a planar or floating base: the first motions of the plan, with
    everything else behind them.

    Returns:
        Their places, and their directions in the base link as columns, `(3, count)`; none if the
        base is fixed.
    """
    plan, robot = problem.plan, problem.robot
    is_endless = np.isinf(robot.lower_limits) & np.isinf(robot.upper_limits)
    above = [node.parent for node in plan.nodes] + [node for node, _ in plan.links]
    entries: list[int] = []
    axes: list[np.ndarray] = []
    frame = np.eye(3)
    for index, (parent, origin, motion) in enumerate(plan.nodes):
        is_slide = motion.type == "prismatic" and is_endless[motion.first]
        if not is_slide or parent != index - 1 or above.count(parent) > 1:
            break
        frame = frame @ origin[:3, :3]
        entries.append(motion.first)
        axes.append(frame[:, 2] / motion.multipliers[0])
    return tuple(entries), np.stack(axes, axis=-1) if axes else np.zeros((3, 0))


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
