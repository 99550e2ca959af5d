"""Distances in closed form, for NumPy and for tensors.

A point is three arrays: a sequence of them, or an array with a first axis of three.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from fkarm.geometry.native import clip, maximum, minimum
from fkarm.geometry.safe import safe_sqrt
from fkarm.kinematics.stage import xla_barrier

Array = Any
Point = Any


class _Ops:
    """`keras.ops` with what keeps float64 on every backend."""

    maximum, minimum, clip = (staticmethod(each) for each in (maximum, minimum, clip))

    def __getattr__(self, name: str) -> Any:
        return getattr(ops, name)


class Arithmetic(NamedTuple):
    """Where functions come from: NumPy, or Keras for values and for derivatives by operations."""

    xp: Any
    root: Any
    constant: Any  # what derivatives by operations pass over
    cast: Any
    table: Any  # an array of constants in the type of another one
    repeat: Any  # a loop: how often, the step of a number and of a value, the first value
    hold: Any  # a list of arrays, which XLA must not compute again for every use
    argmin: Any  # of an array and an axis, int32
    unrolls: bool  # whether code for each of a few pairs beats an axis of pairs


def _same(x: Array) -> Array:
    return x


def _held(arrays: list[Array]) -> list[Array]:
    held: list[Array] = xla_barrier(lambda *arrays: list(arrays), *arrays)
    return held


def _first_least(values: Array, axis: int) -> Array:
    index: Array = np.argmin(values, axis).astype(np.int32)
    return index


def _argmin(values: Array, axis: int) -> Array:
    return ops.cast(ops.argmin(values, axis), "int32")


def _argmin_by_minima(values: Array, axis: int) -> Array:
    """By two reductions: for its own argmin XLA has a scalar loop, ten times slower on a CPU."""
    values = _held([values])[0]
    sizes = [-1 if k == axis else 1 for k in range(len(values.shape))]
    numbers = ops.reshape(ops.cast(ops.arange(values.shape[axis]), values.dtype), sizes)
    # Where the least is NaN, nothing exceeds it.
    is_more = values > ops.min(values, axis=axis, keepdims=True)
    index = ops.min(ops.where(is_more, float(values.shape[axis]), numbers), axis=axis)
    held: Array = _held([ops.cast(index, "int32")])[0]
    return held


def _array(values: np.ndarray, like: Array) -> Array:
    return values


def _tensor(values: np.ndarray, like: Array) -> Array:
    return ops.convert_to_tensor(values, like.dtype)


def _looped(count: int, step: Any, value: Any) -> Any:
    return ops.fori_loop(0, count, step, value)


def _repeated(count: int, step: Any, value: Any) -> Any:
    for k in range(count):
        value = step(k, value)
    return value


NUMPY = Arithmetic(
    np, np.sqrt, _same, np.asarray, _array, _repeated, _same, _first_least, unrolls=False
)
COMPILED = Arithmetic(
    _Ops(), ops.sqrt, _same, ops.cast, _tensor, _looped, _held, _argmin_by_minima, unrolls=True
)
DIFFERENTIABLE = Arithmetic(
    _Ops(), safe_sqrt, ops.stop_gradient, ops.cast, _tensor, _looped, _same, _argmin, unrolls=False
)


def minus(a: Point, b: Point) -> Point:
    """The vector from `b` to `a`."""
    return [x - y for x, y in zip(a, b, strict=True)]


def along(a: Point, vector: Point, share: Array) -> Point:
    """The point at a share of a vector from `a`."""
    return [x + share * y for x, y in zip(a, vector, strict=True)]


def product(a: Point, b: Point) -> Array:
    """Scalar product."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def crossed(a: Point, b: Point) -> Point:
    """Cross product."""
    return [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]


def direction(by: Arithmetic, vector: Point) -> tuple[Array, Point]:
    """Length, and the vector of length one; zero for the zero vector."""
    length = by.root(product(vector, vector))
    scale = by.xp.where(length > 0, 1.0 / by.xp.where(length > 0, length, 1.0), 0.0)
    return length, [scale * x for x in vector]


def nan_of(by: Arithmetic, values: Sequence[Array]) -> Array:
    """Zero, and NaN where an entry is NaN: XLA's minimum on a CPU passes over NaN.

    Args:
        by: NumPy or Keras.
        values: Arrays of one shape, such as a point. The first axis is dropped.
    """
    zero: Array = 0.0 * by.xp.sum(reduce(add, values), axis=0)
    return zero


class Segments(NamedTuple):
    """Two segments `gap + s d_a - t d_b`, and where they may be nearest."""

    gap: Point  # from the beginning of `b` to that of `a`
    d_a: Point  # from the beginning of `a` to its end
    d_b: Point
    shares: list[tuple[Array, Array]]  # candidates for `s` and `t`

    @property
    def squares(self) -> list[Array]:
        """The squared distance at every candidate."""
        ends = [along(along(self.gap, self.d_a, s), self.d_b, -t) for s, t in self.shares]
        return [product(between, between) for between in ends]


def segments(by: Arithmetic, a: tuple[Point, Point], b: tuple[Point, Point]) -> Segments:
    """Where two segments are nearest to each other: one of five candidates.

    The squared distance of points at the shares `s` and `t` is convex and quadratic. Its minimum
    lies in the interior of the unit square, or at one of the four ends, whose nearest point on
    the other segment is a projection. Where the segments are nearly parallel the interior one is
    inexact, and an end is as near.

    Args:
        by: NumPy or Keras.
        a: End points of a segment; equal ones are a point.
        b: Those of the other one.
    Reference:
        [Ericson2005], section 5.1.9; [Eberly2006], section 10.8.
    """
    d_a, d_b, gap = minus(a[1], a[0]), minus(b[1], b[0]), minus(a[0], b[0])
    aa, bb, ab = product(d_a, d_a), product(d_b, d_b), product(d_a, d_b)
    a_gap, b_gap = product(d_a, gap), product(d_b, gap)
    inverse_aa, inverse_bb, inverse_det = (_inverse(by, x) for x in (aa, bb, aa * bb - ab * ab))

    def share(x: Array) -> Array:
        return by.constant(by.xp.clip(x, 0.0, 1.0))

    inner = share((ab * b_gap - bb * a_gap) * inverse_det)
    shares = [
        (inner, share((ab * inner + b_gap) * inverse_bb)),
        (0.0, share(b_gap * inverse_bb)),
        (1.0, share((ab + b_gap) * inverse_bb)),
        (share(-a_gap * inverse_aa), 0.0),
        (share((ab - a_gap) * inverse_aa), 1.0),
    ]
    return Segments(gap, d_a, d_b, shares)


def segment_square(by: Arithmetic, a: tuple[Point, Point], b: tuple[Point, Point]) -> Array:
    """Squared distance of two segments. Derivatives by operations hold the nearest points."""
    return reduce(by.xp.minimum, segments(by, a, b).squares)


def segment_distance(by: Arithmetic, a: tuple[Point, Point], b: tuple[Point, Point]) -> Array:
    """Distance of two segments. Derivatives by operations hold the nearest points."""
    return by.root(segment_square(by, a, b))


def nearest_points(
    by: Arithmetic, a: tuple[Point, Point], b: tuple[Point, Point]
) -> tuple[Point, Point]:
    """The nearest points of two segments."""
    xp, both = by.xp, segments(by, a, b)
    (s, t), least = both.shares[0], both.squares[0]
    for (other_s, other_t), square in zip(both.shares[1:], both.squares[1:], strict=True):
        is_nearer = square < least
        least = xp.where(is_nearer, square, least)
        s, t = xp.where(is_nearer, other_s, s), xp.where(is_nearer, other_t, t)
    return along(a[0], both.d_a, s), along(b[0], both.d_b, t)


def nearest_on(by: Arithmetic, segment: tuple[Point, Point], point: Point) -> Point:
    """The point of a segment that is nearest to a point. Derivatives by operations hold it."""
    vector = minus(segment[1], segment[0])
    share = product(vector, minus(point, segment[0])) * _inverse(by, product(vector, vector))
    return along(segment[0], vector, by.constant(by.xp.clip(share, 0.0, 1.0)))


def _inverse(by: Arithmetic, x: Array) -> Array:
    """`1 / x`, zero for `x <= 0`."""
    is_positive = x > 0
    return by.xp.where(is_positive, 1.0 / by.xp.where(is_positive, x, 1.0), 0.0)
