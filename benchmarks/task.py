"""The task that a contestant is given: plain data that pickles, so no framework is imported."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

_INERTIAL = (
    '<inertial><mass value="1"/>'
    '<inertia ixx="1" ixy="0" ixz="0" iyy="1" iyz="0" izz="1"/></inertial>'
)


class Task(NamedTuple):
    """What one contestant has to do.

    Args:
        how: How to run it, of `Case.how`.
        urdf: The robot, as fkarm writes it: for one link the chain to it, else the tree.
        joints: Names of the joints, in the order of `q`.
        links: The link, or all links. What is asked for.
        ends: For each of these links the joint that moves it (None: nothing does) and its
            constant frame in the frame of that joint.
        mode: One of `MODES`.
        q: Configurations, in the dtype to compute in. Shape `(B, dof)`.
        device: `"cpu"` or `"gpu"`.
    """

    how: str
    urdf: str
    joints: tuple[str, ...]
    links: str | tuple[str, ...]
    ends: tuple[tuple[str | None, np.ndarray], ...]
    mode: str
    q: np.ndarray
    device: str

    @property
    def link_names(self) -> tuple[str, ...]:
        """The links, as a tuple."""
        return (self.links,) if isinstance(self.links, str) else self.links

    @property
    def plain_urdf(self) -> str:
        """The robot for other readers: without fkarm's own element, with masses."""
        return plain(self.urdf)

    def shaped(self, array: np.ndarray) -> np.ndarray:
        """`(n, links, ...)` in the shape that was asked for: without `links` if it is a name."""
        return array[:, 0] if isinstance(self.links, str) else array


def plain(urdf: str) -> str:
    """A robot as fkarm writes it, for other readers: without its own element, with masses."""
    lines = (line for line in urdf.splitlines() if "<fkarm " not in line)
    return re.sub(
        r'<link name="([^"]*)"/>', rf'<link name="\1">{_INERTIAL}</link>', "\n".join(lines)
    )


def places(theirs: Sequence[str], ours: Sequence[str]) -> np.ndarray:
    """Where each of our names is among theirs; ValueError if one is missing."""
    index = {name: place for place, name in enumerate(theirs)}
    if missing := [name for name in ours if name not in index]:
        raise ValueError(f"there is no {missing[0]!r} among {', '.join(theirs)}")
    return np.array([index[name] for name in ours], dtype=int)
