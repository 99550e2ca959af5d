"""Links by name: checked, the end effector where none is given, and the joints on the way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from fkarm.errors import UnknownLinkError, unknown_name

if TYPE_CHECKING:
    from fkarm.model.joint import Joint
    from fkarm.model.robot import Robot


def check_link(self: Robot, link: object) -> None:
    """Raise UnknownLinkError unless the robot has a link of this name."""
    if isinstance(link, str) and (link == self.root_link or link in self._joint_above):
        return
    message = unknown_name("link", link, self.link_names)
    moved = [joint.child for joint in self.joints if joint.name == link]
    if moved:
        message += f" {link!r} is a joint: the link that it moves is {moved[0]!r}."
    raise UnknownLinkError(message)


def link_or_end_effector(self: Robot, link: str | None) -> str:
    """The name of a link of the robot; that of the end effector for None.

    Raises:
        TypeError: If `link` is no name.
        UnknownLinkError: If there is no such link; the message begins with the nearest spelling.
    """
    if link is None:
        return self.end_effector
    if not isinstance(link, str):
        raise TypeError(f"link must be one name, or None. Received: {link!r}. Call once per link.")
    self.check_link(link)
    return link


def links_or_end_effector(self: Robot, links: str | Sequence[str] | None) -> str | tuple[str, ...]:
    """One name for a name or None, a tuple of names for a list of them.

    Raises:
        TypeError: If `links` is neither a name nor a list of names.
        UnknownLinkError: If a link does not exist.
        ValueError: If the list is empty.
    """
    if links is None or isinstance(links, str):
        return self.link_or_end_effector(links)
    names = as_names(links)
    for name in names:
        self.check_link(name)
    return names


def as_names(links: Sequence[str]) -> tuple[str, ...]:
    """A list of link names as a tuple; TypeError or ValueError if it is none, or empty."""
    names = tuple(links) if isinstance(links, Iterable) else (links,)
    if not all(isinstance(name, str) for name in names):
        raise TypeError(f"links must be a name, a list of names or None. Received: {links!r}.")
    if not names:
        raise ValueError(
            "links must hold at least one name. Received: []. Leave it out for the end effector."
        )
    return names


def path_to(self: Robot, link: str) -> tuple[Joint, ...]:
    """Joints from the root to a link, fixed ones included.

    Raises:
        UnknownLinkError: If there is no such link.
    """
    self.check_link(link)
    path = []
    while link != self.root_link:
        path.append(self._joint_above[link])
        link = str(path[-1].parent)
    return tuple(reversed(path))
