"""Stages on TensorFlow: functions that XLA compiles as one kernel instead of hundreds.

Each stage is compiled whether its caller is eager or a graph. Batches of unknown size, and eager
ones, are padded to one of a few sizes, so that few are ever compiled. A function that is traced in
order to be written to a file has no stages.

Private names of TensorFlow: `record` tells whether a tape may watch, tells tapes the derivative of
an eager call at a tenth of the price of `tf.custom_gradient`, and stops them from preparing
derivatives that nobody asks for.
`forwardprop_util` tells whether a `ForwardAccumulator` is active, which cannot differentiate custom
gradients. Neither has a public counterpart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.eager import forwardprop_util, record

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
    with_data,
)
from fkarm.kinematics.stage.padding import batch_of, in_rows, rows_of_batch
from fkarm.kinematics.stage.tensorflow_traced import (
    is_traced_for_cpu,
    is_traced_for_file,
    is_traced_for_xla,
)
from fkarm.kinematics.stage.xla import barrier, guarded_sincos, native_sincos

__all__ = [
    "compiled",
    "is_traced_for_cpu",
    "is_traced_for_file",
    "once",
    "sincos",
    "with_derivative",
    "xla_barrier",
]


def sincos(angle: Tensor) -> tuple[Tensor, Tensor]:
    """Sine and cosine, by whichever way is fastest where they are computed."""
    if is_traced_for_cpu() and not _runs_by_operation((angle,)):
        return _differentiable_sincos(angle)
    return native_sincos(angle)


def xla_barrier(function: Function, *inputs: Tensor) -> Any:
    """`function(*inputs)`, computed once by XLA, not once for each output that needs it."""
    return barrier(function, *inputs) if is_traced_for_cpu() else function(*inputs)


def compiled(
    function: Function,
    ranks: Ranks,
    from_rows: int = FEW_ROWS,
    in_numpy: InNumpy | None = None,
    loops: Loops | None = None,
    has_rows: tuple[bool, ...] = (),
    data: tuple[np.ndarray, ...] = (),
) -> Function:
    """`function` as a stage that XLA compiles, differentiable any number of times.

    The gradient stores nothing but the inputs.

    Args:
        function: What to compile.
        ranks: For each input, the number of its axes after the batch axes; None: it has no
            batch axes, all rows share it.
        from_rows: Eager batches with fewer rows are not compiled.
        in_numpy: The same function for eager batches of few rows; None: they run operation by
            operation.
        loops: The same function for compiled code, perhaps with its pull-back; derivatives that it
            lacks are those of `function`.
        has_rows: Which of several values have the batch axes; empty: all of them.
        data: Floating arrays that `function` takes after its inputs. Functions that are the same
            object share their graphs whatever the data; `loops` have them among their arrays.
    """
    plain = _with_tensors(_traced(function), _Tensors(data))
    function = with_data(function, data)
    if loops is None:
        value, pull_back = _compiled_value(function, ranks, has_rows), None
    else:
        value, pull_back = _by_loops(loops, ranks)
    run = _differentiable(plain, value, pull_back)
    few = None if in_numpy is None else _differentiable_by_numpy(function, ranks, in_numpy)

    def call(*inputs: Tensor) -> Any:
        if _runs_by_operation(inputs):
            return function(*inputs)
        if tf.executing_eagerly():
            rows = rows_of_batch(inputs[0], ranks[0])
            if few is not None and are_few(rows):
                return few(*inputs)
            if are_few(rows, from_rows):
                return function(*inputs)
            if not _may_be_recorded():
                return value(*inputs)
        elif loops is None and is_traced_for_xla():
            return xla_barrier(function, *inputs)
        return run(*inputs)

    return call


def _by_loops(loops: Loops, ranks: Ranks) -> tuple[Function, Any]:
    """Value and pull-back of a stage by loops; None: there is no pull-back."""
    tensors = _Tensors(loops.arrays)
    value = _with_arrays(loops.value, ranks, tensors)
    if loops.pull_back is None:
        return value, None
    all_ranks = (*ranks, loops.y_rank, loops.y_rank)
    has_rows = tuple(rank is not None for rank in ranks) if loops.is_summed else ()
    cotangents = _with_arrays(loops.pull_back, all_ranks, tensors, has_rows)

    def pull_back(*arguments: Tensor) -> list[Tensor]:
        """The cotangents of inputs from these, `y` and `y_bar`; sums where all rows share them."""
        bars: list[Tensor] = cotangents(*arguments)
        if loops.is_summed:
            return bars
        axes = list(range(batch_of(arguments[0], ranks[0]).rank))
        return [
            tf.reduce_sum(bar, axes) if rank is None else bar
            for bar, rank in zip(bars, ranks, strict=True)
        ]

    return value, pull_back


def _compiled_value(function: Function, ranks: Ranks, has_rows: tuple[bool, ...]) -> Function:
    """What computes the value of a stage, compiled for a few sizes of the batch."""
    stage = tf.function(function, jit_compile=True, autograph=False)

    @cache
    def concrete(*signature: tf.TensorSpec) -> Function:
        return stage.get_concrete_function(*signature)

    return lambda *inputs: in_rows(concrete, inputs, ranks, has_rows)


@once
def _traced(function: Function) -> Function:
    # Derivatives of a stage are rarely asked for, and XLA takes long over them.
    return tf.function(function, autograph=False)


def _differentiable(plain: Function, value: Function, pull_back: Any) -> Function:
    """`value`, of which tapes know the derivative: by operations, or the pull-back by loops."""

    def by_operations(inputs: tuple[Tensor, ...], cotangents: Sequence[Tensor]) -> Any:
        return _gradient_of(lambda *x: tf.nest.flatten(plain(*x)), inputs, cotangents)

    @tf.custom_gradient
    def pulled(*arguments: Tensor) -> Any:
        """Cotangents of inputs from inputs, value and its cotangent, by loops."""

        def gradient(*cotangents: Tensor) -> Any:
            def again(*arguments: Tensor) -> Any:
                *inputs, _, y_bar = arguments
                return by_operations(tuple(inputs), [y_bar])

            return _gradient_of(again, arguments, cotangents)

        with record.stop_recording():
            return pull_back(*arguments), gradient

    @tf.custom_gradient
    def run(*inputs: Tensor) -> Any:
        def gradient(*cotangents: Tensor) -> Any:
            if pull_back is None:
                return by_operations(inputs, cotangents)
            return pulled(*inputs, outputs, *cotangents)

        # Without this an outer tape would prepare a derivative of the compiled function itself.
        with record.stop_recording():
            outputs = value(*inputs)
        return outputs, gradient

    return run


def _gradient_of(
    function: Function, inputs: Sequence[Tensor], cotangents: Sequence[Tensor]
) -> list[Tensor]:
    """Cotangents of inputs from those of a function's values, operation by operation."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(inputs)
        outputs = function(*inputs)
    gradients: list[Tensor] = tape.gradient(
        outputs, list(inputs), list(cotangents), tf.UnconnectedGradients.ZERO
    )
    return gradients


def with_derivative(
    function: Function,
    derivative: Derivative,
    in_numpy: InNumpy,
    loops: Callable[[], Loops | None],
) -> Function:
    """`function` of vectors `x`, with its derivative given; compiled, differentiable again.

    Args:
        function: Of `x (..., n)`, to `y`.
        derivative: Its derivative.
        in_numpy: Both for eager batches of few rows.
        loops: Makes both for compiled code, before the first compilation; where it returns None,
            `function` and `derivative` are compiled.
    """
    wrench, pull_back, _, y_rank = derivative

    @cache
    def stages() -> tuple[Function, Function]:
        """The function, and its pull-back from `x`, `y` and a cotangent."""
        ranks, by_loops = (1, y_rank, y_rank), loops()
        if by_loops is not None:
            tensors = _Tensors(by_loops.arrays)
            value = _with_arrays(by_loops.value, (1,), tensors)
            return value, _with_arrays(by_loops.pull_back, ranks, tensors)
        return compiled(function, (1,)), compiled(
            lambda x, y, y_bar: pull_back(x, xla_barrier(wrench, y, y_bar)), ranks
        )

    def stage_pull(x: Tensor, y: Tensor) -> Function:
        return lambda y_bar: [stages()[1](x, y, y_bar)]

    # The same as a function of `x` alone, for their derivative.
    def from_x(x: Tensor, y_bar: Tensor) -> Tensor:
        return pull_back(x, wrench(function(x), y_bar))

    traced_from_x = tf.function(from_x, autograph=False)

    def differentiable_again(x: Tensor, y_bar: Tensor, pull: Function) -> Tensor:
        """The cotangent of `x` that `pull` computes, of which tapes know the derivative."""

        @tf.custom_gradient
        def run(x: Tensor, y_bar: Tensor) -> Any:
            def gradient(x_bar_bar: Tensor) -> list[Tensor]:
                again = from_x if _is_eager_and_few(x, 1) else traced_from_x
                return _gradient_of(again, (x, y_bar), [x_bar_bar])

            with record.stop_recording():
                return pull(y_bar)[0], gradient

        return run(x, y_bar)

    @tf.custom_gradient
    def differentiable(x: Tensor) -> Any:
        with record.stop_recording():
            y = stages()[0](x)
        return y, lambda y_bar: differentiable_again(x, y_bar, stage_pull(x, y))

    def call(x: Tensor) -> Any:
        if _runs_by_operation((x,)):
            return function(x)
        if not tf.executing_eagerly():
            return differentiable(x)
        is_few = are_few(rows_of_batch(x, 1))
        if not record.could_possibly_record():
            return _by_numpy(in_numpy, (x,), (1,))[0] if is_few else stages()[0](x)

        def gradient(y_bar: Tensor) -> list[Tensor]:
            if not _may_be_recorded():
                cotangents: list[Tensor] = pull(y_bar)
                return cotangents
            now = pull if tf.executing_eagerly() else stage_pull(x, y)
            return [differentiable_again(x, y_bar, now)]

        with record.stop_recording():
            if is_few:
                y, pull = _by_numpy(in_numpy, (x,), (1,))
            else:
                y = stages()[0](x)
                pull = stage_pull(x, y)
        return _recorded(y, (x,), gradient)

    return call


class _Tensors:
    """Arrays as tensors, which are made once for every floating type."""

    def __init__(self, arrays: tuple[np.ndarray, ...]) -> None:
        self.arrays, self.of = arrays, cache(self._of)

    def _of(self, dtype: tf.DType) -> list[Tensor]:
        with tf.init_scope():  # outside of any graph, so that all calls share them
            return [tf.constant(x, dtype if x.dtype.kind == "f" else tf.int32) for x in self.arrays]


def _with_tensors(function: Function, tensors: _Tensors) -> Function:
    """A function with tensors as its last inputs."""
    return lambda *inputs: function(*inputs, *tensors.of(inputs[0].dtype))


def _with_arrays(
    function: Function, ranks: Ranks, tensors: _Tensors, has_rows: tuple[bool, ...] = ()
) -> Function:
    """A stage with tensors as its last inputs, which shares its compiled code with other ones."""
    stage = _stage_of_arrays(function, ranks, len(tensors.arrays), has_rows)
    return _with_tensors(stage, tensors)


@once
def _stage_of_arrays(
    function: Function, ranks: Ranks, arrays: int, has_rows: tuple[bool, ...]
) -> Function:
    all_ranks = (*ranks, *[None] * arrays)
    return compiled(function, all_ranks, from_rows=0, has_rows=has_rows)


def _by_numpy(in_numpy: InNumpy, inputs: tuple[Tensor, ...], ranks: Ranks) -> tuple[Tensor, Any]:
    """The value on eager tensors, and its pull-back or None."""
    output, pull = by_numpy(in_numpy, [x.numpy() for x in inputs], ranks)
    if pull is None:
        return tf.constant(output), None
    return tf.constant(output), lambda bar: [tf.constant(each) for each in pull(bar.numpy())]


def _differentiable_by_numpy(function: Function, ranks: Ranks, in_numpy: InNumpy) -> Function:
    """`in_numpy` on eager tensors, with its gradient; derivatives of that run by operations."""

    def call(*inputs: Tensor) -> Any:
        with record.stop_recording():
            output, pull = _by_numpy(in_numpy, inputs, ranks)
        if not record.could_possibly_record():
            return output
        if pull is None:
            return function(*inputs)

        def gradient(bar: Tensor) -> list[Tensor]:
            if not _may_be_recorded():
                cotangents: list[Tensor] = pull(bar)
                return cotangents
            return _gradient_of(function, inputs, [bar])

        return _recorded(output, inputs, gradient)

    return call


@tf.custom_gradient
def _differentiable_sincos(angle: Tensor) -> Any:
    def gradient(sine_bar: Tensor, cosine_bar: Tensor) -> Tensor:
        sine, cosine = _differentiable_sincos(angle)
        return sine_bar * cosine - cosine_bar * sine

    return guarded_sincos(angle), gradient


def _may_be_recorded() -> bool:
    """Whether a tape may watch, or the caller is a graph, in which a tape may watch later."""
    return record.could_possibly_record() or not tf.executing_eagerly()


def _recorded(output: Tensor, inputs: tuple[Tensor, ...], gradient: Function) -> Tensor:
    """`output`, of which tapes know the gradient, at a tenth of the price of a custom gradient."""
    record.record_operation("fkarm", [output], inputs, gradient)
    return output


def _runs_by_operation(inputs: tuple[Tensor, ...]) -> bool:
    """Whether Keras infers shapes, a ForwardAccumulator is active, or no stages are wanted."""
    if is_symbolic(inputs) or bool(forwardprop_util.pack_tangents(inputs).tangents):
        return True
    is_eager_mode = not tf.executing_eagerly() and config.compilation_mode() == "eager"
    return is_eager_mode or is_traced_for_file()


def _is_eager_and_few(x: Tensor, rank: int) -> bool:
    return tf.executing_eagerly() and are_few(rows_of_batch(x, rank))
