"""Pairs of links that an SRDF leaves out of collision checks."""

from __future__ import annotations

import os
from collections.abc import Sequence

from fkarm.errors import UnknownLinkError, unknown_name
from fkarm.model.elements import Element, Location, read_elements, required
from fkarm.model.solids import Exclusion
from fkarm.model.urdf_solids import read_exclusions


def read_srdf(path: str | os.PathLike[str], link_names: Sequence[str]) -> tuple[Exclusion, ...]:
    """The pairs of `<disable_collisions>` with their reasons.

    `<disable_default_collisions link=...>` leaves out all pairs of a link, but for those of
    `<enable_collisions>`.

    Args:
        path: The file.
        link_names: Names of the robot's links.
    Raises:
        MissingFileError: If there is no such file.
        URDFError: If the file is no SRDF.
    """
    label, root, _ = read_elements(path, "SRDF")
    stated = list(read_exclusions(label, root))
    enabled = {frozenset(_pair(label, element)) for element in root.named("enable_collisions")}
    for element in root.named("disable_default_collisions"):
        link = required(Location(label, element), element, "link")
        stated += [
            Exclusion(link, other, "disabled by default")
            for other in link_names
            if other != link and frozenset((link, other)) not in enabled
        ]
    return tuple(stated)


def pairs_of_robot(
    label: str, stated: Sequence[Exclusion], link_names: Sequence[str]
) -> tuple[tuple[Exclusion, ...], tuple[str, ...]]:
    """The pairs of links that the robot has, each once, and lines for the report about the others.

    Raises:
        UnknownLinkError: If there are pairs, but none of such links.
    """
    known = set(link_names)
    pairs = [pair for pair in stated if {pair.link_1, pair.link_2} <= known]
    if stated and not pairs:
        names = {name for pair in stated for name in (pair.link_1, pair.link_2)} - known
        raise UnknownLinkError(f"{label}: {unknown_name('link', min(names), link_names)}")
    unknown = len(stated) - len(pairs)
    lines = (f"pairs in {label} of links that the robot does not have: {unknown}",) * (unknown > 0)
    unique = {frozenset((pair.link_1, pair.link_2)): pair for pair in reversed(pairs)}
    return tuple(reversed(unique.values())), lines


def _pair(label: str, element: Element) -> tuple[str, str]:
    location = Location(label, element)
    return required(location, element, "link1"), required(location, element, "link2")
