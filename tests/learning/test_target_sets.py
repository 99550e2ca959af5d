"""The targets that a network is evaluated on."""

import keras
import numpy as np
import pytest

import fkarm
from fkarm.learning import IKRegressor, PoseBatches, ik_targets, target_sets


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return IKRegressor(fkarm.robots.planar([0.5, 0.4, 0.2]), heads=2, width=8, depth=1)


def configurations(monkeypatch, model, name, count):
    """The configurations whose poses a set holds."""
    seen = []

    def keep(robot, q, link):
        seen.append(q)
        return fkarm.forward_kinematics(robot, q, link)

    monkeypatch.setattr(target_sets, "forward_kinematics", keep)
    return ik_targets(model, name, count=count), seen[-1]


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
    np.testing.assert_allclose(target_sets._manipulability(arm, q), found, rtol=1e-6, atol=1e-12)


def test_directions_that_an_arm_never_has_do_not_count():
    robot = fkarm.robots.planar([0.5, 0.4, 0.3, 0.2])
    q = fkarm.sample_configurations(robot, 50, seed=4)
    found = target_sets._manipulability(IKRegressor(robot, heads=1, width=4, depth=1), q)
    expected = fkarm.manipulability(robot, q, "tool", ("x", "y", "rz"))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_singular_targets_are_no_more_than_can_be_drawn_quickly(model, monkeypatch):
    monkeypatch.setattr(target_sets, "_MOST_SINGULAR", 7)
    assert len(ik_targets(model, "near-singular", count=1000)) == 7


def test_targets_are_float32_poses_that_follow_the_seed(model, monkeypatch):
    poses, q = configurations(monkeypatch, model, "uniform", 6)
    assert poses.dtype == np.float32
    x = 0.5 * np.cos(q[:, 0]) + 0.4 * np.cos(q[:, :2].sum(-1)) + 0.2 * np.cos(q.sum(-1))
    np.testing.assert_allclose(poses[:, 0, 3], x, atol=1e-6)
    np.testing.assert_array_equal(poses, ik_targets(model, "uniform", count=6, seed=1))
    assert (poses[:, 0, 3] != ik_targets(model, "uniform", count=6, seed=2)[:, 0, 3]).all()


def test_no_batch_of_a_training_holds_targets(model, monkeypatch):
    """Batch 0 of epoch `set` is drawn from the same seed with fewer words."""
    poses, _ = configurations(monkeypatch, model, "uniform", 6)
    for epoch in range(3):
        batches = PoseBatches(
            model.robot, "tool", batch_size=6, steps_per_epoch=3, seed=1, first_epoch=epoch
        )
        for k in range(3):
            x, _ = batches[k]
            assert np.abs(x[:, 0] - poses[:, 0, 3]).max() > 1e-3


def test_bad_sets_are_refused(model):
    with pytest.raises(ValueError, match="name must be one of: 'uniform', .*Received: 'unifrom'"):
        ik_targets(model, "unifrom")
    with pytest.raises(ValueError, match="count must be a whole number >= 1. Received: 0.5"):
        ik_targets(model, count=0.5)
