"""Pairs of bodies in groups of one size, so that code for them does not grow with their number.

A group holds all pairs of a few bodies of one link and a few bodies of another one. What is
computed once for every group is computed for all groups at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from fkarm.collision.shapes import Shapes

# Compiled code has operations for each pair of a group, five times as many for capsules.
MOST_SPHERES, MOST_BODIES = 3, 2
# A group costs about as much as this number of pairs, beside the pairs in it.
_COST_OF_GROUP = 2


class Groups(NamedTuple):
    """`g` groups of `m` bodies `a` and `n` bodies `b`; those of spheres alone come first.

    Groups that are not full repeat a body.
    """

    a_first: np.ndarray  # point of a body, (m, g)
    a_last: np.ndarray  # its other point, (m, g)
    b_first: np.ndarray  # (n, g)
    b_last: np.ndarray  # (n, g)
    radii: np.ndarray  # sum of the radii of each pair, m, (m * n, g); (1, g) if all are the same
    pair: np.ndarray  # index of the pair of links of a group, (g,)
    of_pair: np.ndarray  # groups of every pair of links, some of them twice, (pairs, most)
    spheres: int  # number of groups of spheres

    @property
    def are_spheres(self) -> bool:
        """Whether there are no capsules."""
        return self.spheres == int(self.pair.shape[0])

    def between(self, first: int, last: int) -> Groups:
        """Some of the groups; the pairs of links keep their numbers."""
        return self._replace(
            a_first=self.a_first[:, first:last],
            a_last=self.a_last[:, first:last],
            b_first=self.b_first[:, first:last],
            b_last=self.b_last[:, first:last],
            radii=self.radii[:, first:last],
        )


def make_groups(shapes: Shapes, pairs: Sequence[tuple[str, str]]) -> Groups:
    """The groups for pairs of links, all of which carry bodies."""
    by_kind: tuple[list[tuple[int, np.ndarray, np.ndarray]], ...] = ([], [])
    for index, names in enumerate(pairs):
        for a, b in product(*(_by_shape(shapes, name) for name in names)):
            if len(a) and len(b):
                has_capsules = not shapes.is_sphere[[a[0], b[0]]].all()
                by_kind[has_capsules].append((index, a, b))
    m, n = _sizes(by_kind[0] + by_kind[1], MOST_BODIES if by_kind[1] else MOST_SPHERES)
    groups = [
        [
            (index, own_a, own_b)
            for index, a, b in kind
            for own_a, own_b in product(_cut(a, m), _cut(b, n))
        ]
        for kind in by_kind
    ]
    of_all = groups[0] + groups[1]
    pair = np.array([index for index, _, _ in of_all], int)
    a, b = np.array([a for _, a, _ in of_all]).T, np.array([b for _, _, b in of_all]).T
    radii = (shapes.radii[a][:, None] + shapes.radii[b]).reshape((m * n, -1))
    own = [np.flatnonzero(pair == index) for index in range(len(pairs))]
    most = max(len(numbers) for numbers in own)
    return Groups(
        a_first=shapes.first[a],
        a_last=shapes.last[a],
        b_first=shapes.first[b],
        b_last=shapes.last[b],
        radii=radii[:1] if (radii == radii[0]).all() else radii,
        pair=pair,
        of_pair=np.array([np.resize(numbers, most) for numbers in own]),
        spheres=len(groups[0]),
    )


def _by_shape(shapes: Shapes, link: str) -> tuple[np.ndarray, np.ndarray]:
    """The spheres of a link, and its capsules."""
    own = np.flatnonzero(shapes.body_links == shapes.links.index(link))
    return own[shapes.is_sphere[own]], own[~shapes.is_sphere[own]]


def _sizes(kinds: Iterable[tuple[int, np.ndarray, np.ndarray]], most: int) -> tuple[int, int]:
    """How many bodies of each link a group has, so that all groups cost least."""
    counts = np.array([(len(a), len(b)) for _, a, b in kinds])

    def cost(sizes: tuple[int, int]) -> int:
        groups = np.prod(-(-counts // sizes), axis=1).sum()
        return int(groups) * (sizes[0] * sizes[1] + _COST_OF_GROUP)

    each = range(1, most + 1)
    return min(((m, n) for m in each for n in each), key=cost)


def _cut(bodies: np.ndarray, size: int) -> np.ndarray:
    """Bodies in rows of one size; the last row repeats the last body."""
    count = -(-len(bodies) // size)
    full = np.pad(bodies, (0, count * size - len(bodies)), mode="edge")
    return full.reshape((count, size))
