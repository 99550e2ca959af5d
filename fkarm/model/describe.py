"""A robot as a tree that a person can read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from fkarm.model.joint import Joint
from fkarm.model.tree import Coordinate


def describe(
    name: str,
    root_link: str,
    end_effector: str,
    joints: Sequence[Joint],
    coordinates: Mapping[str, Coordinate],
) -> str:
    """Links as a tree, each with the joint that moves it: its type, axis, and limits with units.

    A chain stays at one indent; the branches of a fork are marked with a plus and indented.
    """
    children: dict[str, list[Joint]] = {}
    for joint in joints:
        children.setdefault(str(joint.parent), []).append(joint)
    mark = {end_effector: "  <- end effector"}
    dof = sum(len(joint.entries) for joint in joints if joint.mimic is None)
    lines = [
        f"{name}: {dof} dof, {len(joints) + 1} links, end effector {end_effector}",
        root_link + mark.get(root_link, ""),
    ]
    pending = [(joint, 0) for joint in reversed(children.get(root_link, []))]
    while pending:
        joint, depth = pending.pop()
        child = str(joint.child)
        indent = "  " * depth + ("+ " if len(children[str(joint.parent)]) > 1 else "  ")
        lines.append(f"{indent}{child}  ({_motion(joint, coordinates)}){mark.get(child, '')}")
        below = children.get(child, [])
        pending.extend((joint, depth + (len(below) > 1)) for joint in reversed(below))
    return "\n".join(lines)


def _motion(joint: Joint, coordinates: Mapping[str, Coordinate]) -> str:
    if joint.is_fixed:
        return f"{joint.name}: fixed"
    preposition = {"prismatic": " along ", "planar": " in the plane normal to "}
    motion = joint.type
    if not joint.turns_freely:
        motion += preposition.get(joint.type, " about ") + _axis(joint)
    if joint.mimic is None:
        index = coordinates[joint.name].index
        last = index + len(joint.entries)
        entries = f"q[{index}]" if last == index + 1 else f"q[{index}:{last}]"
        return f"{joint.name}: {motion}, {entries}, {_limits(joint)}"
    mimic = joint.mimic
    return f"{joint.name}: {motion}, = {mimic.multiplier:g} * {mimic.joint} + {mimic.offset:g}"


def _axis(joint: Joint) -> str:
    axis = tuple(joint.axis)
    for letter, unit in (("x", (1, 0, 0)), ("y", (0, 1, 0)), ("z", (0, 0, 1))):
        if axis == unit:
            return letter
        if axis == tuple(-u for u in unit):
            return f"-{letter}"
    return "(" + ", ".join(f"{x:.4g}" for x in axis) + ")"


def _limits(joint: Joint) -> str:
    if math.isinf(joint.lower) and math.isinf(joint.upper):
        return "unlimited"
    scale, unit = (1e3, "mm") if joint.is_prismatic else (180 / math.pi, "deg")
    return f"{joint.lower * scale:.6g} to {joint.upper * scale:.6g} {unit}"
