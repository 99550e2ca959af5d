"""The benchmark of learned inverse kinematics: rows, rivals, variety, refusals."""

import json

import keras
import numpy as np
import pytest

import fkarm
from benchmarks import learned_ik
from benchmarks.learned_ik.diversity import coverage, discrepancy, many_solutions

pytest.importorskip("pinocchio")

pytestmark = pytest.mark.in_test_all("benchmark")


def test_every_kind_is_trained_and_reported(tmp_path, capsys, monkeypatch):
    # An arm that compiles quickly, under the name of a larger one.
    monkeypatch.setattr(fkarm.robots, "ur5e", lambda: fkarm.robots.planar([0.5, 0.4, 0.3]))
    file = tmp_path / "rows.json"
    learned_ik.main(
        ["--robots", "ur5e", "--minutes", "0.002", "--targets", "20", "--json", str(file)]
    )
    rows = json.loads(file.read_text())["rows"]
    steps = {(row["starts"], row["steps"]) for row in rows if "steps" in row}
    for kind in learned_ik.MODELS:
        assert {(kind, each) for each in (*learned_ik.STEPS, "3, then the solver")} <= steps
    assert ("table, best of 4", 20) in steps
    assert all(row["success"] == 1.0 for row in rows if row.get("steps") == "3, then the solver")
    assert "coverage" in capsys.readouterr().out


def test_unknown_kinds_are_refused(capsys):
    with pytest.raises(SystemExit):
        learned_ik.main(["--kinds", "oracle"])
    assert "--kinds must be of: joint MSE" in capsys.readouterr().err


def test_flops_are_those_of_the_kernels():
    model = keras.Sequential([keras.Input((9,)), keras.layers.Dense(5), keras.layers.Dense(3)])
    row = learned_ik.size_row(model)
    assert row == {"parameters": 68, "flops_per_candidate_set": 2 * (45 + 15)}


def test_solutions_cover_themselves_and_not_what_is_far():
    arm = fkarm.robots.ur5e()
    q = fkarm.sample_configurations(arm, 4, seed=0)
    poses = np.asarray(fkarm.forward_kinematics(arm, q, arm.end_effector)).astype("float32")
    exact = many_solutions(arm, arm.end_effector, poses, 50)
    for found, pose in zip(exact, poses, strict=True):
        assert len(found) >= 2
        reached = np.asarray(fkarm.forward_kinematics(arm, found, arm.end_effector))
        assert np.abs(reached - pose).max() < 0.02
    assert coverage(exact, exact) == 1.0
    assert discrepancy(exact, exact) == pytest.approx(0.0, abs=1e-6)
    assert coverage([found + 2 * np.pi for found in exact], exact) == 1.0
    first = [found[:1] for found in exact]
    apart = [np.abs(np.angle(np.exp(1j * (found - found[0])))).max(axis=-1) for found in exact]
    share = np.mean([np.mean(each < 0.3) for each in apart])
    assert share < 0.5
    assert coverage(first, exact) == pytest.approx(share)
    far = [found + 1.0 for found in exact]
    assert coverage(far, exact) < 0.2
    assert discrepancy(far, exact) > 0.1
    assert coverage([found[:0] for found in exact], exact) == 0.0
