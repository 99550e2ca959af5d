"""Which joints of a chain are axes, and which frames between them the others change.

A slide moves what is behind it and turns nothing. So it may trade places with axes along it: the
number of the frame that it changes, its gap, is a choice.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product, takewhile
from typing import NamedTuple

import numpy as np

from fkarm.ik.closed_form.screws import Screws

# Geometry that misses an exact form by less is taken for it, m and rad: files round a quarter turn
# to 1.5708. Newton steps on the true chain then remove the error.
TOLERANCE = 1e-5


class Layout(NamedTuple):
    """What counts as an axis of a chain, forwards or backwards, and which frames others change."""

    chain: Screws
    is_backwards: bool
    free: int | None  # index of the free joint in `chain`
    axes: tuple[int, ...]  # indices in `chain`
    gaps: dict[int, int]  # of the free joint and of the slides, by their indices in `chain`

    @property
    def turning_gap(self) -> int | None:
        """The gap of the free joint if it turns."""
        if self.free is None or self.chain.slides[self.free]:
            return None
        return self.gaps[self.free]

    @property
    def has_slides(self) -> bool:
        """Whether a joint that is solved for slides."""
        return any(self.chain.slides[joint] for joint in self.gaps if joint != self.free)

    def forwards(self, joint: int) -> int:
        """The index of a joint in the forward chain."""
        return self.chain.size - 1 - joint if self.is_backwards else joint


def layouts(screws: Screws, free: int | None) -> Iterator[Layout]:
    """A chain forwards and backwards, with its slides at every place that they may trade for."""
    for is_backwards in (False, True):
        chain = screws.backwards() if is_backwards else screws
        gap = None if free is None else (screws.size - 1 - free if is_backwards else free)
        axes = tuple(i for i in range(chain.size) if i != gap and not chain.slides[i])
        others = [i for i in range(chain.size) if i not in axes]
        for gaps in product(*(_gaps(chain, axes, i) for i in others)):
            yield Layout(chain, is_backwards, gap, axes, dict(zip(others, gaps, strict=True)))


def _gaps(chain: Screws, axes: tuple[int, ...], joint: int) -> list[int]:
    """The gap of a joint that is no axis; of a slide, those beyond axes along it too."""
    own = sum(axis < joint for axis in axes)
    if not chain.slides[joint]:
        return [own]
    direction = chain.directions[joint] / np.linalg.norm(chain.directions[joint])
    along = [
        np.linalg.norm(np.cross(direction, chain.directions[axis])) < TOLERANCE for axis in axes
    ]
    before = len(list(takewhile(bool, reversed(along[:own]))))
    after = len(list(takewhile(bool, along[own:])))
    return sorted(range(own - before, own + after + 1), key=lambda gap: abs(gap - own))
