"""Entropy in bits of values and of probabilities, its derivative, and a trainable entropy.

The entropy of the value counts of a vector does not change when a value moves a little. Its
derivative with respect to the *values* is zero almost everywhere, so no optimizer can use it. Its
derivative with respect to the *probabilities* is not zero. `soft_entropy` smooths the counts and
has a useful derivative with respect to the values.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from fkarm._checks import check_choice, check_floating, check_non_negative, check_positive
from fkarm._types import Tensor, TensorLike

_METHODS = ("analytic", "tape", "forward", "central")


def shannon_entropy(x: TensorLike) -> Tensor:
    """Entropy in bits of the value counts of a vector, `sum_v (c_v / n) log2(n / c_v)`.

    Runs eagerly, in `tf.function` and under XLA.

    Args:
        x: Numbers, whole or not. Equal numbers are counted together. Shape `(..., n)`.
    Returns:
        Entropy between 0 and `log2(n)`: 0 for no values, NaN if a value is NaN. Shape `(...)`. The
        dtype is that of `x`, or Keras' default float if `x` holds whole numbers.
    Raises:
        ValueError: If `x` is a single number.
    Gradient:
        None: counts are piecewise constant. See `soft_entropy`.
    Example:
        >>> print(fkarm.primers.shannon_entropy([1, 1, 1, 3, 3, 3]).numpy())
        1.0
    """
    x = tf.convert_to_tensor(x)
    if x.shape.rank == 0:
        raise ValueError(f"x must be a vector, shape (..., n). Received: shape {x.shape}.")
    dtype = x.dtype if x.dtype.is_floating else keras.config.floatx()
    ordered = tf.sort(x, axis=-1)
    first, end = (tf.searchsorted(ordered, x, side=side) for side in ("left", "right"))
    # A value that occurs c times contributes c terms, so the mean over all n terms is the sum.
    entropy = _mean_bits(tf.cast(tf.shape(x)[-1], dtype) / tf.cast(end - first, dtype))
    if x.dtype.is_floating:
        unknown = tf.reduce_any(tf.math.is_nan(x), axis=-1)
        entropy = tf.where(unknown, tf.constant(math.nan, dtype), entropy)
    return entropy


def entropy_of_probabilities(p: TensorLike) -> Tensor:
    """`sum_i p_i log2(1 / p_i)`, with `0 log 0 = 0`: the entropy of a distribution in bits.

    It is defined for any `p_i >= 0`, normalised or not, because partial derivatives need its values
    next to the simplex. Runs eagerly, in `tf.function` and under XLA.

    Args:
        p: Probabilities. Shape `(..., k)`.
    Returns:
        Entropy. Shape `(...)`, dtype of `p`; NaN if a `p_i` is negative.
    Raises:
        TypeError: If `p` is not floating.
    Gradient:
        `-log2(p_i) - 1 / ln 2`. It tends to infinity as `p_i` tends to 0. At `p_i = 0` it is
        replaced by 0.
    """
    p, positive = _probabilities(p)
    # log(1 / p), not -log(p): the entropy of a certainty is 0.0, not -0.0.
    return tf.reduce_sum(p * tf.math.log(1.0 / positive), axis=-1) / math.log(2.0)


def _probabilities(p: TensorLike) -> tuple[Tensor, Tensor]:
    """`p`, and `p` with 1 in place of 0, so that the branch not taken has a finite gradient."""
    p = tf.convert_to_tensor(p)
    check_floating("p", p.dtype)
    return p, tf.where(p == 0.0, tf.ones_like(p), p)


def entropy_gradient(p: TensorLike, method: str = "analytic", step: float | None = None) -> Tensor:
    """Partial derivatives of `entropy_of_probabilities`, each with respect to one `p_i`.

    A partial derivative moves `p` off the simplex, so the sum of the partial derivatives is no
    derivative of the entropy of a distribution. `projected_entropy_gradient` computes that one.

    Args:
        p: Probabilities. Shape `(..., k)`.
        method: `"analytic"` uses the formula, `"tape"` uses `tf.GradientTape`, `"forward"` uses
            `(H(p + h) - H(p)) / h`, and `"central"` uses `(H(p + h) - H(p - h)) / 2h`, which needs
            `p >= h`.
        step: Step `h` of the differences. None: the square root of the machine epsilon for
            `"forward"`, its cube root for `"central"`. A larger step has a larger truncation error,
            `O(h)` or `O(h^2)`; a smaller step has a larger rounding error, `O(1 / h)`.
    Returns:
        Derivatives, bits. Shape and dtype of `p`.
    Raises:
        TypeError: If `p` is not floating.
        ValueError: If `method` is unknown or `step` is not positive.
    Gradient:
        At `p_i = 0`, `"analytic"` and `"tape"` return 0, as `entropy_of_probabilities` does.
        `"forward"` returns the finite difference.
    """
    check_choice("method", method, _METHODS)
    p, positive = _probabilities(p)
    if method == "analytic":
        partials = -tf.math.log(positive) / math.log(2.0) - 1.0 / math.log(2.0)
        return tf.where(p == 0.0, tf.zeros_like(p), partials)
    if method == "tape":
        with tf.GradientTape() as tape:
            tape.watch(p)
            entropy = entropy_of_probabilities(p)
        return tape.gradient(entropy, p)
    if step is None:
        power = 1 / 2 if method == "forward" else 1 / 3
        step = float(np.finfo(p.dtype.as_numpy_dtype).eps) ** power
    check_positive("step", step)
    moves = step * tf.eye(tf.shape(p)[-1], dtype=p.dtype)  # (k, k)
    middle = p[..., None, :]
    ahead = entropy_of_probabilities(middle + moves)  # (..., k)
    if method == "forward":
        return (ahead - entropy_of_probabilities(middle)) / step
    return (ahead - entropy_of_probabilities(middle - moves)) / (2.0 * step)


def projected_entropy_gradient(p: TensorLike) -> Tensor:
    """Gradient of the entropy along the simplex: how much a shift of probability can gain.

    It is the partial derivatives minus their mean, `mean(log2 p) - log2(p_i)`: the direction of
    steepest ascent that keeps the sum of `p`. It is zero for a uniform distribution.

    Args:
        p: Probabilities. Shape `(..., k)`.
    Returns:
        Gradient, bits, with sum 0 over the last axis. Shape and dtype of `p`.
    Raises:
        TypeError: If `p` is not floating.
    Gradient:
        On the border of the simplex it is the gradient along the face that contains `p`: 0 where
        `p_i` is 0.
    """
    p, positive = _probabilities(p)
    support = tf.cast(p != 0.0, p.dtype)
    bits = tf.math.log(positive) / math.log(2.0)  # 0 outside the support
    size = tf.reduce_sum(support, axis=-1, keepdims=True)
    mean = tf.math.divide_no_nan(tf.reduce_sum(bits, axis=-1, keepdims=True), size)
    return support * (mean - bits)


def soft_entropy(x: TensorLike, bandwidth: TensorLike) -> Tensor:
    """Entropy in bits of the smoothed value counts of a vector: differentiable in `x`.

    Every value counts its neighbours with Gaussian weights,
    `c_i = sum_j exp(-(x_i - x_j)^2 / (2 bandwidth^2))`, and the entropy is the mean of
    `log2(n / c_i)`. If the bandwidth is much smaller than the gaps between different values, the
    result is `shannon_entropy(x)`. Runs eagerly, in `tf.function` and under XLA. Time and memory
    grow with `n^2`.

    Args:
        x: Numbers. Shape `(..., n)`.
        bandwidth: Distance within which two values count as one, in the unit of `x`, > 0.
    Returns:
        Entropy between 0 (all values equal) and `log2(n)` (all far apart); 0 for no values. Shape
        `(...)`, dtype of `x`.
    Raises:
        TypeError: If `x` is not floating.
        ValueError: If `bandwidth` is not positive.
    Gradient:
        Smooth. It is zero between equal values and between values that are many bandwidths apart.
        Begin with a bandwidth as large as the spread that you want.
    """
    return soft_entropy_of_points(tf.convert_to_tensor(x)[..., None], bandwidth)


def soft_entropy_of_points(points: TensorLike, bandwidth: TensorLike) -> Tensor:
    """`soft_entropy` of points instead of numbers, with Euclidean distances.

    Args:
        points: Shape `(..., n, d)`.
        bandwidth: One number, or one per coordinate where units differ, shape `(d,)`; > 0.
    Returns:
        Entropy. Shape `(...)`, dtype of `points`.
    Raises:
        TypeError: If `points` is not floating.
        ValueError: If `bandwidth` is not positive.
    Gradient:
        As for `soft_entropy`.
    """
    counts = _soft_counts(points, bandwidth)
    return _mean_bits(tf.cast(tf.shape(counts)[-1], counts.dtype) / counts)


def _soft_counts(points: TensorLike, bandwidth: TensorLike) -> Tensor:
    """Smoothed number of points near each point, including itself. `(..., n, d)` to `(..., n)`."""
    points = tf.convert_to_tensor(points)
    check_floating("points", points.dtype)
    if not tf.is_tensor(bandwidth):
        check_positive("bandwidth", bandwidth)
    bandwidth = keras.ops.convert_to_tensor(bandwidth, dtype=points.dtype)
    apart = (points[..., :, None, :] - points[..., None, :, :]) / bandwidth  # (..., n, n, d)
    return tf.reduce_sum(tf.exp(-0.5 * tf.reduce_sum(tf.square(apart), axis=-1)), axis=-1)


def _mean_bits(ratios: Tensor) -> Tensor:
    """Mean of `log2` over the last axis, 0 if it is empty."""
    size = tf.cast(tf.maximum(tf.shape(ratios)[-1], 1), ratios.dtype)
    return tf.reduce_sum(tf.math.log(ratios), axis=-1) / size / math.log(2.0)


@keras.saving.register_keras_serializable(package="fkarm")
class EntropyRegularizer(keras.regularizers.Regularizer):
    """Penalty on rows that are close together: the bits that their `soft_entropy` lacks.

    The penalty is `weight * sum_i log2(c_i)`, which equals `weight * n * (log2(n) - soft_entropy)`.
    It is zero for n rows that are far apart. As an `activity_regularizer` it spreads the outputs of
    a batch (from version 3.14 on Keras divides it by the batch size). As a `kernel_regularizer` it
    spreads the rows of a kernel.

    Args:
        bandwidth: Distance within which two rows count as one, > 0: one number, or one per entry of
            a row.
        weight: Penalty per bit and row, >= 0.
    Call arguments:
        x: Rows; all further axes are entries of a row. Shape `(n, ...)`.
    Returns:
        Penalty, a scalar.
    Raises:
        TypeError: If `x` is not floating.
        ValueError: If `bandwidth` is not positive or `weight` is negative.
    Gradient:
        Zero for equal rows. Begin with rows that differ.
    Example:
        >>> penalty = fkarm.primers.EntropyRegularizer(bandwidth=0.1)
        >>> float(penalty(np.zeros((4, 7))))  # each of four equal rows lacks two bits
        8.0
    """

    def __init__(self, bandwidth: Any, weight: float = 1.0) -> None:
        check_positive("bandwidth", bandwidth)
        check_non_negative("weight", weight)
        self.bandwidth = np.asarray(bandwidth, float).tolist()
        self.weight = float(weight)

    def __call__(self, x: TensorLike) -> Tensor:
        x = tf.convert_to_tensor(x)
        rows = tf.reshape(x, (tf.shape(x)[0], tf.reduce_prod(tf.shape(x)[1:])))
        bits = tf.math.log(_soft_counts(rows, self.bandwidth)) / math.log(2.0)
        return self.weight * tf.reduce_sum(bits)

    def get_config(self) -> dict[str, Any]:
        return {"bandwidth": self.bandwidth, "weight": self.weight}
