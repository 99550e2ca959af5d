"""Callbacks that end a training: after a given time, or at a number that is not finite."""

from __future__ import annotations

import math
import time
from typing import Any

import keras

from fkarm._checks import check_non_negative, check_positive
from fkarm.errors import TrainingError
from fkarm.geometry.native import to_numpy


class TimeBudget(keras.callbacks.Callback):
    """Stops training after a time, anneals the learning rate over it, shows progress.

    The learning rate falls from the optimizer's to zero along half a cosine of the elapsed
    share of the time, so the schedule is complete on any machine. Give `fit` an endless
    dataset, `steps_per_epoch`, more epochs than will be needed, `shuffle=False` and `verbose=0`.

    Args:
        seconds: Time to train, from the end of the first step (which compiles).
        show_progress: Whether to draw a progress bar with the logs of every epoch.
        spent: How many of these seconds were spent before an interruption.
    Raises:
        ValueError: If `seconds` is not finite and positive, or `spent` is not finite and >= 0.
        TypeError: When training begins, if the optimizer has a learning-rate schedule.
    """

    def __init__(self, seconds: float, show_progress: bool = True, spent: float = 0.0) -> None:
        super().__init__()
        check_non_negative("spent", spent)
        check_positive("seconds", seconds)
        self.seconds = seconds
        self.show_progress = show_progress
        self._before = spent
        self._start: float | None = None

    @property
    def spent(self) -> float:
        """Seconds spent, including those before an interruption."""
        return self._before + (0.0 if self._start is None else time.monotonic() - self._start)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        rate = self.model.optimizer._learning_rate
        if not hasattr(rate, "assign"):
            raise TypeError(
                "TimeBudget sets the learning rate itself: the optimizer must have a number, not "
                f"a schedule. Received: {type(rate).__name__}."
            )
        self._initial_rate = learning_rate(self.model)
        self._start = None
        self._bar = keras.utils.Progbar(100, unit_name="percent")

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self._start is None:
            self._start = time.monotonic()
        share = min(self.spent / self.seconds, 1.0)
        rate = 0.5 * self._initial_rate * (1.0 + math.cos(math.pi * share))
        self.model.optimizer.learning_rate.assign(rate)
        if share >= 1.0:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if not self.show_progress:
            return
        percent = int(100 * min(self.spent / self.seconds, 1.0))
        values = dict(logs or {})
        self._bar.stateful_metrics = set(values)  # shown as they are, without averaging over time
        self._bar.update(percent, list(values.items()), finalize=percent >= 100)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self.model.optimizer.learning_rate.assign(self._initial_rate)


def learning_rate(model: keras.Model) -> float:
    """The learning rate of a compiled model, on one device or several."""
    # float() refuses a variable that several devices mirror.
    return float(to_numpy(model.optimizer.learning_rate))


class FiniteGuard(keras.callbacks.Callback):
    """Ends training with an error at the first loss or weight that is not finite.

    List it before `Checkpoint`, whose newest file then holds the last good epoch.

    Raises:
        TrainingError: During `fit`; the message names the batch and the epoch.
    """

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        loss = float((logs or {}).get("loss", 0.0))
        if not math.isfinite(loss):
            self._fail(f"a loss of {loss} in batch {batch + 1} of epoch {self._epoch + 1}")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        for weight in self.model.trainable_variables:
            if not bool(keras.ops.all(keras.ops.isfinite(weight))):
                self._fail(f"a weight of {weight.path} after epoch {epoch + 1} that is not")

    def _fail(self, what: str) -> None:
        raise TrainingError(
            f"Losses and weights must stay finite. Received: {what}. The newest checkpoint is of "
            "the last good epoch: resume from it with a smaller learning rate."
        )
