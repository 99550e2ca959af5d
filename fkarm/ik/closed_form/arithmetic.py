"""Turns and the equations that they solve, on entries: floats, tensors or NumPy arrays of rows.

A turn about z is a pair: cosine and sine. Both solutions of an equation are computed from one
root, so that they are exact where the equation is. Where a vector has no direction, but for
rounding, the turn is that of zero, and its gradient is zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from fkarm._types import Tensor
from fkarm.geometry import native
from fkarm.geometry.safe import is_at_pole, power_series, square_at_pole
from fkarm.kinematics import motions
from fkarm.kinematics.entries import ZERO, Entry, Frame, Vector, add, combine, dot, mul, sub
from fkarm.kinematics.stage import xla_barrier

# Cosine and sine.
Turn = tuple[Entry, Entry]
# Cosine and sine of a joint that turns; the value of one that slides, and zero.
Pair = tuple[Entry, Entry]


class Solver(NamedTuple):
    """What solves a reduced chain."""

    # Of its frames, and the pose of the frame after the last axis in that before the first one:
    # the turns of its axes, then the pairs of its slides.
    solve: Callable[[list[Frame], Frame], list[Pair]]
    axes: int  # number of axes of two branches


def library_of(x: Any) -> Any:
    """NumPy for its arrays and for constants, else Keras' operations."""
    return np if isinstance(x, (np.ndarray, float)) else ops


def isolated(function: Callable[[list[Entry]], Sequence[Entry]], entries: Sequence[Entry]) -> Any:
    """`function(entries)` behind a barrier, so that XLA computes it once.

    Without barriers XLA would repeat each step of a solution for all that follow from it, and
    compile for minutes. What is a float stays one.
    """
    tensors = [entry for entry in entries if not isinstance(entry, float)]
    if not tensors or isinstance(tensors[0], np.ndarray):
        return list(function(list(entries)))
    outputs = list[Entry]()  # AutoGraph, of a caller's `tf.function`, reads no annotation here.

    def run(*given: Tensor) -> Tensor:
        rest = iter(given)
        found = function([e if isinstance(e, float) else next(rest) for e in entries])
        outputs[:] = [e if isinstance(e, float) else None for e in found]
        arrays = [e for e in found if not isinstance(e, float)]
        # XLA keeps a condition for the sake of a concatenation; others it turns into selections.
        zeros = ops.zeros_like(sum(arrays))
        return ops.stack([each + zeros for each in arrays], axis=0)

    stacked = xla_barrier(run, *tensors)
    rest = iter(ops.unstack(stacked, outputs.count(None), axis=0))
    return [next(rest) if entry is None else entry for entry in outputs]


def both_signs(x: Tensor, axis: int) -> Tensor:
    """`x` and `-x` along one of the axes of branches."""
    shape = [1] * len(x.shape)
    shape[axis] = 2
    signs = np.array([1.0, -1.0]).reshape(shape)
    if isinstance(x, np.ndarray):
        return x * signs.astype(x.dtype)
    return x * ops.convert_to_tensor(signs, x.dtype)


def square(a: Entry) -> Entry:
    """An entry times itself."""
    return mul(a, a)


def root(x: Entry) -> Entry:
    """Square root of a number of the size of 1; zero, with zero gradient, where it is rounding."""
    if isinstance(x, float):
        return math.sqrt(max(x, 0.0))
    library = library_of(x)
    least = square_at_pole(x)
    # XLA may round `x` differently each time that it is used: none may be far from the others.
    safe = np.maximum(x, least) if library is np else native.maximum(x, least)
    return library.where(x < least, library.zeros_like(x), library.sqrt(safe))


def inverse_of(x: Entry) -> Entry:
    """One over a number; zero where that is zero."""
    if isinstance(x, float):
        return 1.0 / x if x > 1e-12 else 0.0
    library = library_of(x)
    is_zero = x == 0
    safe = library.where(is_zero, library.ones_like(x), x)
    return library.where(is_zero, library.zeros_like(x), 1.0 / safe)


def angle_of(turn: Turn) -> Tensor:
    """The angle of a vector `(c, s)` of about unit length, in `[-pi, pi]`, rad.

    By a polynomial, which vectorises: on a CPU XLA calls a scalar routine for each arc tangent.

    Reference:
        [Cephes], atanf.c, atan.c: the constants.
    """
    c, s = turn
    if library_of(c) is np and library_of(s) is np:
        return np.arctan2(s, c)
    # Not the absolute value, whose derivative at zero is zero.
    x, y = ops.where(c < 0, -c, c), ops.where(s < 0, -s, s)
    is_steep = y > x
    small, large = ops.where(is_steep, x, y), ops.where(is_steep, y, x)
    is_large = small > _TAN_EIGHTH_TURN * large
    # atan(t) = pi / 4 + atan((t - 1) / (t + 1))
    t = ops.where(is_large, small - large, small) / ops.where(is_large, small + large, large)
    z = t * t
    angle = t + t * z * _arc_series(z)
    angle = ops.where(is_large, angle + 0.25 * math.pi, angle)
    angle = ops.where(is_steep, 0.5 * math.pi - angle, angle)
    angle = ops.where(c < 0, math.pi - angle, angle)
    return ops.where(s < 0, -angle, angle)


_TAN_EIGHTH_TURN = 0.4142135623730950488
# Constants first.
_ARC_SINGLE = (-3.33329491539e-1, 1.99777106478e-1, -1.38776856032e-1, 8.05374449538e-2)
_ARC_ABOVE = (
    -6.485021904942025371773e1,
    -1.228866684490136173410e2,
    -7.500855792314704667340e1,
    -1.615753718733365076637e1,
    -8.750608600031904122785e-1,
)
_ARC_BELOW = (
    1.945506571482613964425e2,
    4.853903996359136964868e2,
    4.328810604912902668951e2,
    1.650270098316988542046e2,
    2.485846490142306297962e1,
    1.0,
)


def _arc_series(z: Tensor) -> Tensor:
    """`P` of `atan t = t + t^3 P(t^2)` for `t` up to the tangent of an eighth of a half turn."""
    if keras.backend.standardize_dtype(z.dtype) == "float64":
        return power_series(_ARC_ABOVE, z) / power_series(_ARC_BELOW, z)
    return power_series(_ARC_SINGLE, z)


def limited(x: Entry) -> Entry:
    """A cosine, brought into [-1, 1]."""
    if isinstance(x, float):
        return min(max(x, -1.0), 1.0)
    return np.clip(x, -1.0, 1.0) if isinstance(x, np.ndarray) else native.clip(x, -1.0, 1.0)


def unit(c: Entry, s: Entry) -> Turn:
    """The vector `(c, s)` at length one; `(1, 0)` if it is zero, but for rounding."""
    squared = add(square(c), square(s))
    if isinstance(squared, float):
        length = math.sqrt(squared)
        return (c / length, s / length) if length > 1e-12 else (1.0, 0.0)
    library = library_of(squared)
    is_zero = is_at_pole(squared)
    inverse = 1.0 / library.sqrt(library.where(is_zero, library.ones_like(squared), squared))
    inverse = library.where(is_zero, library.zeros_like(squared), inverse)
    one = library.where(is_zero, library.ones_like(squared), library.zeros_like(squared))
    return add(mul(c, inverse), one), mul(s, inverse)


def plus(a: Turn, b: Turn) -> Turn:
    """The turn by the sum of two angles."""
    return sub(mul(a[0], b[0]), mul(a[1], b[1])), add(mul(a[1], b[0]), mul(a[0], b[1]))


def minus(a: Turn, b: Turn) -> Turn:
    """The turn by the difference of two angles."""
    return plus(a, (b[0], mul(-1.0, b[1])))


def constant_turn(angle: float) -> Turn:
    """The turn by a constant angle, exact where that is a number of quarter turns."""
    quarters = round(angle / (math.pi / 2))
    if angle == quarters * math.pi / 2:
        return ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))[quarters % 4]
    return math.cos(angle), math.sin(angle)


def turned(turn: Turn, v: Vector) -> Vector:
    """A vector after a turn about z."""
    c, s = turn
    return motions.turned(v, (s, c))


def turned_back(turn: Turn, v: Vector) -> Vector:
    """A vector before a turn about z."""
    c, s = turn
    return add(mul(c, v[0]), mul(s, v[1])), sub(mul(c, v[1]), mul(s, v[0])), v[2]


def rotated_back(frame: Frame, v: Vector) -> Vector:
    """A direction in the axes of a frame."""
    x, y, z = frame.axes
    return dot(x, v), dot(y, v), dot(z, v)


def rotated(frame: Frame, v: Vector) -> Vector:
    """A direction that is given in the axes of a frame."""
    return combine(frame.axes, v)


def seen_through(steps: Sequence[tuple[Turn, Frame]], v: Vector) -> Vector:
    """A direction, seen from behind some turns and the links after them."""
    axes = [x for turn, link in steps for x in (*turn, *(e for axis in link.axes for e in axis))]

    def run(entries: list[Entry]) -> list[Entry]:
        x: Vector = (entries[0], entries[1], entries[2])
        for k in range(3, len(entries), 11):
            c, s, *nine = entries[k : k + 11]
            vectors = [(nine[i], nine[i + 1], nine[i + 2]) for i in (0, 3, 6)]
            frame = Frame((vectors[0], vectors[1], vectors[2]), ZERO)
            x = rotated_back(frame, turned_back((c, s), x))
        return list(x)

    found = isolated(run, [*v, *axes])
    return found[0], found[1], found[2]


def row(frame: Frame, index: int) -> Vector:
    """A row of the rotation of a frame."""
    x, y, z = frame.axes
    return x[index], y[index], z[index]


def turn_between(u: Vector, h: Vector) -> Turn:
    """The turn about z that brings `u` to `h`, of which only the x and y count."""
    u_c, u_s = unit(u[0], u[1])
    h_c, h_s = unit(h[0], h[1])
    return add(mul(u_c, h_c), mul(u_s, h_s)), sub(mul(u_c, h_s), mul(u_s, h_c))


def turns_to_squares(a: Entry, b: Entry, squares: Tensor, constant: Entry, axis: int) -> Turn:
    """Both turns with `2 (a c + b s) = squares - constant`; the nearest where there is none.

    `1 + cos` and `1 - cos` of the angle from `(a, b)` are computed apart, so that both are exact
    where they are small: a folded elbow brings the wrist where it should be.

    Reference:
        [Elias2022]: subproblems 3 and 4.
    """

    def solve(entries: list[Entry]) -> list[Entry]:
        a, b, squares, constant = entries
        length = root(add(square(a), square(b)))
        inverse, twice = inverse_of(length), mul(2.0, length)
        half = mul(0.5, inverse)
        above = sub(squares, sub(constant, twice)) * half
        below = sub(add(constant, twice), squares) * half
        sine = root(_not_negative(above) * _not_negative(below))
        return [mul(a, inverse), mul(b, inverse), limited(above - 1.0), sine]

    def turn(entries: list[Entry]) -> Turn:
        a, b, cosine, sine = entries
        sine = both_signs(sine, axis)
        return sub(mul(a, cosine), mul(b, sine)), add(mul(b, cosine), mul(a, sine))

    # The root is computed once: cosine and sine of the turn have the same one, but for its sign.
    c, s = isolated(turn, isolated(solve, [a, b, squares, constant]))
    return c, s


def _not_negative(x: Tensor) -> Tensor:
    library = library_of(x)
    return library.where(x < 0, library.zeros_like(x), x)


def aiming_turns(h: Vector, link: Frame, v: Vector, axis: int) -> tuple[Turn, Turn]:
    """Both pairs of turns `a`, `b` with `h = Rz(a) R Rz(b) v`, for `|h| = |v|`.

    The third row fixes `b`: `A c + B s = C` with `A^2 + B^2 - C^2` as a sum in which nothing
    cancels where the axes are at right angles. So the solution is exact beside singularities too.

    Reference:
        [Elias2022]: subproblem 2.
    """
    axes = [entry for axis in link.axes for entry in axis]

    def solve(entries: list[Entry]) -> list[Entry]:
        vectors = [(entries[k], entries[k + 1], entries[k + 2]) for k in range(0, 15, 3)]
        frame = Frame((vectors[2], vectors[3], vectors[4]), ZERO)
        return _at_height(vectors[0], row(frame, 2), vectors[1])

    # The root is computed once, as in `turns_to_squares`.
    b = isolated(lambda e: turn_to_plane(e, axis), isolated(solve, [*h, *v, *axes]))

    def follow(entries: list[Entry]) -> Turn:
        vectors = [(entries[k], entries[k + 1], entries[k + 2]) for k in range(0, 15, 3)]
        frame = Frame((vectors[2], vectors[3], vectors[4]), ZERO)
        u = rotated(frame, turned((entries[15], entries[16]), vectors[1]))
        return turn_between(u, vectors[0])

    a = isolated(follow, [*h, *v, *axes, *b])
    return (a[0], a[1]), (b[0], b[1])


def _at_height(h: Vector, third: Vector, v: Vector) -> list[Entry]:
    """`A`, `B`, `C` of `A c + B s = C` for `third . Rz(b) v = h_z`, and `sqrt(A^2 + B^2 - C^2)`.

    `third` is a unit vector, and `|h| = |v|`.
    """
    r_x, r_y, r_z = third
    a = add(mul(r_x, v[0]), mul(r_y, v[1]))
    b = sub(mul(r_y, v[0]), mul(r_x, v[1]))
    value = sub(h[2], mul(r_z, v[2]))
    across = add(square(h[0]), square(h[1]))
    along = sub(mul(2.0, mul(mul(r_z, v[2]), h[2])), square(v[2]))
    # Nothing is subtracted where the axes are at right angles: r_z = 0.
    length = add(across, square(h[2]))
    squared = sub(add(across, along), mul(square(r_z), length))
    reach = add(square(a), square(b))
    if not isinstance(reach, float):
        # The same where `v` is nearly along its axis, and rounding of `h` would outweigh it.
        library = library_of(reach)
        squared = library.where(reach < across, sub(reach, square(value)), squared)
    return [a, b, value, root(squared)]


def turn_to_plane(entries: list[Entry], axis: int) -> Turn:
    """Both turns with `a c + b s = value`, of `a`, `b`, `value`, `sqrt(a^2 + b^2 - value^2)`."""
    a, b, value, sine = entries
    sine = both_signs(sine, axis)
    return unit(sub(mul(a, value), mul(b, sine)), add(mul(b, value), mul(a, sine)))
