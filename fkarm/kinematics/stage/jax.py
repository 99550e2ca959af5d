"""Stages on JAX: functions that `jax.jit` compiles, one for each size of the batch."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fkarm import config
from fkarm._types import Tensor
from fkarm.kinematics.stage.derivative import Derivative, Loops
from fkarm.kinematics.stage.few_rows import (
    FEW_ROWS,
    Function,
    InNumpy,
    Ranks,
    are_few,
    by_numpy,
    is_symbolic,
    once,
    rows_of,
)
from fkarm.kinematics.stage.xla import barrier, guarded_sincos, native_sincos

__all__ = ["compiled", "once", "sincos", "with_derivative", "xla_barrier"]


def sincos(angle: Tensor) -> tuple[Tensor, Tensor]:
    """Sine and cosine, by whichever way is fastest where they are computed."""
    if is_symbolic((angle,)):
        return native_sincos(angle)
    return jax.lax.platform_dependent(angle, cpu=_differentiable_sincos, default=native_sincos)


def xla_barrier(function: Function, *inputs: Tensor) -> Any:
    """`function(*inputs)`, computed once by XLA, not once for each output that needs it."""
    if is_symbolic(inputs) or config.wants_plain_operations():
        return function(*inputs)
    by_platform = partial(
        jax.lax.platform_dependent, cpu=partial(barrier, function), default=function
    )
    # Without this JAX would store each intermediate of the condition for the derivative.
    return jax.checkpoint(by_platform)(*inputs)


def compiled(
    function: Function,
    ranks: Ranks,
    from_rows: int = FEW_ROWS,
    in_numpy: InNumpy | None = None,
    loops: Loops | None = None,
    has_rows: tuple[bool, ...] = (),
    data: tuple[np.ndarray, ...] = (),
) -> Function:
    """`function` as a compiled stage; `in_numpy` computes concrete arrays of few rows."""
    stage = _jitted(function)

    @cache
    def tensors(dtype: Any) -> list[Tensor]:
        with jax.ensure_compile_time_eval():  # outside of any trace, so that all calls share them
            return [jnp.asarray(x, dtype) for x in data]

    def call(*inputs: Tensor) -> Any:
        if is_symbolic(inputs):
            return function(*inputs, *data)
        is_concrete = not any(isinstance(x, jax.core.Tracer) for x in inputs)
        if in_numpy is not None and is_concrete and are_few(rows_of(inputs[0].shape, ranks[0])):
            arrays = [np.asarray(x) for x in inputs]
            return jnp.asarray(by_numpy(in_numpy, arrays, ranks)[0])
        return stage(*inputs, *tensors(inputs[0].dtype))

    return call


@once
def _jitted(function: Function) -> Function:
    """The same object for all data of a function, for which it is compiled once."""
    return jax.jit(partial(xla_barrier, function))


def with_derivative(
    function: Function,
    derivative: Derivative,
    in_numpy: InNumpy,
    loops: Callable[[], Loops | None],
) -> Function:
    """`function` of vectors, with its derivative given; compiled, differentiable again.

    `loops` are not used: JAX could not transpose their forward derivative.
    """
    # JAX transposes the forward derivative: both modes follow from it.
    differentiable = jax.custom_jvp(function)
    differentiable.defjvp(
        lambda primals, tangents: (function(*primals), derivative.push(*primals, *tangents))
    )
    stage = compiled(differentiable, (1,), in_numpy=in_numpy)
    return lambda x: (function if is_symbolic((x,)) else stage)(x)


@jax.custom_jvp
def _differentiable_sincos(angle: Tensor) -> tuple[Tensor, Tensor]:
    return guarded_sincos(angle)


@_differentiable_sincos.defjvp
def _(primals: Any, tangents: Any) -> Any:
    sine, cosine = _differentiable_sincos(*primals)
    return (sine, cosine), (cosine * tangents[0], -sine * tangents[0])
