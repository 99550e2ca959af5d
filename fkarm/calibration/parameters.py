"""`parameters`: which numbers of a robot may be fitted, and how far they may be off."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from typing import Any

import numpy as np

from fkarm._checks import check_positive
from fkarm.calibration.corrections import Layout, layout_of
from fkarm.errors import UnknownJointError, unknown_name
from fkarm.model import Joint, Robot
from fkarm.model.argument import check_robot

ENTRIES = ("x", "y", "z", "rx", "ry", "rz")
_DH = {"a": ("before", 0), "alpha": ("before", 3), "d": ("after", 2), "theta": ("after", 5)}
_WIDE_LENGTH, _WIDE_ANGLE = 1.0, math.pi  # of tools, which nobody knows beforehand
_RATIO = 0.01  # of gains
_NOT_DH = 1e-6

_OF_NO_JOINT = ("base", "point", "tool")

Which = bool | Iterable[str]


@dataclass(frozen=True)
class Parameter:
    """One number that may be fitted; the nominal robot has zero.

    Args:
        owner: Name of a joint, or `"base"`, `"point"`, `"tool"`.
        entry: What it changes of the owner: `"x"` ... `"rz"`, `"offset"`, `"gain"`, `"cosine"`,
            `"sine"`, or a letter of a Denavit-Hartenberg row.
        index: Where it is in the vector of corrections.
        prior: How large it may well be (one standard deviation), m, rad or 1.
        is_angle: Whether it is in rad.
        is_ratio: Whether it has no unit.
        bound: How large it can be, m, rad or 1; None: any size.
    """

    owner: str
    entry: str
    index: int
    prior: float
    is_angle: bool
    is_ratio: bool = False
    bound: float | None = None

    @property
    def name(self) -> str:
        """`"owner entry"`."""
        return f"{self.owner} {self.entry}"

    @property
    def unit(self) -> str:
        """`"deg"`, `"mm"` or `""`: the unit of reports."""
        return "" if self.is_ratio else "deg" if self.is_angle else "mm"

    @property
    def scale(self) -> float:
        """How many of `unit` are one m, rad or 1."""
        return 1.0 if self.is_ratio else math.degrees(1.0) if self.is_angle else 1e3


@dataclass(frozen=True)
class Parameters:
    """The numbers of a robot that may be fitted, as `parameters` makes them.

    Args:
        robot: The nominal robot.
        entries: The numbers, in order.
        senses: 1 or -1 for each entry of `q`.
    """

    robot: Robot
    entries: tuple[Parameter, ...]
    senses: tuple[int, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the numbers: `"panda_joint1 x"`, ..."""
        return tuple(entry.name for entry in self.entries)

    @property
    def layout(self) -> Layout:
        """Where all corrections are in one vector."""
        return layout_of(self.robot)

    @property
    def indices(self) -> np.ndarray:
        """Where the numbers are in that vector."""
        return np.array([entry.index for entry in self.entries], int)

    @property
    def priors(self) -> np.ndarray:
        """How large the numbers may well be, m, rad or 1."""
        return np.array([entry.prior for entry in self.entries], float)

    @property
    def bounds(self) -> np.ndarray:
        """Largest absolute values of the numbers, m, rad or 1; infinite where there is none."""
        return np.array([np.inf if e.bound is None else e.bound for e in self.entries], float)

    def without(self, *names: str) -> Parameters:
        """The same numbers but those of the names, which keep the nominal value.

        Raises:
            ValueError: If a name is not one of `names`.
        """
        self._check(names)
        return replace(self, entries=tuple(e for e in self.entries if e.name not in names))

    def only(self, *names: str) -> Parameters:
        """The numbers of the names.

        Raises:
            ValueError: If a name is not one of `names`.
        """
        self._check(names)
        return replace(self, entries=tuple(e for e in self.entries if e.name in names))

    def within(
        self,
        *names: str,
        mm: float | None = None,
        deg: float | None = None,
        ratio: float | None = None,
    ) -> Parameters:
        """The same numbers, not larger than bounds, which are about the nominal robot.

        Args:
            *names: Which numbers; none: those of all joints.
            mm: Largest absolute value of lengths. None, here and below: as before.
            deg: The same of angles.
            ratio: The same of gains.
        Raises:
            ValueError: If a bound is not positive, a name is not one of `names`, or none of the
                names given has the unit of a bound.
        """
        self._check(names)
        bounds = {"mm": mm, "deg": deg, "": ratio}
        for option, value in (("mm", mm), ("deg", deg), ("ratio", ratio)):
            if value is not None:
                check_positive(option, value)
        units = {entry.unit or "ratio" for entry in self.entries if entry.name in names}
        for option, value in (("mm", mm), ("deg", deg), ("ratio", ratio)):
            if names and value is not None and option not in units:
                raise ValueError(
                    f"{option}= must bound one of the named numbers. Received: {option}={value!r} "
                    f"for {', '.join(names)}, in {' and '.join(sorted(units))}."
                )

        def bounded(entry: Parameter) -> Parameter:
            bound = bounds[entry.unit]
            is_meant = entry.name in names if names else entry.owner not in _OF_NO_JOINT
            if bound is None or not is_meant:
                return entry
            return replace(entry, bound=bound / entry.scale)

        return replace(self, entries=tuple(map(bounded, self.entries)))

    def vector(self, values: np.ndarray) -> np.ndarray:
        """All corrections of the robot for values of the numbers."""
        full = np.zeros(self.layout.size)
        full[self.indices] = values
        return full

    def to_dict(self) -> dict[str, Any]:
        """The numbers as JSON types, without the robot."""
        return {"entries": [astuple(e) for e in self.entries], "senses": list(self.senses)}

    @classmethod
    def from_dict(cls, robot: Robot, data: Mapping[str, Any]) -> Parameters:
        """The numbers that `to_dict` described, of the same robot."""
        entries = tuple(Parameter(*fields) for fields in data["entries"])
        return cls(robot, entries, tuple(data["senses"]))

    def _check(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self.names:
                raise ValueError(unknown_name("The name of a parameter", name, self.names))


def parameters(
    robot: Robot,
    *,
    offsets: Which = False,
    gains: Which = False,
    harmonics: Which = False,
    origins: Which = False,
    dh: str | None = None,
    base: bool = False,
    point: bool = False,
    tool: bool = False,
    senses: Sequence[int] | Mapping[str, int] | None = None,
    prior_mm: float = 2.0,
    prior_deg: float = 1.0,
    prior_offset_deg: float = 30.0,
) -> Parameters:
    """The numbers of a robot that a calibration may fit.

    `value = sense * (q + gain q + cosine cos q + sine sin q) + offset` is the value of a joint. A
    joint's origin moves by `x`, `y`, `z` and turns by the rotation vector `rx`, `ry`, `rz`, both in
    the joint's own frame. `offsets`, `gains`, `harmonics` and `origins` are True for all joints
    with one value (origins: all moving joints), or a list of joint names.

    Args:
        robot: The nominal robot.
        offsets: Offsets of joint values.
        gains: Factors of joint values: `gain` is what they exceed one by.
        harmonics: Cosine and sine of joint values: gears that run out of round.
        origins: Six numbers per joint.
        dh: `"standard"` or `"modified"`: `a`, `alpha`, `d`, `theta` per moving joint of a robot
            that a table describes. `d` and `theta` are along and about the joint's z axis. In a
            modified table whose base frame is turned, the first row has `d` and `theta` only: `a`
            and `alpha` are about an axis that the base leaves open. Add `base=True`.
        base: Six numbers of the base in the root link's frame.
        point: The position of a point on the link, from that link's origin.
        tool: The same with the orientation of its frame.
        senses: 1 or -1 per entry of `q`, or of some joints by name; -1 where the motor counts
            backwards.
        prior_mm: One standard deviation of lengths, before any measurement.
        prior_deg: The same of angles, `harmonics` included.
        prior_offset_deg: The same of offsets; of a joint that slides, mm.
    Returns:
        The numbers. `.without(name, ...)` and `.only(name, ...)` choose among them.
    Raises:
        TypeError: If `robot` is not a Robot, or a choice is neither a bool nor names.
        UnknownJointError: If a joint does not exist or does not move.
        ValueError: If an option is wrong, or the robot is not one of a table.
    Example:
        >>> arm = fkarm.robots.planar([1.0, 0.5])
        >>> fkarm.calibration.parameters(arm, offsets=True, point=True).names[:3]
        ('joint_1 offset', 'joint_2 offset', 'point x')
    """
    check_robot(robot)
    for name, value in (
        ("prior_mm", prior_mm), ("prior_deg", prior_deg), ("prior_offset_deg", prior_offset_deg)
    ):  # fmt: skip
        check_positive(name, value)
    layout = layout_of(robot)
    length, angle = prior_mm * 1e-3, math.radians(prior_deg)
    found: list[Parameter] = []

    def change(owner: str, slot: int, prior: tuple[float, float], count: int = 6) -> None:
        for k, entry in enumerate(ENTRIES[:count]):
            found.append(Parameter(owner, entry, 6 * slot + k, prior[k > 2], k > 2))

    def number(joint: Joint, kind: str, prior: float, is_ratio: bool = False) -> None:
        index = layout.of_entry(kind, robot.coordinates[joint.name].index)
        is_angle = not joint.is_prismatic and not is_ratio
        found.append(Parameter(joint.name, kind, index, prior, is_angle, is_ratio))

    if base:
        change("base", layout.slot("base"), (_WIDE_LENGTH, _WIDE_ANGLE))
    for joint in _chosen(robot, "origins", origins, single=False):
        change(joint.name, layout.slot("after", joint.name), (length, angle))
    if dh is not None:
        found += _table(robot, dh, length, angle)
    for joint in _chosen(robot, "offsets", offsets):
        scale = 1e-3 if joint.is_prismatic else math.radians(1.0)
        number(joint, "offset", prior_offset_deg * scale)
    for joint in _chosen(robot, "gains", gains):
        number(joint, "gain", _RATIO, is_ratio=True)
    for joint in _chosen(robot, "harmonics", harmonics):
        for kind in ("cosine", "sine"):
            number(joint, kind, length if joint.is_prismatic else angle)
    if tool or point:
        wide = (_WIDE_LENGTH, _WIDE_ANGLE)
        change("tool" if tool else "point", layout.slot("tool"), wide, 6 if tool else 3)
    return Parameters(robot, tuple(found), _senses(robot, senses))


def _chosen(robot: Robot, name: str, which: Which, single: bool = True) -> list[Joint]:
    """The joints that a choice names; those with one value if `single`."""
    joints = [j for j in robot.independent_joints if len(j.entries) == 1 or not single]
    if isinstance(which, bool):
        return joints if which else []
    if isinstance(which, str) or not isinstance(which, Iterable):
        raise TypeError(f"{name} must be True, False or a list of joint names. Received: {which!r}")
    known = [joint.name for joint in joints]
    wanted = list(which)
    for each in wanted:
        if each not in known:
            raise UnknownJointError(unknown_name(f"A joint of {name}", each, known))
    return [joint for joint in joints if joint.name in wanted]


def _table(robot: Robot, convention: str, length: float, angle: float) -> list[Parameter]:
    """Four numbers per joint; with `"standard"`, `a` and `alpha` lie before the next origin."""
    if convention not in ("standard", "modified"):
        raise ValueError(unknown_name("dh", convention, ("standard", "modified")))
    layout, found = layout_of(robot), []
    for joint in robot.independent_joints:
        owner = joint
        if convention == "standard":
            children = [each for each in robot.joints if each.parent == joint.child]
            if len(children) != 1:
                raise ValueError(
                    "dh='standard' needs one joint, or a fixed flange, after every joint. "
                    f"Received: {len(children)} after {joint.name!r}. fkarm.Robot.from_dh makes "
                    "such robots; else fit origins=True."
                )
            owner = children[0]
        is_turned = owner.parent == robot.root_link and not _is_row(owner)
        _check_table(joint, owner, is_turned)
        for entry, (place, number) in _DH.items():
            if is_turned and place == "before":
                continue
            slot = layout.slot(place, (owner if place == "before" else joint).name)
            is_angle = number > 2
            prior = angle if is_angle else length
            found.append(Parameter(joint.name, entry, 6 * slot + number, prior, is_angle))
    return found


def _is_row(owner: Joint) -> bool:
    """Whether an origin is `Tx Rx Tz Rz`.

    Such an origin has a z axis normal to the x axis before it, and a point on that x axis.
    """
    (_, _, off), axis, position = owner.origin[0, :3], owner.origin[1:3, 2], owner.origin[1:3, 3]
    across = position[0] * axis[1] - position[1] * axis[0]
    return bool(max(abs(off), abs(across)) < _NOT_DH)


def _check_table(joint: Joint, owner: Joint, is_turned: bool) -> None:
    """Raise ValueError unless a joint moves along or about z and an origin is that of a row."""
    is_row = (is_turned or _is_row(owner)) and np.abs(joint.axis[:2]).max() < _NOT_DH
    if not is_row or len(joint.entries) != 1:
        raise ValueError(
            "dh needs a robot of a Denavit-Hartenberg table: x axes that meet the z axes before "
            f"them at right angles. Received: joint {owner.name!r}, whose origin is not of this "
            "kind. Fit origins=True instead."
        )


def _senses(robot: Robot, senses: Sequence[int] | Mapping[str, int] | None) -> tuple[int, ...]:
    values = [1] * robot.dof
    if isinstance(senses, Mapping):
        for name, sense in senses.items():
            if name not in robot.joint_names:
                raise UnknownJointError(unknown_name("A joint of senses", name, robot.joint_names))
            values[robot.coordinates[name].index] = sense
    elif senses is not None:
        values = list(senses)
    if len(values) != robot.dof or any(sense not in (1, -1) for sense in values):
        raise ValueError(
            f"senses must hold 1 or -1 for each of {robot.dof} entries of q. Received: {senses!r}."
        )
    for joint in robot.independent_joints:
        first = robot.coordinates[joint.name].index
        if len(joint.entries) > 1 and -1 in values[first : first + len(joint.entries)]:
            raise ValueError(
                "senses must be 1 for joints of several values. Received: -1 for the "
                f"{joint.type} joint {joint.name!r}."
            )
    return tuple(int(sense) for sense in values)
