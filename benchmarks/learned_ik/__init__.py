"""`python -m benchmarks.learned_ik`: what networks for inverse kinematics are worth as starts.

Networks that are trained for the same time, and starts that need no training, each followed by
the same refinement: success and time side by side, judged by Pinocchio in float64. The flow's
variety is compared with solutions from many starts.
"""

from __future__ import annotations

import argparse
import math
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
from benchmarks import ik, report
from benchmarks.arms import ARMS, Arm, load_arm
from benchmarks.ik import Row, chosen_names
from benchmarks.learned_ik.diversity import coverage, discrepancy, many_solutions
from fkarm.ik.problem import make_problem
from fkarm.ik.proposals import best_refined
from fkarm.ik.request import read_request
from fkarm.ik.starts import low_discrepancy, start_table
from fkarm.learning import IKFlow, IKRegressor, train_ik
from fkarm.learning.flow import CANDIDATES
from fkarm.learning.ik_model import IKModel

STEPS = (0, 1, 2, 3, 5)
RIVAL_STEPS = (*STEPS, 8, 12, 20)
REPEATS = 5
TOLERANCES = ik.TOLERANCES["standard"]
POSES, SAMPLES = 100, 50  # of the comparison of varieties
BATCH = 1024


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


def regressor(kind: type[IKRegressor], heads: int) -> Callable[[fkarm.Robot], IKModel]:
    """A maker of regressors."""

    def make(robot: fkarm.Robot) -> IKModel:
        model = kind(robot, heads=heads)
        model.compile(keras.optimizers.Adam(4e-3, global_clipnorm=10.0))
        return model

    return make


def flow(robot: fkarm.Robot) -> IKModel:
    """A flow."""
    model = IKFlow(robot)
    model.compile(keras.optimizers.Adam(3e-3, global_clipnorm=10.0))
    return model


MODELS: dict[str, Callable[[fkarm.Robot], IKModel]] = {
    "joint MSE": regressor(JointRegressor, 1),
    "FK loss": regressor(IKRegressor, 1),
    "FK loss, 4 heads": regressor(IKRegressor, 4),
    "flow": flow,
}


def trained(arm: Arm, kind: str, minutes: float, seed: int) -> tuple[IKModel, float]:
    """A model of a kind after a training, and the seconds it took, compiling included."""
    keras.utils.set_random_seed(seed)
    model = MODELS[kind](arm.robot)
    start = time.perf_counter()
    with TemporaryDirectory() as folder:
        train_ik(model, folder, minutes=minutes, batch_size=BATCH, seed=seed, verbose=False)
    return model, time.perf_counter() - start


def refined_row(
    arm: Arm, poses: np.ndarray, starts: Callable[[np.ndarray], np.ndarray], steps: int
) -> Row:
    """Errors and time of candidates that a function proposes for targets, some steps later."""

    def solve() -> np.ndarray:
        request = read_request(arm.robot, poses, arm.link)
        return best_refined(request, starts(poses), steps).q

    return {"steps": steps, **measured(arm, poses, solve)}


def measured(arm: Arm, poses: np.ndarray, solve: Callable[[], np.ndarray]) -> Row:
    """Errors and time of a solver."""
    q = solve()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        solve()
        times.append(time.perf_counter() - start)
    position, orientation = ik.judged(arm, q, poses)
    is_right = (position <= TOLERANCES[0] * 1.001) & (orientation <= TOLERANCES[1] * 1.001)
    row = {"success": float(is_right.mean())}
    for name, error, unit in (
        ("mm", position, 1e3),
        ("deg", orientation, math.degrees(1.0)),
    ):
        row |= {
            f"mean_{name}": float(unit * error.mean()),
            f"median_{name}": float(unit * np.median(error)),
            f"p95_{name}": float(unit * np.percentile(error, 95)),
        }
    median = float(np.median(times))
    return {**row, "median_s": median, "solutions_per_s": len(poses) / median}


def rivals(arm: Arm) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Starts that need no training, by name."""
    rng = np.random.default_rng(11)
    table = start_table(make_problem(arm.robot, (arm.link,)), 4096, 0)

    def random(count: int) -> Callable[[np.ndarray], np.ndarray]:
        return lambda poses: fkarm.sample_configurations(
            arm.robot, (len(poses), count), rng, "float32"
        )

    def even(poses: np.ndarray) -> np.ndarray:
        return np.broadcast_to(
            low_discrepancy(arm.robot, 4, 0).astype(np.float32), (len(poses), 4, arm.robot.dof)
        )

    return {
        "random": random(1),
        "random, best of 4": random(4),
        "random, best of 64": random(64),
        "low-discrepancy, best of 4": even,
        "table, best": lambda poses: table.q[table.nearest(poses[:, None], 1)[0]],
        "table, best of 4": lambda poses: table.q[table.nearest(poses[:, None], 4)[0]],
    }


def size_row(model: IKModel) -> Row:
    """Parameters, and multiplications and additions for each target."""
    kernels = [weight for weight in model.trainable_variables if len(weight.shape) == 2]
    flops = 2 * sum(math.prod(weight.shape) for weight in kernels)
    if isinstance(model, IKFlow):
        flops *= CANDIDATES
    return {"parameters": int(model.count_params()), "flops_per_candidate_set": flops}


def learned_rows(
    arm: Arm, kinds: Sequence[str], minutes: float, poses: np.ndarray, seed: int
) -> Iterator[Row]:
    """Rows of each kind of network."""
    for kind in kinds:
        model, seconds = trained(arm, kind, minutes, seed)
        about = {"robot": arm.name, "starts": kind, "training_s": seconds, **size_row(model)}
        about["updates"] = int(model.optimizer.iterations)

        def starts(targets: np.ndarray, model: IKModel = model) -> np.ndarray:
            pose = fkarm.geometry.matrix_to_pose(targets, "xyz_rot6d")
            return model.propose(keras.ops.convert_to_numpy(pose))

        for steps in STEPS:
            yield {**about, **refined_row(arm, poses, starts, steps)}
        exact = measured(arm, poses, lambda m=model: m.predict_ik(poses).q)
        yield {**about, "steps": "3, then the solver", **exact}
        if isinstance(model, IKFlow):
            yield from sample_rows(arm, model, poses, about)


def sample_rows(arm: Arm, model: IKFlow, poses: np.ndarray, about: Row) -> Iterator[Row]:
    """How near single samples come, and how well many stand for all the solutions."""
    for spread in (1.0, 0.5):
        one = refined_row(arm, poses, lambda t, s=spread: model.sample(t, 1, s), 0)
        yield {**about, "starts": f"flow, one sample, spread {spread}", **one}
    yield {**about, **diversity_row(arm, model, poses[:POSES])}


def diversity_row(arm: Arm, model: IKFlow, poses: np.ndarray) -> Row:
    """Samples beside solutions from many starts: coverage and discrepancy.

    Other exact solutions, as many as samples, say what can be reached.
    """
    exact = many_solutions(arm.robot, arm.link, poses, 2 * SAMPLES)
    reference, others = [q[:SAMPLES] for q in exact], [q[SAMPLES:] for q in exact]
    is_enough = [len(q) == 2 * SAMPLES for q in exact]
    rows: Row = {"poses": len(poses), "samples": SAMPLES}
    for name, spread in (("", 1.0), ("_spread_0.5", 0.5)):
        samples = model.sample(poses, SAMPLES, spread)
        rows[f"coverage{name}"] = coverage(samples, reference)
        rows[f"mmd{name}"] = discrepancy(samples, reference)
    rows["poses_with_others"] = sum(is_enough)
    if any(is_enough):
        rows["coverage_by_others"] = coverage(
            list(compress(others, is_enough)), list(compress(reference, is_enough))
        )
    return rows


def line(row: Row) -> str:
    """A row, as the command prints it."""
    place = f"{row['robot']:8} {row['starts']:28}"
    if "coverage" in row:
        return f"{place} coverage {row['coverage']:.2f}  MMD {row['mmd']:.3f}"
    errors = ""
    if "median_mm" in row:
        errors = (
            f"median {row['median_mm']:7.2f} mm {row['median_deg']:6.2f} deg  "
            f"p95 {row['p95_mm']:7.1f} mm  "
        )
    return (
        f"{place} {row['steps']!s:>4} steps  {errors}success {row['success']:8.2%}  "
        f"{row['solutions_per_s']:9,.0f}/s"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learned_ik", description=__doc__)
    parser.add_argument("--robots", default="panda,ur5e,snake12", help=f"of: {', '.join(ARMS)}")
    parser.add_argument("--kinds", default=";".join(MODELS), help=f"of: {'; '.join(MODELS)}")
    parser.add_argument("--minutes", type=float, default=3.0, help="of training, for each network")
    parser.add_argument("--targets", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the rows here")
    options = parser.parse_args(arguments)
    names = chosen_names(parser, "robots", options.robots, ARMS)
    kinds = [word.strip() for word in options.kinds.split(";") if word.strip()]
    for kind in kinds:
        if kind not in MODELS:
            parser.error(f"--kinds must be of: {'; '.join(MODELS)}. Received: {kind!r}.")
    rows: list[Row] = []
    for name in names:
        arm = load_arm(name)
        poses = ik.targets(arm, "uniform")[: options.targets]
        for row in all_rows(arm, kinds, options.minutes, poses, options.seed):
            rows.append(row)
            print(line(row), flush=True)
            if options.json:
                command = " ".join(["python -m benchmarks.learned_ik", *arguments])
                header = report.describe_run(command, "tensorflow", "cpu", "CPU")
                report.write(options.json, {**header, "minutes": options.minutes}, rows)


def all_rows(
    arm: Arm, kinds: Sequence[str], minutes: float, poses: np.ndarray, seed: int
) -> Iterator[Row]:
    """Rows of the rivals, then of the networks."""
    for name, starts in rivals(arm).items():
        for steps in RIVAL_STEPS:
            yield {"robot": arm.name, "starts": name, **refined_row(arm, poses, starts, steps)}
    yield from learned_rows(arm, kinds, minutes, poses, seed)
