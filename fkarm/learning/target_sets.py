"""Targets to evaluate a network on: uniform ones, and two sets of difficult ones."""

from __future__ import annotations

import numpy as np

from fkarm._checks import check_choice, check_count
from fkarm.geometry.native import to_numpy
from fkarm.kinematics import forward_kinematics, geometric_jacobian
from fkarm.kinematics.joint_space import (
    has_two_limits,
    near_limit,
    representable_bounds,
    sampling_bounds,
)
from fkarm.kinematics.sampling import sample_configurations
from fkarm.learning.ik_model import IKModel

TARGET_SETS = ("uniform", "near-limit", "near-singular")
_SHARE = 5  # a set of difficult targets is this many times smaller than the uniform one
_DRAWS = 20  # draws per near-singular target: the least manipulable ones are taken
_MOST_SINGULAR = 5_000  # of 100,000 draws
_NO_EPOCH = 2**32 - 1  # training seeds its batches with the number of the epoch
_ROUNDING = 1e-5  # of float32, as a share of the largest singular value


def ik_targets(
    model: IKModel, name: str = "uniform", *, count: int = 10_000, seed: int = 1
) -> np.ndarray:
    """The targets of one of the sets of `evaluate_ik`.

    Args:
        model: The network. Its robot and link decide what can be reached.
        name: `"uniform"`, `"near-limit"` or `"near-singular"`.
        count: Number of uniform targets. The other sets are smaller: a fifth, and at most 5,000
            near-singular ones.
        seed: Seed of the targets. A training with the same seed draws other poses.
    Returns:
        Poses in the root link's frame, m, float32. Shape `(n, 4, 4)`; `n` is 0 for `"near-limit"`
        if no joint has two limits.
    Raises:
        ValueError: If `name` is unknown or `count` is not a whole number >= 1.
    """
    check_choice("name", name, TARGET_SETS)
    check_count("count", count)
    rng = np.random.default_rng((seed, _NO_EPOCH, TARGET_SETS.index(name)))
    count = count if name == "uniform" else max(count // _SHARE, 1)
    draw = {"uniform": _uniform, "near-limit": _near_limit, "near-singular": _near_singular}
    q = draw[name](model, count, rng)
    if not len(q):
        return np.zeros((0, 4, 4), np.float32)
    poses = to_numpy(forward_kinematics(model.robot, q, model.link))
    return poses.astype(np.float32)


def _uniform(model: IKModel, count: int, rng: np.random.Generator) -> np.ndarray:
    return sample_configurations(model.robot, count, rng)


def _near_limit(model: IKModel, count: int, rng: np.random.Generator) -> np.ndarray:
    """Uniform configurations with one joint near a bound; none without limits."""
    robot = model.robot
    limited = np.flatnonzero(has_two_limits(robot))
    if not limited.size:
        return np.zeros((0, robot.dof))
    q = sample_configurations(robot, count, rng)
    lower, upper = sampling_bounds(robot)
    joint = rng.choice(limited, size=count)
    depth, side = rng.uniform(size=count), rng.uniform(size=count) >= 0.5
    q[np.arange(count), joint] = near_limit(lower[joint], upper[joint], depth, side.astype(float))
    return np.clip(q, *representable_bounds(lower, upper, "float64"))


def _near_singular(model: IKModel, count: int, rng: np.random.Generator) -> np.ndarray:
    """The least manipulable of many configurations."""
    count = min(count, _MOST_SINGULAR)
    q = sample_configurations(model.robot, _DRAWS * count, rng)
    return q[np.argsort(_manipulability(model, q), kind="stable")[:count]]


def _manipulability(model: IKModel, q: np.ndarray) -> np.ndarray:
    """`fkarm.manipulability`, also for links that cannot move along all six axes.

    The product of the `rank` largest singular values of the Jacobian, where `rank` is the largest
    rank among the configurations.
    """
    jacobian = to_numpy(geometric_jacobian(model.robot, q, model.link))
    values = np.linalg.svd(jacobian.astype(np.float64), compute_uv=False)  # (n, min(6, dof))
    rank = int((values > _ROUNDING * values.max()).sum(axis=-1).max())
    return np.prod(values[:, :rank], axis=-1)
