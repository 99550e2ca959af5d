"""Training a network for inverse kinematics from nothing to a file, interruptions included."""

from __future__ import annotations

import math
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

from fkarm._checks import check_count, check_positive
from fkarm.learning.callbacks import FiniteGuard, TimeBudget, learning_rate
from fkarm.learning.checkpoint import Checkpoint, TrainingRecord
from fkarm.learning.data import PoseBatches, pose_stream
from fkarm.learning.ik_model import IKModel, check_network

if TYPE_CHECKING:
    import tensorflow as tf

# Where time decides, `fit` gets more epochs than it will need.
_ENDLESS = 10**6


def train_ik(
    model: IKModel,
    folder: str | Path,
    *,
    minutes: float | None = None,
    epochs: int | None = None,
    labels: str | None = None,
    batch_size: int = 1024,
    steps_per_epoch: int = 200,
    seed: int = 0,
    part: tuple[int, int] = (0, 1),
    verbose: bool = True,
) -> None:
    """Train a compiled model on poses of its robot, for a time or for a number of epochs.

    The learning rate falls to zero along half a cosine. After every epoch the folder holds a
    checkpoint. A later call with the same folder and poses resumes after the last whole epoch, with
    the batches that an uninterrupted training would have; it may change the minutes, the epochs and
    the learning rate.

    Args:
        model: `IKRegressor` or `IKFlow`, compiled.
        folder: Where checkpoints and the logs of TensorBoard (if it is installed) go.
        minutes: How long to train; or
        epochs: how many epochs. Several processes (`join_hosts`) need this: their clocks differ.
        labels: What the model is given together with a pose, as for `pose_stream`; None:
            `model.labels`.
        batch_size: Poses per batch, of all processes together.
        steps_per_epoch: Batches per epoch.
        seed: Seed of the poses.
        part: `(process, processes)`, see `join_hosts`.
        verbose: Whether to show progress.
    Raises:
        TypeError: If `model` is no network for inverse kinematics.
        TrainingError: If a loss or a weight is not finite; the last good epoch stays in the folder.
        ValueError: If the model is not compiled, both or neither of `minutes` and `epochs` are
            given, several processes train by the clock, an argument is out of range, or the folder
            holds a training of another model or on other poses.
        OSError: If the folder cannot be written.
    """
    check_network(model)
    _check_length(model, minutes, epochs, part)
    check_count("batch_size", batch_size)
    check_count("steps_per_epoch", steps_per_epoch)
    poses: dict[str, Any] = {
        "labels": model.labels if labels is None else labels,
        "batch_size": int(batch_size),
        "steps_per_epoch": int(steps_per_epoch),
        "seed": int(seed),
    }
    checkpoint, rate = Checkpoint(folder), learning_rate(model)
    first = checkpoint.first_epoch
    record = TrainingRecord(Path(folder), model, poses, part[0])
    pace, is_done = _pace(record, rate, minutes, epochs, first, verbose)
    is_heard = verbose and part[0] == 0
    if first and is_heard:
        what = "resuming after them"
        if is_done:
            what = "finished before. To train on, ask for more; to start anew, delete the folder"
        print(f"{folder} holds {first} epochs: {what}.", flush=True)
    if first and is_done:
        checkpoint.restore(model)
    else:
        model.fit(
            _data(model, poses, part, first),
            initial_epoch=first,
            epochs=_ENDLESS if epochs is None else epochs,
            steps_per_epoch=poses["steps_per_epoch"],
            shuffle=False,
            # The pace reads the learning rate before the checkpoint restores that of its epoch.
            callbacks=[
                *(FiniteGuard(), pace, checkpoint, record),
                *_tensorboard(Path(folder), part[0]),
            ],
            verbose=2 if is_heard and epochs is not None else 0,
        )
    # It fell to zero; a training after this one begins with the rate that was given.
    model.optimizer.learning_rate.assign(rate)


def _check_length(
    model: IKModel, minutes: float | None, epochs: int | None, part: tuple[int, int]
) -> None:
    """Raise ValueError unless the model can be trained for that long."""
    if not model.compiled:
        raise ValueError("model must be compiled. Received: one that is not. Try model.compile().")
    if (minutes is None) == (epochs is None):
        raise ValueError(
            f"One of minutes and epochs must be given. Received: {minutes=}, {epochs=}."
        )
    if part[1] > 1 and epochs is None:
        raise ValueError("Several processes must train by epochs. Received: minutes.")
    if minutes is not None:
        check_positive("minutes", minutes)
    if epochs is not None:
        check_count("epochs", epochs)


def _pace(
    record: TrainingRecord,
    rate: float,
    minutes: float | None,
    epochs: int | None,
    first: int,
    verbose: bool,
) -> tuple[keras.callbacks.Callback, bool]:
    """The callback that anneals the learning rate, and whether the training is over already."""
    if epochs is not None:
        cosine = keras.callbacks.LearningRateScheduler(
            lambda epoch, _: 0.5 * rate * (1.0 + math.cos(math.pi * epoch / epochs))
        )
        return cosine, first >= epochs
    seconds = 60.0 * (minutes or 0.0)
    record.budget = TimeBudget(seconds, verbose, record.seconds if first else 0.0)
    return record.budget, record.seconds >= seconds


def _data(
    model: IKModel, poses: dict[str, Any], part: tuple[int, int], first_epoch: int
) -> tf.data.Dataset | PoseBatches:
    """The poses of the first epoch and of later ones: every epoch of every seed has its own."""
    if keras.backend.backend() == "tensorflow" and part[1] == 1:
        stream = {name: poses[name] for name in ("labels", "batch_size", "seed")}
        stream["first_batch"] = first_epoch * poses["steps_per_epoch"]
        return pose_stream(model.robot, model.link, **stream)
    return PoseBatches(model.robot, model.link, **poses, part=part, first_epoch=first_epoch)


def _tensorboard(folder: Path, process: int) -> list[keras.callbacks.Callback]:
    """The callback that logs for TensorBoard, if it is installed."""
    if process or not find_spec("tensorboard"):
        return []
    return [keras.callbacks.TensorBoard(folder / "logs", write_graph=False)]
