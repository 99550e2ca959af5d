"""`python -m benchmarks.small`: what one call costs that has one row, and the first call.

First answers come from new processes, after the import. `--peers` adds Pinocchio and Robotics
Toolbox for one row and one target, measured in turns with fkarm.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from benchmarks.harness import (
    Remote,
    Row,
    Trial,
    Unavailable,
    describe_run,
    repeated,
    take_turns,
    write,
)
from benchmarks.robots import Exact, load_arm, load_robot, target_task

LIMBS = (
    "left_ankle_roll_link",
    "right_ankle_roll_link",
    "left_hand_palm_link",
    "right_hand_palm_link",
)
FIRST = {"panda": (1, 100, 1000), "g1": (1, 100)}
ROUNDS = 20
PATH, PATHS = 10_000, 3
MANY = 1000  # robots in one process


def solver(name: str) -> Trial:
    """`solve_ik` of a robot in a process of its own: the arm's tip, or four limbs of G1."""
    import fkarm

    robot = load_robot(name)
    return Trial(lambda targets: fkarm.solve_ik(robot, targets), lambda answer: answer.converged)


def targets_of(name: str, count: int) -> Any:
    """Reachable float32 targets, from exact poses."""
    import fkarm

    robot = load_robot(name)
    q = fkarm.sample_configurations(robot, count, seed=1)
    links = LIMBS if name == "g1" else (robot.end_effector,)
    poses = Exact(robot, links).poses(q).astype(np.float32)
    return dict(zip(links, poses.swapaxes(0, 1), strict=True))


def first_rows() -> Iterator[Row]:
    """Seconds of the first answer in a new process, after the import and reading the robot."""
    for name, counts in FIRST.items():
        for count in counts:
            targets, times, solved = targets_of(name, count), [], 0.0
            for _ in range(3):
                worker = Remote("benchmarks.small:solver")
                worker.prepare(name)
                converged, seconds = worker.answer(targets)
                times.append(seconds)
                solved = float(converged.mean())
                worker.close()
            about = {"figure": "first answer", "robot": name, "targets": count}
            yield {**about, "median_s": float(np.median(times)), "solved": solved}


def calls(name: str) -> dict[str, Callable[[], Any]]:
    """Eager calls with one row and with 256."""
    import keras
    import tensorflow as tf

    import fkarm

    robot = load_robot(name)
    links = list(robot.link_names) if name == "g1" else robot.end_effector
    q = fkarm.sample_configurations(robot, 256, seed=2, dtype="float32")
    one, many = tf.constant(q[:1]), tf.constant(q)
    layer, identity = fkarm.layers.ForwardKinematics(robot, links), keras.layers.Identity()

    def gradient(q: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(q)
            poses = fkarm.forward_kinematics(robot, q, links)
        return tape.gradient(poses, q)

    found = {
        "poses": partial(fkarm.forward_kinematics, robot, one, links),
        "poses and gradient": partial(gradient, one),
        "poses, 256 rows": partial(fkarm.forward_kinematics, robot, many, links),
        "poses and gradient, 256 rows": partial(gradient, many),
        "Jacobian": partial(fkarm.geometric_jacobian, robot, one),
        "layer": partial(layer, one),
        "identity layer": partial(identity, one),
    }
    if name != "g1":
        found |= searches(robot)
    return found


def searches(robot: Any) -> dict[str, Callable[[], Any]]:
    """`solve_ik` of one target: from nothing, and from 0.02 rad away."""
    import fkarm

    q = fkarm.sample_configurations(robot, 300, seed=3)
    poses = np.asarray(fkarm.forward_kinematics(robot, q), np.float32)
    change = np.random.default_rng(0).normal(0, 0.02, q.shape)
    near = np.clip(q + change, robot.lower_limits, robot.upper_limits)
    numbers = iter(range(10**9))

    def search() -> Any:
        return fkarm.solve_ik(robot, poses[next(numbers) % len(poses)])

    def resumed() -> Any:
        k = next(numbers) % len(poses)
        return fkarm.solve_ik(robot, poses[k], q_init=near[k])

    return {"solve_ik": search, "solve_ik, q_init 0.02 rad away": resumed}


def eager_rows(name: str) -> Iterator[Row]:
    """Median times of eager calls, in turns."""
    turns = {key: partial(repeated, call, 50) for key, call in calls(name).items()}
    for call, times in take_turns(turns, ROUNDS):
        about = {"figure": "eager call", "robot": name, "call": call}
        yield {
            **about,
            "median_s": float(np.median(times)),
            "p95_s": float(np.quantile(times, 0.95)),
        }


def peer_rows() -> Iterator[Row]:
    """One pose by Pinocchio, and one target by Robotics Toolbox, in processes of their own."""
    arm = load_arm("panda")
    q = arm.robot.lower_limits[None] * 0.5
    spent = repeated(lambda: arm.exact.poses(q), 2000)
    yield {"figure": "peer", "peer": "Pinocchio, one pose", "median_s": float(np.median(spent))}
    name, worker = "Robotics Toolbox, one target", Remote("benchmarks.peers.robotics_toolbox:ik")
    try:
        worker.prepare(target_task(arm))
        targets = next(iter(targets_of("panda", 300).values()))
        times = [worker.answer(target[None], (1e-3, 1e-2))[1] for target in targets]
        yield {"figure": "peer", "peer": name, "median_s": float(np.median(times))}
    except Unavailable as reason:
        yield {"figure": "peer", "peer": name, "unavailable": str(reason)}
    finally:
        worker.close()


def loop_row() -> Row:
    """The slowest calls of a control loop: the best of some runs along a path."""
    import fkarm

    arm = load_arm("panda")
    ends = fkarm.sample_configurations(arm.robot, 2, seed=4)
    share = 0.5 - 0.5 * np.cos(np.linspace(0, 2 * np.pi, PATH))[:, None]
    poses = arm.poses(ends[0] + share * (ends[1] - ends[0]))
    best: Row = {}
    for _ in range(PATHS):
        q, times = ends[0], []
        for pose in poses:
            start = time.perf_counter()
            q = fkarm.solve_ik(arm.robot, pose, q_init=q).q
            times.append(time.perf_counter() - start)
        median, worst = (float(x) for x in np.quantile(times, [0.5, 0.999]))
        if not best or worst / median < best["ratio"]:
            best = {"median_s": median, "p999_s": worst, "ratio": worst / median}
    return {"figure": "control loop", "robot": "panda", "calls": PATH, **best}


def many_row() -> Row:
    """Memory and time of many robots in one process, one pose and one target each."""
    import fkarm

    rng = np.random.default_rng(5)

    def use(k: int) -> None:
        rows = rng.uniform(-0.5, 0.5, (7, 4))
        arm = fkarm.Robot.from_dh(rows, limits=[(-2.5, 2.5)] * 7, name=f"arm_{k}")
        pose = fkarm.forward_kinematics(arm, np.zeros(7, np.float32))
        fkarm.solve_ik(arm, pose)

    use(-1)
    before, start = resident(), time.perf_counter()
    for k in range(MANY):
        use(k)
    seconds = time.perf_counter() - start
    return {"figure": "many robots", "robots": MANY, "s": seconds, "mb": resident() - before}


def resident() -> float:
    """Memory of this process, MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main(arguments: Sequence[str] | None = None) -> None:
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="python -m benchmarks.small", description=__doc__)
    parser.add_argument("--peers", action="store_true", help="Pinocchio and Robotics Toolbox, too")
    parser.add_argument("--json", type=Path, help="write the rows here")
    options = parser.parse_args(arguments)
    rows: list[Row] = []

    def add(new: Iterator[Row] | list[Row]) -> None:
        for row in new:
            rows.append(row)
            print(row, flush=True)

    add(first_rows())
    for name in ("panda", "g1"):
        add(eager_rows(name))
    add([loop_row(), many_row()])
    if options.peers:
        add(peer_rows())
    if options.json:
        command = " ".join(["python -m benchmarks.small", *arguments])
        write(options.json, describe_run(command), rows)


if __name__ == "__main__":
    main()
