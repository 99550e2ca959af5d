"""How good a network for inverse kinematics is: errors of poses, and the table of a network."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from fkarm._checks import check_non_negative, check_pose_shape, real_array
from fkarm._types import TensorLike
from fkarm.errors import NoClosedFormError
from fkarm.geometry import matrix_to_pose, orientation_distance, position_distance
from fkarm.geometry.native import to_numpy
from fkarm.kinematics import forward_kinematics
from fkarm.kinematics.arguments import configuration_array
from fkarm.learning.coverage import NEAR, VALUES, Solutions
from fkarm.learning.ik_model import IKModel, check_network
from fkarm.learning.target_sets import TARGET_SETS, ik_targets
from fkarm.model import Robot

POSITION_TOLERANCE, ORIENTATION_TOLERANCE = 1e-3, 1e-2  # of a success, m and rad
STEPS = (0, 1, 2, 3, 5)
COVERED = 200  # targets of a set whose coverage is counted
SOLVER_STEPS = 3  # steps before the solver takes over
_CALLS = 3  # calls that are timed


class PoseErrors(NamedTuple):
    """Errors of many poses.

    Args:
        position_mm: Distances, mm. Shape `(n,)`.
        orientation_deg: Angles, degrees. Shape `(n,)`.
    """

    position_mm: np.ndarray
    orientation_deg: np.ndarray

    def summary(
        self, position_tolerance: float = 0.01, orientation_tolerance: float = math.radians(5.0)
    ) -> dict[str, float]:
        """Median and 90th percentile of both errors, and the share within both tolerances.

        Args:
            position_tolerance: Largest distance that counts as reached, m.
            orientation_tolerance: Largest angle that counts as reached, rad.
        Returns:
            `median_mm`, `p90_mm`, `median_deg`, `p90_deg`, `share_within`.
        Raises:
            ValueError: If there are no poses, or a tolerance is not a finite number >= 0.
        """
        if not len(self.position_mm):
            raise ValueError("A summary needs at least one pose. Received: none.")
        check_non_negative("position_tolerance", position_tolerance)
        check_non_negative("orientation_tolerance", orientation_tolerance)
        return {
            "median_mm": float(np.median(self.position_mm)),
            "p90_mm": float(np.percentile(self.position_mm, 90)),
            "median_deg": float(np.median(self.orientation_deg)),
            "p90_deg": float(np.percentile(self.orientation_deg, 90)),
            "share_within": float(np.mean(self._within(position_tolerance, orientation_tolerance))),
        }

    def _within(self, position_tolerance: float, orientation_tolerance: float) -> np.ndarray:
        """Whether both errors are within their tolerance, m and rad. Shape `(n,)`."""
        return (self.position_mm <= 1e3 * position_tolerance) & (
            np.radians(self.orientation_deg) <= orientation_tolerance
        )


def pose_errors(
    robot: Robot, q: TensorLike, target_poses: TensorLike, link: str | None = None
) -> PoseErrors:
    """Errors of the poses that configurations reach, in float64.

    Args:
        robot: The robot.
        q: Predicted configurations, rad or m. Shape `(n, dof)`.
        target_poses: Poses to reach, in the root link's frame, m. Shape `(n, 4, 4)`.
        link: Link to reach with; None: `robot.end_effector`.
    Raises:
        UnknownLinkError: If the link does not exist.
        TypeError: If an argument is not real numbers.
        ValueError: If a shape does not end as stated.
    """
    link = robot.end_effector if link is None else link
    reached = forward_kinematics(robot, configuration_array("q", q), link)
    wanted = real_array("target_poses", to_numpy(target_poses)).astype(np.float64)
    check_pose_shape("target_poses", wanted.shape)
    return PoseErrors(
        1e3 * to_numpy(position_distance(reached, wanted)),
        np.degrees(to_numpy(orientation_distance(reached, wanted))),
    )


def evaluate_ik(model: IKModel, *, count: int = 10_000, seed: int = 1) -> list[dict[str, Any]]:
    """Errors, success and speed of a network, alone and followed by steps of refinement.

    Targets are poses of random configurations that no training draws, in three sets: uniform; near
    a limit, a fifth as many, where one random joint is within 2 % of its range of a limit (none,
    if no joint has two limits); near a singularity, a fifth as many (5,000 at most), the least
    manipulable of 20 times as many. A success reaches its target within 1 mm and 0.01 rad,
    according to forward kinematics in float64, and is within the joint limits. The speed is that of
    one call for all targets of a set: the median of three calls after one that compiles.

    If the arm has a closed form, the coverage is the share of all solutions of 200 targets of a set
    that the network's candidates reach after the same number of steps: `solution_coverage`.

    Args:
        model: `IKRegressor` or `IKFlow`.
        count: Number of uniform targets.
        seed: Seed of the targets.
    Returns:
        One row for every set and number of steps (0, 1, 2, 3, 5, and 3 followed by the solver):
        `set`, `targets`, `steps`, `solver`, `median_mm`, `p95_mm`, `median_deg`, `p95_deg`,
        `success`, `solutions_per_s`, `parameters`. Of arms with a closed form also `coverage`;
        None: the solver returns one solution.
    Raises:
        TypeError: If `model` is no network for inverse kinematics.
        ValueError: If `count` is not a whole number >= 1.
    """
    check_network(model)
    rows = []
    for name in TARGET_SETS:
        target_poses = ik_targets(model, name, count=count, seed=seed)
        if not len(target_poses):
            continue
        coverage = _coverage(model, target_poses)
        for steps, solver in [*((steps, False) for steps in STEPS), (SOLVER_STEPS, True)]:
            row = _row(model, target_poses, steps, solver)
            if coverage:
                row["coverage"] = None if solver else coverage[steps]
            rows.append({"set": name, "targets": len(target_poses), **row})
    return rows


def errors_by_steps(model: IKModel, *, count: int = 10_000, seed: int = 1) -> dict[str, PoseErrors]:
    """Errors on the uniform targets of `evaluate_ik`, by number of steps: for `viz.plot_errors`.

    Args:
        model: `IKRegressor` or `IKFlow`.
        count: Number of targets.
        seed: Seed of the targets.
    Returns:
        `{"network": errors, "1 step": errors, "2 steps": errors, ...}`.
    Raises:
        ValueError: If `count` is not a whole number >= 1.
    """
    target_poses = ik_targets(model, "uniform", count=count, seed=seed)
    errors = {}
    for steps in STEPS:
        q = model.predict_ik(target_poses, steps, retry=False).q
        label = "network" if steps == 0 else f"{steps} step{'s' if steps > 1 else ''}"
        errors[label] = pose_errors(model.robot, q, target_poses, model.link)
    return errors


def to_markdown(rows: Sequence[dict[str, Any]]) -> str:
    """The rows of `evaluate_ik` as a Markdown table.

    Args:
        rows: What `evaluate_ik` returned.
    Raises:
        ValueError: If there are no rows.
    """
    if not rows:
        raise ValueError("A table needs at least one row. Received: none.")
    has_coverage = "coverage" in rows[0]
    columns = ["targets", "steps", "median", "95 %", "success", "solutions / s"]
    columns += ["coverage"] if has_coverage else []
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for row in rows:
        cells = [
            f"{row['targets']:,} {row['set']}",
            f"{row['steps']} + solver" if row["solver"] else str(row["steps"]),
            f"{row['median_mm']:.3g} mm, {row['median_deg']:.3g} deg",
            f"{row['p95_mm']:.3g} mm, {row['p95_deg']:.3g} deg",
            f"{row['success']:.2%}",
            f"{row['solutions_per_s']:,.0f}",
        ]
        if has_coverage:
            cells.append("" if row["coverage"] is None else f"{row['coverage']:.1%}")
        lines.append(f"| {' | '.join(cells)} |")
    parameters = rows[0]["parameters"]
    lines += ["", f"{parameters:,} parameters; success: 1 mm, 0.01 rad, within the joint limits."]
    if has_coverage:
        lines.append(
            f"Coverage: share of all solutions of up to {COVERED} targets per set that a candidate "
            f"comes within {NEAR:g} rad of; of seven joints, for {VALUES} values of the free one."
        )
    return "\n".join(lines)


def _coverage(model: IKModel, target_poses: np.ndarray) -> dict[int, float]:
    """Share of all solutions that the candidates reach, by number of steps; empty: no form."""
    part = target_poses[:: -(-len(target_poses) // COVERED)]
    try:
        every = Solutions.of(model.robot, part, model.link)
    except NoClosedFormError:
        return {}
    q = model.propose(to_numpy(matrix_to_pose(part, "xyz_rot6d")))
    return {steps: every.coverage(q, steps).share for steps in STEPS}


def _row(model: IKModel, target_poses: np.ndarray, steps: int, solver: bool) -> dict[str, Any]:
    def answer() -> np.ndarray:
        return model.predict_ik(
            target_poses,
            steps,
            retry=solver,
            position_tolerance=POSITION_TOLERANCE,
            orientation_tolerance=ORIENTATION_TOLERANCE,
        ).q

    q, seconds = _timed(answer)
    errors = pose_errors(model.robot, q, target_poses, model.link)
    is_within = (q >= model.robot.lower_limits) & (q <= model.robot.upper_limits)  # (n, dof)
    is_reached = errors._within(POSITION_TOLERANCE, ORIENTATION_TOLERANCE)
    return {
        "steps": steps,
        "solver": solver,
        "median_mm": float(np.median(errors.position_mm)),
        "p95_mm": float(np.percentile(errors.position_mm, 95)),
        "median_deg": float(np.median(errors.orientation_deg)),
        "p95_deg": float(np.percentile(errors.orientation_deg, 95)),
        "success": float(np.mean(is_reached & is_within.all(axis=-1))),
        "solutions_per_s": len(target_poses) / seconds,
        "parameters": int(model.count_params()),
    }


def _timed(function: Callable[[], np.ndarray]) -> tuple[np.ndarray, float]:
    """What a function returns, and the median time of the calls after its first one."""
    result, times = function(), []
    for _ in range(_CALLS):
        start = time.perf_counter()
        result = function()
        times.append(time.perf_counter() - start)
    return result, statistics.median(times)
