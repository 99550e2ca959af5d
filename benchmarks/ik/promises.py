"""`python -m benchmarks.ik.promises`: what docs/ik.md promises, in numbers.

Out of reach the judge is SciPy's L-BFGS-B from many starts, with Pinocchio's kinematics; of planar
arms it is geometry. Streams, starts that are kept and rounding compare answers with each other.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.spatial.transform import Rotation

import fkarm
from benchmarks import report
from benchmarks.arms import ARMS, Arm, load_arm
from benchmarks.ik import chosen_names

TASKS = ("position", "pose")
DTYPES = ("float64", "float32")
RADIAN = 0.3  # weight of a radian, that of a metre is 1: the default of solve_ik
JUMP = 0.3  # rad
MARGIN = 1e-3  # m: how much worse than the least a miss near q_ref may be
TREMOR, PACE, TURN = 1e-3, 5e-3, 0.02  # m, m and rad in each frame of a stream

Row = dict[str, Any]


def weighted(found: Any) -> np.ndarray:
    """The solver's own measure of a miss, m."""
    return np.asarray(np.hypot(found.position_error, RADIAN * found.orientation_error))


def reach_of(arm: Arm) -> float:
    """The largest distance of 20,000 random poses from the root, m."""
    poses = arm.poses(fkarm.sample_configurations(arm.robot, 20_000, seed=0))
    return float(np.linalg.norm(poses[:, :3, 3], axis=1).max())


def far_targets(arm: Arm, count: int) -> np.ndarray:
    """Reachable poses pulled outwards, to 1.02 to 3 times the reach. Shape `(count, 4, 4)`."""
    rng = np.random.default_rng(1)
    target = arm.poses(fkarm.sample_configurations(arm.robot, count, seed=1))
    length = np.linalg.norm(target[:, :3, 3], axis=1)
    target[:, :3, 3] *= (reach_of(arm) * rng.uniform(1.02, 3.0, size=count) / length)[:, None]
    return target


class Judge:
    """Least weighted errors of an arm, by SciPy and Pinocchio."""

    def __init__(self, arm: Arm, task: str, starts: int) -> None:
        import pinocchio

        self._pin = pinocchio
        self.weight = 0.0 if task == "position" else RADIAN**2
        self.model = pinocchio.buildModelFromXML(arm.robot.to_urdf())
        self.data = self.model.createData()
        self.frame = self.model.getFrameId(arm.link, pinocchio.FrameType.BODY)
        self.starts = fkarm.sample_configurations(arm.robot, starts, seed=2)
        self.limits = list(zip(arm.robot.lower_limits, arm.robot.upper_limits, strict=True))

    def cost(self, q: np.ndarray, target: np.ndarray) -> tuple[float, np.ndarray]:
        """The squared weighted error, and its gradient."""
        jacobian = self._pin.computeFrameJacobian(
            self.model, self.data, q, self.frame, self._pin.ReferenceFrame.LOCAL_WORLD_ALIGNED
        )
        pose = self._pin.updateFramePlacement(self.model, self.data, self.frame)
        gap = target[:3, 3] - pose.translation
        turn = Rotation.from_matrix(target[:3, :3] @ pose.rotation.T).as_rotvec()
        slope = -2.0 * (gap @ jacobian[:3] + self.weight * turn @ jacobian[3:])
        return float(gap @ gap + self.weight * turn @ turn), slope

    def least(self, target: np.ndarray) -> float:
        """The least weighted error, m."""
        options = {"maxiter": 500, "ftol": 1e-15, "gtol": 1e-12}
        ends = [
            minimize(
                self.cost, q, (target,), "L-BFGS-B", True, bounds=self.limits, options=options
            ).fun
            for q in self.starts
        ]
        return float(np.sqrt(min(ends)))


def excess_rows(arm: Arm, count: int, starts: int) -> Iterator[Row]:
    """How much farther than the best of SciPy's answers, and how often nearer."""
    target = far_targets(arm, count)
    for task in TASKS:
        judge = Judge(arm, task, starts)
        least = np.array([judge.least(each) for each in target])
        for dtype in DTYPES:
            found = fkarm.solve_ik(arm.robot, target.astype(dtype), arm.link, task=task)
            yield excess_row(arm.name, task, dtype, weighted(found) - least)


def planar_rows(count: int) -> Iterator[Row]:
    """The same for a planar arm, whose least distance is that to its circle."""
    arm = fkarm.robots.planar([0.4, 0.3, 0.2])
    rng = np.random.default_rng(0)
    length, angle = rng.uniform(0.9, 2.7, size=count), rng.uniform(-np.pi, np.pi, size=count)
    target = np.tile(np.eye(4), (count, 1, 1))
    target[:, :2, 3] = (length * np.stack([np.cos(angle), np.sin(angle)])).T
    for dtype in DTYPES:
        cast = target.astype(dtype)
        least = np.linalg.norm(cast[:, :2, 3].astype(float), axis=1) - 0.9
        found = fkarm.solve_ik(arm, cast, task="position")
        yield excess_row("planar", "position", dtype, found.position_error - least)


def excess_row(robot: str, task: str, dtype: str, excess: np.ndarray) -> Row:
    """Percentiles of an excess, m."""
    return {
        "figure": "out of reach",
        "robot": robot,
        "task": task,
        "dtype": dtype,
        "targets": len(excess),
        "excess_p50_m": float(np.percentile(excess, 50)),
        "excess_p99_m": float(np.percentile(excess, 99)),
        "excess_max_m": float(excess.max()),
    }


def stream(arm: Arm, out: float, frames: int, seed: int) -> np.ndarray:
    """Targets that wander out of reach, with tremor. Shape `(frames, 4, 4)`."""
    rng = np.random.default_rng(seed)
    pose = arm.poses(fkarm.sample_configurations(arm.robot, 1, seed=seed))[0]
    pose[:3, 3] *= (reach_of(arm) + out) / np.linalg.norm(pose[:3, 3])
    step, turn = (size * v / np.linalg.norm(v) for size, v in zip(
        (PACE, TURN), rng.normal(size=(2, 3)), strict=True))  # fmt: skip
    way = np.empty((frames, 4, 4))
    for frame in way:
        pose[:3, 3] += step
        pose[:3, :3] = Rotation.from_rotvec(turn).as_matrix() @ pose[:3, :3]
        frame[:] = pose
        frame[:3, 3] += TREMOR * rng.uniform(-1, 1, 3)
    return way


def stream_rows(arm: Arm, streams: int, frames: int) -> Iterator[Row]:
    """Frames whose answer is more than `JUMP` from the answer before, which is `q_ref`.

    A jump is needed where the branch of the answer before moves as far itself, or ends more than
    `MARGIN` above the least: there the least-distance branch jumps.
    """
    for task in TASKS:
        for out in (0.005, 0.5):
            ways = np.stack([stream(arm, out, frames, seed) for seed in range(streams)], axis=1)
            asked = {"link": arm.link, "task": task}
            q = fkarm.solve_ik(arm.robot, ways[0], **asked).q
            jumps = needed = 0
            for targets in ways[1:]:
                found = fkarm.solve_ik(arm.robot, targets, q_ref=q, **asked)
                jumped = np.abs(found.q - q).max(axis=1) > JUMP
                if jumped.any():
                    way = fkarm.follow_path(arm.robot, targets[jumped][:, None], q[jumped], **asked)
                    free = fkarm.solve_ik(arm.robot, targets[jumped], **asked)
                    least = np.minimum(weighted(found)[jumped], weighted(free))
                    moved = np.abs(way.q[:, 0] - q[jumped]).max(axis=1)
                    jumps += int(jumped.sum())
                    needed += int(((weighted(way)[:, 0] > least + MARGIN) | (moved > JUMP)).sum())
                q = found.q
            yield {
                "figure": "streams out of reach",
                "robot": arm.name,
                "task": task,
                "out_m": out,
                "frames": streams * frames,
                "jumps": jumps,
                "needed": needed,
            }


def kept_rows(arm: Arm, count: int) -> Iterator[Row]:
    """Shares of answers elsewhere: from exact starts, from starts nearby, after rounding."""
    robot, rng = arm.robot, np.random.default_rng(4)
    q = fkarm.sample_configurations(robot, count, seed=3, dtype="float32")
    target = np.asarray(fkarm.forward_kinematics(robot, q, arm.link))
    kept = fkarm.solve_ik(robot, target, arm.link, q_init=q).q
    near = target.copy()
    way = rng.normal(size=(count, 3))
    near[:, :3, 3] += 2e-3 * way / np.linalg.norm(way, axis=1, keepdims=True)
    found = fkarm.solve_ik(robot, near, arm.link, q_init=q).q
    branch = fkarm.follow_path(robot, near[:, None], q, arm.link)
    goes_on = branch.converged[:, 0] & (np.abs(branch.q[:, 0] - q).max(axis=1) <= JUMP)
    moved = target.copy()
    moved[:, :3, 3] += 1e-7
    first, second = (fkarm.solve_ik(robot, each, arm.link).q for each in (target, moved))
    yield {
        "figure": "answers that stay",
        "robot": arm.name,
        "targets": count,
        "exact_start_elsewhere": float((kept != q).any(axis=1).mean()),
        "near_start_jumps": float((np.abs(found - q).max(axis=1) > JUMP)[goes_on].mean()),
        "near_start_branch_ends": float((~goes_on).mean()),
        "elsewhere_after_1e-7_m": float((np.abs(first - second).max(axis=1) > 0.05).mean()),
    }


def base_rows(count: int) -> Iterator[Row]:
    """Share solved by an arm on a planar base, and on a floating one, far away."""
    arm = fkarm.robots.ur5e()
    for kind in ("planar", "floating"):
        mount = fkarm.Joint("base", kind, parent="world", child=arm.root_link)
        robot = fkarm.Robot([mount, *arm.joints], end_effector=arm.end_effector)
        for distance in (40.0, 1000.0):
            q = fkarm.sample_configurations(robot, count, seed=5)
            q[:, :2] *= distance
            target = np.asarray(fkarm.forward_kinematics(robot, q, robot.end_effector))
            found = fkarm.solve_ik(robot, target)
            yield {
                "figure": "free bases",
                "robot": f"UR5e on a {kind} base",
                "distance_m": distance,
                "targets": count,
                "solved": float(found.converged.mean()),
            }


def line(row: Row) -> str:
    """A row, as the command prints it."""
    return "  ".join(
        f"{name} {value:.3g}" if isinstance(value, float) else f"{value}"
        for name, value in row.items()
    )


def table(path: Path) -> str:
    """The figures of a file, as docs/ik.md shows them."""
    rows: list[Row] = json.loads(path.read_text())["rows"]
    of = {name: [row for row in rows if row["figure"] == name] for name in dict.fromkeys(
        row["figure"] for row in rows)}  # fmt: skip
    lines = ["| out of reach | targets | excess over the least error: median | p99 | largest |"]
    lines.append("|---|---|---|---|---|")
    for row in of["out of reach"]:
        cells = [f"{1e3 * row[f'excess_{key}_m']:.1g} mm" for key in ("p50", "p99", "max")]
        name = f"{row['robot']}, {row['task']}, {row['dtype']}"
        lines.append(f"| {name} | {row['targets']} | {' | '.join(cells)} |")
    lines += ["", "| stream | frames | jumps | of them needed |", "|---|---|---|---|"]
    for row in of["streams out of reach"]:
        name = f"{row['robot']}, {row['task']}, {1e3 * row['out_m']:g} mm out of reach"
        lines.append(f"| {name} | {row['frames']:,} | {row['jumps']} | {row['needed']} |")
    lines += [
        "",
        "| answers, float32 | targets | exact `q_init`: elsewhere | `q_init` 2 mm away: jumps "
        "where the branch goes on | target moved by 1e-7 m: elsewhere |",
        "|---|---|---|---|---|",
    ]
    for row in of["answers that stay"]:
        keys = ("exact_start_elsewhere", "near_start_jumps", "elsewhere_after_1e-7_m")
        cells = [f"{row[key]:.1%}" for key in keys]
        lines.append(f"| {row['robot']} | {row['targets']:,} | {' | '.join(cells)} |")
    lines += ["", "| free bases | targets | solved |", "|---|---|---|"]
    for row in of["free bases"]:
        name = f"{row['robot']}, targets to {row['distance_m']:g} m"
        lines.append(f"| {name} | {row['targets']} | {row['solved']:.1%} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ik.promises", description=__doc__)
    parser.add_argument("--robots", default="ur5e,panda,iiwa14", help=f"of: {', '.join(ARMS)}")
    parser.add_argument(
        "--targets", type=int, default=200, help="out of reach; times five for starts"
    )
    parser.add_argument("--starts", type=int, default=50, help="of SciPy")
    parser.add_argument("--streams", type=int, default=20)
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--json", type=Path, help="write the rows here")
    options = parser.parse_args(arguments)
    rows: list[Row] = []

    def tell(found: Iterator[Row]) -> None:
        for row in found:
            rows.append(row)
            print(line(row), flush=True)

    tell(planar_rows(options.targets))
    tell(base_rows(options.targets))
    for name in chosen_names(parser, "robots", options.robots, ARMS):
        arm = load_arm(name)
        tell(kept_rows(arm, 5 * options.targets))
        tell(stream_rows(arm, options.streams, options.frames))
        tell(excess_rows(arm, options.targets, options.starts))
    if options.json:
        command = " ".join(["python -m benchmarks.ik.promises", *arguments])
        report.write(options.json, report.describe_run(command, "tensorflow", "cpu", "CPU"), rows)


if __name__ == "__main__":
    main()
