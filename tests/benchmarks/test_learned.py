"""The benchmark of learned inverse kinematics: rows, one candidate, variety, refusals."""

import json

import numpy as np
import pytest

import fkarm
from benchmarks import learned
from benchmarks.robots import Arm

pytest.importorskip("pinocchio")

pytestmark = pytest.mark.in_test_all("benchmark")


def test_every_kind_is_trained_and_reported(tmp_path, capsys, monkeypatch):
    # An arm that compiles quickly, under the name of a larger one.
    monkeypatch.setattr(fkarm.robots, "ur5e", lambda: fkarm.robots.planar([0.5, 0.4, 0.3]))
    file = tmp_path / "rows.json"
    learned.main(["--robots", "ur5e", "--minutes", "0.002", "--targets", "20", "--json", str(file)])
    rows = json.loads(file.read_text())["rows"]
    steps = {(row["starts"], row["steps"]): row for row in rows if "steps" in row}
    for kind in learned.MODELS:
        assert {(kind, each) for each in (*learned.STEPS, "3, then the solver")} <= set(steps)
        # No selection: worse than the best of many, and equal to it for one head alone.
        alone = steps[kind, 0]
        if kind in ("joint MSE", "FK loss"):
            assert alone["single_mm"] == pytest.approx(alone["mean_mm"], rel=1e-4)
        else:
            assert alone["single_mm"] > alone["mean_mm"]
    assert ("table, best of 4", 5) in steps
    assert "single_mm" not in steps["table, best of 4", 0]
    assert all(row["success"] == 1.0 for row in rows if row.get("steps") == "3, then the solver")
    assert "coverage" in capsys.readouterr().out


def test_the_error_of_one_candidate_is_the_mean_over_candidates():
    robot = fkarm.robots.ur5e()
    arm = Arm("ur5e", robot.sub_chain(robot.root_link, robot.end_effector))
    q = fkarm.sample_configurations(arm.robot, 3, seed=0)
    turned = q.copy()
    turned[:, -1] += 0.2  # turns the last link by 0.2 rad
    candidates = np.stack([q, turned], axis=1)
    row = learned.single_errors(arm, arm.poses(q), candidates)
    assert row["single_deg"] == pytest.approx(np.degrees(0.1))
    positions = arm.poses(turned)[:, :3, 3] - arm.poses(q)[:, :3, 3]
    expected = 1e3 * np.linalg.norm(positions, axis=-1).mean() / 2
    assert row["single_mm"] == pytest.approx(expected, abs=1e-9)


def test_unknown_kinds_are_refused(capsys):
    with pytest.raises(SystemExit):
        learned.main(["--kinds", "oracle"])
    assert "--kinds must be of: joint MSE; FK loss; FK loss, 4 heads" in capsys.readouterr().err


def test_solutions_cover_themselves_and_not_what_is_far():
    arm = fkarm.robots.ur5e()
    q = fkarm.sample_configurations(arm, 4, seed=0)
    poses = np.asarray(fkarm.forward_kinematics(arm, q, arm.end_effector)).astype("float32")
    exact = learned.many_solutions(arm, arm.end_effector, poses, 50)
    for solutions, pose in zip(exact, poses, strict=True):
        assert len(solutions) >= 2
        reached = np.asarray(fkarm.forward_kinematics(arm, solutions, arm.end_effector))
        assert np.abs(reached - pose).max() < 0.02
    assert learned.coverage(exact, exact) == 1.0
    assert learned.coverage([q + 2 * np.pi for q in exact], exact) == 1.0
    apart = [np.abs(np.angle(np.exp(1j * (q - q[0])))).max(axis=-1) for q in exact]
    share = np.mean([np.mean(each < learned.NEAR) for each in apart])
    assert share < 0.5
    assert learned.coverage([q[:1] for q in exact], exact) == pytest.approx(share)
    assert learned.coverage([q + 1.0 for q in exact], exact) < 0.2
    assert learned.coverage([q[:0] for q in exact], exact) == 0.0
