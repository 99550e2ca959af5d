"""What was read of a robot, what had to be assumed, and what looks wrong."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fkarm.model.joint import Joint

if TYPE_CHECKING:
    from fkarm.model.robot import Robot

# An angle this near to a multiple of 45 degrees, but not equal to it, is a rounded literal: 3.14.
_ROUNDED, _EXACT = 2e-3, 1e-9
# Longer offsets are suspected to be millimetres, wider ranges to be degrees.
_LONG_OFFSET, _WIDE_RANGE, _MANY_TURNS = 10.0, 13.0, 7.0


@dataclass(frozen=True)
class Report:
    """What a robot's description holds, leaves open and gets wrong.

    Args:
        read: What was read and used.
        assumed: What the description left open, and what was assumed for it.
        ignored: What has no meaning for kinematics.
        suspicious: What is legal but looks wrong, with its effect.
    """

    read: tuple[str, ...]
    assumed: tuple[str, ...]
    ignored: tuple[str, ...]
    suspicious: tuple[str, ...]

    def to_dict(self) -> dict[str, list[str]]:
        """The report as JSON types."""
        return {name: list(lines) for name, lines in vars(self).items()}

    def __str__(self) -> str:
        lines = []
        for title, entries in vars(self).items():
            lines.append(f"{title}:" if entries else f"{title}: nothing")
            lines += [f"  - {entry}" for entry in entries]
        return "\n".join(lines)


def make_report(robot: Robot) -> Report:
    """The report on a robot, with the notes that its reader took."""
    joints, notes = robot.joints, robot.notes
    kinds = _counted(f"{joint.type} (mimic)" if joint.mimic else joint.type for joint in joints)
    read = [f"{len(robot.link_names)} links, {len(joints)} joints{': ' if kinds else ''}{kinds}"]
    if robot.bodies:
        links = {body.link for body in robot.bodies}
        shapes = _counted(body.shape for body in robot.bodies)
        read.append(f"{len(robot.bodies)} bodies on {len(links)} links: {shapes}")
        read += notes.get("bodies", ())
    if robot.masses:
        total = sum(mass.mass for mass in robot.masses)
        read.append(f"masses of {len({mass.link for mass in robot.masses})} links: {total:.6g} kg")
    if robot.exclusions:
        reasons = _counted(exclusion.reason for exclusion in robot.exclusions)
        read.append(f"{len(robot.exclusions)} excluded pairs of links: {reasons}")
    return Report(
        tuple(read),
        tuple(notes.get("assumed", ())),
        tuple(notes.get("ignored", ())),
        (*notes.get("odd", ()), *_suspicions(joints)),
    )


def _counted(names: Iterable[str]) -> str:
    counts = Counter(names)
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))


def reach_below(joints: Sequence[Joint], unlimited: float = math.inf) -> dict[str, float]:
    """For each link, an upper bound of how far its subtree can reach from its origin, m.

    A joint that slides without limits adds `unlimited`.
    """
    reach: dict[str, float] = {}
    for joint in reversed(joints):
        below = reach.setdefault(str(joint.child), 0.0)
        length = float(np.linalg.norm(joint.xyz)) + _travel(joint, unlimited) + below
        parent = str(joint.parent)
        reach[parent] = max(reach.get(parent, 0.0), length)
    return reach


def _travel(joint: Joint, unlimited: float) -> float:
    if "length" not in joint.entries:
        return 0.0
    ends = [abs(end) for end in (joint.lower, joint.upper) if math.isfinite(end)]
    return max(ends) if len(ends) == 2 else unlimited


def _suspicions(joints: Sequence[Joint]) -> list[str]:
    lines = []
    reach = reach_below(joints)
    for joint in joints:
        label = f"joint {joint.name!r}"
        if max(map(abs, joint.rpy)) > _MANY_TURNS:
            lines.append(f"{label}: rpy {_text(joint.rpy)} rad is large: is it in degrees?")
        for angle in joint.rpy:
            error = abs(angle - round(angle / (math.pi / 4)) * math.pi / 4)
            if _EXACT < error < _ROUNDED and abs(angle) > _ROUNDED:
                far = reach[str(joint.child)]
                effect = f", {1e3 * error * far:.2g} mm at the tip" if 0 < far < math.inf else ""
                lines.append(
                    f"{label}: rpy {angle!r} looks like a rounded multiple of 45 degrees: "
                    f"off by {error:.2g} rad{effect}"
                )
        if np.linalg.norm(joint.xyz) > _LONG_OFFSET:
            lines.append(f"{label}: xyz {_text(joint.xyz)} m is long: is it in millimetres?")
        if "angle" in joint.entries and _finite_beyond(joint, _WIDE_RANGE):
            lines.append(
                f"{label}: limits {joint.lower:g} to {joint.upper:g} rad are wide: "
                "are they in degrees?"
            )
        if "length" in joint.entries and _finite_beyond(joint, _LONG_OFFSET):
            lines.append(
                f"{label}: limits {joint.lower:g} to {joint.upper:g} m are wide: "
                "are they in millimetres?"
            )
        if joint.lower == joint.upper:
            lines.append(f"{label}: both limits are {joint.lower:g}: the joint cannot move")
    return lines


def _finite_beyond(joint: Joint, size: float) -> bool:
    return any(math.isfinite(end) and abs(end) > size for end in (joint.lower, joint.upper))


def _text(vector: Any) -> str:
    return "(" + ", ".join(f"{x:g}" for x in vector) + ")"
