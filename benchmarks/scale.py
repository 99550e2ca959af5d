"""`python -m benchmarks.scale`: what compiled code costs as robots get longer, and further robots.

Every row comes from a process of its own. Chains have joints with random oblique axes. "unrolled"
is code for every joint, as fkarm compiled it for all robots before version 0.2.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from benchmarks.harness import Row, describe_run, repeated, write
from benchmarks.robots import load_robot
from benchmarks.small import LIMBS
from benchmarks.small_cases import resident

JOINTS = (7, 14, 28, 56, 112, 224)
UNROLLED = (7, 14, 28, 56)  # longer ones do not compile within minutes
ROWS = 10_000
REPETITIONS = 9


def chain(joints: int, seed: int = 0) -> Any:
    """A chain of revolute joints with random axes, positions and orientations."""
    import fkarm

    rng = np.random.default_rng(seed)
    return fkarm.Robot.from_joints(
        [
            fkarm.Joint(
                f"joint_{k}",
                axis=rng.normal(size=3),
                xyz=rng.uniform(-0.3, 0.3, 3),
                rpy=rng.uniform(-3, 3, 3),
                lower=-2.9,
                upper=2.9,
            )
            for k in range(joints)
        ]
    )


def unroll() -> None:
    """Compile code for every joint from now on."""
    from fkarm.kinematics.loop import arrays

    arrays.MOST_UNROLLED_IN_CHAIN = arrays.MOST_UNROLLED_IN_TREE = 10**9
    arrays.MOST_UNROLLED_ALIKE = 10**9


def graphs(robot: Any, links: Any, *, jit: bool = False) -> tuple[Callable, Callable]:
    """Forward kinematics, and the gradient of a weighted sum of its entries, compiled."""
    import tensorflow as tf

    import fkarm

    count = 1 if isinstance(links, str) else len(links)
    weights = tf.constant(np.random.default_rng(0).normal(size=(count, 4, 4)), "float32")

    def forward(q: Any) -> Any:
        return fkarm.forward_kinematics(robot, q, links)

    def gradient(q: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(q)
            loss = tf.reduce_sum(tf.reshape(forward(q), (-1, count, 4, 4)) * weights)
        return tape.gradient(loss, q)

    compiled = [tf.function(f, jit_compile=jit, autograph=False) for f in (forward, gradient)]
    return compiled[0], compiled[1]


def seconds_of(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    np.asarray(call())
    return time.perf_counter() - start


def engine_row(name: str, joints: int, engine: str) -> Row:
    """The first calls, memory and time per row of a chain, or of all links of a robot."""
    import tensorflow as tf

    robot = chain(joints) if name == "chain" else load_robot(name)
    links = robot.end_effector if name == "chain" else list(robot.link_names)
    if engine == "unrolled":
        unroll()
    q = tf.random.uniform((ROWS, robot.dof), -1, 1)
    tf.function(lambda x: x + 1, jit_compile=True)(q)  # what the first compilation of all takes
    before = resident()
    forward, gradient = graphs(robot, links)
    row: Row = {"figure": "engine", "robot": name, "joints": robot.dof, "engine": engine}
    row["first_s"] = seconds_of(lambda: gradient(q))
    row["mb"] = resident() - before
    forward(q)
    for key, call in (("forward_ns", forward), ("gradient_ns", gradient)):
        times = repeated(lambda f=call: np.asarray(f(q)), REPETITIONS)
        row[key] = float(np.median(times)) / ROWS * 1e9
    if engine == "fkarm":
        row["first_in_xla_s"] = seconds_of(lambda: graphs(robot, links, jit=True)[1](q))
        row["second_robot_s"] = None
        if name == "chain":
            other = graphs(chain(joints, seed=1), links)[1]
            row["second_robot_s"] = seconds_of(lambda: other(q))
    return row


def jacobian_row(joints: int) -> Row:
    """The first compiled call of a chain's Jacobian."""
    import tensorflow as tf

    import fkarm

    robot, q = chain(joints), tf.random.uniform((ROWS, joints))
    run = tf.function(lambda q: fkarm.geometric_jacobian(robot, q), autograph=False)
    first = seconds_of(lambda: run(q))
    return {"figure": "jacobian", "joints": joints, "first_s": first}


def further_row(what: str, count: int) -> Row:
    """What further robots in one process cost, each with compiled code."""
    import tensorflow as tf

    import fkarm

    joints = 28 if what == "poses, 28 joints" else 7
    q = tf.random.uniform((5000, joints), -1, 1)

    def use(seed: int) -> None:
        robot = chain(joints, seed)
        if what.startswith("poses"):
            np.asarray(fkarm.forward_kinematics(robot, q))
        else:
            fkarm.solve_ik(robot, np.asarray(fkarm.forward_kinematics(robot, q)))

    use(0)
    before, start = resident(), time.perf_counter()
    for seed in range(1, count + 1):
        use(seed)
    spent = time.perf_counter() - start
    about = {"figure": "further robots", "what": what, "robots": count}
    return {**about, "mb": resident() - before, "s": spent}


def search_row(name: str, targets: int) -> Row:
    """`solve_ik` of thousands: the first call and later ones."""
    import fkarm

    robot = load_robot(name)
    links = LIMBS if name == "g1" else (robot.end_effector,)
    q = fkarm.sample_configurations(robot, targets, seed=1, dtype="float32")
    poses = {link: np.asarray(fkarm.forward_kinematics(robot, q, link)) for link in links}
    first = seconds_of(lambda: fkarm.solve_ik(robot, poses).q)
    times = repeated(lambda: fkarm.solve_ik(robot, poses), 5)
    solved = float(fkarm.solve_ik(robot, poses).converged.mean())
    return {
        "figure": "solve_ik",
        "robot": name,
        "targets": targets,
        "first_s": first,
        "per_target_s": float(np.median(times)) / targets,
        "solved": solved,
    }


def many_arms_row() -> Row:
    """The gradient by the origins of a different arm per row, over that by `q` of one arm."""
    import tensorflow as tf

    import fkarm

    robot = chain(7)
    q = tf.random.uniform((ROWS, 7), -1, 1)
    factors = np.random.default_rng(0).uniform(0.8, 1.2, (ROWS, 7)).astype("float32")
    own = {k: v.astype("float32") for k, v in fkarm.kinematics.geometry_of(robot).items()}
    origins = tf.constant(fkarm.kinematics.scale_bones(own, factors)["origins"])

    def of_geometry(q: Any, origins: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(origins)
            poses = fkarm.forward_kinematics(robot, q, geometry={"origins": origins})
            loss = tf.reduce_sum(poses)
        return tape.gradient(loss, origins)

    one, many = graphs(robot, robot.end_effector)[1], tf.function(of_geometry, autograph=False)
    one(q), many(q, origins)
    turns = [
        (seconds_of(lambda: one(q)), seconds_of(lambda: many(q, origins)))
        for _ in range(REPETITIONS)
    ]
    ratio = float(np.median([b / a for a, b in turns]))
    return {"figure": "many arms", "rows": ROWS, "ratio": ratio}


def all_rows(joints: Sequence[int]) -> Iterator[tuple[Callable[..., Row], tuple[Any, ...]]]:
    """The functions that make the rows, with their arguments."""
    for count in joints:
        yield engine_row, ("chain", count, "fkarm")
        if count in UNROLLED:
            yield engine_row, ("chain", count, "unrolled")
    yield engine_row, ("g1", 43, "fkarm")
    yield from ((jacobian_row, (count,)) for count in (28, 112))
    for what, count in (("poses, 7 joints", 40), ("poses, 28 joints", 40), ("solve_ik", 10)):
        yield further_row, (what, count)
    yield from ((search_row, each) for each in (("panda", 5000), ("g1", 1000), ("g1", 5000)))
    yield many_arms_row, ()


def alone(make: Callable[..., Row], *arguments: Any) -> Row:
    """A row made in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(make, *arguments).result()


def main(arguments: Sequence[str] | None = None) -> None:
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--json", type=Path, help="write the rows here")
    options = parser.parse_args(arguments)
    rows: list[Row] = []
    for make, values in all_rows(JOINTS):
        rows.append(alone(make, *values))
        print(rows[-1], flush=True)
    if options.json:
        command = " ".join(["python -m benchmarks.scale", *arguments])
        write(options.json, describe_run(command), rows)


if __name__ == "__main__":
    main()
