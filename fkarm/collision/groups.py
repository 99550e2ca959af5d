"""Pairs of bodies in groups of one size, so that code for them does not grow with their number.

A group holds pairs of bodies of one pair of links. The smallest distance of a group is one
reduction over an axis, for all groups at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fkarm.collision.shapes import Shapes

SIZES = (1, 2, 4, 8, 16)
# A group costs about as much as this number of pairs, beside the pairs in it.
_COST_OF_GROUP = 2


class Groups(NamedTuple):
    """`g` groups of `k` pairs of bodies `a` and `b`; those of two spheres come first.

    Groups that are not full repeat a pair.
    """

    a_first: np.ndarray  # point of a body, (g, k)
    a_last: np.ndarray  # its other point, (g, k)
    b_first: np.ndarray  # (g, k)
    b_last: np.ndarray  # (g, k)
    radii: np.ndarray  # sum of the radii, m, (g, k)
    pair: np.ndarray  # index of the pair of links of a group, (g,)
    of_pair: np.ndarray  # groups of every pair of links, some of them twice, (pairs, most)
    spheres: int  # number of groups of two spheres

    def between(self, first: int, last: int) -> Groups:
        """Some of the groups; the pairs of links keep their numbers."""
        return self._replace(
            a_first=self.a_first[first:last],
            a_last=self.a_last[first:last],
            b_first=self.b_first[first:last],
            b_last=self.b_last[first:last],
            radii=self.radii[first:last],
        )


def make_groups(shapes: Shapes, pairs: Sequence[tuple[str, str]]) -> Groups:
    """The groups for pairs of links, all of which carry bodies."""
    by_kind: tuple[list[tuple[int, np.ndarray]], ...] = ([], [])
    for index, names in enumerate(pairs):
        on_a, on_b = (
            np.flatnonzero(shapes.body_links == shapes.links.index(name)) for name in names
        )
        both = np.stack(np.meshgrid(on_a, on_b, indexing="ij"), axis=-1).reshape((-1, 2))
        are_spheres = shapes.is_sphere[both].all(axis=1)
        for kind, of_kind in zip(by_kind, (both[are_spheres], both[~are_spheres]), strict=True):
            if len(of_kind):
                kind.append((index, of_kind))
    counts = np.array([len(both) for kind in by_kind for _, both in kind])
    size = min(SIZES, key=lambda size: np.sum(-(-counts // size)) * (size + _COST_OF_GROUP))
    groups = [
        [group for index, both in kind for group in _cut(index, both, size)] for kind in by_kind
    ]
    pair = np.array([index for kind in groups for index, _ in kind], int)
    a, b = np.array([both for kind in groups for _, both in kind], int).transpose(2, 0, 1)
    own = [np.flatnonzero(pair == index) for index in range(len(pairs))]
    most = max(len(numbers) for numbers in own)
    return Groups(
        a_first=shapes.first[a],
        a_last=shapes.last[a],
        b_first=shapes.first[b],
        b_last=shapes.last[b],
        radii=shapes.radii[a] + shapes.radii[b],
        pair=pair,
        of_pair=np.array([np.resize(numbers, most) for numbers in own]),
        spheres=len(groups[0]),
    )


def _cut(index: int, both: np.ndarray, size: int) -> list[tuple[int, np.ndarray]]:
    """Pairs `(n, 2)` in groups of one size."""
    count = -(-len(both) // size)
    full = np.concatenate([both, np.repeat(both[:1], count * size - len(both), axis=0)])
    return [(index, group) for group in full.reshape((count, size, 2))]
