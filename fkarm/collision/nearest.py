"""Which pair of bodies is nearest, and the line between its nearest points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from keras import ops

from fkarm.collision.arithmetic import (
    Arithmetic,
    Array,
    Point,
    direction,
    minus,
    nearest_points,
    product,
    segment_distance,
)
from fkarm.collision.groups import Groups


class Line(NamedTuple):
    """From a point of body `b` to one of body `a`: the nearest points of their axes."""

    distance: Array  # between the bodies, m
    index: Array  # of the pair of links
    normal: Point  # unit vector from `b` to `a`; zero where they coincide
    point: Point  # on the line, in the frame of the points, m

    def entries(self, dtype: Any) -> list[Array]:
        """All of it as eight tensors of one type."""
        return [self.distance, ops.cast(self.index, dtype), *self.normal, *self.point]


def group_minima(by: Arithmetic, points: Point, groups: Groups) -> Array:
    """The smallest distance of every group. Shapes `(p, ...)` of three to `(g, ...)`, m."""
    spheres, count = groups.spheres, groups.a_first.shape[0]
    bounds = [(0, spheres, True), (spheres, count, False)]
    minima = [
        by.xp.min(_distances(by, points, groups.between(first, last), are_spheres), axis=1)
        for first, last, are_spheres in bounds
        if first < last
    ]
    return minima[0] if len(minima) == 1 else by.xp.concatenate(minima, axis=0)


def pair_minima(by: Arithmetic, minima: Array, groups: Groups) -> Array:
    """The smallest distance of every pair of links. Shapes `(g, ...)` to `(pairs, ...)`, m."""
    return by.xp.min(by.xp.take(minima, groups.of_pair, axis=0), axis=1)


def nearest_line(by: Arithmetic, points: Point, groups: Groups) -> Line:
    """The line between the two nearest bodies. Points `(p, rows)`, arrays `(rows,)`."""
    minima = group_minima(by, points, groups)
    return _line_of(by, points, groups, held_index(by, by.xp.argmin(minima, axis=0)))


def lines_of_pairs(by: Arithmetic, points: Point, groups: Groups) -> Line:
    """The same for every pair of links. Arrays `(pairs, rows)`."""
    xp = by.xp
    minima = xp.take(group_minima(by, points, groups), groups.of_pair, axis=0)
    pairs, most = groups.of_pair.shape
    best = held_index(by, xp.argmin(minima, axis=1)) + most * _numbers(by, pairs)[:, None]
    group = xp.take(xp.reshape(groups.of_pair, (-1,)), best, axis=0)
    return _line_of(by, points, groups, group)


def _line_of(by: Arithmetic, points: Point, groups: Groups, group: Array) -> Line:
    """The line between the nearest bodies of a group, which may be another one in every row."""
    xp, size = by.xp, groups.a_first.shape[1]
    only_spheres = groups.spheres == groups.a_first.shape[0]
    radii = xp.reshape(groups.radii, (-1,))
    number = size * group
    if size > 1:
        each = xp.stack([number + k for k in range(size)])
        ends = _ends_at(by, points, groups, each)
        distances = _of_axes(by, ends, only_spheres) - xp.take(radii, each, axis=0)
        number = number + held_index(by, xp.argmin(distances, axis=0))
    a_first, a_last, b_first, b_last = _ends_at(by, points, groups, number)
    a, b = a_first, b_first
    if not only_spheres:
        a, b = nearest_points(by, (a_first, a_last), (b_first, b_last))
    length, normal = direction(by, minus(a, b))
    pair = xp.take(groups.pair, group, axis=0)
    return Line(length - xp.take(radii, number, axis=0), pair, normal, a)


def _distances(by: Arithmetic, points: Point, groups: Groups, are_spheres: bool) -> Array:
    """Distances of pairs of bodies `(g, k, ...)`, m."""
    ends = [[by.xp.take(x, index, axis=0) for x in points] for index in groups[:4]]
    extra = [1] * (len(points[0].shape) - 1)
    radii = by.xp.reshape(groups.radii, (*groups.radii.shape, *extra))
    return _of_axes(by, ends, are_spheres) - radii


def _of_axes(by: Arithmetic, ends: Sequence[Point], are_spheres: bool) -> Array:
    """Distances of the axes of bodies from their end points, m."""
    a_first, a_last, b_first, b_last = ends
    if not are_spheres:
        return segment_distance(by, (a_first, a_last), (b_first, b_last))
    between = minus(a_first, b_first)
    return by.root(product(between, between))


def _ends_at(by: Arithmetic, points: Point, groups: Groups, number: Array) -> list[Point]:
    """End points of the bodies of pairs, which may be others in every row. Arrays as `number`."""
    entries = []
    are_points = groups.spheres == groups.a_first.shape[0]
    for index in (groups.a_first, groups.b_first) if are_points else groups[:4]:
        entries += _at(by, points, by.xp.take(by.xp.reshape(index, (-1,)), number, axis=0))
    entries = by.hold(entries)
    return [entries[k : k + 3] for k in ((0, 0, 3, 3) if are_points else (0, 3, 6, 9))]


def at_rows(by: Arithmetic, points: Point, index: Array) -> Point:
    """Entries of arrays `(p, rows)` at an index that may be another one in every row."""
    return by.hold(_at(by, points, index))


def _at(by: Arithmetic, points: Point, index: Array) -> list[Array]:
    rows = by.xp.shape(points[0])[-1]
    place = index * rows + _numbers(by, rows)
    return [by.xp.take(by.xp.reshape(x, (-1,)), place, axis=0) for x in points]


def _numbers(by: Arithmetic, count: Any) -> Array:
    return by.xp.arange(count, dtype="int32")


def held_index(by: Arithmetic, index: Array) -> Array:
    """An index in the type that all indices have, computed once."""
    return by.hold([by.cast(index, "int32")])[0]
