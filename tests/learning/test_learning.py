"""Target streams, time budgets, evaluation."""

import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from oracles import pose, rot

import fkarm
from fkarm.learning import TimeBudget, last_layer_share, pose_errors, pose_stream


def test_a_stream_pairs_poses_with_what_was_asked_for(panda):
    poses, matrices = next(iter(pose_stream(panda, batch_size=8, seed=3)))
    again, q = next(iter(pose_stream(panda, batch_size=8, seed=3, target="configuration")))
    assert poses.shape == (8, 9)
    np.testing.assert_array_equal(poses, again)
    np.testing.assert_allclose(
        fkarm.geometry.pose_to_matrix(poses, "xyz_rot6d"), matrices, atol=1e-6
    )
    np.testing.assert_allclose(
        fkarm.forward_kinematics(panda, q, "panda_hand"), matrices, atol=1e-6
    )
    assert (q.numpy() > panda.lower_limits - 1e-6).all()
    assert (q.numpy() < panda.upper_limits + 1e-6).all()


def test_a_stream_never_repeats_and_follows_its_seed(panda):
    batches = [x.numpy() for x, _ in pose_stream(panda, batch_size=4, seed=1).take(3)]
    assert (batches[0] != batches[1]).any()
    assert (batches[1] != batches[2]).any()
    other, _ = next(iter(pose_stream(panda, batch_size=4, seed=2)))
    assert (other.numpy() != batches[0]).any()


def test_a_stream_can_aim_at_another_link(panda):
    x, _ = next(iter(pose_stream(panda, "panda_link1", batch_size=4)))
    np.testing.assert_allclose(x.numpy()[:, :3], np.tile([0, 0, 0.333], (4, 1)), atol=1e-7)


def test_bad_streams_are_refused(panda):
    with pytest.raises(ValueError, match="target must be one of"):
        pose_stream(panda, target="joints")
    with pytest.raises(ValueError, match="batch_size must be at least 1"):
        pose_stream(panda, batch_size=0)
    with pytest.raises(fkarm.UnknownLinkError):
        pose_stream(panda, "elbow")
    rail = fkarm.Robot.from_joints([fkarm.Joint("rail", "prismatic")])
    with pytest.raises(fkarm.RobotError, match="both limits"):
        pose_stream(rail)


def test_a_stream_needs_a_fixed_base(free_robot):
    with pytest.raises(fkarm.RobotError, match="fixed base"):
        pose_stream(free_robot)


def test_a_stream_needs_tensorflow_as_the_backend(panda, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(RuntimeError, match="Received: jax. Set KERAS_BACKEND"):
        pose_stream(panda)


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


def small_model(panda):
    inputs = keras.Input((9,))
    q = fkarm.layers.JointLimits(panda)(keras.layers.Dense(7)(inputs))
    model = keras.Model(inputs, fkarm.layers.ForwardKinematics(panda)(q))
    model.compile(keras.optimizers.Adam(0.01), fkarm.losses.PoseLoss())
    return model


def test_a_time_budget_stops_training_and_anneals_the_rate(panda, capsys):
    rates = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            rates.append(float(self.model.optimizer.learning_rate))

    model = small_model(panda)
    start = time.monotonic()
    model.fit(
        pose_stream(panda, batch_size=16),
        steps_per_epoch=5,
        epochs=10**6,
        verbose=0,
        shuffle=False,
        callbacks=[TimeBudget(1.0), Watch()],
    )
    assert time.monotonic() - start < 60
    assert rates[0] == pytest.approx(0.01)
    assert rates[-1] < 0.002
    assert (np.diff(rates) <= 0).all()
    assert float(model.optimizer.learning_rate) == pytest.approx(0.01)
    assert "loss" in capsys.readouterr().out


def test_a_silent_budget_prints_nothing(panda, capsys):
    small_model(panda).fit(
        pose_stream(panda, batch_size=16),
        steps_per_epoch=5,
        epochs=10**6,
        verbose=0,
        shuffle=False,
        callbacks=[TimeBudget(0.1, show_progress=False)],
    )
    assert capsys.readouterr().out == ""


def test_a_budget_must_be_positive():
    with pytest.raises(ValueError, match="seconds must be finite and > 0"):
        TimeBudget(0.0)


def test_a_budget_wants_a_learning_rate_that_is_a_number(panda):
    model = small_model(panda)
    schedule = keras.optimizers.schedules.CosineDecay(0.01, 10)
    model.compile(keras.optimizers.Adam(schedule), fkarm.losses.PoseLoss())
    with pytest.raises(TypeError, match="a number, not a schedule. Received: CosineDecay"):
        model.fit(
            pose_stream(panda, batch_size=16),
            steps_per_epoch=1,
            shuffle=False,
            verbose=0,
            callbacks=[TimeBudget(1.0)],
        )


def test_no_poses_have_no_summary():
    with pytest.raises(ValueError, match="at least one pose"):
        fkarm.learning.PoseErrors(np.zeros(0), np.zeros(0)).summary()


def test_the_share_of_the_last_layer_is_a_share_and_leaves_the_model_alone(panda):
    model = small_model(panda)
    before = [tf.identity(weight) for weight in model.weights]
    x, y = next(iter(pose_stream(panda, batch_size=256)))
    share = last_layer_share(model, x, y, steps=5)
    assert share < 1.0
    for old, new in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(old, new)
