"""One training on several devices or machines, and what their processes share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import keras
import numpy as np

from fkarm._checks import check_count

# Seconds until a process that does not answer counts as lost.
PATIENCE = 15


@contextmanager
def join_hosts(hosts: Sequence[str], process: int) -> Iterator[None]:
    """Train with the processes of several machines as one: data parallel, on the JAX backend.

    Enter it first in every process, before anything is computed. Inside, `model.fit` takes the
    process's own share of every batch (`PoseBatches(..., part=(process, len(hosts)))`) and
    averages the gradients over all processes, so that the weights stay equal everywhere. When a
    process ends, the others end too: start all of them again, and `Checkpoint` resumes. Outside,
    every process is alone again.

    For several GPUs in one machine see `join_devices`. Across machines Keras 3 has no working
    strategy for TensorFlow, and `keras.distribution` does nothing there.

    Args:
        hosts: Address and port of every process, `"host:port"`; the first process coordinates.
        process: Index of this process in `hosts`.
    Raises:
        ValueError: If `process` is not an index of `hosts`.
        RuntimeError: If Keras does not run on JAX.
        ConnectionError: If another process ended or cannot be reached.
    """
    if not 0 <= process < len(hosts):
        raise ValueError(
            f"process must be an index of hosts, 0 to {len(hosts) - 1}. Received: {process}."
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
        # From here on every process is alone: its own work may take longer than PATIENCE.
        jax.distributed.shutdown()
    except jax.errors.JaxRuntimeError as error:
        raise ConnectionError(
            f"Process {process} of {len(hosts)} lost the others: one of them ended, or the "
            "network failed. Start all of them again; Checkpoint resumes after the last whole "
            f"epoch. JAX said: {error}"
        ) from error
    finally:
        keras.distribution.set_distribution(None)


@contextmanager
def join_devices(count: int) -> Iterator[None]:
    """Train on several devices of this machine as one: data parallel.

    Build and compile the model inside. TensorFlow uses `tf.distribute.MirroredStrategy` over the
    GPUs. On a machine without GPUs it splits the CPU into as many logical devices, which is for
    trials: it is no faster. JAX uses `keras.distribution.DataParallel`. The batch size must be a
    multiple of `count`.

    Args:
        count: Number of devices.
    Raises:
        ValueError: If `count` is not a whole number >= 1, or there are fewer devices.
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
        # TensorFlow refuses it once it has computed anything; _check_devices then reports it.
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


def process_index() -> int:
    """Number of this process among those of the training; 0: the first, or the only one."""
    if keras.backend.backend() != "jax":
        return 0
    import jax

    return int(jax.process_index())


def as_the_first_process_has(number: int, content: bytes) -> tuple[int, bytes]:
    """The arguments that the first process calls this with; all processes must call it."""
    if keras.backend.backend() != "jax":
        return number, content
    from jax.experimental.multihost_utils import broadcast_one_to_all

    number, size = broadcast_one_to_all(np.array([number, len(content)], np.int32)).tolist()
    data = np.resize(np.frombuffer(content or b" ", np.uint8), size)
    return number, broadcast_one_to_all(data).tobytes() if size else b""
