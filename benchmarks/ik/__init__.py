"""`python -m benchmarks.ik`: success, accuracy and speed of `fkarm.solve_ik` on five target sets.

Targets are poses of random configurations, fixed by seeds; solvers never see the configurations.
The judge is Pinocchio, in float64. With `--peers` other libraries solve for the same targets.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import fkarm
from benchmarks import report
from benchmarks.arms import ARMS, Arm, load_arm
from benchmarks.catalogue import IK_PEERS

TOLERANCES = {"loose": (5e-3, 5e-2), "standard": (1e-3, 1e-2), "tight": (1e-5, 1e-5)}
SIZES = {"uniform": 10_000, "near-limit": 2_000, "near-singular": 2_000, "unreachable": 1_000}
PATHS, POSES = 200, 50
REPEATS = 5

Row = dict[str, Any]


def target_configurations(arm: Arm, name: str) -> np.ndarray:
    """The configurations whose poses are the targets, `(n, dof)`; seeds fixed."""
    robot, count = arm.robot, SIZES[name]
    seed = list(SIZES).index(name)
    if name == "near-singular":
        q = fkarm.sample_configurations(robot, 20 * count, seed=seed)
        measure = np.concatenate(
            [fkarm.manipulability(robot, part, arm.link).numpy() for part in np.split(q, 20)]
        )
        return q[np.argsort(measure)[:count]]
    q = fkarm.sample_configurations(robot, count, seed=seed)
    if name == "near-limit":
        rng = np.random.default_rng(seed)
        lower, upper = fkarm.kinematics.sampling.sampling_bounds(robot)
        joint = rng.integers(robot.dof, size=count)
        share = 0.02 * rng.uniform(size=count)
        share = np.where(rng.uniform(size=count) < 0.5, share, 1.0 - share)
        q[np.arange(count), joint] = lower[joint] + share * (upper - lower)[joint]
    return q


def targets(arm: Arm, name: str) -> np.ndarray:
    """Poses of the link, float32. Shape `(n, 4, 4)`."""
    poses = arm.poses(target_configurations(arm, name))
    if name == "unreachable":
        reach = np.linalg.norm(arm.poses(target_configurations(arm, "uniform"))[:, :3, 3], axis=-1)
        length = np.linalg.norm(poses[:, :3, 3], axis=-1, keepdims=True)
        poses[:, :3, 3] *= 1.2 * reach.max() / length
    return poses.astype(np.float32)


def judged(arm: Arm, q: np.ndarray, poses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Position and orientation errors of solutions as Pinocchio sees them; inf outside limits."""
    found = arm.poses(q.astype(np.float64))
    position = np.linalg.norm(found[:, :3, 3] - poses[:, :3, 3], axis=-1)
    turn = found[:, :3, :3] @ np.swapaxes(poses[:, :3, :3].astype(np.float64), -1, -2)
    sine = np.stack(
        [turn[:, (k + 2) % 3, (k + 1) % 3] - turn[:, (k + 1) % 3, (k + 2) % 3] for k in range(3)]
    )
    cosine = np.trace(turn, axis1=-2, axis2=-1) - 1.0
    orientation = np.arctan2(np.linalg.norm(sine, axis=0), cosine)
    robot = arm.robot
    outside = ~((q >= robot.lower_limits) & (q <= robot.upper_limits)).all(axis=-1)
    position[outside] = np.inf
    return position, orientation


def accuracy(arm: Arm, name: str) -> list[Row]:
    """Success and errors on one set, at each tolerance."""
    poses = targets(arm, name)
    rows = []
    for tolerance, (most_position, most_orientation) in TOLERANCES.items():
        asked = {"position_tolerance": most_position, "orientation_tolerance": most_orientation}
        found = fkarm.solve_ik(arm.robot, poses, arm.link, **asked)
        position, orientation = judged(arm, found.q, poses)
        right = (position <= most_position * 1.001) & (orientation <= most_orientation * 1.001)
        if (found.converged & ~right).any():
            raise AssertionError(f"{arm.name}, {name}: what converged must be right")
        rows.append(
            {
                "robot": arm.name,
                "set": name,
                "tolerance": tolerance,
                "targets": len(poses),
                "success": float(right.mean()),
                "p98_position_m": float(np.percentile(position[right], 98))
                if right.any()
                else None,
            }
        )
    return rows


def path_rows(arm: Arm) -> list[Row]:
    """Straight segments between poses of one solution branch: success, jumps."""
    starts = fkarm.sample_configurations(arm.robot, PATHS, seed=7)
    rng = np.random.default_rng(7)
    ends = np.clip(
        starts + rng.uniform(-0.3, 0.3, size=starts.shape),
        arm.robot.lower_limits,
        arm.robot.upper_limits,
    )
    poses = fkarm.geometry.interpolate_transforms(
        arm.poses(starts), arm.poses(ends), np.linspace(0, 1, POSES)
    )
    found = fkarm.follow_path(arm.robot, poses, starts, arm.link)
    steps = np.abs(np.diff(found.q, axis=1)).max(axis=-1)
    median = np.median(steps, axis=1, keepdims=True)
    whole = found.converged.all(axis=1)
    return [
        {
            "robot": arm.name,
            "set": "path",
            "tolerance": "standard",
            "targets": PATHS * POSES,
            "success": float(found.converged.mean()),
            "flips": int((steps[whole] > 0.5).sum()),
            "steps_over_3_medians": int((steps[whole] > 3 * median[whole] + 1e-6).sum()),
        }
    ]


def speed(arm: Arm, batches: Sequence[int]) -> list[Row]:
    """Time of calls on uniform targets at the standard tolerance."""
    poses = targets(arm, "uniform")
    rows = []
    for batch in batches:
        chosen = poses[:batch]
        start = time.perf_counter()
        found = fkarm.solve_ik(arm.robot, chosen, arm.link)
        first = time.perf_counter() - start
        for _ in range(2):
            fkarm.solve_ik(arm.robot, chosen, arm.link)
        times = []
        for _ in range(REPEATS if batch > 1000 else 4 * REPEATS):
            start = time.perf_counter()
            fkarm.solve_ik(arm.robot, chosen, arm.link)
            times.append(time.perf_counter() - start)
        median, high = np.percentile(times, [50, 95])
        rows.append(
            {
                "robot": arm.name,
                "batch": batch,
                "success": float(found.converged.mean()),
                "median_s": float(median),
                "p95_s": float(high),
                "solves_per_s": float(batch / median),
                "first_call_s": float(first),
            }
        )
    return rows


def iterations_per_second(arm: Arm, rows: int = 8192, steps: int = 50) -> float:
    """Row-steps a second of the compiled search."""
    from fkarm.ik.descent import damped_descent
    from fkarm.ik.problem import make_problem, make_terms

    problem = make_problem(arm.robot, (arm.link,))
    poses = np.resize(targets(arm, "uniform"), (rows, 4, 4))
    entries = np.swapaxes(poses[:, :3], -1, -2).reshape(rows, 12)
    q = fkarm.sample_configurations(arm.robot, rows, seed=99, dtype="float32")
    values = make_terms(problem, "float32").packed(steps)
    inputs = [keras.ops.convert_to_tensor(each) for each in (q, entries, values)]
    times = []
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        np.asarray(damped_descent(problem)(*inputs)[0])
        times.append(time.perf_counter() - start)
    return rows * steps / float(np.median(times[1:]))


def own_rows(arm: Arm, batches: Sequence[int], sets: Sequence[str]) -> Iterator[Row]:
    """Speed, row-steps a second, then success on each set."""
    yield from speed(arm, batches)
    yield {"robot": arm.name, "row_steps_per_s": iterations_per_second(arm)}
    for chosen in sets:
        yield from path_rows(arm) if chosen == "path" else accuracy(arm, chosen)


def line(row: Row) -> str:
    """A row, as the command prints it."""
    if "row_steps_per_s" in row:
        return f"{row['robot']:8} {row['row_steps_per_s'] / 1e6:.1f} M row-steps/s"
    if "batch" in row:
        return (
            f"{row['robot']:8} batch {row['batch']:6}  {row['median_s'] * 1e3:9.2f} ms  "
            f"{row['solves_per_s']:9,.0f}/s  success {row['success']:.2%}  "
            f"first call {row['first_call_s']:.1f} s"
        )
    extra = f"p98 {row['p98_position_m'] * 1e3:.1e} mm" if row.get("p98_position_m") else ""
    extra += f"flips {row['flips']}" if "flips" in row else ""
    return (
        f"{row['robot']:8} {row['set']:14} {row['tolerance']:9} "
        f"success {row['success']:8.2%} {extra}"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ik", description=__doc__)
    parser.add_argument("--robots", default="panda", help=f"of: {', '.join(ARMS)}")
    parser.add_argument("--batch", default="1,10,100,1000,10000", help="targets a call")
    parser.add_argument("--sets", default=",".join((*SIZES, "path")))
    parser.add_argument(
        "--peers",
        nargs="?",
        const=",".join(IK_PEERS),
        default="",
        help=f"instead, fkarm beside other libraries; all, or of: {', '.join(IK_PEERS)}",
    )
    parser.add_argument("--targets", type=int, default=1000, help="of a set, beside --peers")
    parser.add_argument("--json", type=Path, help="write the rows here")
    options = parser.parse_args(arguments)
    names = chosen_names(parser, "robots", options.robots, ARMS)
    sets = chosen_names(parser, "sets", options.sets, (*SIZES, "path"))
    chosen_peers = chosen_names(parser, "peers", options.peers, IK_PEERS)
    if options.targets < 1:
        parser.error(f"--targets must be at least 1. Received: {options.targets}.")
    rows: list[Row] = []
    for name in names:
        arm = load_arm(name)
        if chosen_peers:
            from benchmarks.ik import peers

            shared = [each for each in sets if each in peers.SETS]
            found, text = peers.rows_beside(arm, chosen_peers, shared, options.targets), peers.line
        else:
            batches = [int(word) for word in options.batch.split(",")]
            found, text = own_rows(arm, batches, sets), line
        for row in found:
            rows.append(row)
            print(text(row), flush=True)
    if options.json:
        command = " ".join(["python -m benchmarks.ik", *arguments])
        header = report.describe_run(command, "tensorflow", "cpu", "CPU")
        report.write(options.json, header, rows)


def chosen_names(
    parser: argparse.ArgumentParser, option: str, text: str, known: Collection[str]
) -> list[str]:
    """The names of an option; the parser's error if one does not exist."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in known:
            parser.error(f"--{option} must be of: {', '.join(known)}. Received: {name!r}.")
    return names
