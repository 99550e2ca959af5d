"""What each type of motion does to the frame it moves, and to a wrench that it carries.

A motion is about or along the z of its frame: `before` is that frame at zero, `after` the frame
moved by the values `v`. `turn` holds the sine and the cosine of the value that turns about z, if
there is one. A wrench is a force and a moment about the origin of the frame whose axes it is in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

from keras import ops

from fkarm._types import Tensor
from fkarm.geometry.safe import is_negligible
from fkarm.kinematics.entries import (
    ZERO,
    Entry,
    Frame,
    Vector,
    add,
    combine,
    dot,
    mul,
    sub,
    vec_add,
    vec_scale,
    vec_sub,
)

Values = Sequence[Entry]
Turn = tuple[Entry, Entry]
Wrench = tuple[Vector, Vector]


class Kind(Protocol):
    """A type of motion."""

    has_angle: ClassVar[bool]  # whether its value is an angle about z
    turns: ClassVar[bool]  # whether it turns what is behind it, or slides it
    freedom: ClassVar[int]  # degrees of freedom
    inverse: ClassVar[tuple[float, ...]]  # signs of its values in the motion back

    @staticmethod
    def move(before: Frame, v: Values, turn: Turn) -> Frame:
        """The frame after the motion."""

    @staticmethod
    def screw_axes(before: Frame, v: Values) -> list[Vector]:
        """For each value: the angular velocity for its rate, or the direction of sliding."""

    @staticmethod
    def axis_rates(before: Frame, v: Values) -> list[list[Vector]]:
        """For each value: the change of its axis for the rate of each value."""

    @staticmethod
    def take(v: Values, turn: Turn, wrench: Wrench) -> tuple[list[Entry], Wrench]:
        """The component of a wrench in `after` for each value, and that wrench in `before`."""


class Revolute:
    """A turn about z."""

    has_angle: ClassVar[bool] = True
    turns: ClassVar[bool] = True
    freedom: ClassVar[int] = 1
    inverse: ClassVar[tuple[float, ...]] = (-1.0,)

    @staticmethod
    def move(before: Frame, v: Values, turn: Turn) -> Frame:
        """The frame after the motion."""
        s, c = turn
        x, y, z = before.axes
        new_x, new_y = combine((x, y), (c, s)), vec_sub(vec_scale(c, y), vec_scale(s, x))
        return Frame((new_x, new_y, z), before.origin)

    @staticmethod
    def screw_axes(before: Frame, v: Values) -> list[Vector]:
        """The angular velocity for the rate of the angle."""
        return [before.axes[2]]

    @staticmethod
    def axis_rates(before: Frame, v: Values) -> list[list[Vector]]:
        """The axis stays where it is."""
        return [[ZERO]]

    @staticmethod
    def take(v: Values, turn: Turn, wrench: Wrench) -> tuple[list[Entry], Wrench]:
        """The component of a wrench in `after` for each value, and that wrench in `before`."""
        force, moment = wrench
        return [moment[2]], (turned(force, turn), turned(moment, turn))


class Prismatic:
    """A slide along z."""

    has_angle: ClassVar[bool] = False
    turns: ClassVar[bool] = False
    freedom: ClassVar[int] = 1
    inverse: ClassVar[tuple[float, ...]] = (-1.0,)

    @staticmethod
    def move(before: Frame, v: Values, turn: Turn) -> Frame:
        """The frame after the motion."""
        return Frame(before.axes, vec_add(before.origin, vec_scale(v[0], before.axes[2])))

    @staticmethod
    def screw_axes(before: Frame, v: Values) -> list[Vector]:
        """The direction of sliding."""
        return [before.axes[2]]

    @staticmethod
    def axis_rates(before: Frame, v: Values) -> list[list[Vector]]:
        """The direction stays."""
        return [[ZERO]]

    @staticmethod
    def take(v: Values, turn: Turn, wrench: Wrench) -> tuple[list[Entry], Wrench]:
        """The component of a wrench in `after` for each value, and that wrench in `before`."""
        force, (x, y, z) = wrench
        moment = (sub(x, mul(v[0], force[1])), add(y, mul(v[0], force[0])), z)
        return [force[2]], (force, moment)


class Spherical:
    """A turn by a quaternion wxyz of any length; the zero quaternion does not turn."""

    has_angle: ClassVar[bool] = False
    turns: ClassVar[bool] = True
    freedom: ClassVar[int] = 3
    inverse: ClassVar[tuple[float, ...]] = (1.0, -1.0, -1.0, -1.0)

    @staticmethod
    def move(before: Frame, v: Values, turn: Turn) -> Frame:
        """The frame after the motion."""
        x, y, z = (combine(before.axes, axis) for axis in _turned_axes(v))
        return Frame((x, y, z), before.origin)

    @staticmethod
    def screw_axes(before: Frame, v: Values) -> list[Vector]:
        """The angular velocity for the rate of each entry of the quaternion."""
        return [combine(before.axes, axis) for axis in quaternion_axes(v)]

    @staticmethod
    def axis_rates(before: Frame, v: Values) -> list[list[Vector]]:
        """The change of the angular velocity of entry `i` for the rate of entry `j`.

        The velocity is `a_i = k vec(e_i q*)` with `k = 2 / |q|^2`; its change is
        `k (vec(e_i e_j*) - q_j a_i)`.
        """
        k = _twice_inverse_square(v)
        return [
            [
                vec_scale(k, vec_sub(combine(before.axes, unit), vec_scale(entry, axis)))
                for unit, entry in zip(units, v, strict=True)
            ]
            for units, axis in zip(_UNITS, Spherical.screw_axes(before, v), strict=True)
        ]

    @staticmethod
    def take(v: Values, turn: Turn, wrench: Wrench) -> tuple[list[Entry], Wrench]:
        """The component of a wrench in `after` for each value, and that wrench in `before`."""
        axes = _turned_axes(v)
        force, moment = (combine(axes, vector) for vector in wrench)
        return [dot(axis, moment) for axis in quaternion_axes(v)], (force, moment)


KindOfMotion = type[Kind]

KINDS: dict[str, KindOfMotion] = {
    "revolute": Revolute,
    "continuous": Revolute,
    "prismatic": Prismatic,
    "spherical": Spherical,
}


# Vector part of e_i times the conjugate of e_j, for the quaternion units e_0 = 1, i, j, k.
_UNITS: tuple[tuple[Vector, ...], ...] = (
    (ZERO, (-1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, -1.0)),
    ((1.0, 0.0, 0.0), ZERO, (0.0, 0.0, -1.0), (0.0, 1.0, 0.0)),
    ((0.0, 1.0, 0.0), (0.0, 0.0, 1.0), ZERO, (-1.0, 0.0, 0.0)),
    ((0.0, 0.0, 1.0), (0.0, -1.0, 0.0), (1.0, 0.0, 0.0), ZERO),
)


def ball_turns(quat: Values) -> list[Turn]:
    """Sines and cosines of `a`, `b`, `c` in `Rz(a) Ry(b) Rz(c)`, the turn of a quaternion.

    Half the sum of `a` and `c` is the angle of `(w, z)`, half their difference that of `(y, -x)`.
    """
    w, x, y, z = quat
    (wz_cos, wz_sin, wz), (yx_cos, yx_sin, yx) = _direction(w, z), _direction(y, -x)
    k = _twice_inverse_square(quat)
    return [
        (wz_sin * yx_cos + wz_cos * yx_sin, wz_cos * yx_cos - wz_sin * yx_sin),
        (k * wz * yx, 1.0 - k * yx * yx),
        (wz_sin * yx_cos - wz_cos * yx_sin, wz_cos * yx_cos + wz_sin * yx_sin),
    ]


def _direction(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Cosine and sine of the angle of a vector in the plane, and its length; along x if zero."""
    squared = x * x + y * y
    is_zero = is_negligible(squared)
    length = ops.sqrt(ops.where(is_zero, 1.0, squared))
    return (
        ops.where(is_zero, 1.0, x / length),
        ops.where(is_zero, 0.0, y / length),
        ops.where(is_zero, 0.0, length),
    )


def _twice_inverse_square(quat: Values) -> Tensor:
    """`2 / |quat|^2`; zero for the zero quaternion."""
    squared = sum(entry * entry for entry in quat)
    is_zero = is_negligible(squared)
    return ops.where(is_zero, 0.0, 2.0 / ops.where(is_zero, 1.0, squared))


def quaternion_axes(quat: Values) -> list[Vector]:
    """Angular velocity for the rate of each entry, `2 e_i quat^-1`, in the axes before turning."""
    factor = _twice_inverse_square(quat)
    return [vec_scale(factor, combine(units, quat)) for units in _UNITS]


def _turned_axes(quat: Values) -> list[Vector]:
    """The axes x, y, z turned by a quaternion: the columns of its rotation matrix."""
    w, x, y, z = quat
    k = _twice_inverse_square(quat)
    return [
        (1.0 - k * (y * y + z * z), k * (x * y + w * z), k * (x * z - w * y)),
        (k * (x * y - w * z), 1.0 - k * (x * x + z * z), k * (y * z + w * x)),
        (k * (x * z + w * y), k * (y * z - w * x), 1.0 - k * (x * x + y * y)),
    ]


def turned(vector: Vector, turn: Turn) -> Vector:
    """A vector after the turn in the axes before it."""
    (s, c), (x, y, z) = turn, vector
    return sub(mul(c, x), mul(s, y)), add(mul(s, x), mul(c, y)), z
