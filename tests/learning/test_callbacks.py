"""TimeBudget and FiniteGuard: when a training ends."""

import re
import time

import keras
import numpy as np
import pytest

import fkarm
from fkarm.learning import FiniteGuard, TimeBudget, pose_stream


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


@pytest.mark.parametrize("spent", [-1.0, float("nan"), float("inf")])
def test_a_budget_was_not_spent_backwards(spent):
    with pytest.raises(ValueError, match="spent must be a finite number >= 0"):
        TimeBudget(1.0, spent=spent)


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


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), -float("inf")])
def test_the_guard_names_batch_and_epoch(loss):
    guard = FiniteGuard()
    guard.on_train_begin()
    guard.on_epoch_begin(4)
    guard.on_train_batch_end(6, {"loss": 1.0})
    said = re.escape(f"Received: a loss of {loss} in batch 8 of epoch 5. The newest checkpoint")
    with pytest.raises(fkarm.TrainingError, match=said):
        guard.on_train_batch_end(7, {"loss": loss})
