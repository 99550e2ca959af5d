"""One joint: where it sits on its parent link, how it moves, how far."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fkarm.errors import RobotError, unknown_name
from fkarm.model.frames import (
    Matrix,
    finite_vector,
    make_frame,
    placement,
    read_only,
    rotation_from_quat_wxyz,
    rotation_to_axis,
    snap,
)

# The kinds of a joint's entries of q, by its type.
ENTRIES = {
    "revolute": ("angle",),
    "continuous": ("angle",),
    "prismatic": ("length",),
    "planar": ("length", "length", "angle"),
    "spherical": ("quaternion",) * 4,
    "floating": ("length",) * 3 + ("quaternion",) * 4,
    "fixed": (),
}
JOINT_TYPES = tuple(ENTRIES)

_UNIT = 4 * np.finfo(np.float64).eps
_LETTERS = {"x": (1.0, 0.0, 0.0), "y": (0.0, 1.0, 0.0), "z": (0.0, 0.0, 1.0)}


@dataclass(frozen=True)
class Mimic:
    """How a joint follows another: `value = multiplier * value of joint + offset`.

    Args:
        joint: Name of the joint to follow.
        multiplier: Factor.
        offset: Offset, rad or m.
    """

    joint: str
    multiplier: float = 1.0
    offset: float = 0.0

    def __post_init__(self) -> None:
        for name in ("multiplier", "offset"):
            (value,) = finite_vector(f"mimic {name}", [getattr(self, name)], 1)
            object.__setattr__(self, name, value)


@dataclass(frozen=True)
class Joint:
    """A joint between a parent link and a child link.

    The child link's frame sits at the joint: with the joint at zero it is the parent's
    frame moved by `xyz` and `rpy`; the joint then turns it about, or slides it along, `axis`.

    Args:
        name: Name, unique in the robot.
        type: `"revolute"`, `"continuous"` (revolute without limits), `"prismatic"`, `"fixed"`,
            `"planar"` (slides in the plane normal to `axis` and turns about it; three entries
            of `q`: two lengths and an angle; the lengths are along the next two coordinate axes
            in cyclic order, x and y for the axis z), `"spherical"` (turns freely; four entries: a
            quaternion `wxyz` of any length) or `"floating"` (moves freely; seven entries:
            position, then quaternion).
        axis: Direction in the joint's frame: `"x"`, `"y"`, `"z"`, with a sign (`"-y"`), or a
            vector of any length but zero. Shape `(3,)`.
        xyz: Position of the joint in the parent link's frame, m. Shape `(3,)`.
        rpy: Orientation of the joint in the parent link's frame, rad. Shape `(3,)`.
        lower: Lower limit, rad or m; `-inf` where there is none.
        upper: Upper limit, rad or m; `inf` where there is none.
        parent: Name of the parent link. `Robot.from_joints` fills it in.
        child: Name of the child link. `Robot.from_joints` fills it in.
        mimic: The joint that this one follows, if any.
        velocity: Largest speed, rad/s or m/s; `inf` where there is none. It is not compared.
    Raises:
        RobotError: If a value is not of its kind, not finite, or `lower > upper`.
    """

    name: str
    type: str = "revolute"
    axis: Any = "z"
    xyz: Any = (0.0, 0.0, 0.0)
    rpy: Any = (0.0, 0.0, 0.0)
    lower: float = -math.inf
    upper: float = math.inf
    parent: str | None = None
    child: str | None = None
    mimic: Mimic | None = None
    # Not compared: nothing that is compiled for kinematics depends on it.
    velocity: float = field(default=math.inf, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise RobotError(f"A joint's name must be a non-empty string. Received: {self.name!r}.")
        label = f"joint {self.name!r}"
        if self.type not in JOINT_TYPES:
            raise RobotError(unknown_name(f"{label}: type", self.type, JOINT_TYPES))
        values = {
            "axis": _unit_axis(label, self.axis),
            "xyz": finite_vector(f"{label}: xyz", self.xyz, 3),
            "rpy": finite_vector(f"{label}: rpy", self.rpy, 3),
            "lower": _limit(label, "lower", self.lower),
            "upper": _limit(label, "upper", self.upper),
            "velocity": _limit(label, "velocity", self.velocity),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)
        if self.lower > self.upper:
            raise RobotError(
                f"{label}: lower must not exceed upper. "
                f"Received: lower={self.lower}, upper={self.upper}."
            )
        if self.velocity <= 0:
            raise RobotError(
                f"{label}: velocity must be positive, or inf for no limit. "
                f"Received: {self.velocity}."
            )
        if math.isfinite(self.velocity) and len(self.entries) != 1:
            raise RobotError(
                f"{label}: only a joint with one value has a velocity limit. "
                f"Received: type {self.type!r}, velocity={self.velocity}."
            )
        has_limit = math.isfinite(self.lower) or math.isfinite(self.upper)
        if has_limit and self.type not in ("revolute", "prismatic"):
            raise RobotError(
                f"{label}: a {self.type} joint has no limits. Received: lower={self.lower}, "
                f"upper={self.upper}. Leave them out, or use type='revolute'."
            )
        if not isinstance(self.mimic, (Mimic, type(None))):
            raise RobotError(f"{label}: mimic must be a fkarm.Mimic. Received: {self.mimic!r}.")
        if self.mimic is not None and len(self.entries) != 1:
            raise RobotError(
                f"{label}: a joint that mimics must have one value. Received: type {self.type!r}."
            )

    @property
    def is_fixed(self) -> bool:
        """Whether the joint does not move."""
        return self.type == "fixed"

    @property
    def entries(self) -> tuple[str, ...]:
        """The kind of each of the joint's entries of `q`: `"angle"`, `"length"`, `"quaternion"`."""
        return ENTRIES[self.type]

    @property
    def turns_freely(self) -> bool:
        """Whether the joint turns about any axis: its last four entries are a quaternion."""
        return "quaternion" in self.entries

    @property
    def bounds(self) -> tuple[tuple[float, float], ...]:
        """Lower and upper limit of each entry; `-1` and `1` for those of a quaternion."""
        return tuple(
            (-1.0, 1.0) if e == "quaternion" else (self.lower, self.upper) for e in self.entries
        )

    @property
    def is_prismatic(self) -> bool:
        """Whether the joint slides (m) rather than turns (rad)."""
        return self.type == "prismatic"

    @property
    def is_endless(self) -> bool:
        """Whether the joint turns without end: it has an angle and no limit on either side."""
        return "angle" in self.entries and math.isinf(self.lower) and math.isinf(self.upper)

    @cached_property
    def origin(self) -> Matrix:
        """Frame of the joint at zero in the parent link. Shape `(4, 4)`, float64."""
        return read_only(make_frame(self.xyz, self.rpy))

    @cached_property
    def z_to_axis(self) -> Matrix:
        """A rotation that takes the z axis to `axis`. Shape `(4, 4)`, float64.

        A planar joint's two lengths are along its first two columns: x and y for the axis z.
        Spherical and floating joints have no axis: their frames stay as they are.
        """
        frame = np.eye(4)
        if not self.turns_freely:
            frame[:3, :3] = rotation_to_axis(self.axis)
        return read_only(frame)

    def frame_at(self, *values: float) -> Matrix:
        """Frame of the child link in the parent link at the joint's entries of `q`. `(4, 4)`."""
        if self.turns_freely:
            motion = make_frame(values[:-4] or (0.0, 0.0, 0.0))
            motion[:3, :3] = rotation_from_quat_wxyz(values[-4:])
        elif self.type == "planar":
            motion = make_frame((*values[:2], 0.0), (0.0, 0.0, values[2]))
        elif self.is_prismatic:
            motion = make_frame((0.0, 0.0, *values))
        else:
            motion = make_frame((0.0, 0.0, 0.0), (0.0, 0.0, *values))
        return snap(self.origin @ self.z_to_axis @ motion @ self.z_to_axis.T)

    def fixed_at(self, value: ArrayLike) -> Joint:
        """The same joint, fixed at a value (rad or m; one number for each entry of `q`)."""
        values = finite_vector(
            f"value of joint {self.name!r}", np.atleast_1d(np.asarray(value)), len(self.entries)
        )
        frame = self.frame_at(*values)
        return Joint(
            self.name,
            "fixed",
            **placement(frame),
            parent=self.parent,
            child=self.child,
        )

    def between(self, parent: str, child: str) -> Joint:
        """The same joint between two other links."""
        return replace(self, parent=parent, child=child)

    def to_dict(self) -> dict[str, Any]:
        """The joint as JSON types; an absent limit is None."""
        data: dict[str, Any] = {
            "name": self.name,
            "type": self.type,
            "parent": self.parent,
            "child": self.child,
            "axis": list(self.axis),
            "xyz": list(self.xyz),
            "rpy": list(self.rpy),
            "lower": self.lower if math.isfinite(self.lower) else None,
            "upper": self.upper if math.isfinite(self.upper) else None,
            "mimic": None,
            "velocity": self.velocity if math.isfinite(self.velocity) else None,
        }
        if self.mimic is not None:
            data["mimic"] = {
                "joint": self.mimic.joint,
                "multiplier": self.mimic.multiplier,
                "offset": self.mimic.offset,
            }
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Joint:
        """The joint that `to_dict` described."""
        fields = dict(data)
        for name, unlimited in (("lower", -math.inf), ("upper", math.inf), ("velocity", math.inf)):
            if fields.get(name) is None:
                fields[name] = unlimited
        if fields.get("mimic") is not None:
            fields["mimic"] = Mimic(**fields["mimic"])
        return cls(**fields)


def _unit_axis(label: str, axis: Any) -> tuple[float, ...]:
    if isinstance(axis, str):
        letter = axis.strip().lstrip("+-")
        if letter not in _LETTERS or len(axis.strip()) > 2:
            raise RobotError(
                f"{label}: axis must be 'x', 'y' or 'z', with or without a sign, or a vector. "
                f"Received: {axis!r}."
            )
        sign = -1.0 if axis.strip().startswith("-") else 1.0
        return tuple(sign * x + 0.0 for x in _LETTERS[letter])
    vector = np.array(finite_vector(f"{label}: axis", axis, 3))
    largest = np.abs(vector).max()
    if largest == 0:
        raise RobotError(f"{label}: axis must not be zero. Received: {axis!r}.")
    if abs(np.linalg.norm(vector) - 1) > _UNIT:  # a unit axis keeps its digits: dicts read back
        # Divided by its largest entry first, the norm does not over- or underflow.
        vector = vector / largest
        vector = vector / np.linalg.norm(vector)
    return tuple(float(x) for x in snap(vector))


def _limit(label: str, side: str, value: Any) -> float:
    try:
        limit = float(value)
    except (TypeError, ValueError):
        limit = math.nan
    none = -math.inf if side == "lower" else math.inf
    if not (math.isfinite(limit) or limit == none):
        raise RobotError(
            f"{label}: {side} limit must be a finite number, or {none} for none. "
            f"Received: {value!r}."
        )
    return limit
