"""`python -m benchmarks.fk`: configurations per second, with and without `map_fn`.

Every answer is checked before it is timed. Keras is imported after the command line has chosen its
backend.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.harness import (
    MOST,
    Remote,
    Row,
    Unavailable,
    Worker,
    describe_run,
    load,
    names_of,
    numbers_of,
    statistics,
    take_turns,
    write,
)
from benchmarks.robots import ROBOTS, TREES, Exact, PoseTask, load_robot, pose_task

BACKENDS = ("tensorflow", "jax", "torch")
MODES = ("forward", "forward+gradient")
# Larger batches are left out, so that a run ends: for one link; for every link of a tree.
ANY_BATCH = (10_000_000, 1_000_000)
MATMUL_BATCH = (1_000_000, 10_000)
MAPPED_BATCH = (10_000, 1_000)
LOOPED_BATCH = (1_000, 100)
ROUNDS = 10
FEWEST = 5
PATIENCE = 20.0  # seconds after which three repetitions are enough

Answer = tuple[np.ndarray, ...]  # poses, and the gradient in that mode


class Case(NamedTuple):
    """One way to compute poses.

    Args:
        build: A function of `fk_cases`, or `"module:function"` that makes a `Trial` of a task.
        how: `"eager"`, `"graph"` (the usual compiled form of the backend) or `"xla"`.
        largest: Largest batches for one link and for a tree.
        matmul: Whether it multiplies matrices, which GPUs round to TF32.
        may_fail: Whether the backend may refuse it; its row then shows the error.
        environment: Variables of the process of a peer.
    """

    build: str
    how: str = "graph"
    largest: tuple[int, int] = ANY_BATCH
    matmul: bool = False
    may_fail: bool = False
    environment: Mapping[str, str] | None = None

    def tolerance(self, device: str) -> float:
        """The largest error of a right answer."""
        return 2e-2 if self.matmul and device == "gpu" else 1e-4


Contestants = Mapping[str, tuple[Case, Any]]  # a case and its `Worker` or `Remote`

_MATMUL = Case("stack_and_matmul", largest=MATMUL_BATCH, matmul=True)
_MAPPED = _MATMUL._replace(largest=MAPPED_BATCH)
_LAYER = Case("layer")
_LIMIT = Case("benchmarks.limit:fk")

CASES: dict[str, dict[str, Case]] = {
    "tensorflow": {
        "map_fn per joint": _MAPPED._replace(build="map_fn_per_joint"),
        "map_fn per configuration": _MAPPED._replace(build="map_fn_per_configuration"),
        "vectorized_map": _MATMUL._replace(build="tf_vectorized_map"),
        "Python loop": _MATMUL._replace(build="python_loop", how="eager", largest=LOOPED_BATCH),
        "stack + matmul": _MATMUL,
        "stack + matmul (XLA)": _MATMUL._replace(how="xla"),
        "layer (eager)": _LAYER._replace(how="eager"),
        "layer": _LAYER,
        "layer (XLA)": _LAYER._replace(how="xla"),
        "limit (C)": _LIMIT,
    },
    "jax": {
        "ops.map": _MAPPED._replace(build="ops_map"),
        "ops.vectorized_map": _MATMUL._replace(build="ops_vectorized_map"),
        "stack + matmul": _MATMUL,
        "layer": _LAYER,
        "limit (C)": _LIMIT,
    },
    "torch": {
        "ops.map": _MAPPED._replace(build="ops_map", how="eager", may_fail=True),
        "ops.vectorized_map": _MATMUL._replace(
            build="ops_vectorized_map", how="eager", may_fail=True
        ),
        "stack + matmul": _MATMUL._replace(how="eager"),
        "layer (eager)": _LAYER._replace(how="eager"),
        "layer": _LAYER,
        "limit (C)": _LIMIT,
    },
}

# The README of frax recommends these on a CPU: several times faster than JAX's own settings.
_FRAX = {
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false "
    "--xla_cpu_scheduler_type=CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED",
    "OPENBLAS_NUM_THREADS": "1",
}
_PEER = Case("", largest=MATMUL_BATCH, matmul=True)
PEERS: dict[str, Case] = {
    "pytorch_kinematics (eager)": _PEER._replace(
        build="benchmarks.peers.pytorch_kinematics:fk", how="eager"
    ),
    "pytorch_kinematics": _PEER._replace(build="benchmarks.peers.pytorch_kinematics:fk"),
    "PyRoki": _PEER._replace(build="benchmarks.peers.pyroki:fk"),
    "frax": _PEER._replace(build="benchmarks.peers.frax:fk", environment=_FRAX),
    "Pinocchio": _PEER._replace(build="benchmarks.peers.pinocchio:fk", largest=(100_000, 10_000)),
}


def main(arguments: Sequence[str] | None = None) -> None:
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fk", description=__doc__)
    add_options(parser)
    options = parser.parse_args(arguments)
    cases = CASES[options.backend]
    options.cases = names_of(parser, "cases", options.cases or ",".join(cases), cases)
    options.robots = names_of(parser, "robots", options.robots, ROBOTS)
    options.modes = names_of(parser, "modes", options.modes, MODES)
    options.peers = names_of(parser, "peers", options.peers, PEERS)
    options.batch = numbers_of(parser, "batch", options.batch)
    set_environment(parser, options)

    from benchmarks import fk_cases

    backend = fk_cases.BACKENDS[options.backend]
    has_gpu = backend.gpu_name() is not None
    if options.device == "gpu" and not has_gpu:
        parser.error(f"--device gpu: {options.backend} sees no GPU here. Use cpu or auto.")
    device = "gpu" if has_gpu and options.device != "cpu" else "cpu"
    device_name = str(backend.gpu_name()) if device == "gpu" else "CPU"
    command = " ".join(["python -m benchmarks.fk", *arguments])
    run(options, describe_run(command, options.backend, device, device_name))


def add_options(parser: argparse.ArgumentParser) -> None:
    cases = "; ".join(f"{backend}: {', '.join(names)}" for backend, names in CASES.items())
    default = os.environ.get("KERAS_BACKEND", "tensorflow")
    parser.add_argument("--backend", choices=BACKENDS, default=default)
    parser.add_argument("--device", choices=("auto", "cpu", "gpu"), default="auto")
    parser.add_argument("--batch", default="1,1000,10000,100000", help="batch sizes")
    parser.add_argument("--robots", default="panda", help=f"of: {', '.join(ROBOTS)}")
    parser.add_argument("--cases", help=f"default: all of the backend; {cases}")
    parser.add_argument("--modes", default=",".join(MODES), help=f"of: {', '.join(MODES)}")
    every = ",".join(PEERS)
    parser.add_argument("--peers", nargs="?", const=every, default="", help=f"all, or of: {every}")
    parser.add_argument("--seconds", type=float, default=1.0, help="of timing for each row")
    parser.add_argument("--json", type=Path, help="write the rows here")


def set_environment(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Choose Keras' backend and hide a GPU that is not wanted, before either is imported."""
    if find_spec(options.backend) is None:
        parser.error(f"--backend {options.backend} needs: pip install {options.backend}.")
    if "keras" in sys.modules:
        backend = sys.modules["keras"].backend.backend()
        if backend != options.backend:
            parser.error(f"--backend {options.backend}: this process runs Keras on {backend}.")
    os.environ["KERAS_BACKEND"] = options.backend
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if options.peers:  # several frameworks share one GPU
        os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    if options.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
        os.environ["JAX_PLATFORMS"] = "cpu"


def run(options: argparse.Namespace, header: Row) -> None:
    """Measure what the options name; print each row and write the file."""
    peers = {name: (PEERS[name], Remote(PEERS[name].build, PEERS[name].environment))
             for name in options.peers}  # fmt: skip
    rows = []
    try:
        print_header(header)
        contestants = own_contestants(options.backend, options.cases) | peers
        for row in measured(options, header["device"], contestants):
            rows.append(row)
            print_row(row)
    finally:
        for _, peer in peers.values():
            peer.close()
    if options.json:
        write(options.json, header, rows)


def own_contestants(backend: str, names: Sequence[str]) -> dict[str, tuple[Case, Worker]]:
    """The cases of a backend, in this process."""
    from benchmarks.fk_cases import BACKENDS, trial

    contestants = {}
    for name in names:
        case = CASES[backend][name]
        is_external = ":" in case.build
        make = load(case.build) if is_external else partial(trial, BACKENDS[backend], case.build)
        contestants[name] = (case, Worker(make, case.may_fail))
    return contestants


def measured(options: argparse.Namespace, device: str, contestants: Contestants) -> Iterator[Row]:
    """Rows of all contestants, task after task."""
    for name in options.robots:
        robot, is_tree = load_robot(name), name in TREES
        links = robot.link_names if is_tree else robot.end_effector
        for mode, batch in product(options.modes, options.batch):
            task = pose_task(robot, links, mode, batch, device)
            about = {"robot": name, "links": len(task.link_names), "dtype": "float32"}
            chosen = {
                key: (case, worker)
                for key, (case, worker) in contestants.items()
                if batch <= case.largest[is_tree]
            }
            for case_name, row in measure(chosen, task, options.seconds):
                yield {"case": case_name, **about, "mode": mode, "batch": batch, **row}


def measure(contestants: Contestants, task: PoseTask, seconds: float) -> Iterator[tuple[str, Row]]:
    """Rows of contestants for one task: each answer is checked, then all are timed in turns.

    Raises:
        AssertionError: If an answer is wrong.
    """
    right = expected(task)
    rows: dict[str, Row] = {name: {} for name in contestants}
    first_calls, turns = {}, {}
    for name, (case, worker) in contestants.items():
        try:
            making = worker.prepare(task._replace(how=case.how))
            answer, first = worker.answer()
        except Unavailable as reason:
            rows[name] = {"unavailable": str(reason)}
            continue
        errors = checked(name, task, answer, right, case.tolerance(task.device))
        rows[name] = {"errors": errors, "judge": "Pinocchio"}
        first_calls[name] = making + first
        turns[name] = partial(worker.times, seconds / ROUNDS, MOST // ROUNDS)
    for name, times in take_turns(turns, ROUNDS, partial(is_enough, seconds)):
        if isinstance(times, str):
            rows[name] = {"unavailable": times}
            continue
        contestants[name][1].drop()
        spread = statistics(times)
        rate = len(task.q) / spread["median_s"]
        compiling = max(0.0, first_calls[name] - spread["median_s"])
        rows[name] = {**spread, "configurations_per_s": rate, "compile_s": compiling, **rows[name]}
    yield from rows.items()


def is_enough(seconds: float, times: list[float]) -> bool:
    """Whether a contestant was timed for long enough."""
    if len(times) < FEWEST:
        return len(times) >= 3 and sum(times) > PATIENCE
    return sum(times) >= seconds or len(times) >= MOST


def checked(
    name: str, task: PoseTask, answer: Answer, right: Answer, tolerance: float
) -> dict[str, float]:
    """Errors of an answer: of poses the largest, of the gradient relative to the largest entry.

    Raises:
        AssertionError: If an error is larger than the tolerance.
    """
    errors = {}
    for part, ours, theirs in zip(("poses", "gradient"), right, answer, strict=False):
        scale = 1.0 if part == "poses" else max(1.0, float(np.abs(ours).max()))
        is_comparable = theirs.shape == ours.shape and np.isfinite(theirs).all()
        errors[part] = float(np.abs(theirs - ours).max()) / scale if is_comparable else np.inf
        if errors[part] > tolerance:
            raise AssertionError(
                f"{name}: {part} must be right before it is timed. Received: an error of "
                f"{errors[part]:.1e} ({task.mode}, batch {len(task.q)})."
            )
    return errors


def expected(task: PoseTask) -> Answer:
    """The right answer for the checked rows of a task, by Pinocchio in float64."""
    import fkarm

    exact = Exact(fkarm.Robot.from_urdf(task.urdf), task.link_names)
    q = task.q[task.checked_rows].astype(np.float64)
    poses = exact.poses(q)
    answer = (task.shaped(poses),)
    if task.mode == "forward":
        return answer
    return (*answer, gradient_of_sum(poses, exact.jacobians(q)))


def gradient_of_sum(poses: np.ndarray, jacobians: np.ndarray) -> np.ndarray:
    """Gradient of the sum of all entries: a force of ones, and a moment `sum r_k x 1`."""
    force = np.ones(3)
    moment = np.cross(np.moveaxis(poses[..., :3, :3], -1, -2), force).sum(axis=-2)
    wrench = np.concatenate([np.broadcast_to(force, moment.shape), moment], axis=-1)
    return np.einsum("blid,bli->bd", jacobians, wrench)


def print_header(header: Row) -> None:
    print(
        f"fkarm {header['fkarm']} ({header['commit']}), {header['backend']} on "
        f"{header['device_name']}, {header['processor']}, {header['cores']} cores\n"
        f"{'':28}{'robot':9}{'mode':18}{'batch':>8}{'ns/conf.':>15}{'spread':>8}"
        f"{'compile':>9}{'error':>9}",
        flush=True,
    )


def print_row(row: Row) -> None:
    about = f"{row['case']:28}{row['robot']:9}{row['mode']:18}{row['batch']:8}"
    if "unavailable" in row:
        print(f"{about}  {row['unavailable']}", flush=True)
        return
    spread = (row["p90_s"] - row["p10_s"]) / row["median_s"]
    print(
        f"{about}{1e9 / row['configurations_per_s']:15,.1f}{spread:8.0%}{row['compile_s']:8.1f}s"
        f"{max(row['errors'].values()):9.0e}",
        flush=True,
    )


if __name__ == "__main__":
    main()
