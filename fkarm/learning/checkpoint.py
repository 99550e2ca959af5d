"""What a training leaves on disk: whole files, and the epoch to resume from."""

from __future__ import annotations

import hashlib
import json
import math
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras

from fkarm._files import UNFINISHED, write_whole
from fkarm.learning.callbacks import TimeBudget
from fkarm.learning.hosts import as_the_first_process_has, process_index

_ENDING = ".weights.h5"
# HDF5 needs at most this many bytes per variable in addition to its numbers.
_LABEL = 4096


def newest_weights(folder: Path) -> Path | None:
    """The weights of the newest epoch in a folder; None without any."""
    return max(folder.glob(f"[0-9]*{_ENDING}"), default=None)


class Checkpoint(keras.callbacks.Callback):
    """Saves the model and its optimizer after every epoch, and resumes from there.

    A file is complete or absent, so an interruption loses only the epoch that is running. Of
    several processes the first one writes, and the others resume from its file.

    Args:
        folder: Where the newest file is; made if missing.
    Raises:
        OSError: If the folder cannot be made or written.
    Example:
        >>> import tempfile
        >>> checkpoint = Checkpoint(tempfile.mkdtemp())
        >>> checkpoint.first_epoch  # fit(..., initial_epoch=this, callbacks=[checkpoint])
        0
    """

    def __init__(self, folder: str | Path) -> None:
        super().__init__()
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        newest = newest_weights(self.folder)
        epochs = _epochs_of(newest) if newest else 0
        content = newest.read_bytes() if newest else b""
        self._epochs, self._content = as_the_first_process_has(epochs, content)

    @property
    def first_epoch(self) -> int:
        """How many epochs are done: the `initial_epoch` for `fit`."""
        return self._epochs

    def restore(self, model: keras.Model) -> None:
        """Load the newest weights and optimizer into a compiled model, if there are any."""
        if not self._epochs:
            return
        model.optimizer.build(model.trainable_variables)
        with TemporaryDirectory() as folder:
            file = Path(folder, f"newest{_ENDING}")
            file.write_bytes(self._content)
            model.load_weights(file)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.restore(self.model)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        # All processes save, because all take part in collecting the weights. Only one file stays.
        if process_index():
            with TemporaryDirectory() as folder:
                self._save(Path(folder, f"unused{_ENDING}"))
            return
        newest = self.folder / f"{epoch + 1:06}{_ENDING}"
        write_whole(newest, self._save)
        for old in self.folder.glob(f"[0-9]*{_ENDING}"):
            if _epochs_of(old) <= epoch:
                old.unlink()
        # A process that was killed while it wrote leaves such a file.
        for unfinished in self.folder.glob(f"{UNFINISHED}*{_ENDING}"):
            unfinished.unlink()

    def _save(self, file: Path) -> None:
        _check_room(file, self.model)
        self.model.save_weights(file)


class TrainingRecord(keras.callbacks.Callback):
    """Writes `training.json` after every epoch: the model, its training data, the seconds spent.

    Args:
        folder: The folder of the checkpoint.
        model: The network.
        poses: What decides which poses the network is trained on.
        process: Number of this process; the first one, 0, writes.
    Attributes:
        seconds: How long the training took so far, if it is timed.
        budget: The callback that times the training; None: it is not timed.
    Raises:
        ValueError: If the folder holds a training of another model or on other poses.
    """

    def __init__(
        self, folder: Path, model: keras.Model, poses: dict[str, Any], process: int
    ) -> None:
        super().__init__()
        self.budget: TimeBudget | None = None
        self._file, self._process = folder / "training.json", process
        self._about = {"model": _fingerprint(model), **poses}
        old = json.loads(self._file.read_text()) if self._file.exists() else {}
        self.seconds = float(old.get("seconds", 0.0))
        if old and old["model"] != self._about["model"]:
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
        text = json.dumps({**self._about, "seconds": self.seconds})
        write_whole(self._file, lambda file: file.write_text(text))


def _epochs_of(file: Path) -> int:
    """How many epochs the weights in a file have seen."""
    return int(file.name.removesuffix(_ENDING))


def _fingerprint(model: keras.Model) -> str:
    """A text that differs between networks of another class, robot, link or size."""
    config = {**model.get_config(), "name": type(model).__name__}
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()


def _check_room(file: Path, model: keras.Model) -> None:
    """Raise OSError if the weights do not fit: on a full disk HDF5 ends the process."""
    variables = [*model.variables, *model.optimizer.variables]
    size = sum(
        _LABEL + math.prod(variable.shape) * (8 if "64" in str(variable.dtype) else 4)
        for variable in variables
    )
    try:
        with file.open("wb") as room:
            room.write(bytes(size))
            room.flush()
            os.fsync(room.fileno())
    finally:
        file.unlink(missing_ok=True)
