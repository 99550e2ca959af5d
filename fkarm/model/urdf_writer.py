"""A robot as URDF text that reads back to the same robot."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

from fkarm.errors import RobotError
from fkarm.model.frames import make_frame
from fkarm.model.joint import Joint
from fkarm.model.solids import Body, Mass

if TYPE_CHECKING:
    from fkarm.model.robot import Robot


def write_urdf(robot: Robot) -> str:
    """URDF text. Numbers are written with all their digits.

    URDF has no word for the end effector and for excluded pairs: they are written in an element
    `<fkarm>`, which other readers ignore. Capsules, which many readers do not know, are cylinders
    with spheres at both ends. What fkarm does not know is 0.

    Raises:
        RobotError: If a joint is spherical, or has one limit only: URDF reads the missing one as 0.
    """
    lines = ['<?xml version="1.0"?>', f"<robot name={quoteattr(robot.name)}>"]
    for link in robot.link_names:
        inside = _inertial([mass for mass in robot.masses if mass.link == link])
        for body in robot.bodies:
            if body.link == link:
                inside += _collisions(body)
        lines += _element(f"link name={quoteattr(link)}", inside)
    for joint in robot.joints:
        lines += _joint_lines(joint)
    excluded = [
        f"    <disable_collisions link1={quoteattr(exclusion.link_1)} "
        f"link2={quoteattr(exclusion.link_2)} reason={quoteattr(exclusion.reason)}/>"
        for exclusion in robot.exclusions
    ]
    lines += _element(f"fkarm end_effector={quoteattr(robot.end_effector)}", excluded)
    return "\n".join([*lines, "</robot>", ""])


def _element(start: str, inside: list[str]) -> list[str]:
    if not inside:
        return [f"  <{start}/>"]
    return [f"  <{start}>", *inside, f"  </{start.split()[0]}>"]


def _inertial(masses: Sequence[Mass]) -> list[str]:
    """The masses of a link as one."""
    if not masses:
        return []
    total = sum(mass.mass for mass in masses)
    centre = [sum(mass.mass * mass.xyz[k] for mass in masses) / total for k in range(3)]
    zeros = " ".join(f'{name}="0"' for name in ("ixx", "ixy", "ixz", "iyy", "iyz", "izz"))
    return [
        "    <inertial>",
        f"      <origin xyz={_numbers(masses[0].xyz if len(masses) == 1 else centre)}/>",
        f"      <mass value={_numbers([total])}/>",
        f"      <inertia {zeros}/>",
        "    </inertial>",
    ]


def _collisions(body: Body) -> Iterator[str]:
    radius = _numbers([body.radius])
    if body.shape == "sphere":
        yield _collision(f"sphere radius={radius}", body.xyz, body.rpy)
        return
    length = _numbers([body.length])
    yield _collision(f"cylinder radius={radius} length={length}", body.xyz, body.rpy)
    frame = make_frame(body.xyz, body.rpy)
    for side in (-0.5, 0.5):
        end = frame @ [0.0, 0.0, side * body.length, 1.0]
        yield _collision(f"sphere radius={radius}", end[:3], (0.0, 0.0, 0.0))


def _collision(shape: str, xyz: Any, rpy: Any) -> str:
    return (
        f"    <collision><origin xyz={_numbers(xyz)} rpy={_numbers(rpy)}/>"
        f"<geometry><{shape}/></geometry></collision>"
    )


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
    lines += _limit_lines(joint)
    if joint.mimic is not None:
        mimic = joint.mimic
        lines.append(
            f"    <mimic joint={quoteattr(mimic.joint)} multiplier={_numbers([mimic.multiplier])} "
            f"offset={_numbers([mimic.offset])}/>"
        )
    return [*lines, "  </joint>"]


def _limit_lines(joint: Joint) -> list[str]:
    has_limits = [math.isfinite(end) for end in (joint.lower, joint.upper)]
    has_velocity = math.isfinite(joint.velocity)
    if any(has_limits) and not all(has_limits):
        raise RobotError(
            f"joint {joint.name!r}: URDF needs both limits or none. Received: "
            f"lower={joint.lower}, upper={joint.upper}."
        )
    if not (any(has_limits) or has_velocity):
        return []
    # Without bounds, other readers would take 0 for both.
    lower, upper = _numbers([joint.lower]), _numbers([joint.upper])
    bounds = "" if joint.type == "continuous" else f"lower={lower} upper={upper} "
    velocity = _numbers([joint.velocity]) if has_velocity else '"0"'
    return [f'    <limit {bounds}effort="0" velocity={velocity}/>']


def _numbers(values: Any) -> str:
    return '"' + " ".join(repr(float(value)) for value in values) + '"'
