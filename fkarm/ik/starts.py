"""The starts of a search: configurations with known poses, the nearest to the target first."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from keras import ops

from fkarm.config import cached
from fkarm.geometry.native import to_numpy
from fkarm.ik.problem import WEIGHTS, Problem, Terms, Weights
from fkarm.kinematics.in_numpy import posture
from fkarm.kinematics.joint_space import sampling_bounds
from fkarm.kinematics.tree import tree_of
from fkarm.model import Robot

# Number of configurations in a table, and of its parts; every part gives one start.
SIZE, PARTS = 4096, 16
# Rows of a matrix product with the table that NumPy computes.
FEW_PRODUCTS = 64


class StartTable:
    """Low-discrepancy configurations with their poses, a table of starts for targets.

    The errors of all entries for all targets are one matrix product. It is cheap, and its rounding
    does not matter, because it only orders starts. A base that slides freely starts at the target.

    Args:
        problem: The problem.
        size: Number of configurations to look up.
        seed: Seed of the low-discrepancy sequence.
        more: Number of further configurations, which serve any target.
        weights: Weight of a metre and of a radian.
        is_held: Whether a base that could slide freely may not move.
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
        poses = _poses(problem, self.q)
        self._centres = poses[..., :3, 3].mean(axis=1)
        features = self.weighted(poses[:size])
        # |f - g|^2 - |g|^2 of entry f and target g is the product of (-2 f, |f|^2) and (g, 1).
        squares = np.sum(np.square(features), axis=1, keepdims=True)
        columns = np.concatenate([-2.0 * features, squares], axis=1).T
        self._columns = np.ascontiguousarray(columns)

    def nearest(self, targets: Any, count: int) -> tuple[Any, Any]:
        """Indices of entries near targets: the best one of each of `count` equal parts.

        Every part covers the whole space, so that the entries are near the target and differ. One
        of them is the nearest in the table.

        Args:
            targets: Poses of the links, an array or a tensor. Shape `(n, links, 4, 4)`.
            count: Number of entries per target, at most `size`.
        Returns:
            Indices, and errors up to a constant per target, as arrays or tensors like `targets`.
            Shape `(n, count)` each.
        """
        part = self.size // count
        features = self.weighted(targets)
        columns, firsts = self._columns[:, : count * part], np.arange(count) * part
        if isinstance(targets, np.ndarray):
            features = np.pad(features, ((0, 0), (0, 1)), constant_values=1.0)
            if len(features) <= FEW_PRODUCTS:
                errors = features @ columns
            else:  # The threads of NumPy's product keep spinning after it, which slows the search.
                errors = to_numpy(ops.matmul(features, columns))
            errors = errors.reshape(-1, count, part)
            indices = errors.argmin(axis=-1)
            return indices + firsts, np.take_along_axis(errors, indices[..., None], -1)[..., 0]
        features = ops.concatenate([features, ops.ones_like(features[:, :1])], axis=1)
        errors = ops.reshape(ops.matmul(features, columns), (-1, count, part))
        values, indices = ops.top_k(-errors, 1)  # ONNX cannot express argmin.
        return indices[..., 0] + ops.convert_to_tensor(firsts, "int32"), -values[..., 0]

    def at(self, indices: Any, targets: Any) -> Any:
        """The configurations with these indices; a base that slides freely is at the target.

        Args:
            indices: Integers. Shape `(n, count)`.
            targets: Poses of the links, array or tensor like `indices`. Shape `(n, links, 4, 4)`.
        Returns:
            Shape `(n, count, dof)`.
        """
        if isinstance(targets, np.ndarray):
            q = self.q[indices]
            if self._base:
                centres = targets[:, None, :, :3, 3].astype(np.float64).mean(axis=2)
                q[..., self._base] = (centres - self._centres[indices]) @ self._axes
            return q
        q, known, axes = (
            ops.convert_to_tensor(each, targets.dtype)
            for each in (self.q, self._centres, self._axes)
        )
        q, known = ops.take(q, indices, axis=0), ops.take(known, indices, axis=0)
        if not self._base:
            return q
        centres = ops.sum(targets[:, None, :, :3, 3], axis=2) / targets.shape[1]
        moves = ops.sum((centres - known)[..., None] * axes, axis=-2)
        entries = list(ops.unstack(q, q.shape[-1], axis=-1))
        for k, entry in enumerate(self._base):
            entries[entry] = moves[..., k]
        return ops.stack(entries, axis=-1)

    def weighted(self, poses: Any) -> Any:
        """Features whose squared distance is the squared error of the components that count.

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
        for index, rows in enumerate(self.problem.components.rows):
            columns += [meter * (poses[:, index, row, 3] - shift[row]) for row in rows if row < 3]
            if any(row >= 3 for row in rows):
                # The squared distance of rotation matrices is twice the squared angle.
                weight = radian / math.sqrt(2.0)
                columns += [weight * poses[:, index, i, j] for i in range(3) for j in range(3)]
        if isinstance(poses, np.ndarray):
            return np.stack(columns, axis=-1).astype(np.float32)
        return ops.cast(ops.stack(columns, axis=-1), "float32")


def _poses(problem: Problem, q: np.ndarray) -> np.ndarray:
    """Poses of the links, in NumPy: there is one table per robot. Shape `(n, links, 4, 4)`."""
    tree = tree_of(problem.robot, problem.links, problem.base)
    chunks = [q[k : k + 1024] for k in range(0, len(q), 1024)]
    return np.concatenate([posture(tree, chunk).links.swapaxes(0, 1) for chunk in chunks])


@cached(32)
def start_table(
    problem: Problem,
    size: int = SIZE,
    seed: int = 0,
    more: int = 0,
    weights: Weights = WEIGHTS,
    is_held: bool = False,
) -> StartTable:
    """The table of these arguments, which is made once."""
    return StartTable(problem, size, seed, more, weights, is_held)


def table_for(problem: Problem, terms: Terms, more: int, seed: int) -> StartTable:
    """The table for a problem and its values."""
    base, _ = sliding_base(problem)
    is_held = not terms.free[list(base)].all()
    return start_table(problem, seed=seed, more=more, is_held=is_held)


def sliding_base(problem: Problem) -> tuple[tuple[int, ...], np.ndarray]:
    """Entries of `q` that slide all links together without limits, and their directions.

    These are the slides of a planar or floating base: the first motions of the plan, which move all
    the others.

    Returns:
        The indices of the entries, and their directions in the base link as columns, `(3, count)`.
        Both are empty if the base is fixed.
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


@cached(32)
def low_discrepancy(robot: Robot, size: int, seed: int) -> np.ndarray:
    """Configurations that fill the limits evenly.

    They follow the additive recurrence of the generalised golden ratio, shifted by `seed`.

    Returns:
        Float64. Shape `(size, dof)`.
    Raises:
        RobotError: If a prismatic joint lacks a limit.
    Reference:
        [Roberts2018].
    """
    lower, upper = sampling_bounds(robot)
    ratio = 2.0
    for _ in range(40):  # converges to the root of x^(dof + 1) = x + 1
        ratio = (1.0 + ratio) ** (1.0 / (robot.dof + 1))
    steps = ratio ** -np.arange(1.0, robot.dof + 1)
    shift = np.random.default_rng(seed).uniform(size=robot.dof)
    share = (shift + np.arange(1, size + 1)[:, None] * steps) % 1.0
    q = np.clip(lower + share * (upper - lower), lower, upper)
    q.setflags(write=False)
    return q
