"""Errors of poses, and the table of a network: what counts as a success."""

import keras
import numpy as np
import pytest
from oracles import pose, rot

import fkarm
from fkarm.learning import (
    IKRegressor,
    errors_by_steps,
    evaluate_ik,
    evaluation,
    ik_targets,
    pose_errors,
    solution_coverage,
    to_markdown,
)

COLUMNS = {
    *("set", "targets", "steps", "solver", "median_mm", "p95_mm", "median_deg", "p95_deg"),
    *("success", "solutions_per_s", "parameters"),
}
# 9 inputs, 8 units, 2 heads of 3 joints of one turn, each a (sin, cos).
PARAMETERS = 9 * 8 + 8 + 8 * 12 + 12


def test_errors_are_those_of_the_reached_pose(panda):
    q = fkarm.sample_configurations(panda, 3, seed=0)
    target = fkarm.forward_kinematics(panda, q, "panda_hand").numpy()
    target[1, :3, 3] += [0.003, 0, 0.004]
    target[2] = target[2] @ pose(rot((0, 0, 1), np.radians(10)))
    errors = pose_errors(panda, q, target)
    np.testing.assert_allclose(errors.position_mm, [0, 5, 0], atol=1e-9)
    np.testing.assert_allclose(errors.orientation_deg, [0, 0, 10], atol=1e-6)
    summary = errors.summary()
    np.testing.assert_allclose(summary["median_mm"], 0, atol=1e-9)
    np.testing.assert_allclose(summary["p90_mm"], 4.0, atol=1e-9)
    np.testing.assert_allclose(summary["p90_deg"], 8.0, atol=1e-6)
    np.testing.assert_allclose(summary["share_within"], 2 / 3)
    assert errors.summary(position_tolerance=1e-3)["share_within"] == pytest.approx(1 / 3)


def test_no_poses_have_no_summary():
    with pytest.raises(ValueError, match="at least one pose"):
        fkarm.learning.PoseErrors(np.zeros(0), np.zeros(0)).summary()


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return IKRegressor(fkarm.robots.planar([0.5, 0.4, 0.2]), heads=2, width=8, depth=1)


@pytest.fixture(scope="module")
def rows(model):
    return evaluate_ik(model, count=40)


def test_a_row_for_each_set_and_number_of_steps(rows):
    kinds = [(row["set"], row["steps"], row["solver"]) for row in rows]
    ways = [(0, False), (1, False), (2, False), (3, False), (5, False), (3, True)]
    sets = ("uniform", "near-limit", "near-singular")
    assert kinds == [(name, *way) for name in sets for way in ways]
    assert [row["targets"] for row in rows] == [40] * 6 + [8] * 12
    assert all(set(row) == COLUMNS for row in rows)
    assert {row["parameters"] for row in rows} == {PARAMETERS}
    assert all(row["solutions_per_s"] > 0 for row in rows)


def test_steps_help_and_the_solver_finishes(rows):
    for name in ("uniform", "near-limit", "near-singular"):
        medians = [row["median_mm"] for row in rows if row["set"] == name and not row["solver"]]
        assert medians == sorted(medians, reverse=True)
        assert [row["success"] for row in rows if row["set"] == name][-1] == 1.0


@pytest.mark.parametrize(
    ("shift", "turn", "success"),
    [(0.9e-3, 0.0, 1.0), (1.1e-3, 0.0, 0.0), (0.0, 0.9e-2, 1.0), (0.0, 1.1e-2, 0.0)],
)
def test_a_success_is_within_a_millimetre_and_a_hundredth(model, monkeypatch, shift, turn, success):
    q = np.array([[0.3, 0.4, 0.5]])
    x = 0.5 * np.cos(0.3) + 0.4 * np.cos(0.7) + 0.2 * np.cos(1.2)
    y = 0.5 * np.sin(0.3) + 0.4 * np.sin(0.7) + 0.2 * np.sin(1.2)
    target = pose(rot((0, 0, 1), 1.2 + turn), (x + shift, y, 0))[None]
    found = answer_with(model, monkeypatch, q, target)
    assert found["success"] == success
    np.testing.assert_allclose(found["median_mm"], 1e3 * shift, atol=1e-9)
    np.testing.assert_allclose(found["p95_deg"], np.degrees(turn), atol=1e-6)


def answer_with(model, monkeypatch, q, target):
    result = fkarm.IKResult(q, *[None] * (len(fkarm.IKResult._fields) - 1))
    monkeypatch.setattr(model, "predict_ik", lambda *_, **__: result)
    return evaluation._row(model, target, 0, False)


def test_beyond_a_limit_nothing_is_a_success(model, monkeypatch):
    q = np.array([[0.3, 0.4, 0.5 + 2 * np.pi]])
    target = np.asarray(fkarm.forward_kinematics(model.robot, q, "tool"))
    found = answer_with(model, monkeypatch, q, target)
    assert found["median_mm"] < 1e-9
    assert found["success"] == 0.0


def test_percentiles_are_of_the_targets(model, monkeypatch):
    q = np.zeros((21, 3))
    target = np.array(fkarm.forward_kinematics(model.robot, q, "tool"))
    target[:, 0, 3] += 1e-3 * np.arange(21)
    found = answer_with(model, monkeypatch, q, target)
    np.testing.assert_allclose([found["median_mm"], found["p95_mm"]], [10, 19], atol=1e-9)
    assert found["success"] == pytest.approx(2 / 21)


def test_without_limits_no_target_is_near_one():
    joints = [fkarm.Joint(name, "continuous", xyz=(0.5, 0, 0)) for name in "ab"]
    model = IKRegressor(fkarm.Robot.from_joints(joints, tool=(0.5, 0, 0)), width=4, depth=1)
    assert ik_targets(model, "near-limit").shape == (0, 4, 4)
    assert {row["set"] for row in evaluate_ik(model, count=5)} == {"uniform", "near-singular"}


def test_errors_by_steps_are_those_of_the_table(model, rows):
    errors = errors_by_steps(model, count=40)
    assert list(errors) == ["network", "1 step", "2 steps", "3 steps", "5 steps"]
    for each, row in zip(errors.values(), rows, strict=False):
        assert np.median(each.position_mm) == pytest.approx(row["median_mm"], rel=1e-6)


def test_the_table_in_markdown(rows):
    lines = to_markdown(rows).splitlines()
    assert lines[0].startswith("| targets | steps |")
    assert len(lines) == 2 + 18 + 2
    assert {line.count("|") for line in lines[:-2]} == {7}
    assert lines[2].startswith("| 40 uniform | 0 | ")
    assert "| 3 + solver | " in lines[7]
    assert "| 100.00% |" in lines[7]
    assert f"{PARAMETERS} parameters" in lines[-1]


def test_arms_with_a_closed_form_have_a_coverage(monkeypatch):
    model = IKRegressor(fkarm.robots.ur5e(), heads=1, width=4, depth=1)
    q = fkarm.sample_configurations(model.robot, 450, seed=0)
    targets = np.asarray(fkarm.forward_kinematics(model.robot, q)).astype(np.float32)
    monkeypatch.setattr(model, "propose", lambda pose: q[::3, None])
    share = solution_coverage(model.robot, q[::3, None], targets[::3], steps=0).share
    assert 1 / 8 < share < 1 / 4
    found = evaluation._coverage(model, targets)
    assert found == pytest.approx(dict.fromkeys((0, 1, 2, 3, 5), share))


def test_the_coverage_is_a_column(model, rows, monkeypatch):
    shares = {0: 0.0, 1: 0.1, 2: 0.2, 3: 0.3, 5: 0.456}
    monkeypatch.setattr(evaluation, "_coverage", lambda *_: shares)
    monkeypatch.setattr(evaluation, "_row", lambda *given: dict(rows[given[2]], solver=given[3]))
    rows = evaluate_ik(model, count=5)
    assert [row["coverage"] for row in rows[:6]] == [0.0, 0.1, 0.2, 0.3, 0.456, None]
    lines = to_markdown(rows).splitlines()
    assert {line.count("|") for line in lines[:20]} == {8}
    assert lines[0].endswith("| coverage |")
    assert lines[6].endswith("| 45.6% |")
    assert "200 targets" in lines[-1]
    assert "within 0.3 rad" in lines[-1]


def test_what_has_no_table():
    with pytest.raises(TypeError, match="IKRegressor or IKFlow. Received: Sequential"):
        evaluate_ik(keras.Sequential())
    with pytest.raises(ValueError, match="at least one row. Received: none"):
        to_markdown([])


def test_targets_are_counted(model):
    with pytest.raises(ValueError, match="count must be a whole number >= 1. Received: 0"):
        evaluate_ik(model, count=0)
