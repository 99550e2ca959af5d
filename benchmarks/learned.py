"""`python -m benchmarks.learned`: what networks for inverse kinematics are worth as starts.

Networks that are trained for the same time, and starts that need no training, are followed by the
same refinement; Pinocchio checks the answers, in float64. The variety of a flow is compared with
solutions from many starts.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import compress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import fkarm
from benchmarks.harness import Row, describe_run, names_of, repeated, write
from benchmarks.ik import TOLERANCES, is_solution, pose_errors, target_poses
from benchmarks.robots import ARMS, Arm, load_arm
from fkarm.ik.problem import make_problem
from fkarm.ik.proposals import best_refined
from fkarm.ik.request import read_request
from fkarm.ik.starts import start_table
from fkarm.learning import IKFlow, IKRegressor, train_ik
from fkarm.learning.ik_model import IKModel

STEPS = (0, 1, 2, 3, 5)
REPEATS = 5
POSES, SAMPLES = 100, 50  # of the comparison of varieties
STARTS = 256
NEAR = 0.3  # rad or m, in each joint
BATCH = 1024

Starts = Callable[[np.ndarray], np.ndarray]  # poses (n, 4, 4) to configurations (n, count, dof)


class JointRegressor(IKRegressor):
    """One head that imitates configurations: the loss that everybody tries first."""

    labels = "configuration"

    def compile(self, optimizer: Any = "adam", **kwargs: Any) -> None:
        keras.Model.compile(self, optimizer)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None,
        sample_weight: Any = None, training: bool = True,
    ) -> Any:  # fmt: skip
        return keras.ops.mean(keras.ops.square(y_pred[:, 0] - y))

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        return self.get_metrics_result()


# The maker and the learning rate of every kind of network.
MODELS: dict[str, tuple[Callable[[fkarm.Robot], IKModel], float]] = {
    "joint MSE": (lambda robot: JointRegressor(robot, heads=1), 4e-3),
    "FK loss": (lambda robot: IKRegressor(robot, heads=1), 4e-3),
    "FK loss, 4 heads": (lambda robot: IKRegressor(robot, heads=4), 4e-3),
    "flow": (lambda robot: IKFlow(robot), 3e-3),
}


def trained(arm: Arm, kind: str, minutes: float, seed: int) -> tuple[IKModel, float]:
    """A trained model of a kind, and the seconds of its training, compiling included."""
    keras.utils.set_random_seed(seed)
    make, rate = MODELS[kind]
    model = make(arm.robot)
    model.compile(keras.optimizers.Adam(rate, global_clipnorm=10.0))
    start = time.perf_counter()
    with TemporaryDirectory() as folder:
        train_ik(model, folder, minutes=minutes, batch_size=BATCH, seed=seed, verbose=False)
    return model, time.perf_counter() - start


def answer_row(arm: Arm, targets: np.ndarray, answer: Callable[[], np.ndarray]) -> Row:
    """Errors, success and speed of a function that returns configurations for the targets."""
    q = answer()
    seconds = float(np.median(repeated(answer, REPEATS)))
    position, orientation = pose_errors(arm, q, targets)
    row = {"success": float(is_solution(arm, q, targets, TOLERANCES["standard"]).mean())}
    for unit, errors in (("mm", 1e3 * position), ("deg", np.degrees(orientation))):
        row[f"mean_{unit}"] = float(errors.mean())
        row[f"median_{unit}"] = float(np.median(errors))
        row[f"p95_{unit}"] = float(np.percentile(errors, 95))
    return {**row, "median_s": seconds, "solutions_per_s": len(targets) / seconds}


def refined_row(arm: Arm, targets: np.ndarray, starts: Starts, steps: int) -> Row:
    """The best of some starts, after some steps of refinement."""

    def answer() -> np.ndarray:
        request = read_request(arm.robot, targets, arm.link)
        return best_refined(request, starts(targets), steps).q

    return {"steps": steps, **answer_row(arm, targets, answer)}


def single_errors(arm: Arm, targets: np.ndarray, candidates: np.ndarray) -> Row:
    """Mean errors of one candidate that nothing selects: over targets and `(n, count, dof)`."""
    errors = [pose_errors(arm, q, targets) for q in np.moveaxis(candidates, 1, 0)]
    position, orientation = np.mean(errors, axis=(0, 2))
    return {"single_mm": 1e3 * float(position), "single_deg": float(np.degrees(orientation))}


def untrained_starts(arm: Arm) -> dict[str, Starts]:
    """Starts that need no training, by name."""
    rng = np.random.default_rng(11)
    table = start_table(make_problem(arm.robot, (arm.link,)), 4096, 0)

    def random(targets: np.ndarray) -> np.ndarray:
        return fkarm.sample_configurations(arm.robot, (len(targets), 4), rng, "float32")

    def nearest(targets: np.ndarray) -> np.ndarray:
        return table.q[table.nearest(targets[:, None], 4)[0]]

    return {"random, best of 4": random, "table, best of 4": nearest}


def network_rows(
    arm: Arm, kind: str, minutes: float, targets: np.ndarray, seed: int
) -> Iterator[Row]:
    """Rows of a kind of network."""
    model, seconds = trained(arm, kind, minutes, seed)

    def starts(targets: np.ndarray) -> np.ndarray:
        pose = fkarm.geometry.matrix_to_pose(targets, "xyz_rot6d")
        return model.propose(keras.ops.convert_to_numpy(pose))

    is_flow = isinstance(model, IKFlow)
    candidates = model.sample(targets, 1) if is_flow else starts(targets)
    about = {
        "robot": arm.name,
        "starts": kind,
        "training_s": seconds,
        "parameters": int(model.count_params()),
        "updates": int(model.optimizer.iterations),
        **single_errors(arm, targets, candidates),
    }
    for steps in STEPS:
        yield {**about, **refined_row(arm, targets, starts, steps)}
    exact = answer_row(arm, targets, lambda: model.predict_ik(targets).q)
    yield {**about, "steps": "3, then the solver", **exact}
    if is_flow:
        yield {**about, **variety_row(arm, model, targets[:POSES])}


def variety_row(arm: Arm, model: IKFlow, targets: np.ndarray) -> Row:
    """How well samples cover the exact solutions, and how well other solutions cover them."""
    exact = many_solutions(arm.robot, arm.link, targets, 2 * SAMPLES)
    reference, others = [q[:SAMPLES] for q in exact], [q[SAMPLES:] for q in exact]
    has_others = [len(q) == 2 * SAMPLES for q in exact]
    row: Row = {"poses": len(targets), "samples": SAMPLES, "poses_with_others": sum(has_others)}
    row["coverage"] = coverage(model.sample(targets, SAMPLES), reference)
    if any(has_others):
        chosen = (list(compress(q, has_others)) for q in (others, reference))
        row["coverage_by_others"] = coverage(*chosen)
    return row


def many_solutions(
    robot: fkarm.Robot, link: str, targets: np.ndarray, most: int
) -> list[np.ndarray]:
    """For each target up to `most` different exact solutions, from many starts. `(k, dof)` each."""
    every = fkarm.solve_ik_all(robot, targets, link, starts=STARTS)
    rng = np.random.default_rng(0)
    return [
        rng.permutation(q[is_solution])[:most]
        for q, is_solution in zip(every.q, every.is_solution, strict=True)
    ]


def coverage(samples: Sequence[np.ndarray], reference: Sequence[np.ndarray]) -> float:
    """The share of reference solutions with a sample within `NEAR` in each joint.

    Whole turns do not count: one joint with two turns would double the number of solutions.
    """
    hits = []
    for near, exact in zip(samples, reference, strict=True):
        if len(exact) and len(near):
            apart = np.remainder(near[None] - exact[:, None] + np.pi, 2 * np.pi) - np.pi
            hits.append(np.mean(np.abs(apart).max(axis=-1).min(axis=1) <= NEAR))
        elif len(exact):
            hits.append(0.0)
    return float(np.mean(hits))


def all_rows(
    arm: Arm, kinds: Sequence[str], minutes: float, targets: np.ndarray, seed: int
) -> Iterator[Row]:
    """Rows of starts without training, then of the networks."""
    for name, starts in untrained_starts(arm).items():
        for steps in STEPS:
            yield {"robot": arm.name, "starts": name, **refined_row(arm, targets, starts, steps)}
    for kind in kinds:
        yield from network_rows(arm, kind, minutes, targets, seed)


def line(row: Row) -> str:
    """A row as the command prints it."""
    about = f"{row['robot']:8} {row['starts']:20}"
    if "coverage" in row:
        return f"{about} coverage {row['coverage']:.2f}"
    single = ""
    if row["steps"] == 0 and "single_mm" in row:
        single = f"  one candidate {row['single_mm']:.1f} mm {row['single_deg']:.1f} deg"
    return (
        f"{about} {row['steps']!s:>4} steps  median {row['median_mm']:7.2f} mm "
        f"{row['median_deg']:6.2f} deg  success {row['success']:8.2%}  "
        f"{row['solutions_per_s']:9,.0f}/s{single}"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learned", description=__doc__)
    parser.add_argument("--robots", default="panda,ur5e,snake12", help=f"of: {', '.join(ARMS)}")
    parser.add_argument("--kinds", default=";".join(MODELS), help=f"of: {'; '.join(MODELS)}")
    parser.add_argument("--minutes", type=float, default=3.0, help="of training, for each network")
    parser.add_argument("--targets", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the rows here")
    options = parser.parse_args(arguments)
    robots = names_of(parser, "robots", options.robots, ARMS)
    kinds = names_of(parser, "kinds", options.kinds, MODELS, mark=";")
    command = " ".join(["python -m benchmarks.learned", *arguments])
    rows: list[Row] = []
    for name in robots:
        arm = load_arm(name)
        targets = target_poses(arm, "uniform")[: options.targets]
        for row in all_rows(arm, kinds, options.minutes, targets, options.seed):
            rows.append(row)
            print(line(row), flush=True)
            if options.json:  # the rows so far, for training takes long
                write(options.json, {**describe_run(command), "minutes": options.minutes}, rows)


if __name__ == "__main__":
    main()
