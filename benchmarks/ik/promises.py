"""What docs/ik.md promises, in numbers: out of reach, streams, starts that are kept, rounding.

    python -m benchmarks.ik.promises --robots ur5e,panda --targets 100

The judge of what is out of reach is SciPy from many starts; of planar arms, geometry.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator

import numpy as np
from scipy.optimize import minimize

import fkarm
from fkarm.geometry import make_transform, so3_exp
from fkarm.kinematics.chain import chain_frames, plan_chain
from fkarm.kinematics.engine import native_sincos

TASKS = ("position", "pose")
Row = tuple[str, str, float]


def poses(robot: fkarm.Robot, q: np.ndarray) -> np.ndarray:
    """Poses of the end effector."""
    return np.array(fkarm.forward_kinematics(robot, q, robot.end_effector))


def measure(found: fkarm.IKResult) -> np.ndarray:
    """The solver's own measure of a miss, m."""
    return np.asarray(np.hypot(found.position_error, 0.3 * found.orientation_error))


def far_targets(robot: fkarm.Robot, count: int, seed: int) -> np.ndarray:
    """Reachable poses pulled outwards, to 1.1 to 3 times the reach."""
    rng = np.random.default_rng(seed)
    target = poses(robot, fkarm.sample_configurations(robot, count, seed=seed))
    reach = np.linalg.norm(target[:, :3, 3], axis=1).max()
    length = np.linalg.norm(target[:, :3, 3], axis=1)
    target[:, :3, 3] *= (reach * rng.uniform(1.1, 3.0, size=count) / length)[:, None]
    return target


def excess_over_scipy(robot: fkarm.Robot, task: str, count: int, starts: int = 50) -> np.ndarray:
    """How much farther than the best of SciPy's answers from `starts` starts, m; by type."""
    target = far_targets(robot, count, seed=1)
    limits = list(zip(robot.lower_limits, robot.upper_limits, strict=True))
    first = fkarm.sample_configurations(robot, starts, seed=2)
    plan = plan_chain(robot, (robot.end_effector,))
    least = []
    for one in target:

        def cost(q: np.ndarray, one: np.ndarray = one) -> float:
            (frame,) = chain_frames(plan, q.tolist(), native_sincos).links
            gap = float(np.sum((frame.origin - one[:3, 3]) ** 2))
            if task == "pose":
                turn = one[:3, :3] @ np.array(frame.columns)
                sine = turn[[2, 0, 1], [1, 2, 0]] - turn[[1, 2, 0], [2, 0, 1]]
                gap += 0.09 * math.atan2(np.linalg.norm(sine), np.trace(turn) - 1.0) ** 2
            return gap

        ends = [minimize(cost, q, method="L-BFGS-B", bounds=limits).fun for q in first]
        least.append(np.sqrt(min(ends)))
    return np.stack(
        [
            measure(fkarm.solve_ik(robot, target.astype(dtype), task=task)) - least
            for dtype in ("float64", "float32")
        ]
    )


def planar_excess(count: int) -> np.ndarray:
    """The same for a planar arm, whose least distance is that to its circle; by type."""
    arm = fkarm.robots.planar([0.4, 0.3, 0.2])
    rng = np.random.default_rng(0)
    length, angle = rng.uniform(0.9, 2.7, size=count), rng.uniform(-np.pi, np.pi, size=count)
    target = np.tile(np.eye(4), (count, 1, 1))
    target[:, :2, 3] = (length * np.stack([np.cos(angle), np.sin(angle)])).T
    errors = []
    for dtype in ("float64", "float32"):
        cast = target.astype(dtype)
        found = fkarm.solve_ik(arm, cast, task="position")
        least = np.linalg.norm(cast[:, :2, 3].astype(float), axis=1) - 0.9
        errors.append(found.position_error - least)
    return np.stack(errors)


def stream(robot: fkarm.Robot, out: float, frames: int, seed: int) -> np.ndarray:
    """Targets that wander out of reach, with tremor of 1 mm. Shape `(frames, 4, 4)`."""
    rng = np.random.default_rng(seed)
    known = poses(robot, fkarm.sample_configurations(robot, 2000, seed=0))
    reach = np.linalg.norm(known[:, :3, 3], axis=1).max()
    pose = known[rng.integers(len(known))]
    pose[:3, 3] *= (reach + out) / np.linalg.norm(pose[:3, 3])
    step = rng.normal(size=3)
    step *= 5e-3 / np.linalg.norm(step)
    turn = rng.normal(size=3)
    turn *= 0.02 / np.linalg.norm(turn)
    way = []
    for _ in range(frames):
        pose[:3, 3] += step
        pose[:3, :3] = np.asarray(so3_exp(turn)) @ pose[:3, :3]
        way.append(make_transform(pose[:3, :3], pose[:3, 3] + 1e-3 * rng.uniform(-1, 1, 3)))
    return np.asarray([np.asarray(each) for each in way])


def jumps(robot: fkarm.Robot, task: str, out: float, streams: int, frames: int) -> tuple[int, int]:
    """Frames whose answer is more than 0.3 rad from the answer before, all streams in step.

    Returns:
        How many without need, and how many where the branch from the answer before moves as far
        itself, or ends more than the margin of 1 mm above the least: there the least-distance
        branch jumps.
    """
    ways = np.stack([stream(robot, out, frames, seed) for seed in range(streams)], axis=1)
    q = fkarm.solve_ik(robot, ways[0], task=task).q
    without_need = needed = 0
    for targets in ways[1:]:
        found = fkarm.solve_ik(robot, targets, task=task, q_ref=q)
        jumped = np.abs(found.q - q).max(axis=1) > 0.3
        if jumped.any():
            branch = fkarm.follow_path(robot, targets[jumped][:, None], q[jumped], task=task)
            error = np.hypot(branch.position_error, 0.3 * branch.orientation_error)[:, 0]
            free = fkarm.solve_ik(robot, targets[jumped], task=task)
            least = np.minimum(measure(found)[jumped], measure(free))
            moved = np.abs(branch.q[:, 0] - q[jumped]).max(axis=1)
            has_to = (error > least + 1e-3) | (moved > 0.3)
            needed += int(has_to.sum())
            without_need += int((~has_to).sum())
        q = found.q
    return without_need, needed


def rows(name: str, count: int, streams: int, frames: int) -> Iterator[Row]:
    """The figures of one robot."""
    robot = getattr(fkarm.robots, name)()
    q = fkarm.sample_configurations(robot, count, seed=3, dtype="float32")
    target = poses(robot, q)
    kept = fkarm.solve_ik(robot, target, q_init=q).q
    yield name, "exact q_init: answers elsewhere, share", float((kept != q).any(axis=1).mean())
    moved = target.copy()
    moved[:, :3, 3] += 1e-7
    apart = np.abs(fkarm.solve_ik(robot, target).q - fkarm.solve_ik(robot, moved).q).max(axis=1)
    yield name, "another solution after 1e-7 m, share", float((apart > 0.05).mean())
    for task in TASKS:
        for out in (0.005, 0.5):
            label = f"{task}, {out} m out, {streams} x {frames} frames: jumps"
            for count_of, kind in zip(
                jumps(robot, task, out, streams, frames),
                ("without need", "of the least-distance branch"),
                strict=True,
            ):
                yield name, f"{label} {kind}", float(count_of)
    for task in TASKS:
        for dtype, each in zip(
            ("float64", "float32"), excess_over_scipy(robot, task, max(count // 10, 1)), strict=True
        ):
            label = f"{task}, {dtype}: excess out of reach, 99th percentile, mm"
            yield name, label, float(1e3 * np.percentile(each, 99))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ik.promises", description=__doc__)
    parser.add_argument("--robots", default="ur5e,panda,iiwa14")
    parser.add_argument("--targets", type=int, default=100)
    parser.add_argument("--streams", type=int, default=20)
    parser.add_argument("--frames", type=int, default=100)
    options = parser.parse_args()
    for dtype, each in zip(("float64", "float32"), planar_excess(options.targets), strict=True):
        value = 1e3 * np.percentile(each, 99)
        print(f"planar   position, {dtype}: excess out of reach, 99th percentile, mm  {value:.2g}")
    for name in options.robots.split(","):
        for robot, label, number in rows(name, options.targets, options.streams, options.frames):
            print(f"{robot:8} {label:66} {number:.3g}", flush=True)


if __name__ == "__main__":
    main()
