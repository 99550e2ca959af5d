"""Sine and cosine by polynomials, for compilers whose own are slow.

On a CPU, XLA calls a scalar routine for each sine, and repeats it for every output that needs it;
multiplications and additions become vector instructions.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import keras
from keras import ops

from fkarm._types import Tensor
from fkarm.geometry.safe import power_series


class _Series(NamedTuple):
    """Constants for one precision."""

    quarter_turn: tuple[float, ...]  # pi / 2 as a sum; whole multiples of each summand are exact
    sine: tuple[float, ...]  # sin r = r + r^3 P(r^2) for |r| <= pi / 4
    cosine: tuple[float, ...]  # cos r = 1 - r^2 / 2 + r^4 P(r^2)
    largest: float  # angle up to which reducing by these summands keeps full accuracy, rad


_SERIES = {
    "float32": _Series(
        (1.5703125, 4.837512969970703125e-4, 7.54978995489188216e-8),
        (-1.6666654611e-1, 8.3321608736e-3, -1.9515295891e-4),
        (4.166664568298827e-2, -1.388731625493765e-3, 2.443315711809948e-5),
        8e3,
    ),
    "float64": _Series(
        (1.57079632673412561417e0, 6.07710050630396597660e-11, 2.02226624879595063154e-21),
        (
            -1.66666666666666324348e-1,
            8.33333333332248946124e-3,
            -1.98412698298579493134e-4,
            2.75573137070700676789e-6,
            -2.50507602534068634195e-8,
            1.58969099521155010221e-10,
        ),
        (
            4.16666666666666019037e-2,
            -1.38888888888741095749e-3,
            2.48015872894767294178e-5,
            -2.75573143513906633035e-7,
            2.08757232129817482790e-9,
            -1.13596475577881948265e-11,
        ),
        1e5,
    ),
}


def is_small(angle: Tensor) -> Tensor:
    """Whether `polynomial_sincos` is accurate for every one of the angles."""
    # NaN is not large: it needs no better routine.
    largest = _SERIES[keras.backend.standardize_dtype(angle.dtype)].largest
    return ops.logical_not(ops.any(ops.abs(angle) > largest))


def polynomial_sincos(angle: Tensor) -> tuple[Tensor, Tensor]:
    """Sine and cosine of angles for which `is_small` holds, to 1 unit in the last place of 1.

    The angle is reduced to +-pi/4 by the nearest multiple of a quarter turn, whose number modulo
    four then says which of the two polynomials is the sine, and with what signs.

    Reference:
        [Cephes], sinf.c; [fdlibm], k_sin.c, k_cos.c, e_rem_pio2.c: the constants.
    """
    series = _SERIES[keras.backend.standardize_dtype(angle.dtype)]
    quarters = ops.round(angle * (2.0 / math.pi))
    r = angle
    for summand in series.quarter_turn:
        r = r - quarters * summand
    square = r * r
    sine = r + r * square * power_series(series.sine, square)
    cosine = 1.0 - 0.5 * square + square * square * power_series(series.cosine, square)
    # Quarters modulo 4 in floating point, which vectorises: 0, 1, 2 or 3.
    quadrant = quarters - 4.0 * ops.floor(0.25 * quarters)
    is_odd = ops.logical_or(quadrant == 1.0, quadrant == 3.0)
    sine, cosine = ops.where(is_odd, cosine, sine), ops.where(is_odd, sine, cosine)
    is_late = quadrant >= 2.0
    is_left = ops.logical_or(quadrant == 1.0, quadrant == 2.0)
    return ops.where(is_late, -sine, sine), ops.where(is_left, -cosine, cosine)
