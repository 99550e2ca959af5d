"""The table of a network: what the targets are, and what counts as a success."""

import keras
import numpy as np
import pytest
from oracles import pose, rot

import fkarm
from fkarm.learning import (
    IKRegressor,
    PoseBatches,
    errors_by_steps,
    evaluate_ik,
    ik_targets,
    protocol,
    to_markdown,
)

COLUMNS = {
    *("set", "targets", "steps", "solver", "median_mm", "p95_mm", "median_deg", "p95_deg"),
    *("success", "solutions_per_s", "parameters"),
}
# 9 inputs, 8 units, 2 heads of 3 joints of one turn, each a (sin, cos).
PARAMETERS = 9 * 8 + 8 + 8 * 12 + 12


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return IKRegressor(fkarm.robots.planar([0.5, 0.4, 0.2]), heads=2, width=8, depth=1)


@pytest.fixture(scope="module")
def rows(model):
    return evaluate_ik(model, 40)


def configurations(monkeypatch, model, name, targets):
    """The configurations whose poses a set holds."""
    seen = []

    def keep(robot, q, link):
        seen.append(q)
        return fkarm.forward_kinematics(robot, q, link)

    monkeypatch.setattr(protocol, "forward_kinematics", keep)
    return ik_targets(model, name, targets), seen[-1]


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
    result = fkarm.IKResult(q, *[None] * 5)
    monkeypatch.setattr(model, "predict_ik", lambda *_, **__: result)
    return protocol._row(model, target, 0, False)


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


def test_targets_near_limits_have_one_joint_there(model, monkeypatch):
    _, q = configurations(monkeypatch, model, "near-limit", 2000)
    assert len(q) == 400
    depth = np.minimum(q + np.pi, np.pi - q) / (2 * np.pi)
    assert (depth >= 0).all()
    assert (depth.min(axis=-1) <= 0.02).all()
    counts = np.bincount(depth.argmin(axis=-1), minlength=3)
    assert (counts > 90).all()
    assert 0.4 < (q[np.arange(400), depth.argmin(axis=-1)] > 0).mean() < 0.6


def test_targets_near_singularities_are_the_least_manipulable(model, monkeypatch, panda):
    _, q = configurations(monkeypatch, model, "near-singular", 500)
    assert len(q) == 100
    # A planar arm with two long links loses a direction where its elbow is straight.
    measure = np.abs(np.sin(q[:, 1]))
    assert measure.max() < 0.15
    arm = IKRegressor(panda, heads=1, width=4, depth=1)
    _, q = configurations(monkeypatch, arm, "near-singular", 100)
    everywhere = fkarm.sample_configurations(panda, 2000, seed=3)
    usual = np.asarray(fkarm.manipulability(panda, everywhere))
    found = np.asarray(fkarm.manipulability(panda, q))
    assert found.max() < np.quantile(usual, 0.12)
    np.testing.assert_allclose(protocol._manipulability(arm, q), found, rtol=1e-6, atol=1e-12)


def test_directions_that_an_arm_never_has_do_not_count():
    robot = fkarm.robots.planar([0.5, 0.4, 0.3, 0.2])
    q = fkarm.sample_configurations(robot, 50, seed=4)
    found = protocol._manipulability(IKRegressor(robot, heads=1, width=4, depth=1), q)
    expected = fkarm.manipulability(robot, q, "tool", ("x", "y", "rz"))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_singular_targets_are_no_more_than_can_be_drawn_quickly(model, monkeypatch):
    monkeypatch.setattr(protocol, "_MOST_SINGULAR", 7)
    assert len(ik_targets(model, "near-singular", 1000)) == 7


def test_without_limits_no_target_is_near_one():
    joints = [fkarm.Joint(name, "continuous", xyz=(0.5, 0, 0)) for name in "ab"]
    model = IKRegressor(fkarm.Robot.from_joints(joints, tool=(0.5, 0, 0)), width=4, depth=1)
    assert ik_targets(model, "near-limit").shape == (0, 4, 4)
    assert {row["set"] for row in evaluate_ik(model, 5)} == {"uniform", "near-singular"}


def test_targets_are_float32_poses_that_follow_the_seed(model, monkeypatch):
    poses, q = configurations(monkeypatch, model, "uniform", 6)
    assert poses.dtype == np.float32
    x = 0.5 * np.cos(q[:, 0]) + 0.4 * np.cos(q[:, :2].sum(-1)) + 0.2 * np.cos(q.sum(-1))
    np.testing.assert_allclose(poses[:, 0, 3], x, atol=1e-6)
    np.testing.assert_array_equal(poses, ik_targets(model, "uniform", 6, seed=1))
    assert (poses[:, 0, 3] != ik_targets(model, "uniform", 6, seed=2)[:, 0, 3]).all()


def test_no_batch_of_a_training_holds_targets(model, monkeypatch):
    """Batch 0 of epoch `set` is drawn from the same seed with fewer words."""
    poses, _ = configurations(monkeypatch, model, "uniform", 6)
    for epoch in range(3):
        batches = PoseBatches(model.robot, "tool", 6, 3, seed=1, first_epoch=epoch)
        for k in range(3):
            x, _ = batches[k]
            assert np.abs(x[:, 0] - poses[:, 0, 3]).max() > 1e-3


def test_errors_by_steps_are_those_of_the_table(model, rows):
    errors = errors_by_steps(model, 40)
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


def test_what_has_no_table():
    with pytest.raises(TypeError, match="IKRegressor or IKFlow. Received: Sequential"):
        evaluate_ik(keras.Sequential())
    with pytest.raises(ValueError, match="at least one row. Received: none"):
        to_markdown([])


def test_targets_are_counted(model):
    with pytest.raises(ValueError, match="targets must be a whole number >= 1. Received: 0"):
        evaluate_ik(model, 0)
