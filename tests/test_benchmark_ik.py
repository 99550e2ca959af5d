"""The benchmark of the solver: sets, judge, refusals."""

import json

import numpy as np
import pytest

from benchmarks import ik
from benchmarks.arms import load_arm


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
    [(["--robots", "r2d2"], "Received: 'r2d2'"), (["--sets", "easy"], "Received: 'easy'")],
    ids=str,
)
def test_unknown_names_are_refused(arguments, message, capsys):
    with pytest.raises(SystemExit):
        ik.main(arguments)
    assert message in capsys.readouterr().err
