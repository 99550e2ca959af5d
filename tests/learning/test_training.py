"""train_ik: trainings that are interrupted, resumed, finished, or not finite."""

import json

import keras
import numpy as np
import pytest
from learning.trainings import ROBOT, STEPS, Begun, Stop, names, network, train

import fkarm
from fkarm.learning import Checkpoint, IKFlow, IKRegressor, training


@pytest.mark.parametrize("kind", [IKRegressor, IKFlow])
def test_a_longer_training_resumes_after_the_last_epoch(kind, tmp_path, monkeypatch):
    train(network(kind), tmp_path, epochs=2)
    assert names(tmp_path) == ["000002.weights.h5", "training.json"]
    seen = []
    data = training._data
    monkeypatch.setattr(training, "_data", lambda *a: seen.append(a[-1]) or data(*a))
    model = train(network(kind), tmp_path, epochs=4)
    assert seen == [2]
    assert int(model.optimizer.iterations) == 4 * STEPS
    assert names(tmp_path) == ["000004.weights.h5", "training.json"]


def test_the_learning_rate_falls_to_zero_along_a_cosine(tmp_path, extra):
    begun = Begun()
    extra(begun)
    train(network(rate=0.01), tmp_path, epochs=2)
    train(network(rate=0.01), tmp_path, epochs=4)
    assert begun.epochs == [0, 1, 2, 3]
    shares = [0, 1 / 2, 2 / 4, 3 / 4]
    expected = 0.005 * (1 + np.cos(np.pi * np.repeat(shares, STEPS)))
    np.testing.assert_allclose(begun.rates, expected, rtol=1e-5)


def test_an_interruption_loses_no_more_than_the_running_epoch(tmp_path, extra):
    extra(Stop(2, 1))
    with pytest.raises(KeyboardInterrupt):
        train(network(), tmp_path, epochs=4)
    assert names(tmp_path) == ["000002.weights.h5", "training.json"]
    model = network()
    Checkpoint(tmp_path).restore(model)
    assert int(model.optimizer.iterations) == 2 * STEPS
    model = train(network(), tmp_path, epochs=4)
    assert int(model.optimizer.iterations) == 4 * STEPS


def test_an_interrupted_training_ends_like_an_uninterrupted_one(tmp_path, extra):
    extra(Stop(1, 1))
    with pytest.raises(KeyboardInterrupt):
        train(network(), tmp_path / "parts", epochs=3)
    in_parts = train(network(), tmp_path / "parts", epochs=3)
    whole = train(network(), tmp_path / "whole", epochs=3)
    for a, b in zip(in_parts.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_minutes_count_over_an_interruption(tmp_path, extra, monkeypatch):
    clock = Clock(monkeypatch)
    extra(clock)
    extra(Stop(3, 1))
    with pytest.raises(KeyboardInterrupt):
        train(network(), tmp_path, minutes=1)
    # Each batch takes 4 s; time begins at the end of the first of them.
    assert json.loads((tmp_path / "training.json").read_text())["seconds"] == 32
    assert names(tmp_path)[0] == "000003.weights.h5"
    clock.now = 1000.0
    begun = Begun()
    extra(begun)
    train(network(), tmp_path, minutes=1)
    assert begun.epochs == [3, 4, 5]
    assert len(begun.rates) == 8
    assert json.loads((tmp_path / "training.json").read_text())["seconds"] == 60
    assert Checkpoint(tmp_path).first_epoch == 6


class Clock(keras.callbacks.Callback):
    """Makes each batch take four seconds of the budget's time."""

    def __init__(self, monkeypatch):
        super().__init__()
        self.now = 0.0
        monkeypatch.setattr("fkarm.learning.callbacks.time.monotonic", lambda: self.now)

    def on_train_batch_end(self, batch, logs=None):
        self.now += 4.0


@pytest.mark.parametrize("length", [{"epochs": 2}, {"minutes": 1e-4}], ids=["epochs", "minutes"])
def test_a_finished_training_is_restored_and_not_trained_again(length, tmp_path, monkeypatch):
    done = train(network(), tmp_path, **length)
    before = names(tmp_path)
    monkeypatch.setattr(IKRegressor, "fit", lambda *_, **__: pytest.fail("trained again"))
    again = train(network(), tmp_path, **length)
    for model in (done, again):  # ready for a training of another kind
        assert float(model.optimizer.learning_rate) == pytest.approx(2e-3)
    for a, b in zip(done.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert names(tmp_path) == before


def test_numbers_of_numpy_are_numbers(tmp_path):
    train(
        network(), tmp_path, epochs=np.int64(1), steps_per_epoch=np.int64(STEPS), seed=np.int64(0)
    )
    model = train(network(), tmp_path, epochs=2)
    assert int(model.optimizer.iterations) == 2 * STEPS


def test_what_is_no_network_or_is_not_compiled(tmp_path):
    with pytest.raises(TypeError, match="IKRegressor or IKFlow. Received: Sequential"):
        train(keras.Sequential(), tmp_path, epochs=1)
    with pytest.raises(ValueError, match="model must be compiled"):
        train(IKRegressor(ROBOT, width=8), tmp_path, epochs=1)


def test_a_loss_that_is_not_finite_names_its_batch_and_keeps_the_epoch_before(tmp_path):
    train(network(), tmp_path, epochs=1)
    with pytest.raises(fkarm.TrainingError, match=r"a loss of nan in batch [23] of epoch 2\b"):
        train(network(rate=3e38), tmp_path, epochs=2)
    assert names(tmp_path) == ["000001.weights.h5", "training.json"]


def test_a_weight_that_is_not_finite_is_found_at_the_end_of_its_epoch(tmp_path, extra):
    class Break(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                weight = self.model.trainable_variables[0]
                weight.assign(np.full(weight.shape, np.inf))

    extra(Break())
    message = r"a weight of .*kernel after epoch 2 that is not"
    with pytest.raises(fkarm.TrainingError, match=message):
        train(network(), tmp_path, epochs=3)
    assert names(tmp_path) == ["000001.weights.h5", "training.json"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "One of minutes and epochs must be given. Received: minutes=None, epochs=None"),
        ({"minutes": 1, "epochs": 1}, "Received: minutes=1, epochs=1"),
        ({"minutes": 1, "part": (0, 2)}, "must train by epochs. Received: minutes"),
        ({"epochs": 0}, "epochs must be a whole number >= 1"),
        ({"epochs": 1, "steps_per_epoch": 1.5}, "steps_per_epoch must be a whole number >= 1"),
        ({"epochs": 1, "batch_size": "8"}, "batch_size must be a whole number >= 1"),
        ({"minutes": 0}, "minutes must be finite and > 0. Received: 0"),
        ({"minutes": -1}, "minutes must be finite and > 0. Received: -1"),
        ({"minutes": "2"}, "minutes must be finite and > 0. Received: '2'"),
    ],
)
def test_what_cannot_be_trained(options, said, tmp_path):
    with pytest.raises(ValueError, match=said):
        train(network(), tmp_path / "new", **options)


def test_progress_is_shown_or_not(tmp_path, capsys):
    train(network(), tmp_path / "silent", epochs=1)
    assert capsys.readouterr().out == ""
    train(network(), tmp_path / "epochs", epochs=1, verbose=True)
    assert "position_error_mm" in capsys.readouterr().out
    train(network(), tmp_path / "minutes", minutes=1e-4, verbose=True)
    assert "position_error_mm" in capsys.readouterr().out
