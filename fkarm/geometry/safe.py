"""Roots, norms, angles and series whose gradients are finite wherever their values are.

No other module has epsilons. Both branches of `where` are differentiated, so each function
replaces the *input* of the branch that is not taken, not only its output.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
from keras import ops

from fkarm._checks import check_real, real_array
from fkarm._types import Tensor, TensorLike
from fkarm.geometry.native import arctan2

# The smallest normal numbers: a sum of squares below them has lost its digits.
_TINY = {"float64": 2.3e-308, "float32": 1.2e-38, "bfloat16": 1.2e-38, "float16": 6.2e-5}
# Spacing of the numbers next to 1.
_ROUNDING = {"float64": 2.2e-16, "float32": 1.2e-7, "bfloat16": 7.8e-3, "float16": 9.8e-4}
# Below this squared angle (0.22 rad) the series of geometry are exact to float64 rounding.
SMALL_ANGLE_SQ = 0.05


def as_float(x: TensorLike, name: str = "A tensor") -> Tensor:
    """`x` as a floating tensor; whole numbers become Keras' default float.

    Raises:
        TypeError: If `x` does not hold real numbers in one shape.
    """
    is_value = ops.is_tensor(x) and hasattr(x, "ndim")  # no variable
    if is_value and keras.backend.is_float_dtype(keras.backend.standardize_dtype(x.dtype)):
        return x
    given = x
    try:
        x = ops.convert_to_tensor(x)
    except (TypeError, ValueError):  # a backend's text, or numbers that it does not know
        x = ops.convert_to_tensor(real_array(name, x))
    check_real(name, x.dtype, given)
    if isinstance(x, keras.Variable) or not hasattr(x, "ndim"):  # or a tf.Variable
        x = x[...]  # is read
    if keras.backend.is_float_dtype(keras.backend.standardize_dtype(x.dtype)):
        return x
    return ops.cast(x, keras.config.floatx())


def at_least_single(x: Tensor) -> Tensor:
    """Half precision to float32: squares of small distances vanish in it."""
    is_half = keras.backend.standardize_dtype(x.dtype) in ("float16", "bfloat16")
    return ops.cast(x, "float32") if is_half else x


def is_at_pole(squared: Tensor) -> Tensor:
    """Whether a squared cosine or sine is zero but for rounding (8 units of it)."""
    return squared < square_at_pole(squared)


def square_at_pole(squared: Tensor) -> float:
    """What a squared cosine or sine must reach in order not to be zero but for rounding."""
    return (8 * _ROUNDING[keras.backend.standardize_dtype(squared.dtype)]) ** 2


def is_negligible(squared: Tensor) -> Tensor:
    """Whether a sum of squares is zero or too small for a normal number."""
    return squared <= _TINY[keras.backend.standardize_dtype(squared.dtype)]


def safe_sqrt(x: TensorLike) -> Tensor:
    """Square root, zero for `x <= 0`.

    Gradient:
        Zero where `x` is zero, negative or too small for a normal number.
    """
    x = as_float(x)
    is_zero = is_negligible(x)
    return ops.where(is_zero, ops.zeros_like(x), ops.sqrt(ops.where(is_zero, 1.0, x)))


def safe_norm(x: TensorLike, axis: int | tuple[int, ...] = -1, keepdims: bool = False) -> Tensor:
    """Euclidean norm over `axis`.

    Gradient:
        Zero at the zero vector, where the norm has none.
    """
    return safe_sqrt(ops.sum(ops.square(as_float(x)), axis=axis, keepdims=keepdims))


def normalised(x: Tensor) -> Tensor:
    """Vectors of the last axis at unit length; the zero vector stays zero.

    Gradient:
        Finite; that of the identity at the zero vector.
    """
    norm = safe_norm(x, keepdims=True)
    return x / ops.where(norm == 0, 1.0, norm)


def safe_atan2(y: TensorLike, x: TensorLike) -> Tensor:
    """Angle of the vector `(x, y)` in `(-pi, pi]`, rad; zero for the zero vector.

    A half turn is `+pi`, also where `y` is a negative zero.

    Gradient:
        Zero at the zero vector, where the angle has none.
    """
    y, x = as_float(y), as_float(x)
    is_zero = is_negligible(ops.square(x) + ops.square(y))
    angle = arctan2(ops.where(is_zero, 0.0, y), ops.where(is_zero, 1.0, x))
    return ops.where(angle <= -math.pi, angle + 2 * math.pi, angle)


def wrap_angle(angle: Tensor) -> Tensor:
    """An angle in `(-3 pi, 3 pi]` brought to `(-pi, pi]`, rad."""
    angle = ops.where(angle > math.pi, angle - 2 * math.pi, angle)
    return ops.where(angle <= -math.pi, angle + 2 * math.pi, angle)


def power_series(coefficients: Sequence[float], x: Tensor) -> Tensor:
    """Polynomial in `x`, coefficients from the constant upwards (Horner's scheme)."""
    total = ops.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total = total * x + coefficient
    return total
