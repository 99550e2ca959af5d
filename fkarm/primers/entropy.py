"""Entropy in bits, of values and of probabilities, its derivative, and one that can be trained.

The entropy of the value counts of a vector does not change when a value moves a little: its
derivative with respect to the *values* is zero almost everywhere, and no optimizer can use
it. With respect to the *probabilities* it has one. `soft_entropy` smooths the counts and has
a useful derivative with respect to the values.
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

    Eagerly, in `tf.function` and under XLA.

    Args:
        x: Numbers, whole or not; equal ones are counted together. Shape `(..., n)`.
    Returns:
        Between 0 and `log2(n)`; 0 for no values, NaN if one of them is NaN. Shape `(...)`, in
        the dtype of `x`; Keras' default float for whole numbers.
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
    # A value that occurs c times meets its term c times: the mean over all n is the sum.
    entropy = _mean_bits(tf.cast(tf.shape(x)[-1], dtype) / tf.cast(end - first, dtype))
    if x.dtype.is_floating:
        unknown = tf.reduce_any(tf.math.is_nan(x), axis=-1)
        entropy = tf.where(unknown, tf.constant(math.nan, dtype), entropy)
    return entropy


def entropy_of_probabilities(p: TensorLike) -> Tensor:
    """`sum_i p_i log2(1 / p_i)`, with `0 log 0 = 0`: the entropy of a distribution in bits.

    Defined for any `p_i >= 0`, normalised or not: partial derivatives need it next to the
    simplex too. Eagerly, in `tf.function` and under XLA.

    Args:
        p: Probabilities. Shape `(..., k)`.
    Returns:
        Entropy. Shape `(...)`, dtype of `p`; NaN if a `p_i` is negative.
    Raises:
        TypeError: If `p` is not floating.
    Gradient:
        `-log2(p_i) - 1 / ln 2`. It grows to +infinity as `p_i` falls to 0; at 0 itself it is
        replaced by 0.
    """
    p, positive = _probabilities(p)
    # log(1 / p), not -log(p): the entropy of a certainty is 0.0, not -0.0.
    return tf.reduce_sum(p * tf.math.log(1.0 / positive), axis=-1) / math.log(2.0)


def _probabilities(p: TensorLike) -> tuple[Tensor, Tensor]:
    """`p`, and `p` with 1 in place of 0: what is not taken must still have a finite gradient."""
    p = tf.convert_to_tensor(p)
    check_floating("p", p.dtype)
    return p, tf.where(p == 0.0, tf.ones_like(p), p)


def entropy_gradient(p: TensorLike, method: str = "analytic", step: float | None = None) -> Tensor:
    """Partial derivatives of `entropy_of_probabilities`, each `p_i` moved on its own.

    They leave the simplex: their sum is no derivative of the entropy of a distribution. For
    that see `projected_entropy_gradient`.

    Args:
        p: Probabilities. Shape `(..., k)`.
        method: `"analytic"`, the formula; `"tape"`, `tf.GradientTape`; `"forward"`,
            `(H(p + h) - H(p)) / h`; `"central"`, `(H(p + h) - H(p - h)) / 2h`, for `p >= h`.
        step: The `h` of the differences. None: the square root of the rounding unit for
            `"forward"`, its cube root for `"central"`. Too large a step truncates the series,
            error `O(h)` and `O(h^2)`; too small a one divides rounding, `O(1 / h)`.
    Returns:
        Derivatives, bits. Shape and dtype of `p`.
    Raises:
        TypeError: If `p` is not floating.
        ValueError: If `method` is unknown or `step` is not positive.
    Gradient:
        At `p_i = 0` the first two give 0, see `entropy_of_probabilities`; forward differences
        give what they find.
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
    """Derivative of the entropy along the simplex: what moving probability about can gain.

    The partials less their mean, `mean(log2 p) - log2(p_i)`: the direction of steepest ascent
    that keeps the sum of `p`. Zero for a uniform distribution.

    Args:
        p: Probabilities. Shape `(..., k)`.
    Returns:
        Sums to 0 over the last axis. Shape and dtype of `p`.
    Raises:
        TypeError: If `p` is not floating.
    Gradient:
        On the border of the simplex, along the face that `p` lies in: 0 where `p_i` is 0.
    """
    p, positive = _probabilities(p)
    support = tf.cast(p != 0.0, p.dtype)
    bits = tf.math.log(positive) / math.log(2.0)  # 0 outside the support
    size = tf.reduce_sum(support, axis=-1, keepdims=True)
    mean = tf.math.divide_no_nan(tf.reduce_sum(bits, axis=-1, keepdims=True), size)
    return support * (mean - bits)


def soft_entropy(x: TensorLike, bandwidth: TensorLike) -> Tensor:
    """Entropy in bits of the smoothed value counts of a vector: differentiable in `x`.

    Each value counts its neighbours by a Gaussian of their distance,
    `c_i = sum_j exp(-(x_i - x_j)^2 / (2 bandwidth^2))`; the entropy is the mean of
    `log2(n / c_i)`. As the bandwidth shrinks below the gaps between different values it
    becomes `shannon_entropy(x)`. Eagerly, in `tf.function` and under XLA; time and memory grow
    with `n^2`.

    Args:
        x: Numbers. Shape `(..., n)`.
        bandwidth: How near two values are to count as one, in the unit of `x`, > 0.
    Returns:
        Between 0 (all equal) and `log2(n)` (all far apart); 0 for no values. Shape `(...)`,
        dtype of `x`.
    Raises:
        TypeError: If `x` is not floating.
        ValueError: If `bandwidth` is not positive.
    Gradient:
        Smooth. Zero between equal values, which nothing tells apart, and between values many
        bandwidths apart: begin with a bandwidth as large as the spread you wish for.
    """
    return soft_entropy_of_points(tf.convert_to_tensor(x)[..., None], bandwidth)


def soft_entropy_of_points(points: TensorLike, bandwidth: TensorLike) -> Tensor:
    """`soft_entropy` of points instead of numbers, by their Euclidean distance.

    Args:
        points: Shape `(..., n, d)`.
        bandwidth: > 0, one number, or one for each coordinate, `(d,)`, where units differ.
    Returns:
        Entropy. Shape `(...)`, dtype of `points`.
    Raises:
        TypeError: If `points` is not floating.
        ValueError: If `bandwidth` is not positive.
    Gradient:
        As that of `soft_entropy`.
    """
    counts = _soft_counts(points, bandwidth)
    return _mean_bits(tf.cast(tf.shape(counts)[-1], counts.dtype) / counts)


def _soft_counts(points: TensorLike, bandwidth: TensorLike) -> Tensor:
    """For each point, how many are near it, itself included. `(..., n, d)` to `(..., n)`."""
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
    """Penalty on rows that lie close together: the bits of `soft_entropy` that they miss.

    `weight * sum_i log2(c_i)`, which is `weight * n * (log2(n) - soft_entropy)`: zero for n
    rows far apart. As an `activity_regularizer` it spreads the outputs of a batch (Keras divides it
    by the batch size, from 3.14 on); as a `kernel_regularizer` it spreads the rows of a kernel.

    Args:
        bandwidth: How near two rows are to count as one, > 0: a number, or one for each entry
            of a row.
        weight: Penalty a bit and a row, >= 0.
    Call arguments:
        x: One row a point; further axes are entries of the row. Shape `(n, ...)`.
    Returns:
        Penalty, a scalar.
    Raises:
        TypeError: If `x` is not floating.
        ValueError: If `bandwidth` is not positive or `weight` is negative.
    Gradient:
        Zero for rows that are equal: begin with rows that are not.
    Example:
        >>> penalty = fkarm.primers.EntropyRegularizer(bandwidth=0.1)
        >>> float(penalty(np.zeros((4, 7))))  # four equal rows miss two bits each
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
