"""How names are made up: a given name never changes, and a made-up name is one that is free."""

from __future__ import annotations

from collections.abc import Iterable


class Names:
    """The names of one kind (links, or joints) in one robot.

    Args:
        given: Every name that the description gives, before any is made up. `Robot` checks what is
            no string.
    """

    def __init__(self, given: Iterable[object]) -> None:
        self._taken = {name for name in given if isinstance(name, str)}

    def make(self, wanted: str) -> str:
        """`wanted`, or the first of `wanted_2`, `wanted_3`, ... that is free; taken from now on."""
        name, number = wanted, 1
        while name in self._taken:
            number += 1
            name = f"{wanted}_{number}"
        self._taken.add(name)
        return name
