"""The benchmark of closed forms: arms, singularities, counts, checks, peers."""

import argparse
import json

import numpy as np
import pytest

from benchmarks import closed_form
from benchmarks.closed_form import OWN, Solver, distinct
from benchmarks.closed_form_cases import CASES, VALUES, Form
from benchmarks.harness import Trial, Unavailable, Worker
from benchmarks.robots import every_task
from tools.tables import closed_form as tables

pytest.importorskip("pinocchio")

pytestmark = pytest.mark.in_test_all("benchmark")

SIZES = ["--sets", "32", "--checked", "32", "--singular", "20", "--searched", "16"]


@pytest.mark.parametrize("name", CASES)
def test_configurations_at_a_singularity_are_singular(name):
    form = Form(name)
    assert set(form.case.singular) == {"wrist", "elbow", "shoulder"}
    for singularity in form.case.singular:
        q = form.singular(singularity, 10)
        assert len(q) >= 5
        assert form.least_singular(q).max() < 1e-9, singularity


def test_values_of_a_free_joint_are_spread_over_its_range():
    form = Form("panda")
    values = form.values
    assert len(values) == VALUES
    assert values.min() > form.arm.robot.lower_limits[6]
    assert np.ptp(np.diff(values)) < 1e-12
    assert Form("ur5e").values.size == 0


def test_solutions_are_counted_modulo_whole_turns_in_their_group():
    q = np.array([[0.1, 0.2], [0.1 + 2 * np.pi, 0.2], [0.1, 1.2], [0.1, 0.2]])
    assert distinct(q, np.array([0, 0, 0, 1])) == 3
    assert distinct(q, np.array([2, 1, 0, 1])) == 3
    assert distinct(q[:0], np.zeros(0, int)) == 0


@pytest.fixture
def half():
    """A solver that has half of the solutions, of which each is there twice, and a wrong one."""
    form = Form("puma560")

    def make(task):
        def run(poses=task.targets):
            return form.solved(poses, None, "float64")

        def read(found):
            target, _, branch = np.nonzero(found.is_solution)
            q = found.q[target, 0, branch][::2]
            return np.concatenate([q, q + 2 * np.pi, [[0.5] * 6]]), np.append(
                np.tile(target[::2], 2), 0
            )

        return Trial(run, read)

    return form, Worker(make)


def test_a_peer_is_checked_and_compared(half):
    form, worker = half
    targets = closed_form.poses_of_set(form, 8, seed=3)
    worker.prepare(every_task(form.arm, None, form.values, targets))
    row = closed_form.peer_row(form, Solver(worker, None), targets)
    assert row["wrong"] == 1
    assert row["largest_m"] < 1e-12
    assert (row["in_float64"], row["in_float32"]) == (1.0, 1.0)
    own = next(closed_form.solution_rows(form, {}, 8))
    assert own["solutions"] > row["solutions"] > 0


def test_a_solution_that_fkarm_does_not_mark_is_seen(half, monkeypatch):
    form, worker = half
    targets = closed_form.poses_of_set(form, 4, seed=3)
    worker.prepare(every_task(form.arm, None, form.values, targets))
    right = form.solved

    def only_float32(poses, values, dtype):
        found = right(poses, values, dtype)
        return found._replace(is_solution=found.is_solution & (dtype == "float32"))

    answer = worker.answer(targets)
    monkeypatch.setattr(form, "solved", only_float32)
    monkeypatch.setattr(worker, "answer", lambda poses: answer)
    row = closed_form.peer_row(form, Solver(worker, None), targets)
    assert (row["in_float64"], row["in_float32"]) == (0.0, 1.0)


def test_every_figure_of_an_arm_is_recorded(tmp_path, monkeypatch):
    monkeypatch.setattr(closed_form, "alone", lambda make, *arguments: make(*arguments))
    monkeypatch.setattr(closed_form, "ROUNDS", 1)
    monkeypatch.setattr(closed_form, "SINGLES", 1)
    path = tmp_path / "rows.json"
    closed_form.main(["--robots", "ur5e", "--peers", "", *SIZES, "--json", str(path)])
    rows = json.loads(path.read_text())["rows"]
    figures = [row["figure"] for row in rows]
    assert figures == ["first", "speed", *["solutions"] * 2, *["singular"] * 3, "search"]
    speed, search = rows[1], rows[-1]
    assert speed["sets_per_s"] == pytest.approx(32 / speed["median_s"])
    assert search["found"] > 0.9
    assert search["beyond"] == 0
    for row in rows:
        if row["figure"] in ("solutions", "singular"):
            assert row["wrong"] == row.get("not_finite", 0) == 0


def test_a_peer_that_fails_has_a_row(monkeypatch):
    def broken(task):
        raise Unavailable("it is broken")

    form = Form("ur5e")
    task = every_task(form.arm, None, form.values, closed_form.poses_of_set(form, 4, seed=0))
    monkeypatch.setattr(closed_form, "alone", lambda make, name: {"figure": "first"})
    monkeypatch.setattr(
        closed_form, "solvers_of", lambda *_: {"rival": Solver(Worker(broken), task)}
    )
    rows = closed_form.rows_of_arm("ur5e", ["rival"], argparse.Namespace(sets=32))
    assert [next(rows)["figure"], next(rows)["unavailable"]] == ["first", "it is broken"]


@pytest.mark.parametrize("name", closed_form.PEERS)
def test_a_peer_that_is_installed_has_the_solutions(name):
    peer = closed_form.PEERS[name]
    pytest.importorskip(peer.module)
    form = Form(peer.arms[-1])
    solver = closed_form.solvers_of(form, [name], 32)[
        f"{name} {closed_form.version_of(peer.package)}"
    ]
    solver.worker.prepare(solver.task)
    row = closed_form.peer_row(form, solver, closed_form.poses_of_set(form, 32, seed=1))
    solver.worker.close()
    assert row["wrong"] == 0
    assert row["compared"] > 1
    assert (row["in_float64"], row["in_float32"]) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--robots", "r2d2"], "Received: 'r2d2'"),
        (["--peers", "rival"], "Received: 'rival'"),
        (["--sets", "15"], "at least 16. Received: 15"),
    ],
    ids=str,
)
def test_unknown_names_and_small_sizes_are_refused(arguments, message, capsys):
    with pytest.raises(SystemExit):
        closed_form.main(arguments)
    assert message in capsys.readouterr().err


def test_own_answers_are_those_of_the_form():
    form = Form("ur5e")
    targets = closed_form.poses_of_set(form, 4, seed=0)
    trial = closed_form.own(form, every_task(form.arm, None, form.values, targets))
    assert [x.shape for x in trial.run()] == [(4, 8, 6), (4, 8), (4, 8)]
    assert [len(x) for x in trial.run(targets[:1])] == [1, 1, 1]
    assert OWN.startswith("fkarm ")


def test_a_solver_with_sets_of_its_own_has_no_ratio():
    ours = {"sets_per_s": 3e5, "one_target_s": 1e-3}
    theirs = {"targets_per_s": 1234.0, "one_target_s": 2e-4}
    assert tables.speed_cells(ours, ours) == ["300,000", "", "1 ms"]
    assert tables.speed_cells({**ours, "sets_per_s": 1e5}, ours)[1] == "3x"
    assert tables.speed_cells(theirs, ours) == ["1,200 targets/s, own values", "", "0.2 ms"]
    assert tables.solution_cells({"solutions": 7.0, "in_float64": 1.0}) == ["7.00", "100%", ""]
