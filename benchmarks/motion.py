"""Whole clips of the Unitree G1 with a floating base: speed, limits kept, jerk.

The targets are poses of six links of a smooth motion, without noise and with it. Velocity limits
are those of the URDF, and a share of them that the motion exceeds. The same motion is retargeted
from key points of a larger body.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

import fkarm
from benchmarks.harness import Row, describe_run, write
from benchmarks.robots import load_robot
from fkarm.motion import G1_BODY
from fkarm.motion.correspondence import read_correspondence, with_places

LINKS = (
    "pelvis", "torso_link", "left_ankle_roll_link", "right_ankle_roll_link",
    "left_hand_palm_link", "right_hand_palm_link",
)  # fmt: skip
RATE = 50.0  # frames per second of the clip
NOISE = 0.003  # m
SLOW = 0.03  # share of the URDF's limits that the motion exceeds
LARGER = 1.2  # size of the body whose key points are retargeted, over the robot's


def humanoid() -> fkarm.Robot:
    """The robot with a floating base."""
    robot = load_robot("g1")
    base = fkarm.Joint("base", "floating", parent="world", child=robot.root_link)
    return fkarm.Robot((base, *robot.joints), name="g1", masses=robot.masses)


def motion(robot: fkarm.Robot, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Times, and a path within the limits: sums of sines, while the base walks along a circle."""
    rng = np.random.default_rng(0)
    times = np.arange(frames) / RATE
    q = np.zeros((frames, robot.dof))
    heading = 0.3 * times
    q[:, 0], q[:, 1] = 3.0 * np.sin(heading), 3.0 * (1.0 - np.cos(heading))
    q[:, 2] = 0.75 + 0.03 * np.sin(8.0 * times)
    q[:, 3], q[:, 6] = np.cos(heading / 2), np.sin(heading / 2)
    lower, upper = robot.lower_limits[7:], robot.upper_limits[7:]
    half = np.minimum(0.4, 0.3 * (upper - lower))
    middle = np.clip(0.0, lower + half, upper - half)
    for weight, pace in ((0.7, 3.0), (0.3, 6.0)):
        phase, speed = rng.uniform(0, 2 * np.pi, len(half)), pace * rng.uniform(0.5, 1, len(half))
        q[:, 7:] += weight * half * np.sin(speed * times[:, None] + phase)
    q[:, 7:] += middle
    return times, q


def targets_of(robot: fkarm.Robot, q: np.ndarray, noise: float) -> dict[str, np.ndarray]:
    """Poses of the links, with noise in their positions."""
    poses = np.array(fkarm.forward_kinematics(robot, q, LINKS))
    poses[..., :3, 3] += np.random.default_rng(1).normal(0.0, noise, poses[..., :3, 3].shape)
    return {link: poses[:, k] for k, link in enumerate(LINKS)}


def points_of(robot: fkarm.Robot, q: np.ndarray) -> dict[str | int, np.ndarray]:
    """Key points of a larger body that moves as the robot does."""
    pairs = read_correspondence(robot, G1_BODY)
    places = [pair.place for pair in pairs]
    poses = np.array(fkarm.forward_kinematics(with_places(robot, pairs), q, places))
    return {pair.key.point: LARGER * poses[:, k, :3, 3] for k, pair in enumerate(pairs)}


def share_within(robot: fkarm.Robot, path: fkarm.SolvedPath, limits: np.ndarray) -> float:
    """The share of frames that a joint reaches within its velocity limit, by differences of `q`."""
    steps = np.abs(np.diff(path.q, axis=0))[:, 7:] / np.diff(path.times)[:, None]
    return float((steps <= limits[7:]).all(axis=1).mean())


def jerk(q: np.ndarray) -> float:
    """Root mean square of the third derivative of the joints, rad/s^3."""
    return float(np.sqrt(np.square(np.diff(q[:, 7:], n=3, axis=0)).mean()) * RATE**3)


def row_of(
    clip: str, solve: Callable[[], fkarm.SolvedPath], limits: np.ndarray, repeats: int
) -> tuple[Row, fkarm.SolvedPath]:
    """Time and quality of a clip, and its path."""
    robot, spent, used = humanoid(), [], []
    for _ in range(repeats):
        start, cpu = time.perf_counter(), time.process_time()
        path = solve()
        spent.append(time.perf_counter() - start)
        used.append(time.process_time() - cpu)
    frames = len(path.q)
    row: Row = {
        "clip": clip,
        "frames": frames,
        "median_s": float(np.median(spent)),
        "processor_s": float(np.median(used)),
        "frames_per_s": frames / float(np.median(spent)),
        "within_velocity_limits": share_within(robot, path, limits),
        "converged": float(path.converged.mean()),
        "position_error_mm": float(np.nanmean(path.position_error) * 1e3),
        "jerk": jerk(path.q),
    }
    return row, path


def rows_of(frames: int, repeats: int) -> Iterator[Row]:
    """Clips of a length, and frame-by-frame solutions of the same targets."""
    robot = humanoid()
    times, q = motion(robot, frames)
    limits = robot.velocity_limits
    alone = {}
    for name, noise, most in (
        ("smooth", 0.0, limits), ("noisy", NOISE, limits), ("too fast", NOISE, SLOW * limits),
    ):  # fmt: skip
        targets = targets_of(robot, q, noise)
        solve = partial(fkarm.solve_path, robot, targets, times, velocity_limits=most)
        row, path = row_of(name, solve, most, repeats)
        if noise not in alone:
            start = time.perf_counter()
            alone[noise] = (
                fkarm.follow_path(robot, targets, path.q[0]).q,
                time.perf_counter() - start,
            )
        single, seconds = alone[noise]
        yield {**row, "jerk_frame_by_frame": jerk(single), "frame_by_frame_s": seconds}
    solve = partial(fkarm.retarget, robot, points_of(robot, q), G1_BODY, times)
    yield row_of("retarget", solve, limits, repeats)[0]


def first_call() -> Row:
    """The seconds of the first call in a process of its own, of 1,000 frames, without imports."""
    lines = (
        "import time, fkarm.motion, fkarm.kinematics, fkarm",
        "from benchmarks import motion",
        "robot = motion.humanoid(); times, q = motion.motion(robot, 1000)",
        "targets = motion.targets_of(robot, q, 0.0); fkarm.config.clear()",
        "start = time.perf_counter(); fkarm.solve_path(robot, targets, times)",
        "print(time.perf_counter() - start)",
    )
    run = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], check=True, capture_output=True, text=True
    )
    return {"clip": "first call", "frames": 1000, "median_s": float(run.stdout.split()[-1])}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the rows, and write them."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="python -m benchmarks.motion", description=__doc__)
    parser.add_argument("--frames", type=int, nargs="+", default=[250, 1000])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the rows here")
    options = parser.parse_args(arguments)
    rows = [first_call()]
    print(rows[0], flush=True)
    for frames in options.frames:
        for row in rows_of(frames, options.repeats):
            rows.append(row)
            print(row, flush=True)
    if options.json:
        command = " ".join(["python -m benchmarks.motion", *arguments])
        write(options.json, describe_run(command), rows)


if __name__ == "__main__":
    main()
