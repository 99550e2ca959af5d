"""One training on several devices or machines, and one that outlives an interruption."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras
import numpy as np

from fkarm._checks import check_count

# Seconds until the others are told that a process is gone.
PATIENCE = 15
ENDING = ".weights.h5"
LABEL = 4096  # bytes that HDF5 needs for a variable beside its numbers, at most


@contextmanager
def join_hosts(hosts: Sequence[str], process: int) -> Iterator[None]:
    """Train with the processes of several machines as one: data parallel, on the JAX backend.

    Call it first in every process, before anything is computed. Inside, `model.fit` takes the
    process's own share of each batch (`PoseBatches(..., part=(process, len(hosts)))`) and
    averages the gradients over all processes, so that the weights stay equal everywhere. When a
    process ends, so do the others: start all of them again, and `Checkpoint` goes on. After it
    each process is alone again.

    With several GPUs in one machine and TensorFlow use `tf.distribute.MirroredStrategy`. Across
    machines Keras 3 has no working strategy for TensorFlow, and its own
    `keras.distribution` does nothing there.

    Args:
        hosts: Address and port of each process, `"host:port"`; the first one coordinates.
        process: Which of them this process is.
    Raises:
        ValueError: If `process` is not a place in `hosts`.
        RuntimeError: If Keras does not run on JAX.
        ConnectionError: If another process ended.
    """
    if not 0 <= process < len(hosts):
        raise ValueError(
            f"process must be a place in hosts, 0 to {len(hosts) - 1}. Received: {process}."
        )
    if keras.backend.backend() != "jax":
        raise RuntimeError(
            "join_hosts needs the JAX backend: set KERAS_BACKEND=jax. Received: "
            f"{keras.backend.backend()}, for which Keras has no training across machines."
        )
    import jax

    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.distributed.initialize(
        hosts[0],
        len(hosts),
        process,
        heartbeat_timeout_seconds=PATIENCE,
        shutdown_timeout_seconds=PATIENCE,
    )
    keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))
    try:
        yield
        # Apart from here on: what one process does alone may take longer than the patience.
        jax.distributed.shutdown()
    except jax.errors.JaxRuntimeError as error:
        raise ConnectionError(
            f"Process {process} of {len(hosts)} lost the others: one of them ended, or the "
            "network failed. Start all of them again; Checkpoint goes on after the last whole "
            f"epoch. JAX said: {error}"
        ) from error
    finally:
        keras.distribution.set_distribution(None)


@contextmanager
def join_devices(count: int) -> Iterator[None]:
    """Train on several devices of this machine as one: data parallel.

    Build and compile the model inside. On TensorFlow `tf.distribute.MirroredStrategy` over GPUs;
    without any, over the CPU in as many logical parts, which gains nothing and serves to try.
    On JAX `keras.distribution.DataParallel`. Batches must be multiples of `count`.

    Args:
        count: How many devices.
    Raises:
        ValueError: If there are fewer devices.
        RuntimeError: If Keras runs on PyTorch.
    """
    check_count("count", count)
    if keras.backend.backend() == "tensorflow":
        with _mirrored(count).scope():
            yield
        return
    if keras.backend.backend() != "jax":
        raise RuntimeError(
            "Several devices need TensorFlow or JAX: set KERAS_BACKEND. Received: "
            f"{keras.backend.backend()}."
        )
    devices = keras.distribution.list_devices()
    _check_devices(count, devices)
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices[:count]))
    try:
        yield
    finally:
        keras.distribution.set_distribution(None)


def _mirrored(count: int) -> Any:
    import tensorflow as tf

    kind = "GPU"
    if not tf.config.list_physical_devices("GPU"):
        kind = "CPU"
        cpu = tf.config.list_physical_devices("CPU")[0]
        # Fixed once TensorFlow has run anything.
        with suppress(RuntimeError):
            parts = [tf.config.LogicalDeviceConfiguration()] * count
            tf.config.set_logical_device_configuration(cpu, parts)
    devices = [device.name for device in tf.config.list_logical_devices(kind)]
    _check_devices(count, devices)
    return tf.distribute.MirroredStrategy(devices[:count])


def _check_devices(count: int, devices: Sequence[str]) -> None:
    if len(devices) < count:
        raise ValueError(
            f"There must be {count} devices. Received: {', '.join(devices)}. Call join_devices "
            "before anything is computed."
        )


class Checkpoint(keras.callbacks.Callback):
    """Saves the model and its optimizer after every epoch, and goes on from there.

    A file is complete or absent: an interruption loses no more than the running epoch. Of several
    processes the first one writes, and the others start from its file.

    Args:
        folder: Where to keep the newest file; made if missing.
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
        newest = max(self.folder.glob(f"[0-9]*{ENDING}"), default=None)
        epochs = int(newest.name.removesuffix(ENDING)) if newest else 0
        content = newest.read_bytes() if newest else b""
        self._epochs, self._content = _as_the_first_process_has(epochs, content)

    @property
    def first_epoch(self) -> int:
        """Epochs done before: the `initial_epoch` to give to `fit`."""
        return self._epochs

    def restore(self, model: keras.Model) -> None:
        """Give a compiled model the newest weights and optimizer, if there are any."""
        if not self._epochs:
            return
        model.optimizer.build(model.trainable_variables)
        with TemporaryDirectory() as folder:
            file = Path(folder, f"newest{ENDING}")
            file.write_bytes(self._content)
            model.load_weights(file)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.restore(self.model)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        # All processes save, for all take part in collecting the weights; one keeps the file.
        process = _process()
        unfinished = self.folder / f"unfinished-{process}{ENDING}"
        _check_room(unfinished, self.model)
        self.model.save_weights(unfinished)
        if process:
            unfinished.unlink()
            return
        unfinished.replace(self.folder / f"{epoch + 1:06}{ENDING}")
        for old in self.folder.glob(f"[0-9]*{ENDING}"):
            if int(old.name.removesuffix(ENDING)) <= epoch:
                old.unlink()


def _check_room(file: Path, model: keras.Model) -> None:
    """Raise OSError if the weights do not fit: HDF5 crashes where a disk is full."""
    variables = [*model.variables, *model.optimizer.variables]
    size = sum(
        LABEL + math.prod(each.shape) * (8 if "64" in str(each.dtype) else 4) for each in variables
    )
    try:
        with file.open("wb") as room:
            room.write(bytes(size))
            room.flush()
            os.fsync(room.fileno())
    finally:
        file.unlink(missing_ok=True)


def _process() -> int:
    """Which of the processes of this training this is."""
    if keras.backend.backend() != "jax":
        return 0
    import jax

    return int(jax.process_index())


def _as_the_first_process_has(number: int, content: bytes) -> tuple[int, bytes]:
    """What the first of the processes called this with."""
    if keras.backend.backend() != "jax":
        return number, content
    from jax.experimental.multihost_utils import broadcast_one_to_all

    number, size = broadcast_one_to_all(np.array([number, len(content)], np.int32)).tolist()
    data = np.resize(np.frombuffer(content or b" ", np.uint8), size)
    return number, broadcast_one_to_all(data).tobytes() if size else b""
