"""The benchmark of the solver: sets, judge, refusals."""

import json

import numpy as np
import pytest

from benchmarks import ik
from benchmarks.arms import load_arm
from benchmarks.catalogue import IK_PEERS, IKPeer
from benchmarks.contestants import Unavailable
from benchmarks.ik import peers
from benchmarks.peers.ik import IKTask, SolverStand, is_within, restarts

pytestmark = pytest.mark.in_test_all("benchmark")


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(ik, "SIZES", dict.fromkeys(ik.SIZES, 20))
    monkeypatch.setattr(ik, "PATHS", 2)
    monkeypatch.setattr(ik, "REPEATS", 1)


def test_every_set_is_solved_and_reported(small, tmp_path, capsys):
    path = tmp_path / "rows.json"
    arguments = ["--robots", "snake12", "--batch", "1,20", "--json", str(path)]
    ik.main(arguments)
    rows = json.loads(path.read_text())["rows"]
    assert {row["set"] for row in rows if "set" in row} == {*ik.SIZES, "path"}
    success = {row["set"]: row["success"] for row in rows if "set" in row}
    assert success["uniform"] == 1.0
    assert success["unreachable"] == 0.0
    assert "row-steps/s" in capsys.readouterr().out


def test_the_judge_sees_errors_and_limits(small):
    arm = load_arm("panda")
    q = ik.target_configurations(arm, "uniform")
    poses = arm.poses(q)
    position, orientation = ik.judged(arm, q, poses)
    assert max(position.max(), orientation.max()) < 1e-12
    moved = q.copy()
    moved[:, 6] -= 0.1 * np.sign(moved[:, 6])
    assert (np.abs(ik.judged(arm, moved, poses)[1] - 0.1) < 1e-9).all()
    outside = q.copy()
    outside[0, 0] = 100.0
    assert ik.judged(arm, outside, poses)[0][0] == np.inf
    near = ik.target_configurations(arm, "near-limit")
    span = arm.robot.upper_limits - arm.robot.lower_limits
    share = np.minimum(near - arm.robot.lower_limits, arm.robot.upper_limits - near) / span
    assert (share.min(axis=1) <= 0.02).all()


def test_a_wrong_solution_ends_the_run(small, monkeypatch):
    arm = load_arm("panda")
    solve = ik.fkarm.solve_ik

    def off(*arguments, **kwargs):
        found = solve(*arguments, **kwargs)
        return found._replace(q=found.q + np.float32(0.05))

    monkeypatch.setattr(ik.fkarm, "solve_ik", off)
    with pytest.raises(AssertionError, match="what converged must be right"):
        ik.accuracy(arm, "uniform")


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


class Rival:
    """A stand in this process: solves half of the targets, or none at all."""

    def __init__(self, arm, share=0.5, error=None):
        self.arm, self.share, self.error = arm, share, error

    def prepare(self, task):
        assert task.joints == self.arm.robot.joint_names
        assert "<inertial>" in task.plain_urdf
        if self.error:
            raise Unavailable(self.error)

    def solve(self, poses, tolerances):
        q = np.array(peers.own_solver(self.arm)(poses, tolerances), np.float64)
        q[: round(self.share * len(q))] += 2 * np.pi  # a whole turn: fitted, still right
        q[round(self.share * len(q)) :, 1] += 0.1  # wrong
        return q, 0.01 * len(q)


@pytest.fixture
def arm(small, monkeypatch):
    monkeypatch.setattr(peers, "ROUNDS", 2)
    monkeypatch.setattr(peers, "SINGLES", 2)
    return load_arm("panda")


def test_rows_of_peers_say_success_speed_and_ratio(arm):
    rival = peers.Entrant("rival", IKPeer("rival", "no-such-package", most=10), Rival(arm))
    broken = peers.Entrant("broken", IKPeer("broken", "numpy"), Rival(arm, error="it is broken"))
    own = peers.Entrant(peers.OWN, None, SolverStand(lambda _: peers.own_solver(arm)))
    entrants = {"fkarm": own, "rival": rival, "broken": broken}
    rows = list(peers.measured(arm, entrants, ["uniform", "near-limit"], 12))
    assert [peers.line(row) for row in rows]
    assert [row["unavailable"] for row in rows if "unavailable" in row] == ["it is broken"]
    success = {
        (row["solver"], row["set"], row["tolerance"]): (row["targets"], row["success"])
        for row in rows
        if "set" in row
    }
    assert len(success) == 2 * 2 * 2
    assert success[peers.OWN, "near-limit", "loose"] == (12, 1.0)
    assert success["rival (not installed)", "uniform", "standard"] == (10, 0.5)
    speed = {(row["solver"], row["batch"]): row for row in rows if "batch" in row}
    theirs = speed["rival (not installed)", 10]
    assert theirs["solves_per_s"] == pytest.approx(100.0)
    assert speed["rival (not installed)", 1]["median_s"] == pytest.approx(0.01)
    (ratio,) = [row for row in rows if "over" in row]
    assert ratio["success"] == 1.0
    assert ratio["success_over"] == 0.5
    expected = speed[peers.OWN, 12]["solves_per_s"] / theirs["solves_per_s"]
    assert ratio["times_solves_per_s"] == pytest.approx(expected)


def test_the_option_chooses_peers_sets_and_targets(monkeypatch, tmp_path):
    asked = []

    def rows(arm, names, sets, most):
        asked.append((arm.name, names, sets, most))
        yield {"robot": arm.name, "solver": "rival 1.0", "unavailable": "it is not here"}

    monkeypatch.setattr(peers, "rows_beside", rows)
    path = tmp_path / "rows.json"
    ik.main(["--peers", "--targets", "5", "--json", str(path)])
    ik.main(["--peers", "mink,PyRoki", "--sets", "uniform,path"])
    assert asked[0] == ("panda", list(IK_PEERS), list(peers.SETS), 5)
    assert asked[1] == ("panda", ["mink", "PyRoki"], ["uniform"], 1000)
    assert json.loads(path.read_text())["rows"][0]["unavailable"] == "it is not here"


def test_angles_are_fitted_by_whole_turns_and_clipped():
    lower, upper = np.array([-1.0, -7.0]), np.array([2.0, 7.0])
    q = [[0.5 + 4 * np.pi, 6.5], [2.0 + 1e-6, -7.0 - 1e-6], [4.0, 7.5]]
    expected = [[0.5, 6.5], [2.0, -7.0 - 1e-6 + 2 * np.pi], [-1.0, 7.5 - 2 * np.pi]]
    np.testing.assert_allclose(peers.fitted(np.array(q), lower, upper), expected)


def test_a_local_search_starts_again_until_it_has_converged(rng):
    starts = []

    def descend(start):
        starts.append(start)
        return start, len(starts) == 3

    limits = np.array([-1.0, 0.0]), np.array([1.0, 2.0])
    task = IKTask("", "base", "tip", ("a", "b"), *limits)
    assert restarts(task, descend, 10, rng) is starts[2]
    assert starts[0].tolist() == [0.0, 1.0]
    assert ((starts[1] >= limits[0]) & (starts[1] <= limits[1])).all()
    assert is_within(np.array([9e-4, 0, 0, 0, 9e-3, 0]), (1e-3, 1e-2))
    assert not is_within(np.array([9e-4, 9e-4, 0, 0, 0, 0]), (1e-3, 1e-2))
    assert not is_within(np.array([0, 0, 0, 9e-3, 9e-3, 0]), (1e-3, 1e-2))


@pytest.mark.parametrize("name", [name for name in IK_PEERS if name != "PyRoki"])  # it compiles
def test_a_peer_that_is_installed_solves(small, name, monkeypatch):
    module = {"toolbox": "roboticstoolbox"}.get(IK_PEERS[name].module, IK_PEERS[name].module)
    pytest.importorskip(module)
    monkeypatch.setattr(peers, "ROUNDS", 1)
    monkeypatch.setattr(peers, "SINGLES", 1)
    rows = list(peers.rows_beside(load_arm("panda"), [name], ["uniform"], 10))
    found = [row for row in rows if "set" in row and row["solver"] != peers.OWN]
    assert [row["success"] >= 0.9 for row in found] == [True, True], rows
