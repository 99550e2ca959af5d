"""Training for a given time instead of a given number of epochs."""

from __future__ import annotations

import math
import time
from typing import Any

import keras


class TimeBudget(keras.callbacks.Callback):
    """Stops training after a time, anneals the learning rate over it, shows progress.

    The learning rate falls from the optimizer's to zero along half a cosine of the elapsed
    share of the time, so that any machine gets a finished schedule. Give `fit` an endless
    dataset, `steps_per_epoch`, more epochs than will be needed, `shuffle=False` and `verbose=0`.

    Args:
        seconds: Time to train, from the end of the first step (which compiles).
        show_progress: Whether to draw a progress bar with the logs of each epoch.
    Raises:
        ValueError: If `seconds` is not positive.
        TypeError: When training begins, if the optimizer has a learning-rate schedule.
    """

    def __init__(self, seconds: float, show_progress: bool = True) -> None:
        super().__init__()
        if not seconds > 0:
            raise ValueError(f"seconds must be positive. Received: {seconds}.")
        self.seconds = seconds
        self.show_progress = show_progress

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        rate = self.model.optimizer._learning_rate
        if not hasattr(rate, "assign"):
            raise TypeError(
                "TimeBudget sets the learning rate itself: the optimizer must have a number, not "
                f"a schedule. Received: {type(rate).__name__}."
            )
        self._initial_rate = float(rate)
        self._start: float | None = None
        self._bar = keras.utils.Progbar(100, unit_name="percent")

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self._start is None:
            self._start = time.monotonic()
        share = min(self._share(), 1.0)
        rate = 0.5 * self._initial_rate * (1.0 + math.cos(math.pi * share))
        self.model.optimizer.learning_rate.assign(rate)
        if share >= 1.0:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if not self.show_progress:
            return
        percent = int(100 * min(self._share(), 1.0))
        values = dict(logs or {})
        self._bar.stateful_metrics = set(values)  # shown as they are, not averaged over time
        self._bar.update(percent, list(values.items()), finalize=percent >= 100)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self.model.optimizer.learning_rate.assign(self._initial_rate)

    def _share(self) -> float:
        start = self._start if self._start is not None else time.monotonic()
        return (time.monotonic() - start) / self.seconds
