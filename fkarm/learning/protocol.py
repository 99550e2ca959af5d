"""How good a network for inverse kinematics is, on targets that it did not train with."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fkarm._checks import check_count
from fkarm.geometry.native import to_numpy
from fkarm.kinematics import forward_kinematics, geometric_jacobian
from fkarm.kinematics.joint_space import (
    has_two_limits,
    near_limit,
    representable_bounds,
    sampling_bounds,
)
from fkarm.kinematics.sampling import sample_configurations
from fkarm.learning.evaluation import PoseErrors, pose_errors
from fkarm.learning.ik_model import IKModel, check_network

POSITION_TOLERANCE, ORIENTATION_TOLERANCE = 1e-3, 1e-2  # of a success, m and rad
STEPS = (0, 1, 2, 3, 5)
SOLVER_STEPS = 3  # before the solver takes over
TARGET_SETS = ("uniform", "near-limit", "near-singular")
_SHARE = 5  # a set of difficult targets is so many times smaller than the uniform one
_DRAWS = 20  # of them the lowest is near-singular
_MOST_SINGULAR = 5_000  # of 100,000 draws
_CALLS = 3  # that are timed
_NO_EPOCH = 2**32 - 1  # training seeds its batches with the number of the epoch
_ROUNDING = 1e-5  # share of the largest singular value, float32


def evaluate_ik(model: IKModel, targets: int = 10_000, seed: int = 1) -> list[dict[str, Any]]:
    """Errors, success and speed of a network, as it is and with steps of refinement after it.

    Targets are poses of random configurations, drawn apart from those of any training: uniform;
    near a limit, a fifth as many, of which one random joint is within 2 % of its range of a bound
    (none, if no joint has two limits); near a singularity, a fifth as many (5,000 at most), the
    least manipulable of 20 times as many. A success reaches its target within 1 mm and 0.01 rad,
    seen by forward kinematics in float64, and is within the joint limits. Speed counts all targets
    of a set in one call: the median of three calls after one that compiles.

    Args:
        model: `IKRegressor` or `IKFlow`.
        targets: How many uniform targets.
        seed: Seed of the targets.
    Returns:
        A row for each set and each of 0, 1, 2, 3, 5 steps, and 3 steps with the solver after
        them: `set`, `targets`, `steps`, `solver`, `median_mm`, `p95_mm`, `median_deg`, `p95_deg`,
        `success`, `solutions_per_s`, `parameters`.
    Raises:
        TypeError: If `model` is no `IKModel`.
        ValueError: If `targets` is not a whole number >= 1.
    """
    check_network(model)
    check_count("targets", targets)
    rows = []
    for name in TARGET_SETS:
        poses = ik_targets(model, name, targets, seed)
        if not len(poses):
            continue
        for steps, solver in [*((steps, False) for steps in STEPS), (SOLVER_STEPS, True)]:
            row = _row(model, poses, steps, solver)
            rows.append({"set": name, "targets": len(poses), **row})
    return rows


def ik_targets(
    model: IKModel, name: str = "uniform", targets: int = 10_000, seed: int = 1
) -> np.ndarray:
    """The targets of one of the sets of `evaluate_ik`, float32. Shape `(n, 4, 4)`.

    Args:
        model: Whose robot and link.
        name: `"uniform"`, `"near-limit"` or `"near-singular"`.
        targets: How many uniform ones; the other sets are smaller.
        seed: Seed.
    """
    rng = np.random.default_rng((seed, _NO_EPOCH, TARGET_SETS.index(name)))
    count = targets if name == "uniform" else max(targets // _SHARE, 1)
    draw = {"uniform": _uniform, "near-limit": _near_limit, "near-singular": _near_singular}
    q = draw[name](model, count, rng)
    if not len(q):
        return np.zeros((0, 4, 4), np.float32)
    poses = to_numpy(forward_kinematics(model.robot, q, model.link))
    return poses.astype(np.float32)


def errors_by_steps(model: IKModel, targets: int = 10_000, seed: int = 1) -> dict[str, PoseErrors]:
    """Errors on the uniform targets of `evaluate_ik`, by number of steps: for `viz.plot_errors`.

    Args:
        model: `IKRegressor` or `IKFlow`.
        targets: How many.
        seed: Seed of the targets.
    """
    poses = ik_targets(model, "uniform", targets, seed)
    found = {}
    for steps in STEPS:
        q = model.predict_ik(poses, steps, retry=False).q
        label = "network" if steps == 0 else f"{steps} step{'s' if steps > 1 else ''}"
        found[label] = pose_errors(model.robot, q, poses, model.link)
    return found


def to_markdown(rows: Sequence[dict[str, Any]]) -> str:
    """The rows of `evaluate_ik` as a Markdown table.

    Args:
        rows: What `evaluate_ik` returned.
    Raises:
        ValueError: If there are no rows.
    """
    if not rows:
        raise ValueError("A table needs at least one row. Received: none.")
    lines = [
        "| targets | steps | median | 95 % | success | solutions / s |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        steps = f"{row['steps']} + solver" if row["solver"] else str(row["steps"])
        lines.append(
            f"| {row['targets']:,} {row['set']} | {steps} "
            f"| {row['median_mm']:.3g} mm, {row['median_deg']:.3g} deg "
            f"| {row['p95_mm']:.3g} mm, {row['p95_deg']:.3g} deg "
            f"| {row['success']:.2%} | {row['solutions_per_s']:,.0f} |"
        )
    parameters = rows[0]["parameters"]
    lines += ["", f"{parameters:,} parameters; success: 1 mm, 0.01 rad, within the joint limits."]
    return "\n".join(lines)


def _row(model: IKModel, poses: np.ndarray, steps: int, solver: bool) -> dict[str, Any]:
    def answer() -> np.ndarray:
        return model.predict_ik(
            poses,
            steps,
            retry=solver,
            position_tolerance=POSITION_TOLERANCE,
            orientation_tolerance=ORIENTATION_TOLERANCE,
        ).q

    q, seconds = _timed(answer)
    errors = pose_errors(model.robot, q, poses, model.link)
    is_within = (q >= model.robot.lower_limits) & (q <= model.robot.upper_limits)
    is_success = (
        (errors.position_mm <= 1e3 * POSITION_TOLERANCE)
        & (np.radians(errors.orientation_deg) <= ORIENTATION_TOLERANCE)
        & is_within.all(axis=-1)
    )
    return {
        "steps": steps,
        "solver": solver,
        "median_mm": float(np.median(errors.position_mm)),
        "p95_mm": float(np.percentile(errors.position_mm, 95)),
        "median_deg": float(np.median(errors.orientation_deg)),
        "p95_deg": float(np.percentile(errors.orientation_deg, 95)),
        "success": float(np.mean(is_success)),
        "solutions_per_s": len(poses) / seconds,
        "parameters": int(model.count_params()),
    }


def _timed(function: Callable[[], np.ndarray]) -> tuple[np.ndarray, float]:
    """What a function returns, and the median time of calls after the first one."""
    found, times = function(), []
    for _ in range(_CALLS):
        start = time.perf_counter()
        found = function()
        times.append(time.perf_counter() - start)
    return found, statistics.median(times)


def _uniform(model: IKModel, count: int, rng: np.random.Generator) -> np.ndarray:
    return sample_configurations(model.robot, count, rng)


def _near_limit(model: IKModel, count: int, rng: np.random.Generator) -> np.ndarray:
    """Uniform but for one joint of each, which is near a bound; none without limits."""
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
    """The least manipulable of many."""
    count = min(count, _MOST_SINGULAR)
    q = sample_configurations(model.robot, _DRAWS * count, rng)
    return q[np.argsort(_manipulability(model, q), kind="stable")[:count]]


def _manipulability(model: IKModel, q: np.ndarray) -> np.ndarray:
    """`fkarm.manipulability`, of the axes that the link can move along where they are not six.

    The product of as many singular values of the Jacobian as are above zero anywhere.
    """
    jacobian = to_numpy(geometric_jacobian(model.robot, q, model.link))
    values = np.linalg.svd(jacobian.astype(np.float64), compute_uv=False)
    rank = int((values > _ROUNDING * values.max()).sum(axis=-1).max())
    return np.prod(values[:, :rank], axis=-1)
