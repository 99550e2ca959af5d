"""Training a network for inverse kinematics from nothing to a file, interruptions included."""

from __future__ import annotations

import hashlib
import json
import math
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras

from fkarm._checks import check_count, check_positive
from fkarm.learning.callbacks import FiniteGuard, TimeBudget, learning_rate
from fkarm.learning.data import PoseBatches, pose_stream
from fkarm.learning.flow import IKFlow
from fkarm.learning.hosts import Checkpoint
from fkarm.learning.ik_model import IKModel, check_network

ENDLESS = 10**6  # epochs, where time decides


def train_ik(
    model: IKModel,
    folder: str | Path,
    *,
    minutes: float | None = None,
    epochs: int | None = None,
    steps: int = 200,
    batch_size: int = 1024,
    seed: int = 0,
    part: tuple[int, int] = (0, 1),
    target: str | None = None,
    verbose: bool = True,
) -> None:
    """Train a compiled model on poses of its robot, for a time or for a number of epochs.

    The learning rate falls to zero along half a cosine. After each epoch the folder holds a
    checkpoint: called again with the same folder and poses, training goes on after the last whole
    epoch; minutes, epochs and the learning rate may be others then.

    Args:
        model: `IKRegressor` or `IKFlow`, compiled.
        folder: Where checkpoints and TensorBoard's logs (if it is installed) go.
        minutes: How long; or
        epochs: how many epochs. Several processes (`join_hosts`) need this: clocks differ.
        steps: Batches an epoch.
        batch_size: Poses a batch, of all processes together.
        seed: Seed of the poses.
        part: `(process, processes)`, see `join_hosts`.
        target: What the model is given beside a pose, as for `pose_stream`; None: configurations
            for `IKFlow`, else poses.
        verbose: Whether to show progress.
    Raises:
        TypeError: If `model` is no network for inverse kinematics.
        TrainingError: If a loss or a weight is not finite; the last good epoch is kept.
        ValueError: If the model is not compiled, not one of `minutes` and `epochs` is given,
            several processes train by the clock, an argument is out of range, or the folder holds a
            training of another model or on other poses.
        OSError: If the folder cannot be written.
    """
    check_network(model)
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
    counts = {"steps": steps, "epochs": 1 if epochs is None else epochs, "batch_size": batch_size}
    for name, count in counts.items():
        check_count(name, count)
    if target is None:
        target = "configuration" if isinstance(model, IKFlow) else "pose"
    checkpoint, rate = Checkpoint(folder), learning_rate(model)
    numbers = {"steps": steps, "batch_size": batch_size, "seed": seed}
    poses = {"target": target, **{name: int(number) for name, number in numbers.items()}}
    diary = _Diary(Path(folder), model, poses, part[0])
    first = checkpoint.first_epoch
    if epochs is not None:
        is_done = first >= epochs
        pace: keras.callbacks.Callback = _cosine(rate, epochs)
    else:
        seconds = 60.0 * (minutes or 0.0)
        pace = diary.budget = TimeBudget(seconds, verbose, diary.seconds if first else 0.0)
        is_done = diary.seconds >= seconds
    if first and verbose and part[0] == 0:
        what = "finished before" if is_done else "going on from there"
        print(f"{folder} holds {first} epochs: {what}.", flush=True)
    if first and is_done:
        checkpoint.restore(model)
        model.optimizer.learning_rate.assign(rate)
        return
    model.fit(
        _data(model, batch_size, steps, seed, part, first, target),
        initial_epoch=first,
        epochs=ENDLESS if epochs is None else epochs,
        steps_per_epoch=steps,
        shuffle=False,
        # The pace before the checkpoint, which restores the learning rate of an old epoch.
        callbacks=[FiniteGuard(), pace, checkpoint, diary, *_tensorboard(Path(folder), part[0])],
        verbose=2 if verbose and epochs is not None and part[0] == 0 else 0,
    )
    # For a training after this one: here it fell to zero.
    model.optimizer.learning_rate.assign(rate)


def _cosine(rate: float, epochs: int) -> keras.callbacks.Callback:
    return keras.callbacks.LearningRateScheduler(
        lambda epoch, _: 0.5 * rate * (1.0 + math.cos(math.pi * epoch / epochs))
    )


def _data(
    model: IKModel,
    batch_size: int,
    steps: int,
    seed: int,
    part: tuple[int, int],
    first: int,
    target: str,
) -> Any:
    """Poses that epochs before the first one did not see."""
    if keras.backend.backend() == "tensorflow" and part[1] == 1:
        return pose_stream(model.robot, model.link, batch_size, seed + first, target)
    return PoseBatches(model.robot, model.link, batch_size, steps, seed, target, part, first)


def _tensorboard(folder: Path, process: int) -> list[keras.callbacks.Callback]:
    """The callback that logs for TensorBoard, if it is installed."""
    if process or not find_spec("tensorboard"):
        return []
    return [keras.callbacks.TensorBoard(folder / "logs", write_graph=False)]


class _Diary(keras.callbacks.Callback):
    """Keeps beside the checkpoint which model and poses it is of, and the seconds that it took."""

    def __init__(self, folder: Path, model: IKModel, poses: dict[str, Any], process: int) -> None:
        super().__init__()
        self.budget: TimeBudget | None = None
        self._file, self._process = folder / "training.json", process
        config = {**model.get_config(), "name": type(model).__name__}
        kind = hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()
        self._about = {"model": kind, **poses}
        old = json.loads(self._file.read_text()) if self._file.exists() else {}
        self.seconds = float(old.get("seconds", 0.0))
        if old and old["model"] != kind:
            raise ValueError(
                f"{folder} must hold a training of this model. Received: one of another robot, "
                "link or size. Choose another folder, or delete it."
            )
        before = {name: old.get(name, now) for name, now in poses.items()}
        if before != poses:
            raise ValueError(
                f"{folder} must hold a training on the same poses. Received: {before} there, "
                f"{poses} here. Choose another folder, or delete it."
            )

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self._process:
            return
        if self.budget:
            self.seconds = self.budget.spent
        unfinished = self._file.with_suffix(".unfinished")
        unfinished.write_text(json.dumps({**self._about, "seconds": self.seconds}))
        unfinished.replace(self._file)
