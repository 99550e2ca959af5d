"""How kinematics is compiled. Only this module and `geometry.native` know the backends.

What is best depends on the compiler. XLA computes a cheap operation once for each output that needs
it, instead of storing its value: that suits a chain of joints, but not its sines, which are scalar
routines on a CPU. There they come from polynomials that vectorise, behind a condition (is every
angle small enough for them?) across which XLA repeats nothing. On accelerators, and where each
operation runs by itself, the backend's own sine is best.

TensorFlow compiles each function of this module as one XLA stage, whether its caller is eager or a
graph: one kernel instead of hundreds. Batches of unknown size, and eager ones, are padded to one of
a few sizes, so that few are ever compiled. Small eager batches are not worth that and run operation
by operation. JAX compiles stages too, one for each size; PyTorch runs operation by operation.

A function that is traced in order to be written to a file has no stages: the program that reads it
may have no XLA, and converters know plain operations only.
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Callable
from functools import cache, lru_cache, partial, wraps
from typing import Any

import keras
from keras import ops

from fkarm._types import Tensor
from fkarm.geometry import native
from fkarm.kinematics.sine import is_small, polynomial_sincos

# Takes tensors with equal leading batch axes; returns one such tensor or a list of them.
Function = Callable[..., Any]
# TensorFlow: eager batches of fewer rows are computed operation by operation.
COMPILED_ROWS = 1024
# How many stages of each maker stay in memory.
STAGES_KEPT = 512
# TensorFlow: the modules that trace a function in order to write it to a file.
EXPORTERS = ("keras.src.export.", "tensorflow.python.saved_model.", "tf2onnx.")
# Sizes that stages are compiled for: eight per octave, so that at most an eighth is padding.
STAGE_ROWS = [(128 << octave) * eighths // 8 for octave in range(23) for eighths in range(8, 16)]


def native_sincos(angle: Tensor) -> tuple[Tensor, Tensor]:
    """Sine and cosine by the backend's own routines."""
    return native.sin(angle), native.cos(angle)


def guarded_sincos(angle: Tensor) -> tuple[Tensor, Tensor]:
    """Sine and cosine by polynomials if all angles are small enough, else by the backend."""
    pair = ops.cond(
        is_small(angle),
        lambda: ops.moveaxis(ops.stack(polynomial_sincos(angle)), 0, 1),
        lambda: ops.moveaxis(ops.stack(native_sincos(angle)), 0, 1),
    )
    return pair[:, 0], pair[:, 1]


def _barrier(function: Function, *inputs: Tensor) -> Any:
    """`function(*inputs)` behind a condition.

    XLA moves no computation across a condition. This one always holds, but XLA cannot know that.
    """
    is_positive = ops.ravel(inputs[0])[:1] > 0
    return ops.cond(
        ops.all(ops.cast(is_positive, "int32") < 2),
        lambda: function(*inputs),
        lambda: keras.tree.map_structure(ops.zeros_like, function(*inputs)),
    )


def _is_symbolic(inputs: tuple[Tensor, ...]) -> bool:
    return any(isinstance(x, keras.KerasTensor) for x in inputs)


if keras.backend.backend() == "tensorflow":
    import tensorflow as tf
    from tensorflow.python.eager import forwardprop_util, record
    from tensorflow.python.ops import control_flow_util

    def once(maker: Function) -> Function:
        """A maker of stages that is called once for equal arguments."""
        return lru_cache(maxsize=STAGES_KEPT)(maker)

    def _is_traced_for_xla() -> bool:
        graph = tf.compat.v1.get_default_graph()
        return not tf.executing_eagerly() and control_flow_util.GraphOrParentsInXlaContext(graph)

    def _is_traced_for_cpu() -> bool:
        return _is_traced_for_xla() and not tf.config.list_physical_devices("GPU")

    def _is_traced_for_export() -> bool:
        # No library announces that it exports, but an exporter is among the callers of the trace.
        frame = None if tf.executing_eagerly() else sys._getframe(1)
        while frame is not None:
            if frame.f_globals.get("__name__", "").startswith(EXPORTERS):
                return True
            frame = frame.f_back
        return False

    def _runs_by_operation(inputs: tuple[Tensor, ...]) -> bool:
        """Whether Keras traces shapes, a ForwardAccumulator is active, or a file is written."""
        return (
            _is_symbolic(inputs)
            or bool(forwardprop_util.pack_tangents(inputs).tangents)
            or _is_traced_for_export()
        )

    @tf.custom_gradient
    def _differentiable_sincos(angle: Tensor) -> Any:
        def gradient(sine_bar: Tensor, cosine_bar: Tensor) -> Tensor:
            sine, cosine = _differentiable_sincos(angle)
            return sine_bar * cosine - cosine_bar * sine

        return guarded_sincos(angle), gradient

    def sincos(angle: Tensor) -> tuple[Tensor, Tensor]:
        """Sine and cosine, by whichever way is fastest where they are computed."""
        if _is_traced_for_cpu() and not _runs_by_operation((angle,)):
            return _differentiable_sincos(angle)
        return native_sincos(angle)

    def xla_barrier(function: Function, *inputs: Tensor) -> Any:
        """`function(*inputs)`, computed once by XLA, not once for each output that needs it."""
        return _barrier(function, *inputs) if _is_traced_for_cpu() else function(*inputs)

    def compiled(
        function: Function, ranks: tuple[int | None, ...], from_rows: int = COMPILED_ROWS
    ) -> Function:
        """`function` as a stage that XLA compiles, differentiable any number of times.

        The gradient stores nothing but the inputs.

        Args:
            function: What to compile.
            ranks: For each input, the number of its axes after the batch axes; None: it has no
                batch axes, all rows share it.
            from_rows: Eager batches with fewer rows run operation by operation.
        """
        stage = tf.function(function, jit_compile=True, autograph=False)

        @cache
        def concrete(*signature: tf.TensorSpec) -> Function:
            return stage.get_concrete_function(*signature)

        # Derivatives of a stage are rarely asked for, and XLA takes long over them.
        plain = tf.function(function, autograph=False)

        @tf.custom_gradient
        def run(*inputs: Tensor) -> Any:
            def gradient(*cotangents: Tensor) -> list[Tensor]:
                with tf.GradientTape(watch_accessed_variables=False) as tape:
                    tape.watch(inputs)
                    outputs = tf.nest.flatten(plain(*inputs))
                return tape.gradient(
                    outputs, inputs, list(cotangents), tf.UnconnectedGradients.ZERO
                )

            # Without this an outer tape would prepare a derivative of the compiled function itself.
            with record.stop_recording():
                return _in_rows(concrete, inputs, ranks), gradient

        def call(*inputs: Tensor) -> Any:
            if _runs_by_operation(inputs):
                return function(*inputs)
            if _is_traced_for_xla():
                return xla_barrier(function, *inputs)
            if tf.executing_eagerly():
                if _rows(inputs, ranks) < from_rows:
                    return function(*inputs)
                if not record.could_possibly_record():
                    return _in_rows(concrete, inputs, ranks)
            return run(*inputs)

        return call

    def _rows(inputs: tuple[Tensor, ...], ranks: tuple[int | None, ...]) -> Any:
        """Number of rows of the batch, None if it is unknown."""
        return _batch(inputs[0], ranks[0]).num_elements()

    def _batch(x: Tensor, rank: int | None) -> Any:
        return x.shape[: x.shape.rank - (rank or 0)]

    def _in_rows(
        concrete: Function, inputs: tuple[Tensor, ...], ranks: tuple[int | None, ...]
    ) -> Any:
        """Call a stage with one batch axis, of a size that it is compiled for."""
        batch = _batch(inputs[0], ranks[0])
        rows, is_flat = _rows(inputs, ranks), batch.rank == 1
        count = room = rows
        flat = list(inputs)
        if not is_flat:
            flat = [
                x if rank is None else tf.reshape(x, [-1, *x.shape[x.shape.rank - rank :]])
                for x, rank in zip(inputs, ranks, strict=True)
            ]
        if tf.executing_eagerly() or rows is None:
            count = tf.shape(flat[0])[0] if rows is None else rows
            room = _stage_rows(count)
        is_padded = rows is None or room != rows
        if is_padded:
            # Much faster than tf.pad, which handles every axis.
            flat = [
                x
                if rank is None
                else tf.concat([x, tf.zeros([room - count, *x.shape[1:]], x.dtype)], 0)
                for x, rank in zip(flat, ranks, strict=True)
            ]
        signature = [
            tf.TensorSpec(x.shape if rank is None else [None, *x.shape[1:]], x.dtype)
            for x, rank in zip(flat, ranks, strict=True)
        ]
        dynamic = None if is_flat else tf.shape(inputs[0])[: batch.rank]

        def restored(output: Tensor) -> Tensor:
            core = output.shape[1:]
            if is_padded:
                output = output[:count]
            if dynamic is not None:
                output = tf.reshape(output, tf.concat([dynamic, core], axis=0))
            if not tf.executing_eagerly():
                output.set_shape([*batch, *core])
            return output

        return tf.nest.map_structure(restored, concrete(*signature)(*flat))

    def _stage_rows(count: Any) -> Any:
        if isinstance(count, int):
            return STAGE_ROWS[bisect_left(STAGE_ROWS, count)]
        return tf.gather(STAGE_ROWS, tf.searchsorted(STAGE_ROWS, count[None])[0])

    def with_derivative(
        function: Function, wrench: Function, pull_back: Function, push: Function, y_rank: int
    ) -> Function:
        """`function` of vectors `x`, with its derivative given; compiled, differentiable again.

        Args:
            function: Of `x (..., n)`, to `y`.
            wrench: Of `y` and a cotangent of it, to `w (..., m)`.
            pull_back: Of `x` and `w`, to the cotangent of `x`.
            push: Of `x` and a tangent of it, to the tangent of `y`.
            y_rank: The number of axes of `y` after the batch axes.
        """
        value = compiled(function, (1,))
        pulled = compiled(
            lambda x, y, y_bar: pull_back(x, xla_barrier(wrench, y, y_bar)), (1, y_rank, y_rank)
        )
        # The same as a function of `x` alone, for their derivative.
        from_x = tf.function(lambda x, y_bar: pull_back(x, wrench(function(x), y_bar)))

        @tf.custom_gradient
        def differentiable(x: Tensor) -> Any:
            y = value(x)

            @tf.custom_gradient
            def gradient(x: Tensor, y_bar: Tensor) -> Any:
                def gradient_of_gradient(x_bar_bar: Tensor) -> list[Tensor]:
                    with tf.GradientTape(watch_accessed_variables=False) as tape:
                        tape.watch((x, y_bar))
                        x_bar = from_x(x, y_bar)
                    return tape.gradient(x_bar, (x, y_bar), x_bar_bar)

                return pulled(x, y, y_bar), gradient_of_gradient

            return y, lambda y_bar: gradient(x, y_bar)

        return lambda x: function(x) if _runs_by_operation((x,)) else differentiable(x)

elif keras.backend.backend() == "jax":
    import jax

    def once(maker: Function) -> Function:
        """A maker of stages that is called once for equal arguments."""
        return lru_cache(maxsize=STAGES_KEPT)(maker)

    @jax.custom_jvp
    def _differentiable_sincos(angle: Tensor) -> tuple[Tensor, Tensor]:
        return guarded_sincos(angle)

    @_differentiable_sincos.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        sine, cosine = _differentiable_sincos(*primals)
        return (sine, cosine), (cosine * tangents[0], -sine * tangents[0])

    def sincos(angle: Tensor) -> tuple[Tensor, Tensor]:
        """Sine and cosine, by whichever way is fastest where they are computed."""
        if _is_symbolic((angle,)):
            return native_sincos(angle)
        return jax.lax.platform_dependent(angle, cpu=_differentiable_sincos, default=native_sincos)

    def xla_barrier(function: Function, *inputs: Tensor) -> Any:
        """`function(*inputs)`, computed once by XLA, not once for each output that needs it."""
        if _is_symbolic(inputs):
            return function(*inputs)
        by_platform = partial(
            jax.lax.platform_dependent, cpu=partial(_barrier, function), default=function
        )
        # Without this JAX would store each intermediate of the condition for the derivative.
        return jax.checkpoint(by_platform)(*inputs)

    def compiled(
        function: Function, ranks: tuple[int | None, ...], from_rows: int = COMPILED_ROWS
    ) -> Function:
        """`function` as a compiled stage."""
        stage = jax.jit(partial(xla_barrier, function))
        return lambda *inputs: (function if _is_symbolic(inputs) else stage)(*inputs)

    def with_derivative(
        function: Function, wrench: Function, pull_back: Function, push: Function, y_rank: int
    ) -> Function:
        """`function` of vectors, with its derivative given; compiled, differentiable again."""
        # JAX transposes the forward derivative: both modes follow from it.
        differentiable = jax.custom_jvp(function)
        differentiable.defjvp(
            lambda primals, tangents: (function(*primals), push(*primals, *tangents))
        )
        stage = compiled(differentiable, (1,))
        return lambda x: (function if _is_symbolic((x,)) else stage)(x)

elif keras.backend.backend() == "torch":
    import torch

    sincos = native_sincos

    def xla_barrier(function: Function, *inputs: Tensor) -> Any:
        """`function(*inputs)`: nothing is computed twice without a compiler."""
        return function(*inputs)

    def compiled(
        function: Function, ranks: tuple[int | None, ...], from_rows: int = COMPILED_ROWS
    ) -> Function:
        """`function` itself: PyTorch runs operation by operation."""
        return function

    _stages: dict[int, Function] = {}

    @torch.compiler.allow_in_graph
    def _run(number: int, *inputs: Tensor) -> Any:
        """One operation while `torch.compile` reads Python; its compiler then looks inside."""
        return _stages[number](*inputs)

    def once(maker: Function) -> Function:
        """A maker of stages, called once for equal arguments and never read by `torch.compile`.

        `torch.compile` reads Python without its caches, and cannot read plans: it gets a number.
        """
        cached = lru_cache(maxsize=STAGES_KEPT)(maker)

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

    def with_derivative(
        function: Function, wrench: Function, pull_back: Function, push: Function, y_rank: int
    ) -> Function:
        """`function` of vectors, with its derivative given; differentiable again."""

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

        return lambda x: function(x) if _is_symbolic((x,)) else Differentiable.apply(x)
