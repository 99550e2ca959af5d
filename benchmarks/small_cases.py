"""What `benchmarks.small` measures in its own process: calls with few rows, loops, many robots."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import fkarm
from benchmarks.harness import Row, repeated, take_turns
from benchmarks.robots import load_arm, load_robot

PATH, PATHS = 10_000, 3
MANY = 1000  # robots in one process
FEW = 1000  # rows and targets that are near the threshold between NumPy and compiled code


def calls(name: str) -> dict[str, Callable[[], Any]]:
    """Eager calls with one row and with 256."""
    import keras
    import tensorflow as tf

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


def threshold_rows() -> Iterator[Row]:
    """Calls just below the threshold, in NumPy and compiled, and the first compiled call."""
    robot = load_robot("panda")
    q = fkarm.sample_configurations(robot, FEW, seed=6, dtype="float32")
    poses = np.asarray(fkarm.forward_kinematics(robot, q))
    named = {
        "poses": partial(fkarm.forward_kinematics, robot, q),
        "solve_ik": partial(fkarm.solve_ik, robot, poses),
    }
    for call, run in named.items():

        def in_mode(mode: str, run: Callable[[], Any] = run) -> Any:
            with fkarm.config.compilation(mode):
                return run()

        (first,) = repeated(partial(in_mode, "graph"))
        turns = {mode: partial(repeated, partial(in_mode, mode), 5) for mode in ("eager", "graph")}
        medians = {mode: float(np.median(times)) for mode, times in take_turns(turns, 10)}
        yield {
            "figure": "threshold", "robot": "panda", "call": call, "rows": FEW, "first_s": first,
            "numpy_s": medians["eager"], "compiled_s": medians["graph"],
        }  # fmt: skip


def loop_row() -> Row:
    """The slowest calls of a control loop: the best of some runs along a path."""
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
