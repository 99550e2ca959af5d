"""Joints in a row and a frame at the end; their links and joints get names where none is given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from fkarm.errors import RobotError
from fkarm.model.frames import Matrix, placement
from fkarm.model.joint import Joint
from fkarm.model.names import Names


def place_in_row(joints: Iterable[Any], base_link: str) -> tuple[Joint, ...]:
    """Each joint on the link that the joint before it moves.

    A joint without a child link moves a link that has its name and the suffix `_link`.

    Raises:
        RobotError: If an entry is not a `Joint`.
    """
    row = tuple(joints)
    for joint in row:
        if not isinstance(joint, Joint):
            raise RobotError(f"joints must be fkarm.Joint objects. Received: {joint!r}.")
    links = Names([base_link, *(joint.child for joint in row)])
    placed, link = [], base_link
    for joint in row:
        child = joint.child or links.make(f"{joint.name}_link")
        placed.append(joint.between(link, child))
        link = child
    return tuple(placed)


def fixed_frame(joints: Sequence[Joint], parent: str, child: str, frame: Matrix) -> Joint:
    """The joint, with a free name, that fixes a new link to a link of a tree."""
    name = Names(joint.name for joint in joints).make(f"{child}_joint")
    return Joint(name, "fixed", **placement(frame), parent=parent, child=child)
