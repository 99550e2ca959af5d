"""train_ik: trainings that are interrupted, finished, of another model, or not finite."""

import errno
import json
import os
import re

import keras
import numpy as np
import pytest

import fkarm
from fkarm.learning import (
    Checkpoint,
    FiniteGuard,
    IKFlow,
    IKRegressor,
    TimeBudget,
    join_devices,
    train_ik,
    training,
)
from fkarm.learning.hosts import _check_devices

ROBOT = fkarm.robots.planar([0.5, 0.4, 0.2])
STEPS = 3


def network(kind=IKRegressor, rate=2e-3, **sizes):
    keras.utils.set_random_seed(0)
    heads = {} if kind is IKFlow else {"heads": 2}
    model = kind(ROBOT, **{"width": 8, "depth": 1, **heads, **sizes})
    model.compile(keras.optimizers.Adam(rate), run_eagerly=True, jit_compile=False)
    return model


def train(model, folder, **options):
    train_ik(model, folder, **{"steps": STEPS, "batch_size": 8, "verbose": False, **options})
    return model


@pytest.fixture
def extra(monkeypatch):
    """Lets a callback take part in `train_ik`, before those that keep the epoch."""

    def add(callback):
        monkeypatch.setattr(training, "_tensorboard", lambda *_: [])
        fit = IKRegressor.fit

        def with_it(self, *args, callbacks, **kwargs):
            return fit(self, *args, callbacks=[callback, *callbacks], **kwargs)

        monkeypatch.setattr(IKRegressor, "fit", with_it)

    return add


class Begun(keras.callbacks.Callback):
    """The epochs that begin, the learning rates of their batches."""

    def __init__(self):
        super().__init__()
        self.epochs, self.rates = [], []

    def on_epoch_begin(self, epoch, logs=None):
        self.epochs.append(epoch)

    def on_train_batch_end(self, batch, logs=None):
        self.rates.append(float(self.model.optimizer.learning_rate))


class Stop(keras.callbacks.Callback):
    """Interrupts the first training at a batch of an epoch."""

    def __init__(self, epoch, batch):
        super().__init__()
        self.at, self.epoch, self.is_done = (epoch, batch), 0, False

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.at and not self.is_done:
            self.is_done = True
            raise KeyboardInterrupt


def names(folder):
    return sorted(file.name for file in folder.iterdir() if file.is_file())


@pytest.mark.parametrize("kind", [IKRegressor, IKFlow])
def test_a_longer_training_goes_on_after_the_last_epoch(kind, tmp_path, monkeypatch):
    train(network(kind), tmp_path, epochs=2)
    assert names(tmp_path) == ["000002.weights.h5", "training.json"]
    seen = []
    data = training._data
    monkeypatch.setattr(training, "_data", lambda *a: seen.append(a[-2]) or data(*a))
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


@pytest.mark.parametrize(
    "other",
    [
        lambda: network(width=9),
        lambda: network(IKFlow),
        lambda: network(link="link_3"),
    ],
    ids=["width", "kind", "link"],
)
def test_a_folder_of_another_model_is_refused_and_kept(other, tmp_path):
    train(network(), tmp_path, epochs=1)
    before = {name: (tmp_path / name).read_bytes() for name in names(tmp_path)}
    with pytest.raises(ValueError, match="must hold a training of this model. Received: one of"):
        train(other(), tmp_path, epochs=2)
    assert {name: (tmp_path / name).read_bytes() for name in names(tmp_path)} == before


@pytest.mark.parametrize(
    "other",
    [{"seed": 1}, {"steps": 4}, {"batch_size": 4}, {"target": "configuration"}],
    ids=["seed", "steps", "batch_size", "target"],
)
def test_a_folder_of_a_training_on_other_poses_is_refused(other, tmp_path):
    train(network(), tmp_path, epochs=1)
    name, value = next(iter(other.items()))
    with pytest.raises(
        ValueError, match=f"on the same poses. Received: .*'{name}': {value!r}.* here"
    ):
        train(network(), tmp_path, epochs=2, **other)


def test_numbers_of_numpy_are_numbers(tmp_path):
    train(network(), tmp_path, epochs=np.int64(1), steps=np.int64(STEPS), seed=np.int64(0))
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


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), -float("inf")])
def test_the_guard_names_batch_and_epoch(loss):
    guard = FiniteGuard()
    guard.on_train_begin()
    guard.on_epoch_begin(4)
    guard.on_train_batch_end(6, {"loss": 1.0})
    said = re.escape(f"Received: a loss of {loss} in batch 8 of epoch 5. The newest checkpoint")
    with pytest.raises(fkarm.TrainingError, match=said):
        guard.on_train_batch_end(7, {"loss": loss})


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        train(network(), tmp_path / "file" / "folder", epochs=1)


def test_a_full_disk_is_found_before_the_weights_are_written(tmp_path, extra, monkeypatch):
    """HDF5 would end the process."""
    room = []

    def fsync(descriptor):
        room.append(os.fstat(descriptor).st_size)
        if len(room) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("fkarm.learning.hosts.os.fsync", fsync)
    with pytest.raises(OSError, match="No space left"):
        train(network(), tmp_path, epochs=2)
    assert names(tmp_path) == ["000001.weights.h5", "training.json"]
    assert room[1] >= (tmp_path / "000001.weights.h5").stat().st_size


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "One of minutes and epochs must be given. Received: minutes=None, epochs=None"),
        ({"minutes": 1, "epochs": 1}, "Received: minutes=1, epochs=1"),
        ({"minutes": 1, "part": (0, 2)}, "must train by epochs. Received: minutes"),
        ({"epochs": 0}, "epochs must be a whole number >= 1"),
        ({"epochs": 1, "steps": 1.5}, "steps must be a whole number >= 1"),
        ({"epochs": 1, "batch_size": "8"}, "batch_size must be a whole number >= 1"),
        ({"minutes": 0}, "minutes must be finite and > 0. Received: 0"),
        ({"minutes": -1}, "minutes must be finite and > 0. Received: -1"),
        ({"minutes": "2"}, "minutes must be finite and > 0. Received: '2'"),
    ],
)
def test_what_cannot_be_trained(options, said, tmp_path):
    with pytest.raises(ValueError, match=said):
        train(network(), tmp_path / "new", **options)


@pytest.mark.parametrize("spent", [-1.0, float("nan"), float("inf")])
def test_a_budget_was_not_spent_backwards(spent):
    with pytest.raises(ValueError, match="spent must be a finite number >= 0"):
        TimeBudget(1.0, spent=spent)


def test_progress_is_shown_or_not(tmp_path, capsys):
    train(network(), tmp_path / "silent", epochs=1)
    assert capsys.readouterr().out == ""
    train(network(), tmp_path / "epochs", epochs=1, verbose=True)
    assert "position_error_mm" in capsys.readouterr().out
    train(network(), tmp_path / "minutes", minutes=1e-4, verbose=True)
    assert "position_error_mm" in capsys.readouterr().out


def test_devices_are_counted():
    with pytest.raises(ValueError, match="count must be a whole number >= 1"), join_devices(0):
        pass
    with pytest.raises(ValueError, match="There must be 3 devices. Received: a, b. Call join"):
        _check_devices(3, ["a", "b"])
    with pytest.raises(ValueError, match="There must be 99 devices"), join_devices(99):
        pass


def test_several_devices_need_another_backend_than_pytorch(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(RuntimeError, match="TensorFlow or JAX.* Received: torch"), join_devices(2):
        pass
