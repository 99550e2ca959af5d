"""TensorFlow: `tf.function`, with XLA or without, and `GradientTape`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks import memory as process

Function = Callable[[tf.Tensor], Any]


def check_device(name: str) -> str:
    """`"cpu"` or `"gpu"` for `"auto"` and the same; ValueError if there is none."""
    gpus = tf.config.list_physical_devices("GPU")
    if name == "gpu" and not gpus:
        raise ValueError("TensorFlow sees no GPU here. Use cpu or auto.")
    return "gpu" if gpus and name != "cpu" else "cpu"


def device_name(device: str) -> str:
    if device == "cpu":
        return "CPU"
    gpu = tf.config.list_physical_devices("GPU")[0]
    return str(tf.config.experimental.get_device_details(gpu).get("device_name", "GPU"))


def tensor(q: np.ndarray, device: str) -> tf.Tensor:
    with tf.device(f"/{device.upper()}:0"):
        return tf.constant(q)


def compiled(function: Function, how: str, q: tf.Tensor) -> Function:
    """For any batch size: what a Keras model compiles."""
    if how == "eager":
        return function
    signature = [tf.TensorSpec((None, q.shape[1]), q.dtype)]
    return tf.function(function, input_signature=signature, jit_compile=how == "xla")


def with_gradient(function: Function, how: str, q: tf.Tensor) -> Function:
    def both(q: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(q)
            poses = function(q)
        gradient = tape.gradient(poses, q, tf.ones_like(poses))
        return poses, tf.convert_to_tensor(gradient)  # slicing in a loop gives IndexedSlices

    return compiled(both, how, q)


def with_jacobian(function: Function, how: str, q: tf.Tensor) -> Function:
    """`batch_jacobian`, vectorised but for one row.

    TensorFlow 2.21 with oneDNN corrupts its heap ("free(): invalid pointer") in the vectorised
    derivative of a batched matmul whose batch is 1.
    """
    vectorise = q.shape[0] > 1

    def jacobian(q: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(q)
            poses = function(q)
        return tape.batch_jacobian(poses, q, experimental_use_pfor=vectorise)

    return compiled(jacobian, how, q)


def wait(result: Any) -> None:
    """On the CPU a call returns when its result is there."""
    tf.test.experimental.sync_devices()


def array(tensor: tf.Tensor) -> np.ndarray:
    return tensor.numpy()


def memory(device: str) -> Callable[[Callable[[], Any]], int | None]:
    """Peak of TensorFlow's allocator above what was held before.

    On the CPU too: with oneDNN it keeps what it once had, so the process does not shrink and
    grow again. Builds whose allocator has no statistics are measured as processes.
    """
    name = f"{device.upper()}:0"

    def peak(run: Callable[[], Any]) -> int | None:
        try:
            tf.config.experimental.reset_memory_stats(name)
        except ValueError:
            return process.peak_extra_bytes(run)
        before = tf.config.experimental.get_memory_info(name)["current"]
        result = run()
        after = tf.config.experimental.get_memory_info(name)["peak"]
        del result
        return after - before

    return peak
