"""Monotone rational-quadratic splines on [-1, 1], the maps that the flow is made of."""

from __future__ import annotations

import math

from keras import ops

from fkarm._types import Tensor
from fkarm.geometry.native import clip, maximum

# The least width and height of a bin, as a share of the interval, and the least slope at a knot.
# They keep a spline and its logarithms finite, whatever numbers the network computes.
LEAST_BIN = 1e-3
LEAST_SLOPE = 1e-3
MOST_BINS = 500  # with so many, the least sizes take half of the interval


def spline_size(bins: int) -> int:
    """How many numbers describe a spline: widths and heights of bins, and slopes at the knots."""
    return 3 * bins + 1


def spline(x: Tensor, raw: Tensor, bins: int, inverse: bool = False) -> tuple[Tensor, Tensor]:
    """A monotone map of [-1, 1] onto itself, and the logarithm of its slope.

    Between two knots the map is a quotient of two quadratics, and its inverse has a closed form.
    Zeros in `raw` give the identity.

    Args:
        x: Numbers in [-1, 1]; numbers outside are moved to the ends. Shape `(...)`.
        raw: Any finite numbers; they describe the spline. Shape `(..., spline_size(bins))`.
        bins: Number of bins.
        inverse: Whether to take the inverse map.
    Returns:
        Numbers in [-1, 1], and the logarithm of the derivative of the map that was taken, both of
        shape `(...)`.
    Gradient:
        Finite for any finite numbers.
    Reference:
        [Durkan2019], equations 4 to 8.
    """
    widths = _bins(raw[..., :bins])  # (..., bins)
    heights = _bins(raw[..., bins : 2 * bins])  # (..., bins)
    shift = math.log(math.expm1(1.0 - LEAST_SLOPE))  # zeros become slopes of 1
    slopes = LEAST_SLOPE + ops.softplus(raw[..., 2 * bins :] + shift)  # (..., bins + 1)
    x = clip(x, -1.0, 1.0)[..., None]
    ends_x, ends_y = (ops.cumsum(sizes, axis=-1) - 1.0 for sizes in (widths, heights))  # right, top
    # The bin that x lies in, one-hot: the left knot is at or below x and the right one is not.
    below = ops.cast(x >= (ends_y if inverse else ends_x)[..., :-1], x.dtype)  # (..., bins - 1)
    after = ops.concatenate([ops.ones_like(x), below], axis=-1)  # (..., bins)
    chosen = after - ops.concatenate([below, ops.zeros_like(x)], axis=-1)  # (..., bins)

    def pick(values: Tensor) -> Tensor:
        return ops.sum(chosen * values, axis=-1)

    width, height = pick(widths), pick(heights)
    left, bottom = pick(ends_x) - width, pick(ends_y) - height
    first, last = pick(slopes[..., :-1]), pick(slopes[..., 1:])  # slopes at the ends of the bin
    mean = height / width
    bend = first + last - 2.0 * mean
    x = x[..., 0]
    # Equation 4 gives y from `share`, the part of the bin's width that is left of x. Its inverse is
    # a root of the quadratic with coefficients a, b, c, in the form that does not cancel.
    if inverse:
        up = clip((x - bottom) / height, 0.0, 1.0)
        a = mean - first + up * bend
        b = first - up * bend
        c = -mean * up
        root = ops.sqrt(maximum(b * b - 4.0 * a * c, 1e-14))
        share = clip(2.0 * c / (-b - root), 0.0, 1.0)
    else:
        share = clip((x - left) / width, 0.0, 1.0)
    mixed = share * (1.0 - share)
    denominator = mean + bend * mixed
    slope = (last * share * share + 2.0 * mean * mixed + first * (1.0 - share) * (1.0 - share)) * (
        mean / denominator
    ) ** 2
    if inverse:
        return left + width * share, -ops.log(slope)
    y = bottom + height * (mean * share * share + first * mixed) / denominator
    return y, ops.log(slope)


def _bins(raw: Tensor) -> Tensor:
    """Positive sizes of bins that add up to 2. `(..., bins)` to `(..., bins)`."""
    count = raw.shape[-1]
    return 2.0 * (LEAST_BIN + (1.0 - LEAST_BIN * count) * ops.softmax(raw, axis=-1))
