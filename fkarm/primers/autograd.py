"""What a backward pass computes, and what it costs.

Reverse mode does not compute "the derivative". It computes `v^T J`, a cotangent `v` times the
Jacobian of a function, so `backward(z)` of `f(x) = x` is `z`, not 1. It also computes all products
with zeros: only work that is left out of the graph costs nothing.
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
# Operations that are not counted. Of a call, the body of the function is counted instead.
_CALLS = {"PartitionedCall", "StatefulPartitionedCall"}
_NO_WORK = {"Const", "Identity", "NoOp", "Placeholder", "StopGradient"} | _CALLS


def vector_jacobian_product(f: Function, x: TensorLike, v: TensorLike) -> Tensor:
    """`v^T J` by reverse mode: the gradient of `sum(v * f(x))`, with `v` held constant.

    It takes one backward pass, whatever the sizes. `y.backward(v)` and
    `tape.gradient(y, x, output_gradients=v)` compute the same; with `v = 1` it is the gradient of
    `sum(f(x))`. If `f` is elementwise, its Jacobian is diagonal and the product divided by `v` is
    the derivative; for other functions it is not. Runs eagerly, in `tf.function` and under XLA, as
    `f` does.

    Args:
        f: Function that returns one floating tensor for one tensor.
        x: Point at which to differentiate. Any shape.
        v: Cotangent. Shape of `f(x)`, or one number for all entries.
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
    product = tape.gradient(y, x, _in_shape_of("v", v, "f(x)", y), _ZERO)
    return tf.convert_to_tensor(product)  # the gradient of tf.gather is IndexedSlices


def jacobian_vector_product(f: Function, x: TensorLike, v: TensorLike) -> Tensor:
    """`J v` by forward mode: how `f(x)` changes as `x` moves along `v`.

    It takes one forward pass, which computes tangents along with the values. Runs eagerly, in
    `tf.function` and under XLA, as `f` does.

    Args:
        f: Function that returns one floating tensor for one tensor.
        x: Point at which to differentiate. Any shape.
        v: Tangent. Shape of `x`, or one number for all entries.
    Returns:
        Shape and dtype of `f(x)`; zeros if `f(x)` does not depend on `x`.
    Raises:
        TypeError: If `x` or `f(x)` is not floating.
        ValueError: If `v` is neither a number nor of the shape of `x`.
    """
    x = _floating("x", x)
    with tf.autodiff.ForwardAccumulator(x, _in_shape_of("v", v, "x", x)) as accumulator:
        y = _floating("f(x)", f(x))
    return accumulator.jvp(y, unconnected_gradients=_ZERO)


def full_jacobian(f: Function, x: TensorLike) -> Tensor:
    """The derivative of every entry of `f(x)` with respect to every entry of `x`.

    It takes one backward pass per entry of `f(x)`. The passes are vectorised, so `f` may use only
    operations that TensorFlow can vectorise (`tf.vectorized_map`). Runs eagerly, in `tf.function`
    and under XLA.

    Args:
        f: Function that returns one floating tensor for one tensor.
        x: Point at which to differentiate. Any shape.
    Returns:
        Shape of `f(x)`, then shape of `x`; zeros where an entry does not depend on another.
    Raises:
        TypeError: If `x` or `f(x)` is not floating.
    """
    x = _floating("x", x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = _floating("f(x)", f(x))
    return tape.jacobian(y, x, _ZERO)


def detach(x: TensorLike) -> Tensor:
    """`x` as a constant: the same value with a gradient of zero (`tf.stop_gradient`).

    The graph then lacks the backward pass of everything that was computed only for `x`; the forward
    pass remains. This works for whole tensors only: `tf.where(mask, x, detach(x))` saves no work,
    because some entries need the gradient of `x`.
    """
    return tf.stop_gradient(x)


def masked_loss(terms: TensorLike, mask: TensorLike, reduction: str = "mean") -> Tensor:
    """Mean or sum of the terms where the mask is true.

    Terms that are masked out may be infinite or NaN. In `sum(terms * mask)` they may not, because
    `0 * inf` is NaN. Masking saves no work. To save work, select entries before their terms are
    computed: `f(tf.boolean_mask(x, mask))`. Runs eagerly, in `tf.function` and under XLA.

    Args:
        terms: One loss per entry. Any shape.
        mask: Whether each term counts. Booleans, shape of `terms`.
        reduction: `"mean"` or `"sum"` of the terms that count. The mean of no terms is 0.
    Returns:
        Loss, a scalar in the dtype of `terms`.
    Raises:
        TypeError: If `terms` is not floating or `mask` not boolean.
        ValueError: If the shapes differ or `reduction` is unknown.
    Gradient:
        Zero with respect to masked terms. With respect to `x` it can still be NaN: for
        `f(x) = x log(x)` at `x = 0` the zero is multiplied by an infinite derivative. (For `sqrt`,
        TensorFlow's kernels guard against it, and XLA does not.) Replace the input too, by a value
        with a finite derivative: `masked_loss(f(tf.where(mask, x, 1.0)), mask)`.
    """
    check_choice("reduction", reduction, ("mean", "sum"))
    terms = _floating("terms", terms)
    mask = tf.convert_to_tensor(mask)
    if mask.dtype != tf.bool:
        raise TypeError(
            f"mask must be boolean. Received: {mask.dtype.name}. Try `mask != 0`. To weight terms, "
            "multiply them by weights."
        )
    if not mask.shape.is_compatible_with(terms.shape):
        raise ValueError(
            f"mask must have the shape of terms. Received: terms of shape {terms.shape}, mask of "
            f"shape {mask.shape}."
        )
    # Shapes that are unknown while tracing are compared when the function runs.
    tf.debugging.assert_equal(tf.shape(mask), tf.shape(terms), "mask must have the shape of terms.")
    total = tf.reduce_sum(tf.where(mask, terms, tf.zeros_like(terms)))
    if reduction == "sum":
        return total
    return tf.math.divide_no_nan(total, tf.cast(tf.math.count_nonzero(mask), terms.dtype))


class GradientCost(NamedTuple):
    """The cost of a value and its gradient.

    Attributes:
        forward_ops: Number of operations in the traced graph of the value.
        backward_ops: Number of further operations in the graph of the value and the gradient.
        seconds: Median time of one evaluation of both.
    """

    forward_ops: int
    backward_ops: int
    seconds: float


def gradient_cost(
    f: Function, *x: TensorLike, mode: str = "graph", repeats: int = 10
) -> GradientCost:
    """Measure a function and its gradient, to see whether unneeded work was pruned.

    The count includes the operations that the results depend on in the graph as traced. The body of
    a function counts once; names and constants do not count. Operations that a compiler removes
    later still count, and the time shows their removal. The first evaluation, which compiles, is
    not timed. Tracing does not use AutoGraph.

    Args:
        f: Function of the tensors `x`. The gradient is the gradient of the sum of its result.
        *x: Floating tensors. The function is differentiated with respect to all of them.
        mode: How the timed evaluations run: `"eager"`, `"graph"` (`tf.function`) or `"xla"`.
        repeats: Number of timed evaluations.
    Returns:
        Numbers of operations, and seconds.
    Raises:
        TypeError: If an `x` or `f(x)` is not floating.
        ValueError: If `mode` is unknown or `repeats` is less than 1.
    """
    check_choice("mode", mode, _MODES)
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1. Received: {repeats}.")
    inputs = [_floating("x", tensor) for tensor in x]

    def value(*x: Tensor) -> Tensor:
        return _floating("f(x)", f(*x))

    def value_and_gradient(*x: Tensor) -> tuple[Tensor, list[Tensor]]:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = value(*x)
        gradients = tape.gradient(y, x, unconnected_gradients=_ZERO)
        return y, [tf.convert_to_tensor(gradient) for gradient in gradients]

    specs = [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in inputs]
    traced = tf.function(value_and_gradient, autograph=False, jit_compile=mode == "xla")
    forward = tf.function(value, autograph=False)
    forward_ops = _count_operations(forward.get_concrete_function(*specs))
    all_ops = _count_operations(traced.get_concrete_function(*specs))
    evaluate = value_and_gradient if mode == "eager" else traced
    seconds = [_seconds(evaluate, inputs) for _ in range(repeats + 1)][1:]
    return GradientCost(forward_ops, all_ops - forward_ops, float(np.median(seconds)))


def _seconds(evaluate: Function, inputs: list[Tensor]) -> float:
    start = time.perf_counter()
    evaluate(*inputs)
    tf.test.experimental.sync_devices()
    return time.perf_counter() - start


def _count_operations(concrete: Any) -> int:
    """Number of operations that the outputs of a traced function depend on."""
    graph = concrete.graph.as_graph_def()
    bodies = {body.signature.name: body for body in graph.library.function}
    return _count_reachable(graph.node, [output.op.name for output in concrete.outputs], bodies)


def _count_reachable(nodes: Iterable[Any], outputs: Iterable[str], bodies: dict[str, Any]) -> int:
    by_name = {node.name: node for node in nodes}
    waiting, seen, count = list(outputs), set(), 0
    while waiting:
        name = waiting.pop().lstrip("^").split(":")[0]
        if name in seen or name not in by_name:  # the arguments of a body are not nodes
            continue
        seen.add(name)
        node = by_name[name]
        waiting += node.input
        count += node.op not in _NO_WORK
        for attribute in node.attr.values():
            for called in (attribute.func, *attribute.list.func):
                if called.name:
                    body = bodies[called.name]
                    count += _count_reachable(body.node_def, body.ret.values(), bodies)
    return count


def _floating(name: str, x: TensorLike) -> Tensor:
    x = tf.convert_to_tensor(x)
    check_floating(name, x.dtype)
    return x


def _in_shape_of(name: str, v: TensorLike, like: str, target: Tensor) -> Tensor:
    """`v` in the dtype and shape of a tensor. One number is repeated for all entries."""
    v = keras.ops.convert_to_tensor(v, dtype=target.dtype)
    if v.shape.rank == 0:
        return tf.broadcast_to(v, tf.shape(target))
    if not v.shape.is_compatible_with(target.shape):
        raise ValueError(
            f"{name} must have the shape of {like}, or be one number. Received: {name} of shape "
            f"{v.shape}, {like} of shape {target.shape}."
        )
    return v
