"""`python -m benchmarks.ik`: success, accuracy and speed of `fkarm.solve_ik` on sets of targets.

Targets are poses of random configurations, fixed by seeds; solvers never see the configurations.
Pinocchio checks the answers, in float64. With `--peers` other libraries solve for the same targets.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

import fkarm
from benchmarks.harness import (
    Remote,
    Row,
    Trial,
    Unavailable,
    Worker,
    describe_run,
    names_of,
    numbers_of,
    repeated,
    statistics,
    take_turns,
    version_of,
    write,
)
from benchmarks.robots import ARMS, Arm, load_arm, target_task
from fkarm.kinematics.joint_space import near_limit, sampling_bounds

TOLERANCES = {"loose": (5e-3, 5e-2), "standard": (1e-3, 1e-2), "tight": (1e-5, 1e-5)}
SIZES = {"uniform": 10_000, "near-limit": 2_000, "near-singular": 2_000, "unreachable": 1_000}
PEER_SETS = ("uniform", "near-limit", "near-singular")
PEER_TOLERANCES = ("standard", "loose")
PATHS, POSES = 200, 50
REPEATS = 5
BATCH = 1000  # targets of a call, with peers
ROUNDS = 5
SINGLES = 10  # calls of one target in each round
OWN = f"fkarm {fkarm.__version__}"


class Peer(NamedTuple):
    """Another library: its module in `benchmarks.peers`, its package, and its largest batch."""

    module: str
    package: str
    most: int = BATCH


PEERS: dict[str, Peer] = {
    "Robotics Toolbox": Peer("robotics_toolbox", "roboticstoolbox-python"),
    "TRAC-IK (pytracik)": Peer("trac_ik", "pytracik"),
    "Pinocchio": Peer("pinocchio", "pin"),
    "Pink": Peer("pink", "pin-pink"),
    "mink": Peer("mink", "mink"),
    "pytorch_kinematics": Peer("pytorch_kinematics", "pytorch-kinematics"),
    "PyRoki": Peer("pyroki", "almond-pyroki", most=100),
}


class Solver(NamedTuple):
    """A library that takes part: who runs it, how many targets it takes, whether it is a peer."""

    worker: Any  # a `Worker` or `Remote`
    most: int = BATCH
    is_peer: bool = True


def solved(
    arm: Arm, targets: np.ndarray, tolerances: tuple[float, float] = TOLERANCES["standard"]
) -> fkarm.IKResult:
    """What `fkarm.solve_ik` answers; all benchmarks call it here."""
    position, orientation = tolerances
    return fkarm.solve_ik(
        arm.robot,
        targets,
        arm.link,
        position_tolerance=position,
        orientation_tolerance=orientation,
    )


def target_configurations(arm: Arm, name: str) -> np.ndarray:
    """The configurations whose poses are the targets of a set, `(n, dof)`; seeds are fixed."""
    robot, count = arm.robot, SIZES[name]
    seed = list(SIZES).index(name)
    if name == "near-singular":
        q = fkarm.sample_configurations(robot, 20 * count, seed=seed)
        measure = np.concatenate(
            [np.asarray(fkarm.manipulability(robot, part, arm.link)) for part in np.split(q, 20)]
        )
        return q[np.argsort(measure)[:count]]
    q = fkarm.sample_configurations(robot, count, seed=seed)
    if name == "near-limit":
        rng = np.random.default_rng(seed)
        lower, upper = sampling_bounds(robot)
        joint = rng.integers(robot.dof, size=count)
        depth, side = rng.uniform(size=count), rng.uniform(size=count) >= 0.5
        q[np.arange(count), joint] = near_limit(
            lower[joint], upper[joint], depth, side.astype(float)
        )
    return q


def target_poses(arm: Arm, name: str) -> np.ndarray:
    """The targets of a set, float32. Shape `(n, 4, 4)`."""
    poses = arm.poses(target_configurations(arm, name))
    if name == "unreachable":
        reach = np.linalg.norm(arm.poses(target_configurations(arm, "uniform"))[:, :3, 3], axis=-1)
        length = np.linalg.norm(poses[:, :3, 3], axis=-1, keepdims=True)
        poses[:, :3, 3] *= 1.2 * reach.max() / length
    return poses.astype(np.float32)


def pose_errors(arm: Arm, q: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Position and orientation errors of configurations by Pinocchio, m and rad."""
    poses = arm.poses(q)
    position = np.linalg.norm(poses[:, :3, 3] - targets[:, :3, 3], axis=-1)
    turn = poses[:, :3, :3] @ np.swapaxes(targets[:, :3, :3].astype(np.float64), -1, -2)
    sine = np.stack(
        [turn[:, (k + 2) % 3, (k + 1) % 3] - turn[:, (k + 1) % 3, (k + 2) % 3] for k in range(3)]
    )
    cosine = np.trace(turn, axis1=-2, axis2=-1) - 1.0
    return position, np.arctan2(np.linalg.norm(sine, axis=0), cosine)


def is_solution(
    arm: Arm, q: np.ndarray, targets: np.ndarray, tolerances: tuple[float, float]
) -> np.ndarray:
    """Which configurations are within the limits and reach their targets within tolerances."""
    position, orientation = pose_errors(arm, q, targets)
    is_near = (position <= tolerances[0] * 1.001) & (orientation <= tolerances[1] * 1.001)
    lower, upper = arm.robot.lower_limits, arm.robot.upper_limits
    return is_near & ((q >= lower) & (q <= upper)).all(axis=-1)


def accuracy_rows(arm: Arm, name: str) -> Iterator[Row]:
    """Success on one set at each tolerance.

    Raises:
        AssertionError: If an answer that converged is wrong.
    """
    targets = target_poses(arm, name)
    for tolerance, tolerances in TOLERANCES.items():
        answer = solved(arm, targets, tolerances)
        is_right = is_solution(arm, answer.q, targets, tolerances)
        if (answer.converged & ~is_right).any():
            raise AssertionError(f"{arm.name}, {name}: what converged must be right")
        about = {"robot": arm.name, "set": name, "tolerance": tolerance, "targets": len(targets)}
        yield {**about, "success": float(is_right.mean())}


def path_row(arm: Arm) -> Row:
    """Straight segments between poses of one branch of solutions: success and jumps."""
    starts = fkarm.sample_configurations(arm.robot, PATHS, seed=7)
    change = np.random.default_rng(7).uniform(-0.3, 0.3, size=starts.shape)
    ends = np.clip(starts + change, arm.robot.lower_limits, arm.robot.upper_limits)
    way = (arm.poses(starts), arm.poses(ends), np.linspace(0, 1, POSES))
    poses = fkarm.geometry.interpolate_transforms(*way)
    path = fkarm.follow_path(arm.robot, poses, starts, arm.link)
    steps = np.abs(np.diff(path.q, axis=1)).max(axis=-1)
    return {
        "robot": arm.name,
        "set": "path",
        "tolerance": "standard",
        "targets": PATHS * POSES,
        "success": float(path.converged.mean()),
        "flips": int((steps[path.converged.all(axis=1)] > 0.5).sum()),
    }


def speed_rows(arm: Arm, batches: Sequence[int]) -> Iterator[Row]:
    """Time of calls on uniform targets at the standard tolerance."""
    uniform = target_poses(arm, "uniform")
    for batch in batches:
        targets = uniform[:batch]
        (first,) = repeated(partial(solved, arm, targets))
        success = float(solved(arm, targets).converged.mean())
        count = REPEATS if batch > 1000 else 4 * REPEATS
        spread = statistics(repeated(partial(solved, arm, targets), count))
        rate = batch / spread["median_s"]
        about = {"robot": arm.name, "batch": batch, "success": success}
        yield {**about, **spread, "solves_per_s": rate, "first_call_s": first}


def own_rows(arm: Arm, batches: Sequence[int], sets: Sequence[str]) -> Iterator[Row]:
    """Speed, then success on each set."""
    yield from speed_rows(arm, batches)
    for name in sets:
        yield from [path_row(arm)] if name == "path" else accuracy_rows(arm, name)


def peer_rows(arm: Arm, names: Sequence[str], sets: Sequence[str], most: int) -> Iterator[Row]:
    """Rows of fkarm and of peers: success, speed and ratios, on `most` targets of each set."""

    def own(task: Any) -> Trial:
        return Trial(lambda targets, tolerances: solved(arm, targets, tolerances).q)

    solvers = {OWN: Solver(Worker(own), is_peer=False)}
    for name in names:
        peer = PEERS[name]
        worker = Remote(f"benchmarks.peers.{peer.module}:ik")
        label = f"{name} {version_of(peer.package) or '(not installed)'}"
        solvers[label] = Solver(worker, peer.most)
    try:
        yield from measured(arm, solvers, sets, most)
    finally:
        for solver in solvers.values():
            solver.worker.close()


def measured(
    arm: Arm, solvers: Mapping[str, Solver], sets: Sequence[str], most: int
) -> Iterator[Row]:
    """Rows of solvers; one that fails has a row that says so, and takes no further part."""
    targets = {name: target_poses(arm, name)[:most] for name in {"uniform", *sets}}
    present = dict(solvers)

    def without(name: str, reason: str) -> Row:
        del present[name]
        return {"robot": arm.name, "solver": name, "unavailable": reason}

    for name, solver in solvers.items():
        try:
            solver.worker.prepare(target_task(arm))
            for count in (1, solver.most):  # compiles for both sizes
                solver.worker.answer(targets["uniform"][:count], TOLERANCES["standard"])
        except Unavailable as reason:
            yield without(name, str(reason))
    for chosen, tolerance in product(sets, PEER_TOLERANCES):
        for name, solver in list(present.items()):
            about = {"robot": arm.name, "solver": name, "set": chosen, "tolerance": tolerance}
            given = targets[chosen][: solver.most]
            try:
                q, _ = solver.worker.answer(given, TOLERANCES[tolerance])
                success = share_solved(arm, solver, q, given, tolerance)
                yield {**about, "targets": len(given), "success": success}
            except Unavailable as reason:
                yield without(name, str(reason))
    yield from peer_speed_rows(arm, present, targets["uniform"])


def share_solved(
    arm: Arm, solver: Solver, q: np.ndarray, targets: np.ndarray, tolerance: str
) -> float:
    """The share of targets that the answers of a solver reach."""
    if solver.is_peer:
        q = within_limits(q, arm.robot.lower_limits, arm.robot.upper_limits)
    return float(is_solution(arm, q, targets, TOLERANCES[tolerance]).mean())


def within_limits(q: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Angles of a peer moved by whole turns towards the limits, then clipped, in float64.

    This favours peers: some keep limits in float32 or softly, or do not count turns. A clipped
    joint that was far outside is an error of the pose.
    """
    q = np.asarray(q, np.float64)
    turns = np.round(((lower + upper) / 2.0 - q) / (2.0 * np.pi))
    is_outside = (q < lower) | (q > upper)
    return np.clip(np.where(is_outside, q + 2.0 * np.pi * turns, q), lower, upper)


def peer_speed_rows(arm: Arm, solvers: Mapping[str, Solver], targets: np.ndarray) -> Iterator[Row]:
    """Time of calls with one target and with a batch, in turns, at the standard tolerance."""
    tolerances = TOLERANCES["standard"]
    numbers = {name: iter(range(ROUNDS * SINGLES)) for name in solvers}
    answers: dict[str, np.ndarray] = {}

    def singles(name: str) -> list[float]:
        chosen = [targets[next(numbers[name]) % len(targets)][None] for _ in range(SINGLES)]
        return [solvers[name].worker.answer(one, tolerances)[1] for one in chosen]

    def batch(name: str) -> list[float]:
        solver = solvers[name]
        answers[name], seconds = solver.worker.answer(targets[: solver.most], tolerances)
        return [seconds]

    one = dict(take_turns({name: partial(singles, name) for name in solvers}, ROUNDS))
    many = dict(take_turns({name: partial(batch, name) for name in solvers}, ROUNDS))
    rows: dict[str, Row] = {}
    for name, solver in solvers.items():
        about = {"robot": arm.name, "solver": name}
        if failure := next((t for t in (one[name], many[name]) if isinstance(t, str)), None):
            yield {**about, "unavailable": failure}
            continue
        yield {**about, "batch": 1, "targets": ROUNDS * SINGLES, **statistics(one[name])}
        count = len(answers[name])
        success = share_solved(arm, solver, answers[name], targets[:count], "standard")
        spread = statistics(many[name])
        rate = count / spread["median_s"]
        rows[name] = {**about, "batch": count, "success": success, **spread, "solves_per_s": rate}
        yield rows[name]
    yield from ratio_rows(arm, rows)


def ratio_rows(arm: Arm, rows: Mapping[str, Row]) -> Iterator[Row]:
    """How many times the solves per second of each peer fkarm reaches."""
    for name, row in rows.items():
        if name != OWN and OWN in rows:
            yield {
                "robot": arm.name,
                "solver": OWN,
                "over": name,
                "times_solves_per_s": rows[OWN]["solves_per_s"] / row["solves_per_s"],
                "success": rows[OWN]["success"],
                "success_over": row["success"],
            }


def line(row: Row) -> str:
    """A row as the command prints it."""
    names = ("robot", "solver", "set", "tolerance", "batch", "over", "unavailable")
    about = "  ".join(
        f"{row[name]!s:{8 if name == 'robot' else 1}}" for name in names if name in row
    )
    success = f"  success {row['success']:.2%}" if "success" in row else ""
    times = f"  {row['median_s'] * 1e3:.2f} ms" if "median_s" in row else ""
    rate = f"  {row['solves_per_s']:,.0f}/s" if "solves_per_s" in row else ""
    ratio = f"  {row['times_solves_per_s']:.1f} times the solves/s" if "over" in row else ""
    flips = f"  flips {row['flips']}" if "flips" in row else ""
    return f"{about}{success}{times}{rate}{ratio}{flips}"


def main(arguments: Sequence[str] | None = None) -> None:
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ik", description=__doc__)
    parser.add_argument("--robots", default="panda", help=f"of: {', '.join(ARMS)}")
    parser.add_argument("--batch", default="1,10,100,1000,10000", help="targets of each call")
    parser.add_argument("--sets", default=",".join((*SIZES, "path")))
    every = ",".join(PEERS)
    parser.add_argument("--peers", nargs="?", const=every, default="", help=f"all, or of: {every}")
    parser.add_argument("--targets", type=int, default=1000, help="of each set, with --peers")
    parser.add_argument("--json", type=Path, help="write the rows here")
    options = parser.parse_args(arguments)
    robots = names_of(parser, "robots", options.robots, ARMS)
    sets = names_of(parser, "sets", options.sets, (*SIZES, "path"))
    peers = names_of(parser, "peers", options.peers, PEERS)
    batches = numbers_of(parser, "batch", options.batch)
    if options.targets < 1:
        parser.error(f"--targets must be at least 1. Received: {options.targets}.")
    rows: list[Row] = []
    for name in robots:
        arm = load_arm(name)
        if peers:
            shared = [chosen for chosen in sets if chosen in PEER_SETS]
            new = peer_rows(arm, peers, shared, options.targets)
        else:
            new = own_rows(arm, batches, sets)
        for row in new:
            rows.append(row)
            print(line(row), flush=True)
    if options.json:
        command = " ".join(["python -m benchmarks.ik", *arguments])
        write(options.json, describe_run(command), rows)


if __name__ == "__main__":
    main()
