"""The benchmark of the solver: sets of targets, checks, peers, refusals."""

import json

import numpy as np
import pytest

from benchmarks import ik, robots
from benchmarks.harness import Trial, Unavailable, Worker
from benchmarks.peers import is_within, restarts
from benchmarks.robots import TargetTask, load_arm

pytest.importorskip("pinocchio")

pytestmark = pytest.mark.in_test_all("benchmark")

STANDARD = ik.TOLERANCES["standard"]


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(ik, "SIZES", dict.fromkeys(ik.SIZES, 20))
    monkeypatch.setattr(ik, "PATHS", 2)
    monkeypatch.setattr(ik, "REPEATS", 1)


def test_every_set_is_solved_and_reported(small, tmp_path, capsys, monkeypatch):
    six_joints = robots._snake(6)  # compile more quickly than twelve
    monkeypatch.setattr(robots, "_snake", lambda count: six_joints)
    path = tmp_path / "rows.json"
    ik.main(["--robots", "snake12", "--batch", "1,20", "--json", str(path)])
    rows = json.loads(path.read_text())["rows"]
    assert {row["set"] for row in rows if "set" in row} == {*ik.SIZES, "path"}
    success = {row["set"]: row["success"] for row in rows if "set" in row}
    assert success["uniform"] == 1.0
    assert success["unreachable"] == 0.0
    speed = {row["batch"]: row for row in rows if "batch" in row}
    assert speed[20]["solves_per_s"] == pytest.approx(20 / speed[20]["median_s"])
    assert "near-singular  tight  success" in capsys.readouterr().out


def test_the_check_sees_errors_and_limits(small):
    arm = load_arm("panda")
    q = ik.target_configurations(arm, "uniform")
    poses = arm.poses(q)
    assert np.max(ik.pose_errors(arm, q, poses)) < 1e-12
    assert ik.is_solution(arm, q, poses, STANDARD).all()
    moved = q.copy()
    moved[:, 6] -= 0.1 * np.sign(moved[:, 6])
    assert (np.abs(ik.pose_errors(arm, moved, poses)[1] - 0.1) < 1e-9).all()
    assert not ik.is_solution(arm, moved, poses, STANDARD).any()
    outside = q.copy()
    outside[0, 0] += 2 * np.pi
    assert ik.is_solution(arm, outside, poses, STANDARD).tolist() == [False] + [True] * 19
    near = ik.target_configurations(arm, "near-limit")
    span = arm.robot.upper_limits - arm.robot.lower_limits
    share = np.minimum(near - arm.robot.lower_limits, arm.robot.upper_limits - near) / span
    assert (share.min(axis=1) <= 0.02).all()


def test_a_wrong_solution_ends_the_run(small, monkeypatch):
    arm = load_arm("panda")
    right = ik.solved

    def off(*arguments):
        answer = right(*arguments)
        return answer._replace(q=answer.q + np.float32(0.05))

    monkeypatch.setattr(ik, "solved", off)
    with pytest.raises(AssertionError, match="what converged must be right"):
        list(ik.accuracy_rows(arm, "uniform"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--robots", "r2d2"], "Received: 'r2d2'"),
        (["--sets", "easy"], "Received: 'easy'"),
        (["--peers", "rival"], "PyRoki. Received: 'rival'"),
        (["--targets", "0"], "at least 1. Received: 0"),
    ],
    ids=str,
)
def test_unknown_names_are_refused(arguments, message, capsys):
    with pytest.raises(SystemExit):
        ik.main(arguments)
    assert message in capsys.readouterr().err


def test_rows_of_peers_say_success_speed_and_ratio(small, monkeypatch):
    monkeypatch.setattr(ik, "ROUNDS", 2)
    monkeypatch.setattr(ik, "SINGLES", 2)
    arm = load_arm("panda")

    def own(targets, tolerances):
        return np.array(ik.solved(arm, targets, tolerances).q, np.float64)

    def half(targets, tolerances):
        q = own(targets, tolerances)
        q[: len(q) // 2] += 2 * np.pi  # a whole turn: within the limits it is right
        q[len(q) // 2 :, 1] += 0.1  # wrong
        return q

    def broken(task):
        assert task.joints == arm.robot.joint_names
        assert "<inertial>" in task.plain_urdf
        raise Unavailable("it is broken")

    solvers = {
        ik.OWN: ik.Solver(Worker(lambda _: Trial(own)), is_peer=False),
        "rival": ik.Solver(Worker(lambda _: Trial(half)), most=10),
        "broken": ik.Solver(Worker(broken)),
    }
    rows = list(ik.measured(arm, solvers, ["uniform", "near-limit"], 12))
    assert all(ik.line(row) for row in rows)
    assert [row["unavailable"] for row in rows if "unavailable" in row] == ["it is broken"]
    keys = ("solver", "set", "tolerance")
    success = {
        tuple(row[key] for key in keys): (row["targets"], row["success"])
        for row in rows
        if "set" in row
    }
    assert len(success) == 2 * 2 * 2
    assert success[ik.OWN, "near-limit", "loose"] == (12, 1.0)
    assert success["rival", "uniform", "standard"] == (10, 0.5)
    speed = {(row["solver"], row["batch"]): row for row in rows if "batch" in row}
    assert speed["rival", 1]["repeats"] == speed["rival", 1]["targets"] == 4
    theirs, ours = speed["rival", 10], speed[ik.OWN, 12]
    assert theirs["solves_per_s"] == pytest.approx(10 / theirs["median_s"])
    (ratio,) = [row for row in rows if "over" in row]
    assert (ratio["over"], ratio["success"], ratio["success_over"]) == ("rival", 1.0, 0.5)
    expected = ours["solves_per_s"] / theirs["solves_per_s"]
    assert ratio["times_solves_per_s"] == pytest.approx(expected)


def test_the_option_chooses_peers_sets_and_targets(monkeypatch, tmp_path):
    asked = []

    def rows(arm, names, sets, most):
        asked.append((arm.name, names, sets, most))
        yield {"robot": arm.name, "solver": "rival 1.0", "unavailable": "it is not here"}

    monkeypatch.setattr(ik, "peer_rows", rows)
    path = tmp_path / "rows.json"
    ik.main(["--peers", "--targets", "5", "--json", str(path)])
    ik.main(["--peers", "mink,PyRoki", "--sets", "uniform,path"])
    assert asked[0] == ("panda", list(ik.PEERS), list(ik.PEER_SETS), 5)
    assert asked[1] == ("panda", ["mink", "PyRoki"], ["uniform"], 1000)
    assert json.loads(path.read_text())["rows"][0]["unavailable"] == "it is not here"


def test_angles_move_by_whole_turns_and_are_clipped():
    lower, upper = np.array([-1.0, -7.0]), np.array([2.0, 7.0])
    q = [[0.5 + 4 * np.pi, 6.5], [2.0 + 1e-6, -7.0 - 1e-6], [4.0, 7.5]]
    expected = [[0.5, 6.5], [2.0, -7.0 - 1e-6 + 2 * np.pi], [-1.0, 7.5 - 2 * np.pi]]
    np.testing.assert_allclose(ik.within_limits(np.array(q), lower, upper), expected)


def test_a_local_search_starts_again_until_it_has_converged(rng):
    starts = []

    def descend(start):
        starts.append(start)
        return start, len(starts) == 3

    limits = np.array([-1.0, 0.0]), np.array([1.0, 2.0])
    task = TargetTask("", "base", "tip", ("a", "b"), *limits)
    assert restarts(task, descend, 10, rng) is starts[2]
    assert starts[0].tolist() == [0.0, 1.0]
    assert ((starts[1] >= limits[0]) & (starts[1] <= limits[1])).all()
    assert is_within(np.array([9e-4, 0, 0, 0, 9e-3, 0]), (1e-3, 1e-2))
    assert not is_within(np.array([9e-4, 9e-4, 0, 0, 0, 0]), (1e-3, 1e-2))
    assert not is_within(np.array([0, 0, 0, 9e-3, 9e-3, 0]), (1e-3, 1e-2))


@pytest.mark.parametrize("name", [name for name in ik.PEERS if name != "PyRoki"])  # it compiles
def test_a_peer_that_is_installed_solves(small, name, monkeypatch):
    module = {"robotics_toolbox": "roboticstoolbox"}.get(ik.PEERS[name].module)
    pytest.importorskip(module or ik.PEERS[name].module)
    monkeypatch.setattr(ik, "ROUNDS", 1)
    monkeypatch.setattr(ik, "SINGLES", 1)
    rows = list(ik.peer_rows(load_arm("panda"), [name], ["uniform"], 10))
    theirs = [row for row in rows if "set" in row and row["solver"] != ik.OWN]
    assert [row["success"] >= 0.9 for row in theirs] == [True, True], rows
