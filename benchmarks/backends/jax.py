"""JAX: `jax.jit`, `jax.vjp`, `jax.jacfwd`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import memory as process

Function = Callable[[jax.Array], Any]


def check_device(name: str) -> str:
    """`"cpu"` or `"gpu"` for `"auto"` and the same; ValueError if there is none."""
    gpu = jax.default_backend() == "gpu"
    if name == "gpu" and not gpu:
        raise ValueError("JAX sees no GPU here. Use cpu or auto.")
    return "gpu" if gpu and name != "cpu" else "cpu"


def device_name(device: str) -> str:
    return "CPU" if device == "cpu" else str(jax.devices("gpu")[0].device_kind)


def tensor(q: np.ndarray, device: str) -> jax.Array:
    jax.config.update("jax_enable_x64", q.dtype == np.float64)
    return jax.device_put(q, jax.devices(device)[0])


def compiled(function: Function, how: str, q: jax.Array) -> Function:
    return function if how == "eager" else jax.jit(function)


def with_gradient(function: Function, how: str, q: jax.Array) -> Function:
    def both(q: jax.Array) -> tuple[jax.Array, jax.Array]:
        poses, pull = jax.vjp(function, q)
        return poses, pull(jnp.ones_like(poses))[0]

    return compiled(both, how, q)


def with_jacobian(function: Function, how: str, q: jax.Array) -> Function:
    single = jax.jacfwd(lambda row: function(row[None])[0])
    return compiled(jax.vmap(single), how, q)


def wait(result: Any) -> None:
    jax.block_until_ready(result)


def array(tensor: jax.Array) -> np.ndarray:
    return np.asarray(tensor)


def memory(device: str) -> Callable[[Callable[[], Any]], int | None]:
    """GPU: JAX's peak cannot be reset, so a call that stays below an earlier one has none."""
    if device == "cpu":
        return process.peak_extra_bytes
    gpu = jax.devices("gpu")[0]

    def peak(run: Callable[[], Any]) -> int | None:
        before = gpu.memory_stats()
        result = run()
        after = gpu.memory_stats()["peak_bytes_in_use"]
        del result
        grown = after > before["peak_bytes_in_use"]
        return after - before["bytes_in_use"] if grown else None

    return peak
