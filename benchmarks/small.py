"""`python -m benchmarks.small`: what one call costs that has one row, and the first call.

First answers come from new processes, after the import. `--peers` adds Pinocchio and Robotics
Toolbox for one row and one target, measured in turns with fkarm.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
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
from benchmarks.small_cases import calls, loop_row, many_row, threshold_rows

LIMBS = (
    "left_ankle_roll_link",
    "right_ankle_roll_link",
    "left_hand_palm_link",
    "right_hand_palm_link",
)
FIRST = {"panda": (1, 100, 1000), "g1": (1, 100)}
ROUNDS = 20


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
    add([loop_row(), many_row(), *threshold_rows()])
    if options.peers:
        add(peer_rows())
    if options.json:
        command = " ".join(["python -m benchmarks.small", *arguments])
        write(options.json, describe_run(command), rows)


if __name__ == "__main__":
    main()
