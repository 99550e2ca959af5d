"""Stages on PyTorch, which runs operation by operation."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
import torch

from fkarm._types import Tensor
from fkarm.kinematics.stage import few_rows
from fkarm.kinematics.stage.derivative import Derivative, Loops
from fkarm.kinematics.stage.few_rows import (
    FEW_ROWS,
    Function,
    InNumpy,
    PullBack,
    Ranks,
    are_few,
    by_numpy,
    is_symbolic,
    rows_of,
    with_data,
)
from fkarm.kinematics.stage.xla import native_sincos as sincos

__all__ = ["compiled", "once", "sincos", "with_derivative", "xla_barrier"]


def xla_barrier(function: Function, *inputs: Tensor) -> Any:
    """`function(*inputs)`: nothing is computed twice without a compiler."""
    return function(*inputs)


def compiled(
    function: Function,
    ranks: Ranks,
    from_rows: int = FEW_ROWS,
    in_numpy: InNumpy | None = None,
    loops: Loops | None = None,
    has_rows: tuple[bool, ...] = (),
    data: tuple[np.ndarray, ...] = (),
) -> Function:
    """`function` itself; `in_numpy` computes tensors of few rows that nothing differentiates."""
    function = with_data(function, data)
    if in_numpy is None:
        return function

    def call(*inputs: Tensor) -> Any:
        if not _may_use_numpy(inputs, ranks):
            return function(*inputs)
        return _by_numpy(in_numpy, inputs, ranks)[0]

    return call


def with_derivative(
    function: Function,
    derivative: Derivative,
    in_numpy: InNumpy,
    loops: Callable[[], Loops | None],
) -> Function:
    """`function` of vectors, with its derivative given; differentiable again.

    `loops` are not used: nothing is compiled.
    """
    wrench, pull_back, push, _ = derivative

    class Differentiable(torch.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(x: Tensor) -> Tensor:
            return function(x)

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
            ctx.save_for_backward(*inputs, output)
            ctx.save_for_forward(*inputs, output)

        @staticmethod
        def backward(ctx: Any, cotangent: Tensor) -> Tensor:
            x, y = ctx.saved_tensors
            return pull_back(x, wrench(y, cotangent))

        @staticmethod
        def jvp(ctx: Any, tangent: Tensor) -> Tensor:
            return push(ctx.saved_tensors[0], tangent)

    class OfFewRows(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            ctx.save_for_backward(x)
            output, ctx.pull = _by_numpy(in_numpy, (x,), (1,))
            return output

        @staticmethod
        def backward(ctx: Any, cotangent: Tensor) -> Tensor:
            (x,) = ctx.saved_tensors
            if torch.is_grad_enabled():  # the derivative is differentiated again
                return pull_back(x, wrench(function(x), cotangent))
            return _tensor(ctx.pull(_array(cotangent))[0], x)

    def call(x: Tensor) -> Tensor:
        if is_symbolic((x,)):
            return function(x)
        if not _may_use_numpy((x.detach(),), (1,)):
            return Differentiable.apply(x)
        if x.requires_grad and torch.is_grad_enabled():
            return OfFewRows.apply(x)
        return _by_numpy(in_numpy, (x,), (1,))[0]

    return call


_stages: dict[int, Function] = {}


@torch.compiler.allow_in_graph
def _run(number: int, *inputs: Tensor) -> Any:
    """One operation while `torch.compile` reads Python; its compiler then looks inside."""
    return _stages[number](*inputs)


def once(maker: Function, kept: int = few_rows.STAGES_KEPT) -> Function:
    """A maker of stages, called once for equal arguments and never read by `torch.compile`.

    `torch.compile` reads Python without its caches, and cannot read plans: it gets a number.
    """
    cached = few_rows.once(maker, kept)

    @torch.compiler.assume_constant_result
    def number_of(*arguments: Any) -> int:
        stage = cached(*arguments)
        _stages[id(stage)] = stage
        return id(stage)

    @wraps(maker)
    def make(*arguments: Any) -> Function:
        if not torch.compiler.is_compiling():
            return cached(*arguments)
        number = number_of(*arguments)
        return lambda *inputs: _run(number, *inputs)

    return make


def _may_use_numpy(inputs: tuple[Tensor, ...], ranks: Ranks) -> bool:
    """Whether all inputs have values that only a tape may watch, and are few."""
    if is_symbolic(inputs) or torch.compiler.is_compiling():
        return False
    if type(inputs[0]) is not torch.Tensor or torch._C._are_functorch_transforms_active():
        return False
    if torch.is_grad_enabled() and any(x.requires_grad for x in inputs):
        return False
    if torch.autograd.forward_ad._current_level >= 0:
        return False
    return are_few(rows_of(inputs[0].shape, ranks[0]))


def _by_numpy(
    in_numpy: InNumpy, inputs: tuple[Tensor, ...], ranks: Ranks
) -> tuple[Tensor, PullBack | None]:
    """The value as a tensor, and the pull-back of arrays."""
    output, pull_back = by_numpy(in_numpy, [_array(x) for x in inputs], ranks)
    return _tensor(output, inputs[0]), pull_back


def _array(x: Tensor) -> Any:
    return x.detach().cpu().numpy()


def _tensor(array: Any, like: Tensor) -> Tensor:
    return torch.from_numpy(array).to(like.device)
