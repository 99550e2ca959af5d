"""`python -m benchmarks.clearance`: how often and how fast `fkarm.solve_ik` finds clear answers.

Targets are poses of random configurations that are clear, which the solver does not see. Calls with
and without `clearance` take turns and share everything else. Pinocchio and coal check some of the
answers: their poses, and the smallest distance between bodies and to obstacles.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

import fkarm
from benchmarks.harness import (
    Row,
    describe_run,
    names_of,
    repeated,
    statistics,
    take_turns,
    write,
)
from benchmarks.robots import Exact, load_robot
from benchmarks.small import LIMBS
from fkarm.collision import Box, pairs, self_distance, world_distance
from fkarm.kinematics.joint_space import nearest_to_zero
from fkarm.kinematics.plan import plan_chain

CLEARANCE = 5e-3
ROUNDS, CHECKED = 3, 100
DRAWN = 4096  # configurations at a time, of which the clear ones have targets


class Case(NamedTuple):
    """A robot, the links that have targets, and what surrounds it."""

    robot: Callable[[], fkarm.Robot]
    links: tuple[str, ...] = ()  # none: the end effector
    obstacles: tuple[Any, ...] = ()
    targets: int = 10_000
    method: str = "numeric"


def two_pandas() -> fkarm.Robot:
    """Two Pandas side by side, 0.6 m apart."""
    one = fkarm.robots.panda()
    joints, bodies, exclusions = [], [], []
    for side, y in (("left", 0.3), ("right", -0.3)):
        foot = f"{side}_{one.root_link}"
        mount = fkarm.Joint(f"{side}_mount", "fixed", xyz=(0, y, 0), parent="stand", child=foot)
        joints.append(mount)
        for joint in one.joints:
            names = {"name": joint.name, "parent": joint.parent, "child": joint.child}
            joints.append(replace(joint, **{k: f"{side}_{v}" for k, v in names.items()}))
        bodies += [replace(body, link=f"{side}_{body.link}") for body in one.bodies]
        exclusions += [
            replace(x, link_1=f"{side}_{x.link_1}", link_2=f"{side}_{x.link_2}")
            for x in one.exclusions
        ]
    robot = fkarm.Robot(joints, name="two pandas")
    return robot.with_bodies(bodies).with_exclusions(exclusions)


def capsules_of_g1() -> fkarm.Robot:
    """The Unitree G1 with hands, with a capsule from every joint to the next ones.

    Its URDF has meshes for most links. Links that are less than four joints apart are excluded.
    """
    robot = load_robot("g1")
    moving = [joint for joint in robot.joints if not joint.is_fixed]
    bodies = [fkarm.Body("torso_link", "capsule", 0.09, 0.2, (0, 0, 0.15))]
    for link in (robot.root_link, *(joint.child for joint in moving)):
        radius = next((size for word, size in RADII.items() if word in link), 0.012)
        ends = [joint.origin[:3, 3] for joint in moving if joint.parent == link]
        for end in ends or [np.array([0.1, 0, 0] if "ankle" in link else [0.0, 0, 0])]:
            length = float(np.linalg.norm(end))
            if length < 0.02:
                bodies.append(fkarm.Body(link, "sphere", radius, 0.0, end / 2))
            else:
                x, y, z = end / length
                tilt = (0.0, float(np.arccos(z)), float(np.arctan2(y, x)))
                bodies.append(fkarm.Body(link, "capsule", radius, length, end / 2, tilt))
    links = list(dict.fromkeys(body.link for body in bodies))
    paths = {link: [j for j in robot.path_to(link) if not j.is_fixed] for link in links}
    near = [
        (a, b)
        for k, a in enumerate(links)
        for b in links[:k]
        if len({j.name for j in paths[a]} ^ {j.name for j in paths[b]}) < 4
    ]
    return robot.with_bodies(bodies).with_exclusions(near)


# Of the links of G1 whose names hold a word, m.
RADII = {
    "pelvis": 0.07, "torso": 0.07, "waist": 0.06, "hip": 0.055, "knee": 0.05, "ankle": 0.035,
    "shoulder": 0.04, "elbow": 0.035, "wrist": 0.03,
}  # fmt: skip
TABLE = (Box((0.6, 1.0, 0.04), (0.65, 0.0, 0.2)),)
CASES = {
    "panda": Case(fkarm.robots.panda),
    "panda, closed form": Case(fkarm.robots.panda, method="auto"),
    "ur5e": Case(fkarm.robots.ur5e, method="auto"),
    "panda at a table": Case(fkarm.robots.panda, obstacles=TABLE),
    "two pandas": Case(two_pandas, ("left_panda_hand", "right_panda_hand")),
    "g1": Case(capsules_of_g1, LIMBS, targets=1000),
}


def distances(robot: fkarm.Robot, q: np.ndarray, obstacles: Sequence[Any]) -> np.ndarray:
    """The smallest distance of configurations `(n, dof)`, m."""
    smallest = np.asarray(self_distance(robot, q))
    if obstacles:
        smallest = np.minimum(smallest, np.asarray(world_distance(robot, q, obstacles)))
    return smallest


def clear_configurations(case: Case, robot: fkarm.Robot, links: Sequence[str]) -> np.ndarray:
    """Random clear configurations, float32; joints that move none of the links rest near zero."""
    moving = {entry for link in links for entry in plan_chain(robot, (link,)).entries}
    at_rest = [entry for entry in range(robot.dof) if entry not in moving]
    drawn: list[np.ndarray] = []
    for seed in count(1):
        q = fkarm.sample_configurations(robot, DRAWN, seed=seed, dtype="float32")
        q[:, at_rest] = nearest_to_zero(robot)[at_rest]
        drawn.append(q[distances(robot, q, case.obstacles) >= CLEARANCE])
        if sum(map(len, drawn)) >= case.targets:
            break
    return np.concatenate(drawn)[: case.targets]


def coal_distances(robot: fkarm.Robot, q: np.ndarray, obstacles: Sequence[Any]) -> np.ndarray:
    """The same as `distances` by Pinocchio and coal, in float64."""
    import coal

    links = tuple(dict.fromkeys(body.link for body in robot.bodies))
    own = [np.flatnonzero([body.link == link for body in robot.bodies]) for link in links]
    counted = [(links.index(a), links.index(b)) for a, b in pairs(robot)]
    couples = [(i, j) for a, b in counted for i in own[a] for j in own[b]]
    shapes = [
        coal.Capsule(body.radius, body.length) if body.length else coal.Sphere(body.radius)
        for body in robot.bodies
    ]
    boxes = [(coal.Box(*box.size), _placed(coal, _frame(box.xyz, box.rpy))) for box in obstacles]
    frames = [_frame(body.xyz, body.rpy) for body in robot.bodies]
    smallest = np.full(len(q), np.inf)
    bare = robot.with_bodies(()).with_exclusions(())
    for row, poses in enumerate(Exact(bare, links).poses(q)):
        at = [
            _placed(coal, poses[links.index(body.link)] @ frame)
            for body, frame in zip(robot.bodies, frames, strict=True)
        ]
        bodies = list(zip(shapes, at, strict=True))
        met = [(bodies[i], bodies[j]) for i, j in couples]
        met += [(body, box) for body in bodies for box in boxes]
        for (shape, place), (other, its_place) in met:
            result = coal.DistanceResult()
            coal.distance(shape, place, other, its_place, coal.DistanceRequest(), result)
            smallest[row] = min(smallest[row], result.min_distance)
    return smallest


def _frame(xyz: Any, rpy: Any) -> np.ndarray:
    from scipy.spatial.transform import Rotation

    frame = np.eye(4)
    frame[:3, :3], frame[:3, 3] = Rotation.from_euler("xyz", rpy).as_matrix(), xyz
    return frame


def _placed(coal: Any, pose: np.ndarray) -> Any:
    return coal.Transform3s(pose[:3, :3], pose[:3, 3])


def check(case: Case, robot: fkarm.Robot, targets: Any, answer: fkarm.IKResult) -> None:
    """AssertionError if one of the first answers is not as Pinocchio and coal see it."""
    rows = slice(0, CHECKED)
    bare = robot.with_bodies(()).with_exclusions(())
    poses = Exact(bare, tuple(targets)).poses(answer.q[rows])
    is_there = np.ones(len(poses), bool)
    for index, target in enumerate(targets.values()):
        miss = np.linalg.norm(poses[:, index, :3, 3] - target[rows, :3, 3], axis=-1)
        is_there &= miss <= fkarm.ik.problem.POSITION_TOLERANCE * 1.001
    smallest = coal_distances(robot, answer.q[rows], case.obstacles)
    if np.abs(smallest - answer.clearance[rows]).max() > 1e-6:
        raise AssertionError("the clearance must be the distance that coal measures")
    if (answer.converged[rows] & ~(is_there & (smallest >= CLEARANCE - 1e-6))).any():
        raise AssertionError("an answer that converged must be there and clear")


def rows_of(name: str, most: int) -> Iterator[Row]:
    """Success and time of a case with and without the clearance, and their ratio."""
    case = CASES[name]
    case = case._replace(targets=min(case.targets, most))
    robot = case.robot()
    links = case.links or (robot.end_effector,)
    q = clear_configurations(case, robot, links)
    poses = np.asarray(fkarm.forward_kinematics(robot, q, links))
    targets = dict(zip(links, poses.swapaxes(0, 1), strict=True))
    usual = partial(fkarm.solve_ik, robot, targets, method=case.method)
    clear = partial(usual, clearance=CLEARANCE, obstacles=case.obstacles or None)
    plain, answer = usual(), clear()
    check(case, robot, targets, answer)
    is_clear = plain.converged & (distances(robot, plain.q, case.obstacles) >= CLEARANCE)
    turns = {"usual": partial(repeated, usual), "clear": partial(repeated, clear)}
    times = dict(take_turns(turns, ROUNDS))
    ratio = float(np.median(np.array(times["clear"]) / np.array(times["usual"])))
    about = {"case": name, "targets": len(q), "pairs": len(pairs(robot)), "method": case.method}
    yield {
        **about,
        "usual_answer_clear": float(is_clear.mean()),
        "solved": float(answer.converged.mean()),
        "times_the_usual": ratio,
        "usual_s": float(np.median(times["usual"])),
        **statistics(times["clear"]),
    }


def line(row: Row) -> str:
    """A row as the command prints it."""
    return (
        f"{row['case']:20} {row['targets']:6} targets   usual answer clear "
        f"{row['usual_answer_clear']:.2%}   solved {row['solved']:.2%}   "
        f"{row['times_the_usual']:.2f} times the usual {row['usual_s']:.2f} s"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="python -m benchmarks.clearance", description=__doc__)
    parser.add_argument("--cases", default=";".join(CASES), help=f"of: {'; '.join(CASES)}")
    parser.add_argument("--targets", type=int, default=10_000, help="at most so many")
    parser.add_argument("--json", type=Path, help="write the rows here")
    options = parser.parse_args(arguments)
    rows: list[Row] = []
    for name in names_of(parser, "cases", options.cases, CASES, mark=";"):
        for row in rows_of(name, options.targets):
            rows.append(row)
            print(line(row), flush=True)
    if options.json:
        command = " ".join(["python -m benchmarks.clearance", *arguments])
        write(options.json, describe_run(command), rows)


if __name__ == "__main__":
    main()
