"""Distances in closed form, for NumPy and for tensors.

A point is three arrays: a sequence of them, or an array with a first axis of three.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from keras import ops

from fkarm.geometry.safe import safe_sqrt

Array = Any
Point = Any


class Arithmetic(NamedTuple):
    """Where functions come from: NumPy, or Keras for values and for derivatives by operations."""

    xp: Any
    root: Any
    constant: Any  # what derivatives by operations pass over
    cast: Any


def _same(x: Array) -> Array:
    return x


NUMPY = Arithmetic(np, np.sqrt, _same, np.asarray)
COMPILED = Arithmetic(ops, ops.sqrt, _same, ops.cast)
DIFFERENTIABLE = Arithmetic(ops, safe_sqrt, ops.stop_gradient, ops.cast)


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


def nearest_shares(
    by: Arithmetic, a: tuple[Point, Point], b: tuple[Point, Point]
) -> tuple[Array, Array]:
    """Where two segments are nearest to each other, as shares of their lengths.

    The squared distance of points at the shares `s` and `t` is convex and quadratic. Its minimum
    lies in the interior of the unit square, or at one of the four ends, whose nearest point on
    the other segment is a projection. All five are evaluated and the smallest is taken: where
    the segments are nearly parallel the interior one is inexact, and an end is as near.

    Args:
        by: NumPy or Keras.
        a: End points of a segment; equal ones are a point.
        b: Those of the other one.
    Reference:
        [Ericson2005], section 5.1.9; [Eberly2006], section 10.8.
    """
    xp = by.xp
    d_a, d_b, gap = minus(a[1], a[0]), minus(b[1], b[0]), minus(a[0], b[0])
    aa, bb, ab = product(d_a, d_a), product(d_b, d_b), product(d_a, d_b)
    a_gap, b_gap = product(d_a, gap), product(d_b, gap)
    inverse_aa, inverse_bb, inverse_det = (_inverse(by, x) for x in (aa, bb, aa * bb - ab * ab))
    zero = xp.zeros_like(aa)
    one = zero + 1.0
    inner = xp.clip((ab * b_gap - bb * a_gap) * inverse_det, 0.0, 1.0)
    candidates = [
        (inner, xp.clip((ab * inner + b_gap) * inverse_bb, 0.0, 1.0)),
        (zero, xp.clip(b_gap * inverse_bb, 0.0, 1.0)),
        (one, xp.clip((ab + b_gap) * inverse_bb, 0.0, 1.0)),
        (xp.clip(-a_gap * inverse_aa, 0.0, 1.0), zero),
        (xp.clip((ab - a_gap) * inverse_aa, 0.0, 1.0), one),
    ]
    best: Any = None
    for s, t in candidates:
        between = minus(along(gap, d_a, s), [t * x for x in d_b])
        squared = product(between, between)
        if best is None:
            best = squared, s, t
        else:
            is_nearer = squared < best[0]
            pairs = zip((squared, s, t), best, strict=True)
            best = tuple(xp.where(is_nearer, new, old) for new, old in pairs)
    return best[1], best[2]


def nearest_points(
    by: Arithmetic, a: tuple[Point, Point], b: tuple[Point, Point]
) -> tuple[Point, Point]:
    """The nearest points of two segments. Derivatives by operations hold the shares."""
    s, t = (by.constant(share) for share in nearest_shares(by, a, b))
    return along(a[0], minus(a[1], a[0]), s), along(b[0], minus(b[1], b[0]), t)


def _inverse(by: Arithmetic, x: Array) -> Array:
    """`1 / x`, zero for `x <= 0`."""
    is_positive = x > 0
    return by.xp.where(is_positive, 1.0 / by.xp.where(is_positive, x, 1.0), 0.0)
