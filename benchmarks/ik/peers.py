"""`fkarm.solve_ik` and other libraries: the same targets and judge, in turns, in one run."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

import fkarm
from benchmarks import ik
from benchmarks.arms import Arm
from benchmarks.catalogue import IK_PEERS, IKPeer
from benchmarks.contestants import ProcessStand, Unavailable
from benchmarks.measure import PAUSE
from benchmarks.peers.ik import IKTask, Solver, SolverStand, Tolerances

SETS = ("uniform", "near-limit", "near-singular")
TOLERANCES = ("standard", "loose")
OWN = f"fkarm {fkarm.__version__}"
BATCH = 1000
ROUNDS = 5
SINGLES = 10  # targets a round that are solved one a call

Row = dict[str, Any]


class Entrant:
    """A solver that takes part: where it runs, and how many targets of a set it is given."""

    def __init__(self, name: str, peer: IKPeer | None, stand: Any) -> None:
        self.peer, self.stand = peer, stand
        self.most = peer.most if peer else BATCH
        self.name = f"{name} {_version(peer.package)}" if peer else name

    def ask(self, method: str, *arguments: Any) -> Any:
        """Call a method of the stand, wherever that is."""
        if isinstance(self.stand, ProcessStand):
            return self.stand.ask(method, *arguments)
        return getattr(self.stand, method)(*arguments)

    def close(self) -> None:
        """End its process."""
        if isinstance(self.stand, ProcessStand):
            self.stand.close()


def rows_beside(arm: Arm, names: Sequence[str], sets: Sequence[str], most: int) -> Iterator[Row]:
    """Rows of fkarm and of the peers named, on an arm: success, then speed, then ratios.

    Args:
        arm: The arm.
        names: Of `IK_PEERS`.
        sets: Of `SETS`.
        most: Targets of a set at most.
    """
    entrants = {"fkarm": Entrant(OWN, None, SolverStand(lambda _: own_solver(arm)))}
    for name in names:
        peer = IK_PEERS[name]
        build = f"benchmarks.peers.ik.{peer.module}:prepare"
        stand = ProcessStand(build, {}, "benchmarks.peers.ik:SolverStand")
        entrants[name] = Entrant(name, peer, stand)
    try:
        yield from measured(arm, entrants, sets, most)
    finally:
        for entrant in entrants.values():
            entrant.close()


def own_solver(arm: Arm) -> Solver:
    """`fkarm.solve_ik`."""

    def solver(poses: np.ndarray, tolerances: Tolerances) -> np.ndarray:
        position, orientation = tolerances
        return fkarm.solve_ik(
            arm.robot,
            poses,
            arm.link,
            position_tolerance=position,
            orientation_tolerance=orientation,
        ).q

    return solver


def measured(
    arm: Arm, entrants: Mapping[str, Entrant], sets: Sequence[str], most: int
) -> Iterator[Row]:
    """Rows of entrants; one that fails has a row that says so, and takes no further part."""
    robot = arm.robot
    task = IKTask(
        robot.to_urdf(), robot.root_link, arm.link, robot.joint_names,
        robot.lower_limits, robot.upper_limits,
    )  # fmt: skip
    poses = {name: ik.targets(arm, name)[:most] for name in {"uniform", *sets}}
    present: list[Entrant] = []
    for entrant in entrants.values():
        try:
            entrant.ask("prepare", task)
            for count in (1, entrant.most):  # what is compiled is compiled now
                entrant.ask("solve", poses["uniform"][:count], ik.TOLERANCES["standard"])
            present.append(entrant)
        except Unavailable as reason:
            yield {"robot": arm.name, "solver": entrant.name, "unavailable": str(reason)}
    for name in sets:
        for tolerance in TOLERANCES:
            for entrant in list(present):
                try:
                    yield success(arm, entrant, name, poses[name], tolerance)
                except Unavailable as reason:
                    present.remove(entrant)
                    yield {"robot": arm.name, "solver": entrant.name, "unavailable": str(reason)}
    yield from speeds(arm, present, poses["uniform"])


def success(arm: Arm, entrant: Entrant, name: str, poses: np.ndarray, tolerance: str) -> Row:
    """Share of a set that an entrant solves."""
    poses = poses[: entrant.most]
    time.sleep(PAUSE)
    q, _ = entrant.ask("solve", poses, ik.TOLERANCES[tolerance])
    return {
        "robot": arm.name,
        "solver": entrant.name,
        "set": name,
        "tolerance": tolerance,
        "targets": len(poses),
        "success": float(solved(arm, entrant, q, poses, tolerance).mean()),
    }


def solved(
    arm: Arm, entrant: Entrant, q: np.ndarray, poses: np.ndarray, tolerance: str
) -> np.ndarray:
    """Which targets are reached, as Pinocchio sees it. Peers' angles are fitted first."""
    if entrant.peer:
        q = fitted(q, arm.robot.lower_limits, arm.robot.upper_limits)
    position, orientation = ik.judged(arm, q, poses)
    most_position, most_orientation = ik.TOLERANCES[tolerance]
    return (position <= most_position * 1.001) & (orientation <= most_orientation * 1.001)


def fitted(q: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Turned by whole turns towards the limits, then clipped, in float64.

    In the peers' favour: some keep limits in float32 or softly, or do not count turns. A clipped
    joint that was far outside is an error of the pose.
    """
    q = np.asarray(q, np.float64)
    turns = np.round(((lower + upper) / 2.0 - q) / (2.0 * np.pi))
    outside = (q < lower) | (q > upper)
    return np.clip(np.where(outside, q + 2.0 * np.pi * turns, q), lower, upper)


def speeds(arm: Arm, present: Sequence[Entrant], poses: np.ndarray) -> Iterator[Row]:
    """Time of one target a call, and of a batch; all in turns, at the standard tolerance."""
    tolerances = ik.TOLERANCES["standard"]
    singles: dict[str, list[float]] = {entrant.name: [] for entrant in present}
    batches: dict[str, list[float]] = {entrant.name: [] for entrant in present}
    shares: dict[str, float] = {}
    for turn in range(ROUNDS):
        for entrant in present:
            time.sleep(PAUSE)
            for number in range(turn * SINGLES, (turn + 1) * SINGLES):
                one = poses[number % len(poses)][None]
                singles[entrant.name].append(entrant.ask("solve", one, tolerances)[1])
            chosen = poses[: entrant.most]
            q, seconds = entrant.ask("solve", chosen, tolerances)
            batches[entrant.name].append(seconds)
            shares[entrant.name] = float(solved(arm, entrant, q, chosen, "standard").mean())
    rows = {}
    for entrant in present:
        count = min(len(poses), entrant.most)
        place = {"robot": arm.name, "solver": entrant.name}
        yield {**place, "batch": 1, "targets": ROUNDS * SINGLES, **_spread(singles[entrant.name])}
        spread = _spread(batches[entrant.name])
        rows[entrant.name] = {
            **place,
            "batch": count,
            "success": shares[entrant.name],
            **spread,
            "solves_per_s": count / spread["median_s"],
        }
        yield rows[entrant.name]
    for entrant in present:
        if entrant.peer and OWN in rows:
            own, other = rows[OWN], rows[entrant.name]
            yield {
                "robot": arm.name,
                "solver": OWN,
                "over": entrant.name,
                "times_solves_per_s": own["solves_per_s"] / other["solves_per_s"],
                "success": own["success"],
                "success_over": other["success"],
            }


def line(row: Row) -> str:
    """A row, as the command prints it."""
    place = f"{row['robot']:8} {row['solver']:26}"
    if "unavailable" in row:
        return f"{place} {row['unavailable']}"
    if "over" in row:
        return (
            f"{place} {row['times_solves_per_s']:6.1f} times the solves/s of {row['over']}; "
            f"success {row['success']:.2%} and {row['success_over']:.2%}"
        )
    if "set" in row:
        return (
            f"{place} {row['set']:14} {row['tolerance']:9} {row['targets']:5} targets  "
            f"success {row['success']:8.2%}"
        )
    extra = f"  {row['solves_per_s']:9,.0f}/s" if "solves_per_s" in row else ""
    return f"{place} batch {row['batch']:5}  {row['median_s'] * 1e3:9.2f} ms{extra}"


def _spread(times: Sequence[float]) -> Row:
    median, high = (float(value) for value in np.percentile(times, [50, 95]))
    return {"median_s": median, "mean_s": float(np.mean(times)), "p95_s": high}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(not installed)"
