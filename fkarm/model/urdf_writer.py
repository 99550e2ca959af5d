"""A robot as URDF text that reads back to the same robot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import quoteattr

from fkarm.errors import RobotError
from fkarm.model.joint import Joint


def write_urdf(
    name: str, link_names: Sequence[str], joints: Sequence[Joint], end_effector: str
) -> str:
    """URDF text. Numbers are written with all their digits.

    URDF has no word for the end effector: it is written as an element `<fkarm>`, which other
    readers ignore. Efforts and velocities, which fkarm does not know, are 0.

    Raises:
        RobotError: If a joint is spherical, or has one limit only: URDF reads the missing one as 0.
    """
    lines = ['<?xml version="1.0"?>', f"<robot name={quoteattr(name)}>"]
    lines += [f"  <link name={quoteattr(link)}/>" for link in link_names]
    for joint in joints:
        lines += _joint_lines(joint)
    return "\n".join([*lines, f"  <fkarm end_effector={quoteattr(end_effector)}/>", "</robot>", ""])


def _joint_lines(joint: Joint) -> list[str]:
    if joint.type == "spherical":
        raise RobotError(f"joint {joint.name!r}: URDF has no spherical joints. Received: one.")
    lines = [
        f"  <joint name={quoteattr(joint.name)} type={quoteattr(joint.type)}>",
        f"    <parent link={quoteattr(str(joint.parent))}/>",
        f"    <child link={quoteattr(str(joint.child))}/>",
        f"    <origin xyz={_numbers(joint.xyz)} rpy={_numbers(joint.rpy)}/>",
    ]
    if joint.type not in ("fixed", "floating"):
        lines.append(f"    <axis xyz={_numbers(joint.axis)}/>")
    has_limits = [math.isfinite(end) for end in (joint.lower, joint.upper)]
    if any(has_limits):
        if not all(has_limits):
            raise RobotError(
                f"joint {joint.name!r}: URDF needs both limits or none. Received: "
                f"lower={joint.lower}, upper={joint.upper}."
            )
        lower, upper = _numbers([joint.lower]), _numbers([joint.upper])
        lines.append(f'    <limit lower={lower} upper={upper} effort="0" velocity="0"/>')
    if joint.mimic is not None:
        mimic = joint.mimic
        lines.append(
            f"    <mimic joint={quoteattr(mimic.joint)} multiplier={_numbers([mimic.multiplier])} "
            f"offset={_numbers([mimic.offset])}/>"
        )
    return [*lines, "  </joint>"]


def _numbers(values: Any) -> str:
    return '"' + " ".join(repr(float(value)) for value in values) + '"'
