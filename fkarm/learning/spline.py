"""Monotone rational-quadratic splines on an interval: what the flow bends densities with."""

from __future__ import annotations

import math

from keras import ops

from fkarm._types import Tensor
from fkarm.geometry.native import clip, maximum

# Least width and height of a bin as a share of the interval, and least slope at a knot: what keeps
# a spline and its logarithms finite whatever the network says.
LEAST_BIN = 1e-3
LEAST_SLOPE = 1e-3
MOST_BINS = 500  # they would leave half of the interval to the network


def spline_size(bins: int) -> int:
    """How many numbers describe a spline: widths, heights, and slopes at the knots."""
    return 3 * bins + 1


def spline(x: Tensor, raw: Tensor, bins: int, inverse: bool = False) -> tuple[Tensor, Tensor]:
    """A monotone map of [-1, 1] onto itself, and the logarithm of its slope.

    Between knots a quotient of two quadratics, whose inverse is in closed form. Zeros in `raw` give
    the identity.

    Args:
        x: Numbers in [-1, 1]; what is outside is moved to the ends. Shape `(...)`.
        raw: Any finite numbers that describe the spline. Shape `(..., spline_size(bins))`.
        bins: How many pieces.
        inverse: Map backwards.
    Returns:
        Numbers in [-1, 1], and the logarithm of the derivative of the map that was taken. Shape
        `(...)` each.
    Reference:
        [Durkan2019], equations 4 to 8.
    """
    widths = _bins(raw[..., :bins])
    heights = _bins(raw[..., bins : 2 * bins])
    shift = math.log(math.expm1(1.0 - LEAST_SLOPE))
    slopes = LEAST_SLOPE + ops.softplus(raw[..., 2 * bins :] + shift)
    x = clip(x, -1.0, 1.0)[..., None]
    ends_x, ends_y = (ops.cumsum(each, axis=-1) - 1.0 for each in (widths, heights))
    # How many inner knots lie at or below x: 0 to bins - 1.
    below = ops.cast(x >= (ends_y if inverse else ends_x)[..., :-1], x.dtype)
    after = ops.concatenate([ops.ones_like(x), below], axis=-1)
    chosen = after - ops.concatenate([below, ops.zeros_like(x)], axis=-1)  # one-hot

    def pick(values: Tensor) -> Tensor:
        return ops.sum(chosen * values, axis=-1)

    width, height = pick(widths), pick(heights)
    left, bottom = pick(ends_x) - width, pick(ends_y) - height
    first, last = pick(slopes[..., :-1]), pick(slopes[..., 1:])
    mean = height / width
    bend = first + last - 2.0 * mean
    x = x[..., 0]
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
    """Positive sizes that add up to 2."""
    count = raw.shape[-1]
    return 2.0 * (LEAST_BIN + (1.0 - LEAST_BIN * count) * ops.softmax(raw, axis=-1))
