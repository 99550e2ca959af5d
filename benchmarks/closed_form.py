"""`python -m benchmarks.closed_form`: every solution of inverse kinematics, compared with others.

Targets are poses of random configurations, fixed by seeds. With seven joints every target is solved
for the same values of one joint; a pair of a target and a value is a set of solutions. Pinocchio
checks all solutions, in float64.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

import fkarm
from benchmarks.closed_form_cases import CASES, VALUES, Form, searched
from benchmarks.harness import (
    Remote,
    Row,
    Trial,
    Unavailable,
    Worker,
    describe_run,
    names_of,
    statistics,
    take_turns,
    version_of,
    write,
)
from benchmarks.ik import pose_errors
from benchmarks.robots import EveryTask, every_task
from benchmarks.scale import alone, seconds_of

ROUNDS = 7
SINGLES = 10  # calls of one target in each round
WRONG = 1e-4  # a solution with a larger error is wrong, m or rad
SINGULAR = 1e-3  # smallest singular value below which solutions are not counted, m and rad
SAME = 0.03  # configurations nearer than this are one solution, rad
SAME_SEARCH = 0.05  # the same of `solve_ik_all`
EXACT = 1e-7  # largest error of its answers that are exact, m and rad
DTYPES = ("float32", "float64")
OWN = f"fkarm {fkarm.__version__}"


class Peer(NamedTuple):
    """Another library: its module in `benchmarks.peers`, its package, arms, most sets of a call."""

    module: str
    package: str
    arms: tuple[str, ...] = tuple(CASES)
    most: int = 10**9
    has_own_values: bool = False  # it chooses the values of a free joint itself


PEERS = {
    "EAIK": Peer("eaik", "eaik"),
    "ssik": Peer("ssik", "ssik", most=10_000, has_own_values=True),
    "frankik": Peer("frankik", "frankik", ("panda",)),
    "ur-analytic-ik": Peer("ur_analytic_ik", "ur-analytic-ik", ("ur5e",)),
}


class Solver(NamedTuple):
    """A library that takes part: who runs it, its task, whether its sets are those of others."""

    worker: Any  # a `Worker` or `Remote`
    task: EveryTask
    has_same_sets: bool = True


def poses_of_set(form: Form, sets: int, seed: int) -> np.ndarray:
    """Targets for this many sets, float64. Shape `(n, 4, 4)`."""
    count = max(1, sets // max(1, len(form.values)))
    return form.arm.poses(fkarm.sample_configurations(form.arm.robot, count, seed=seed))


def own(form: Form, task: EveryTask) -> Trial:
    """The closed form of fkarm on float32: eager calls of tensors, of NumPy for one target."""
    import keras

    values = task.values.astype(np.float32)
    tensors = [keras.ops.convert_to_tensor(x) for x in (task.targets.astype(np.float32), values)]

    def run(poses: np.ndarray | None = None) -> list[np.ndarray]:
        given = tensors if poses is None else [poses.astype(np.float32), values]
        return [np.asarray(x) for x in form.solve(*given)]

    return Trial(run, lambda result: ())


def solvers_of(form: Form, peers: Sequence[str], sets: int) -> dict[str, Solver]:
    """The closed form of fkarm, and the peers that can solve for an arm."""
    targets = poses_of_set(form, sets, seed=0)
    task = every_task(form.arm, form.case.free, form.values, targets)
    solvers = {OWN: Solver(Worker(partial(own, form)), task)}
    for name in peers:
        peer = PEERS[name]
        if form.arm.name in peer.arms:
            label = f"{name} {version_of(peer.package) or '(not installed)'}"
            most = max(1, peer.most // max(1, len(form.values)))
            worker = Remote(f"benchmarks.peers.{peer.module}:every")
            is_same = form.case.free is None or not peer.has_own_values
            solvers[label] = Solver(worker, task._replace(targets=targets[:most]), is_same)
    return solvers


def rows_of_arm(name: str, peers: Sequence[str], options: argparse.Namespace) -> Iterator[Row]:
    """All rows of an arm."""
    yield alone(first_row, name)
    form = Form(name)
    solvers = solvers_of(form, peers, options.sets)
    about = {"robot": name}
    try:
        for label, solver in list(solvers.items()):
            try:
                solver.worker.prepare(solver.task)
                solver.worker.answer(solver.task.targets[:1])
                solver.worker.times(0.0, 1)  # compiles
            except Unavailable as reason:
                del solvers[label]
                yield {**about, "figure": "speed", "solver": label, "unavailable": str(reason)}
        yield from ({**about, **row} for row in speed_rows(form, solvers))
        yield from ({**about, **row} for row in solution_rows(form, solvers, options.checked))
    finally:
        for solver in solvers.values():
            solver.worker.close()
    for singularity in form.case.singular:
        yield {**about, **singular_row(form, singularity, options.singular)}
    if form.case.free is None:
        yield {**about, **search_row(form, options.searched)}


def first_row(name: str) -> Row:
    """What the first calls of a process take: the form, one target, and many, which compile."""
    form: list[Form] = []
    from benchmarks.robots import load_arm

    arm = load_arm(name)
    recognise = seconds_of(lambda: form.append(Form(name, arm)))
    targets = poses_of_set(form[0], 32_000, seed=0)
    run = own(form[0], every_task(arm, form[0].case.free, form[0].values, targets)).run
    one = seconds_of(lambda: run(targets[:1])[0])
    many = seconds_of(lambda: run()[0])
    times = {"recognise_s": recognise, "first_target_s": one, "first_batch_s": many}
    return {"robot": name, "figure": "first", **times}


def speed_rows(form: Form, solvers: Mapping[str, Solver]) -> Iterator[Row]:
    """Sets of solutions per second of a large call, and the time of a call with one target."""

    def singles(solver: Solver) -> list[float]:
        chosen = solver.task.targets[:SINGLES]
        return [solver.worker.answer(target[None])[1] for target in chosen]

    def batch(solver: Solver) -> list[float]:
        return solver.worker.times(0.0, 1)

    def turns(turn: Callable[[Solver], list[float]]) -> dict[str, list[float] | str]:
        taken = {label: partial(turn, solver) for label, solver in solvers.items()}
        return dict(take_turns(taken, ROUNDS))

    one, many = turns(singles), turns(batch)
    for label, solver in solvers.items():
        about = {"figure": "speed", "solver": label}
        if failure := next((t for t in (one[label], many[label]) if isinstance(t, str)), None):
            yield {**about, "unavailable": failure}
            continue
        spread, count = statistics(many[label]), len(solver.task.targets)
        sets = count * max(1, len(form.values))
        row = {**about, "targets": count, **spread, "targets_per_s": count / spread["median_s"]}
        if solver.has_same_sets:
            row |= {"sets": sets, "sets_per_s": sets / spread["median_s"]}
        yield {**row, "one_target_s": statistics(one[label])["median_s"]}


def solution_rows(form: Form, solvers: Mapping[str, Solver], sets: int) -> Iterator[Row]:
    """How many solutions each solver has, how exact they are, and whether fkarm has them, too."""
    targets = poses_of_set(form, sets, seed=1)
    for dtype in DTYPES:
        given = targets.astype(dtype)
        found = form.solved(given, form.values, dtype)
        target, value, branch = np.nonzero(found.is_solution)
        row = checked(form, found.q[target, value, branch], given[target])[1]
        groups = target * found.q.shape[1] + value
        count = distinct(found.q[target, value, branch], groups)
        share = float(found.is_solution.any(axis=-1).mean())
        sets = found.is_solution[..., 0].size
        about = {"figure": "solutions", "solver": OWN, "dtype": dtype, "sets": sets}
        yield {**about, "solutions": count / sets, "sets_with_solution": share, **row}
    for label, solver in solvers.items():
        if label != OWN:
            yield {"figure": "solutions", "solver": label, **peer_row(form, solver, targets)}


def peer_row(form: Form, solver: Solver, targets: np.ndarray) -> Row:
    """Solutions of a peer, and the share of them that fkarm marks."""
    try:
        (q, target), _ = solver.worker.answer(targets)
    except Unavailable as reason:
        return {"unavailable": str(reason)}
    is_right, row = checked(form, q, targets[target])
    q, target = q[is_right], target[is_right]
    groups, sets = target, len(targets)
    if solver.has_same_sets and form.case.free is not None:
        nearest = np.abs(q[:, [form.case.free]] - form.values).argmin(axis=1)
        groups, sets = target * len(form.values) + nearest, sets * len(form.values)
    row |= {"targets": len(targets), "solutions": distinct(q, groups) / sets}
    q, target = compared(form, q, target)
    for dtype in DTYPES:
        found = form.solved(targets[target], form.of_free(q), dtype)
        is_near = by_turns(found.q[:, 0] - q[:, None]) < SAME
        is_marked = (is_near & found.is_solution[:, 0]).any(axis=-1)
        row[f"in_{dtype}"] = float(is_marked.mean()) if len(q) else None
    return {**row, "compared": len(q)}


def compared(form: Form, q: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Solutions away from singularities whose free joint is within its limits."""
    keeps = form.least_singular(q) > SINGULAR
    if form.case.free is not None:
        lower, upper = (
            x[form.case.free] for x in (form.arm.robot.lower_limits, form.arm.robot.upper_limits)
        )
        keeps &= (q[:, form.case.free] >= lower) & (q[:, form.case.free] <= upper)
    return q[keeps], target[keeps]


def checked(form: Form, q: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, Row]:
    """Which solutions are right by Pinocchio; how many are wrong, and the errors of the others."""
    position, orientation = pose_errors(form.arm, q, targets)
    is_right = (position <= WRONG) & (orientation <= WRONG)
    errors = {"largest_m": position, "largest_rad": orientation}
    largest = {key: float(x[is_right].max(initial=0.0)) for key, x in errors.items()}
    return is_right, {"wrong": int((~is_right).sum()), **largest}


def distinct(q: np.ndarray, groups: np.ndarray) -> int:
    """How many solutions differ from all earlier ones of their group."""
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order])) + 1
    count = 0
    for rows in np.split(q[order], starts):
        is_same = by_turns(rows[:, None] - rows) < SAME
        count += int((~np.tril(is_same, -1).any(axis=1)).sum())
    return count


def by_turns(change: np.ndarray) -> np.ndarray:
    """The largest difference of configurations, modulo whole turns. Drops the last axis."""
    turn = 2.0 * np.pi
    return np.abs(change - turn * np.round(change / turn)).max(axis=-1)


def singular_row(form: Form, name: str, count: int) -> Row:
    """Float32 targets at a singularity: what is finite, what is wrong, what is solved."""
    q = form.singular(name, count)
    targets = form.arm.poses(q).astype(np.float32)
    found = form.solved(targets, form.of_free(q), "float32")
    target, value, branch = np.nonzero(found.is_solution)
    return {
        "figure": "singular",
        "set": name,
        "targets": len(q),
        "not_finite": int((~np.isfinite(found.q).all(axis=(1, 2, 3))).sum()),
        "solved": float(found.is_solution.any(axis=(1, 2)).mean()),
        **checked(form, found.q[target, value, branch], targets[target])[1],
    }


def search_row(form: Form, count: int) -> Row:
    """How many of all solutions the search of `solve_ik_all` finds, and what it finds `beyond`.

    Of the search's answers within its tolerances, only exact ones can be beyond the complete set.
    """
    targets = poses_of_set(form, count, seed=2)
    form_q, _, within = (x[:, 0] for x in form.solved(targets, None, "float64"))
    answer = searched(form.arm, targets)
    is_exact = np.maximum(answer.position_error, answer.orientation_error) < EXACT
    complete, found, whole, beyond = 0, 0, 0, 0
    for k in range(len(targets)):
        every, few = form_q[k][within[k]], answer.q[k][answer.is_solution[k]]
        is_near = by_turns(every[:, None] - few) < SAME_SEARCH
        is_new = ~is_near.any(axis=0) & is_exact[k][answer.is_solution[k]]
        beyond += int((form.least_singular(few[is_new]) > SINGULAR).sum())
        is_found = is_near.any(axis=1)[form.least_singular(every) > SINGULAR]
        complete += len(is_found)
        found += int(is_found.sum())
        whole += bool(is_found.all())
    return {
        "figure": "search",
        "targets": len(targets),
        "solutions": complete,
        "found": found / complete,
        "targets_complete": whole / len(targets),
        "beyond": beyond,
    }


def line(row: Row) -> str:
    """A row as the command prints it."""
    return "  ".join(
        f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
        for key, value in row.items()
    )


def main(arguments: Sequence[str] | None = None) -> None:
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="python -m benchmarks.closed_form", description=__doc__)
    parser.add_argument("--robots", default=",".join(CASES), help=f"of: {', '.join(CASES)}")
    parser.add_argument("--peers", default=",".join(PEERS), help=f"of: {', '.join(PEERS)}")
    sizes = {
        "sets": (100_000, "sets of solutions that the clock runs for"),
        "checked": (10_000, "sets of solutions that are counted and checked"),
        "singular": (10_000, "targets at each singularity"),
        "searched": (300, "targets of the search, with six joints"),
    }
    for name, (default, text) in sizes.items():
        parser.add_argument(f"--{name}", type=int, default=default, help=text)
    parser.add_argument("--json", type=Path, help="write the rows here")
    options = parser.parse_args(arguments)
    robots = names_of(parser, "robots", options.robots, CASES)
    peers = names_of(parser, "peers", options.peers, PEERS)
    for name in sizes:
        if (size := getattr(options, name)) < VALUES:
            parser.error(f"--{name} must be at least {VALUES}. Received: {size}.")
    rows: list[Row] = []
    for name in robots:
        for row in rows_of_arm(name, peers, options):
            rows.append(row)
            print(line(row), flush=True)
    if options.json:
        command = " ".join(["python -m benchmarks.closed_form", *arguments])
        write(options.json, describe_run(command), rows)


if __name__ == "__main__":
    main()
