"""`python -m benchmarks.collision`: distances between the links of a robot, against coal.

The bodies are spheres along the links, or capsules between the joints. Pinocchio and coal measure
the distances of the same pairs of bodies in float64, in one thread and without a gradient, in turns
with fkarm, which computes the smallest distance and its gradient in float32.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from benchmarks.harness import (
    RESULTS,
    Remote,
    Row,
    Trial,
    describe_run,
    statistics,
    take_turns,
    write,
)
from benchmarks.robots import load_robot

if TYPE_CHECKING:
    import fkarm

# Robot, spheres (or capsules) per link, radius in m.
CASES = {
    "panda, spheres": ("panda", "sphere", 9, 0.05),
    "g1, spheres": ("g1", "sphere", 2, 0.03),
    "panda, capsules": ("panda", "capsule", 1, 0.05),
    "g1, capsules": ("g1", "capsule", 1, 0.03),
}
ROWS = 10_000
PEER_ROWS = 500  # that a repetition of the peer takes
ROUNDS = 10
FINGERS = ("thumb", "index", "middle", "hand")


def robot_of(case: str) -> fkarm.Robot:
    """The robot of a case with its bodies, without the pairs that always overlap."""
    import fkarm

    name, shape, count, radius = CASES[case]
    robot = load_robot(name)
    bodies = []
    for joint in robot.joints:
        link, end = str(joint.parent), np.array(joint.xyz, float)
        length = float(np.linalg.norm(end))
        if length < 0.02 or any(word in f"{link} {joint.child}" for word in FINGERS):
            continue
        if shape == "capsule":
            yaw, pitch = np.arctan2(end[1], end[0]), np.arccos(end[2] / length)
            bodies.append(fkarm.Body(link, shape, radius, length, 0.5 * end, (0, pitch, yaw)))
        else:
            shares = (np.arange(count) + 0.5) / count
            bodies += [fkarm.Body(link, shape, radius, 0.0, share * end) for share in shares]
    if shape == "sphere" and name == "panda":
        bodies += [fkarm.Body("panda_hand", shape, radius, 0.0, (0, y, 0.05)) for y in _HAND]
    robot = robot.with_bodies(bodies)
    reasons = fkarm.collision.pairs(robot, reasons=True)
    overlapping = [pair for pair, reason in reasons.items() if "every posture" in reason]
    return robot.with_exclusions([*robot.exclusions, *overlapping])


_HAND = np.linspace(-0.08, 0.08, 5)


def ours(case: str) -> Trial:
    """Smallest distance and gradient of float32 configurations, as NumPy arrays."""
    import tensorflow as tf

    import fkarm

    robot = robot_of(case)
    q = tf.constant(fkarm.sample_configurations(robot, ROWS, seed=0, dtype="float32"))

    @tf.function(autograph=False)
    def run(q: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(q)
            distance = fkarm.collision.self_distance(robot, q)
        return distance, tape.gradient(distance, q)

    return Trial(lambda: [x.numpy() for x in run(q)], lambda answer: answer[0])


def peer(case: str) -> Trial:
    """Distances of all pairs of bodies by Pinocchio and coal, one configuration a call."""
    import fkarm

    robot = robot_of(case)
    model, bodies, place = models(robot)
    data, body_data = model.createData(), bodies.createData()
    q = fkarm.sample_configurations(robot, ROWS, seed=0, dtype="float32").astype(float)
    at = np.zeros((ROWS, model.nq))
    at[:, place] = q

    def run(rows: int = PEER_ROWS) -> np.ndarray:
        import pinocchio as pin

        least = np.empty(rows)
        for k in range(rows):
            nearest = pin.computeDistances(model, data, bodies, body_data, at[k])
            least[k] = body_data.distanceResults[nearest].min_distance
        return least

    return Trial(run)


def models(robot: fkarm.Robot) -> tuple[Any, Any, list[int]]:
    """Pinocchio's models of the robot and of the pairs of its bodies; entries of q in its q."""
    import coal
    import pinocchio as pin

    import fkarm

    model, bodies = pin.buildModelFromXML(robot.to_urdf()), pin.GeometryModel()
    numbers: dict[str, list[int]] = {}
    for k, body in enumerate(robot.bodies):
        frame = model.frames[model.getFrameId(body.link)]
        rotation = pin.rpy.rpyToMatrix(*(float(x) for x in body.rpy))
        at = frame.placement * pin.SE3(rotation, np.array(body.xyz, float))
        sphere = coal.Sphere(body.radius)
        shape = sphere if body.length == 0 else coal.Capsule(body.radius, body.length)
        number = bodies.addGeometryObject(
            pin.GeometryObject(f"body {k}", frame.parentJoint, at, shape)
        )
        numbers.setdefault(body.link, []).append(number)
    for link_a, link_b in fkarm.collision.pairs(robot):
        for a in numbers[link_a]:
            for b in numbers[link_b]:
                bodies.addCollisionPair(pin.CollisionPair(a, b))
    place = [model.joints[model.getJointId(name)].idx_q for name in robot.joint_names]
    return model, bodies, place


def rows_of(case: str, seconds: float) -> Iterator[Row]:
    """Speed in turns, first calls, and the largest deviation in both precisions."""
    import fkarm

    start = time.perf_counter()
    robot = robot_of(case)
    counted = len(fkarm.collision.pairs(robot))
    sampled = time.perf_counter() - start
    workers = {
        "fkarm": Remote("benchmarks.collision:ours"),
        "coal": Remote("benchmarks.collision:peer"),
    }
    first = {}
    answers = {}
    for name, worker in workers.items():
        worker.prepare(case)
        answers[name], first[name] = worker.answer(*([ROWS] if name == "coal" else []))
    q = fkarm.sample_configurations(robot, ROWS, seed=0, dtype="float32").astype(float)
    double = np.asarray(fkarm.collision.self_distance(robot, q))
    turns = {
        name: lambda worker=worker: worker.times(seconds / ROUNDS, 100)
        for name, worker in workers.items()
    }
    timed = dict(take_turns(turns, ROUNDS))
    for worker in workers.values():
        worker.close()
    about = {
        "case": case,
        "bodies": len(robot.bodies),
        "pairs": counted,
        "rows": ROWS,
        "pairs_s": sampled,
        "first_s": first["fkarm"],
        "error_float32": float(np.abs(answers["fkarm"] - answers["coal"]).max()),
        "error_float64": float(np.abs(double - answers["coal"]).max()),
        "colliding": float((answers["coal"] < 0).mean()),
    }
    for name, times in timed.items():
        row = {**about, "who": name, **statistics(times)}
        yield {**row, "rows_per_s": (PEER_ROWS if name == "coal" else ROWS) / row["median_s"]}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.collision", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="per case and worker")
    parser.add_argument("--json", type=Path, default=RESULTS / "collision.json")
    options = parser.parse_args(arguments)
    rows = []
    for case in CASES:
        for row in rows_of(case, options.seconds):
            rows.append(row)
            print(f"{case:16s} {row['who']:6s} {row['rows_per_s']:12,.0f} rows/s", flush=True)
    command = " ".join(["python -m benchmarks.collision", *(arguments or sys.argv[1:])])
    write(options.json, describe_run(command), rows)


if __name__ == "__main__":
    main()
