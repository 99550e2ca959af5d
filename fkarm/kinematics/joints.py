"""What each type of joint does to the frame it moves, and to a wrench that it carries.

A joint moves about or along the z of its frame: `before` is that frame at zero, `after` the
frame moved by the joint's values `v`. `turn` are sine and cosine of the value that turns about
z, if there is one. A wrench is a force and a moment about the origin of the frame in whose
axes it is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple, Protocol

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
    cross,
    dot,
    minus,
    plus,
    scaled,
    subtract,
    times,
)

Values = Sequence[Entry]
Turn = tuple[Entry, Entry]
Wrench = tuple[Vector, Vector]


class Motion(NamedTuple):
    """How one value of a joint moves what is below it: by turning or sliding it."""

    axis: Vector  # direction of sliding, or angular velocity, in the root link
    point: Vector | None  # a point on the axis of turning; None: sliding


class Kind(Protocol):
    """A type of joint."""

    size: ClassVar[int]  # how many values it has
    angle: ClassVar[int | None]  # which of them turns about z

    @staticmethod
    def move(before: Frame, v: Values, turn: Turn) -> Frame:
        """The frame after the joint."""

    @staticmethod
    def motions(before: Frame, after: Frame, v: Values) -> list[Motion]:
        """What each value moves."""

    @staticmethod
    def take(v: Values, turn: Turn, wrench: Wrench) -> tuple[list[Entry], Wrench]:
        """The component of a wrench in `after` for each value, and that wrench in `before`."""


class Revolute:
    """A turn about z."""

    size: ClassVar[int] = 1
    angle: ClassVar[int | None] = 0

    @staticmethod
    def move(before: Frame, v: Values, turn: Turn) -> Frame:
        """The frame after the joint."""
        s, c = turn
        x, y, z = before.columns
        new_x, new_y = combine((x, y), (c, s)), minus(scaled(c, y), scaled(s, x))
        return Frame((new_x, new_y, z), before.origin)

    @staticmethod
    def motions(before: Frame, after: Frame, v: Values) -> list[Motion]:
        """What each value moves."""
        return [Motion(before.columns[2], before.origin)]

    @staticmethod
    def take(v: Values, turn: Turn, wrench: Wrench) -> tuple[list[Entry], Wrench]:
        """The component of a wrench in `after` for each value, and that wrench in `before`."""
        force, moment = wrench
        return [moment[2]], (_turned(force, turn), _turned(moment, turn))


class Prismatic:
    """A slide along z."""

    size: ClassVar[int] = 1
    angle: ClassVar[int | None] = None

    @staticmethod
    def move(before: Frame, v: Values, turn: Turn) -> Frame:
        """The frame after the joint."""
        return _slid(before, (0.0, 0.0, v[0]))

    @staticmethod
    def motions(before: Frame, after: Frame, v: Values) -> list[Motion]:
        """What each value moves."""
        return [Motion(before.columns[2], None)]

    @staticmethod
    def take(v: Values, turn: Turn, wrench: Wrench) -> tuple[list[Entry], Wrench]:
        """The component of a wrench in `after` for each value, and that wrench in `before`."""
        force, moment = wrench
        return [force[2]], (force, plus(moment, cross((0.0, 0.0, v[0]), force)))


class Planar:
    """Slides along x and y, then a turn about z."""

    size: ClassVar[int] = 3
    angle: ClassVar[int | None] = 2

    @staticmethod
    def move(before: Frame, v: Values, turn: Turn) -> Frame:
        """The frame after the joint."""
        return Revolute.move(_slid(before, (v[0], v[1], 0.0)), v[2:], turn)

    @staticmethod
    def motions(before: Frame, after: Frame, v: Values) -> list[Motion]:
        """What each value moves."""
        x, y, z = before.columns
        return [Motion(x, None), Motion(y, None), Motion(z, after.origin)]

    @staticmethod
    def take(v: Values, turn: Turn, wrench: Wrench) -> tuple[list[Entry], Wrench]:
        """The component of a wrench in `after` for each value, and that wrench in `before`."""
        torque, (force, moment) = Revolute.take(v[2:], turn, wrench)
        moment = plus(moment, cross((v[0], v[1], 0.0), force))
        return [force[0], force[1], *torque], (force, moment)


class Spherical:
    """A turn by a quaternion wxyz of any length; the zero quaternion does not turn."""

    size: ClassVar[int] = 4
    angle: ClassVar[int | None] = None

    @staticmethod
    def move(before: Frame, v: Values, turn: Turn) -> Frame:
        """The frame after the joint."""
        x, y, z = (combine(before.columns, column) for column in _quaternion_columns(v))
        return Frame((x, y, z), before.origin)

    @staticmethod
    def motions(before: Frame, after: Frame, v: Values) -> list[Motion]:
        """What each value moves."""
        axes = [combine(before.columns, axis) for axis in quaternion_axes(v)]
        return [Motion(axis, before.origin) for axis in axes]

    @staticmethod
    def take(v: Values, turn: Turn, wrench: Wrench) -> tuple[list[Entry], Wrench]:
        """The component of a wrench in `after` for each value, and that wrench in `before`."""
        columns = _quaternion_columns(v)
        force, moment = (combine(columns, vector) for vector in wrench)
        return [dot(axis, moment) for axis in quaternion_axes(v)], (force, moment)


class Floating:
    """Slides along x, y and z, then a turn by a quaternion."""

    size: ClassVar[int] = 7
    angle: ClassVar[int | None] = None

    @staticmethod
    def move(before: Frame, v: Values, turn: Turn) -> Frame:
        """The frame after the joint."""
        return Spherical.move(_slid(before, v[:3]), v[3:], turn)

    @staticmethod
    def motions(before: Frame, after: Frame, v: Values) -> list[Motion]:
        """What each value moves."""
        slides = [Motion(column, None) for column in before.columns]
        return [*slides, *Spherical.motions(_slid(before, v[:3]), after, v[3:])]

    @staticmethod
    def take(v: Values, turn: Turn, wrench: Wrench) -> tuple[list[Entry], Wrench]:
        """The component of a wrench in `after` for each value, and that wrench in `before`."""
        torques, (force, moment) = Spherical.take(v[3:], turn, wrench)
        return [*force, *torques], (force, plus(moment, cross((v[0], v[1], v[2]), force)))


KINDS: dict[str, type[Kind]] = {
    "revolute": Revolute,
    "continuous": Revolute,
    "prismatic": Prismatic,
    "planar": Planar,
    "spherical": Spherical,
    "floating": Floating,
}

# Vector part of e_i times the conjugate of e_j, for the quaternion units e_0 = 1, i, j, k.
QUATERNION_UNITS: tuple[tuple[Vector, ...], ...] = (
    (ZERO, (-1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, -1.0)),
    ((1.0, 0.0, 0.0), ZERO, (0.0, 0.0, -1.0), (0.0, 1.0, 0.0)),
    ((0.0, 1.0, 0.0), (0.0, 0.0, 1.0), ZERO, (-1.0, 0.0, 0.0)),
    ((0.0, 0.0, 1.0), (0.0, -1.0, 0.0), (1.0, 0.0, 0.0), ZERO),
)


def twice_inverse_square(quat: Values) -> Tensor:
    """`2 / |quat|^2`; zero for the zero quaternion."""
    squared = sum(entry * entry for entry in quat)
    is_zero = is_negligible(squared)
    return ops.where(is_zero, 0.0, 2.0 / ops.where(is_zero, 1.0, squared))


def quaternion_axes(quat: Values) -> list[Vector]:
    """Angular velocity for the rate of each entry, `2 e_i quat^-1`, in the axes before turning."""
    factor = twice_inverse_square(quat)
    return [scaled(factor, combine(units, quat)) for units in QUATERNION_UNITS]


def _quaternion_columns(quat: Values) -> list[Vector]:
    w, x, y, z = quat
    k = twice_inverse_square(quat)
    return [
        (1.0 - k * (y * y + z * z), k * (x * y + w * z), k * (x * z - w * y)),
        (k * (x * y - w * z), 1.0 - k * (x * x + z * z), k * (y * z + w * x)),
        (k * (x * z + w * y), k * (y * z - w * x), 1.0 - k * (x * x + y * y)),
    ]


def _turned(vector: Vector, turn: Turn) -> Vector:
    """A vector after the turn in the axes before it."""
    (s, c), (x, y, z) = turn, vector
    return subtract(times(c, x), times(s, y)), add(times(s, x), times(c, y)), z


def _slid(frame: Frame, distances: Values) -> Frame:
    """`frame` moved along its own columns."""
    return Frame(frame.columns, plus(frame.origin, combine(frame.columns, distances)))
