"""What a backward pass computes, and what it costs.

Reverse mode never gives "the derivative": it gives `v^T J`, a cotangent `v` times the
Jacobian of a function. `backward(z)` of `f(x) = x` is therefore `z`, not 1. And it multiplies
by every zero it meets: what must cost nothing must not be in the graph.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from fkarm._checks import check_choice, check_floating
from fkarm._types import Tensor, TensorLike

Function = Callable[..., Tensor]
_ZERO = tf.UnconnectedGradients.ZERO
_MODES = ("eager", "graph", "xla")
# Names, constants and calls of functions, whose bodies are counted instead.
_CALLS = {"PartitionedCall", "StatefulPartitionedCall"}
_NO_WORK = {"Const", "Identity", "NoOp", "Placeholder", "StopGradient"} | _CALLS


def vector_jacobian_product(f: Function, x: TensorLike, v: TensorLike) -> Tensor:
    """`v^T J` by reverse mode: the gradient of `sum(v * f(x))`, with `v` held constant.

    One backward pass, whatever the sizes. This is what `y.backward(v)` and
    `tape.gradient(y, x, output_gradients=v)` give; with `v = 1` it is the gradient of
    `sum(f(x))`. Only for an elementwise `f` is the Jacobian diagonal, and the result over `v`
    its derivative. Eagerly, in `tf.function` and under XLA, if `f` is.

    Args:
        f: Function of one tensor with one floating tensor for a result.
        x: Where. Any shape.
        v: Cotangent: shape of `f(x)`, or one number for all entries.
    Returns:
        Shape and dtype of `x`; zeros if `f(x)` does not depend on `x`.
    Raises:
        TypeError: If `x` or `f(x)` is not floating.
        ValueError: If `v` is neither a number nor of the shape of `f(x)`.
    Example:
        >>> z = np.array([1.0, 2.0, 3.0])
        >>> fkarm.primers.vector_jacobian_product(tf.square, z, z).numpy() / z
        array([2., 4., 6.])
    """
    x = _floating("x", x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = _floating("f(x)", f(x))
    product = tape.gradient(y, x, _shaped("v", v, "f(x)", y), _ZERO)
    return tf.convert_to_tensor(product)  # that of tf.gather is IndexedSlices


def jacobian_vector_product(f: Function, x: TensorLike, v: TensorLike) -> Tensor:
    """`J v` by forward mode: how `f(x)` changes as `x` moves along `v`.

    One forward pass that carries tangents along. Eagerly, in `tf.function` and under XLA, if
    `f` is.

    Args:
        f: Function of one tensor with one floating tensor for a result.
        x: Where. Any shape.
        v: Tangent: shape of `x`, or one number for all entries.
    Returns:
        Shape and dtype of `f(x)`; zeros if it does not depend on `x`.
    Raises:
        TypeError: If `x` or `f(x)` is not floating.
        ValueError: If `v` is neither a number nor of the shape of `x`.
    """
    x = _floating("x", x)
    with tf.autodiff.ForwardAccumulator(x, _shaped("v", v, "x", x)) as accumulator:
        y = _floating("f(x)", f(x))
    return accumulator.jvp(y, unconnected_gradients=_ZERO)


def full_jacobian(f: Function, x: TensorLike) -> Tensor:
    """Every derivative of every entry of `f(x)` by every entry of `x`.

    One backward pass for each entry of `f(x)`, vectorised: `f` may hold only operations that
    TensorFlow can vectorise (`tf.vectorized_map`). Eagerly, in `tf.function` and under XLA.

    Args:
        f: Function of one tensor with one floating tensor for a result.
        x: Where. Any shape.
    Returns:
        Shape of `f(x)`, then shape of `x`; zeros where there is no dependence.
    Raises:
        TypeError: If `x` or `f(x)` is not floating.
    """
    x = _floating("x", x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = _floating("f(x)", f(x))
    return tape.jacobian(y, x, _ZERO)


def detach(x: TensorLike) -> Tensor:
    """`x` as a constant: its value stays, its gradient is zero (`tf.stop_gradient`).

    The backward pass of all that was computed only for `x` is left out of the graph; the
    forward pass stays. It cuts whole tensors: in `tf.where(mask, x, detach(x))` no work is
    saved, for the gradient of `x` is needed either way.
    """
    return tf.stop_gradient(x)


def masked_loss(terms: TensorLike, mask: TensorLike, reduction: str = "mean") -> Tensor:
    """Mean or sum of the terms where the mask is true.

    Unlike `sum(terms * mask)`, terms that are masked out may be infinite or NaN: `0 * inf` is
    NaN. Saves no work: to do so, select before the terms are computed,
    `f(tf.boolean_mask(x, mask))`. Eagerly, in `tf.function` and under XLA.

    Args:
        terms: One loss for each entry. Any shape.
        mask: Which of them count. Booleans, shape of `terms`.
        reduction: `"mean"` over those that count, 0 if none do; or `"sum"`.
    Returns:
        Loss, a scalar in the dtype of `terms`.
    Raises:
        TypeError: If `terms` is not floating or `mask` not boolean.
        ValueError: If the shapes differ or `reduction` is unknown.
    Gradient:
        Of masked terms: zero. One step earlier `0 * inf` returns: at `x = 0` the zero meets the
        infinite derivative of `f(x) = x log(x)`. (That of `sqrt` is guarded by TensorFlow's own
        kernels and not under XLA.) Replace the input too, by a value where the function is
        harmless: `masked_loss(f(tf.where(mask, x, 1.0)), mask)`.
    """
    check_choice("reduction", reduction, ("mean", "sum"))
    terms = _floating("terms", terms)
    mask = tf.convert_to_tensor(mask)
    if mask.dtype != tf.bool:
        raise TypeError(
            f"mask must be boolean. Received: {mask.dtype.name}. Try `mask != 0`; to weigh terms, "
            "multiply them."
        )
    if not mask.shape.is_compatible_with(terms.shape):
        raise ValueError(
            f"mask must have the shape of terms. Received: terms of shape {terms.shape}, mask of "
            f"shape {mask.shape}."
        )
    # For shapes unknown while tracing: nothing may broadcast.
    tf.debugging.assert_equal(tf.shape(mask), tf.shape(terms), "mask must have the shape of terms.")
    total = tf.reduce_sum(tf.where(mask, terms, tf.zeros_like(terms)))
    if reduction == "sum":
        return total
    return tf.math.divide_no_nan(total, tf.cast(tf.math.count_nonzero(mask), terms.dtype))


class GradientCost(NamedTuple):
    """What a value and its gradient cost.

    Attributes:
        forward_ops: Operations in the traced graph of the value.
        backward_ops: How many more there are in the graph of value and gradient.
        seconds: Median time of one evaluation of both.
    """

    forward_ops: int
    backward_ops: int
    seconds: float


def gradient_cost(
    f: Function, *x: TensorLike, mode: str = "graph", repeats: int = 10
) -> GradientCost:
    """Measured cost of a function and its gradient: was it pruned?

    Counts the operations that the results depend on in the graph as traced, function bodies
    once, names and constants not at all; what compilers remove later shows in the time. The
    first evaluation, which compiles, is not timed. Traced without AutoGraph.

    Args:
        f: Function of the tensors `x`; the gradient is that of the sum of its result.
        *x: Floating tensors, by each of which it is differentiated.
        mode: How to evaluate for the time: `"eager"`, `"graph"` (`tf.function`) or `"xla"`.
        repeats: How many evaluations to time.
    Returns:
        Operations and seconds.
    Raises:
        TypeError: If an `x` or `f(x)` is not floating.
        ValueError: If `mode` is unknown or `repeats` is less than 1.
    """
    check_choice("mode", mode, _MODES)
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1. Received: {repeats}.")
    inputs = [_floating("x", each) for each in x]

    def value(*x: Tensor) -> Tensor:
        return _floating("f(x)", f(*x))

    def value_and_gradient(*x: Tensor) -> tuple[Tensor, list[Tensor]]:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = value(*x)
        gradients = tape.gradient(y, x, unconnected_gradients=_ZERO)
        return y, [tf.convert_to_tensor(each) for each in gradients]

    specs = [tf.TensorSpec(each.shape, each.dtype) for each in inputs]
    traced = tf.function(value_and_gradient, autograph=False, jit_compile=mode == "xla")
    forward = tf.function(value, autograph=False)
    forward_ops = _work(forward.get_concrete_function(*specs))
    all_ops = _work(traced.get_concrete_function(*specs))
    evaluate = value_and_gradient if mode == "eager" else traced
    seconds = [_timed(evaluate, inputs) for _ in range(repeats + 1)][1:]
    return GradientCost(forward_ops, all_ops - forward_ops, float(np.median(seconds)))


def _timed(evaluate: Function, inputs: list[Tensor]) -> float:
    start = time.perf_counter()
    evaluate(*inputs)
    tf.test.experimental.sync_devices()
    return time.perf_counter() - start


def _work(concrete: Any) -> int:
    """Number of operations that the outputs of a traced function depend on."""
    graph = concrete.graph.as_graph_def()
    bodies = {body.signature.name: body for body in graph.library.function}
    return _reachable(graph.node, [each.op.name for each in concrete.outputs], bodies)


def _reachable(nodes: Iterable[Any], wanted: Iterable[str], bodies: dict[str, Any]) -> int:
    by_name = {node.name: node for node in nodes}
    waiting, seen, count = list(wanted), set(), 0
    while waiting:
        name = waiting.pop().lstrip("^").split(":")[0]
        if name in seen or name not in by_name:  # arguments of a body are no nodes
            continue
        seen.add(name)
        node = by_name[name]
        waiting += node.input
        count += node.op not in _NO_WORK
        for attribute in node.attr.values():
            for called in (attribute.func, *attribute.list.func):
                if called.name:
                    body = bodies[called.name]
                    count += _reachable(body.node_def, body.ret.values(), bodies)
    return count


def _floating(name: str, x: TensorLike) -> Tensor:
    x = tf.convert_to_tensor(x)
    check_floating(name, x.dtype)
    return x


def _shaped(name: str, v: TensorLike, like: str, target: Tensor) -> Tensor:
    """`v` in the dtype and shape of a tensor; one number is spread over it."""
    v = keras.ops.convert_to_tensor(v, dtype=target.dtype)
    if v.shape.rank == 0:
        return tf.broadcast_to(v, tf.shape(target))
    if not v.shape.is_compatible_with(target.shape):
        raise ValueError(
            f"{name} must have the shape of {like}, or be one number. Received: {name} of shape "
            f"{v.shape}, {like} of shape {target.shape}."
        )
    return v
