"""`python -m benchmarks.promises`: what docs/ik.md promises, in numbers.

Out of reach the least error comes from SciPy's L-BFGS-B with many starts and Pinocchio's
kinematics; for planar arms it comes from geometry. Streams, starts that are solutions, and rounding
compare answers with each other.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.spatial.transform import Rotation

import fkarm
from benchmarks.harness import Row, describe_run, names_of, write
from benchmarks.robots import ARMS, Arm, load_arm

TASKS = ("position", "pose")
DTYPES = ("float64", "float32")
RADIAN = 0.3  # weight of a radian, that of a metre is 1: the default of solve_ik
JUMP = 0.3  # rad
MARGIN = 1e-3  # m: how much worse than the least a miss near q_ref may be
TREMOR, PACE, TURN = 1e-3, 5e-3, 0.02  # m, m and rad in each frame of a stream


def weighted(answer: Any) -> np.ndarray:
    """The solver's own measure of a miss, m."""
    return np.asarray(np.hypot(answer.position_error, RADIAN * answer.orientation_error))


def reach_of(arm: Arm) -> float:
    """The largest distance of 20,000 random poses from the root, m."""
    poses = arm.poses(fkarm.sample_configurations(arm.robot, 20_000, seed=0))
    return float(np.linalg.norm(poses[:, :3, 3], axis=1).max())


def far_targets(arm: Arm, count: int) -> np.ndarray:
    """Reachable poses pulled outwards, to 1.02 to 3 times the reach. Shape `(count, 4, 4)`."""
    rng = np.random.default_rng(1)
    target = arm.poses(fkarm.sample_configurations(arm.robot, count, seed=1))
    length = np.linalg.norm(target[:, :3, 3], axis=1)
    target[:, :3, 3] *= (reach_of(arm) * rng.uniform(1.02, 3.0, size=count) / length)[:, None]
    return target


def least_error(arm: Arm, task: str, starts: np.ndarray, target: np.ndarray) -> float:
    """The least weighted error of an arm by SciPy and Pinocchio, m."""
    weight = 0.0 if task == "position" else RADIAN**2
    limits = list(zip(arm.robot.lower_limits, arm.robot.upper_limits, strict=True))
    options = {"maxiter": 500, "ftol": 1e-15, "gtol": 1e-12}

    def cost(q: np.ndarray) -> tuple[float, np.ndarray]:
        jacobian = arm.exact.jacobians(q[None])[0, 0]
        pose = arm.exact.data.oMf[arm.exact.frames[0]]  # at the same q
        gap = target[:3, 3] - pose.translation
        turn = Rotation.from_matrix(target[:3, :3] @ pose.rotation.T).as_rotvec()
        slope = -2.0 * (gap @ jacobian[:3] + weight * turn @ jacobian[3:])
        return float(gap @ gap + weight * turn @ turn), slope

    ends = [
        minimize(cost, q, method="L-BFGS-B", jac=True, bounds=limits, options=options).fun
        for q in starts
    ]
    return float(np.sqrt(min(ends)))


def excess_rows(arm: Arm, count: int, starts: int) -> Iterator[Row]:
    """How much larger errors are than the least of SciPy's answers."""
    targets = far_targets(arm, count)
    first = fkarm.sample_configurations(arm.robot, starts, seed=2)
    for task in TASKS:
        least = np.array([least_error(arm, task, first, target) for target in targets])
        for dtype in DTYPES:
            answer = fkarm.solve_ik(arm.robot, targets.astype(dtype), arm.link, task=task)
            yield excess_row(arm.name, task, dtype, weighted(answer) - least)


def planar_rows(count: int) -> Iterator[Row]:
    """The same for a planar arm, whose least distance is that to its circle."""
    arm = fkarm.robots.planar([0.4, 0.3, 0.2])
    rng = np.random.default_rng(0)
    length, angle = rng.uniform(0.9, 2.7, size=count), rng.uniform(-np.pi, np.pi, size=count)
    target = np.tile(np.eye(4), (count, 1, 1))
    target[:, :2, 3] = (length * np.stack([np.cos(angle), np.sin(angle)])).T
    for dtype in DTYPES:
        cast = target.astype(dtype)
        least = np.linalg.norm(cast[:, :2, 3].astype(float), axis=1) - 0.9
        answer = fkarm.solve_ik(arm, cast, task="position")
        yield excess_row("planar", "position", dtype, answer.position_error - least)


def excess_row(robot: str, task: str, dtype: str, excess: np.ndarray) -> Row:
    """Percentiles of an excess, m."""
    return {
        "figure": "out of reach",
        "robot": robot,
        "task": task,
        "dtype": dtype,
        "targets": len(excess),
        "excess_p50_m": float(np.percentile(excess, 50)),
        "excess_p99_m": float(np.percentile(excess, 99)),
        "excess_max_m": float(excess.max()),
    }


def stream(arm: Arm, out: float, frames: int, seed: int) -> np.ndarray:
    """Targets that wander out of reach, with tremor. Shape `(frames, 4, 4)`."""
    rng = np.random.default_rng(seed)
    pose = arm.poses(fkarm.sample_configurations(arm.robot, 1, seed=seed))[0]
    pose[:3, 3] *= (reach_of(arm) + out) / np.linalg.norm(pose[:3, 3])
    step, turn = (size * v / np.linalg.norm(v) for size, v in zip(
        (PACE, TURN), rng.normal(size=(2, 3)), strict=True))  # fmt: skip
    way = np.empty((frames, 4, 4))
    for frame in way:
        pose[:3, 3] += step
        pose[:3, :3] = Rotation.from_rotvec(turn).as_matrix() @ pose[:3, :3]
        frame[:] = pose
        frame[:3, 3] += TREMOR * rng.uniform(-1, 1, 3)
    return way


def stream_rows(arm: Arm, streams: int, frames: int) -> Iterator[Row]:
    """Frames whose answer is more than `JUMP` from the previous answer, which is `q_ref`.

    A jump is needed where the branch of the previous answer itself moves as far, or ends more than
    `MARGIN` above the least error.
    """
    for task in TASKS:
        for out in (0.005, 0.5):
            ways = np.stack([stream(arm, out, frames, seed) for seed in range(streams)], axis=1)
            asked = {"link": arm.link, "task": task}
            q = fkarm.solve_ik(arm.robot, ways[0], **asked).q
            jumps = needed = 0
            for targets in ways[1:]:
                answer = fkarm.solve_ik(arm.robot, targets, q_ref=q, **asked)
                jumped = np.abs(answer.q - q).max(axis=1) > JUMP
                if jumped.any():
                    way = fkarm.follow_path(arm.robot, targets[jumped][:, None], q[jumped], **asked)
                    free = fkarm.solve_ik(arm.robot, targets[jumped], **asked)
                    least = np.minimum(weighted(answer)[jumped], weighted(free))
                    moved = np.abs(way.q[:, 0] - q[jumped]).max(axis=1)
                    jumps += int(jumped.sum())
                    needed += int(((weighted(way)[:, 0] > least + MARGIN) | (moved > JUMP)).sum())
                q = answer.q
            yield {
                "figure": "streams out of reach",
                "robot": arm.name,
                "task": task,
                "out_m": out,
                "frames": streams * frames,
                "jumps": jumps,
                "needed": needed,
            }


def stay_rows(arm: Arm, count: int) -> Iterator[Row]:
    """Shares of answers elsewhere: from exact starts, from starts nearby, after rounding."""
    robot, rng = arm.robot, np.random.default_rng(4)
    q = fkarm.sample_configurations(robot, count, seed=3, dtype="float32")
    target = np.asarray(fkarm.forward_kinematics(robot, q, arm.link))
    exact = fkarm.solve_ik(robot, target, arm.link, q_init=q).q
    near = target.copy()
    way = rng.normal(size=(count, 3))
    near[:, :3, 3] += 2e-3 * way / np.linalg.norm(way, axis=1, keepdims=True)
    answer = fkarm.solve_ik(robot, near, arm.link, q_init=q).q
    branch = fkarm.follow_path(robot, near[:, None], q, arm.link)
    goes_on = branch.converged[:, 0] & (np.abs(branch.q[:, 0] - q).max(axis=1) <= JUMP)
    moved = target.copy()
    moved[:, :3, 3] += 1e-7
    first, second = (fkarm.solve_ik(robot, poses, arm.link).q for poses in (target, moved))
    yield {
        "figure": "answers that stay",
        "robot": arm.name,
        "targets": count,
        "exact_start_elsewhere": float((exact != q).any(axis=1).mean()),
        "near_start_jumps": float((np.abs(answer - q).max(axis=1) > JUMP)[goes_on].mean()),
        "near_start_branch_ends": float((~goes_on).mean()),
        "elsewhere_after_1e-7_m": float((np.abs(first - second).max(axis=1) > 0.05).mean()),
    }


def base_rows(count: int) -> Iterator[Row]:
    """The share that an arm on a planar and on a floating base solves, up to far away."""
    arm = fkarm.robots.ur5e()
    for kind in ("planar", "floating"):
        mount = fkarm.Joint("base", kind, parent="world", child=arm.root_link)
        robot = fkarm.Robot([mount, *arm.joints], end_effector=arm.end_effector)
        for distance in (40.0, 1000.0):
            q = fkarm.sample_configurations(robot, count, seed=5)
            q[:, :2] *= distance
            target = np.asarray(fkarm.forward_kinematics(robot, q, robot.end_effector))
            answer = fkarm.solve_ik(robot, target)
            yield {
                "figure": "free bases",
                "robot": f"UR5e on a {kind} base",
                "distance_m": distance,
                "targets": count,
                "solved": float(answer.converged.mean()),
            }


def line(row: Row) -> str:
    """A row as the command prints it."""
    return "  ".join(
        f"{name} {value:.3g}" if isinstance(value, float) else f"{value}"
        for name, value in row.items()
    )


def main(arguments: Sequence[str] | None = None) -> None:
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="python -m benchmarks.promises", description=__doc__)
    parser.add_argument("--robots", default="ur5e,panda,iiwa14", help=f"of: {', '.join(ARMS)}")
    parser.add_argument("--targets", type=int, default=200, help="out of reach; else five times")
    parser.add_argument("--starts", type=int, default=50, help="of SciPy")
    parser.add_argument("--streams", type=int, default=20)
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--json", type=Path, help="write the rows here")
    options = parser.parse_args(arguments)
    rows: list[Row] = []

    def tell(new: Iterator[Row]) -> None:
        for row in new:
            rows.append(row)
            print(line(row), flush=True)

    tell(planar_rows(options.targets))
    tell(base_rows(options.targets))
    for name in names_of(parser, "robots", options.robots, ARMS):
        arm = load_arm(name)
        tell(stay_rows(arm, 5 * options.targets))
        tell(stream_rows(arm, options.streams, options.frames))
        tell(excess_rows(arm, options.targets, options.starts))
    if options.json:
        command = " ".join(["python -m benchmarks.promises", *arguments])
        write(options.json, describe_run(command), rows)


if __name__ == "__main__":
    main()
