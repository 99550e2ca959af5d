"""Which pair of bodies is nearest, and the line between its nearest points."""

from __future__ import annotations

from typing import Any, NamedTuple

from fkarm.collision.arithmetic import (
    Arithmetic,
    Array,
    Point,
    direction,
    minus,
    nearest_points,
    product,
)
from fkarm.collision.groups import Groups


class Line(NamedTuple):
    """From a point of body `b` to one of body `a`: the nearest points of their axes."""

    distance: Array  # between the bodies, m
    pair: Array  # index of the pair of links
    normal: Point  # unit vector from `b` to `a`; zero where they coincide
    point: Point  # on the line, in the frame of the points, m


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
    xp = by.xp
    group = _index(by, xp.argmin(group_minima(by, points, groups), axis=0))
    return _line_of(by, points, groups, group)


def lines_of_pairs(by: Arithmetic, points: Point, groups: Groups) -> Line:
    """The same for every pair of links. Arrays `(pairs, rows)`."""
    xp = by.xp
    minima = xp.take(group_minima(by, points, groups), groups.of_pair, axis=0)
    pairs, most = groups.of_pair.shape
    best = _index(by, xp.argmin(minima, axis=1)) + most * _numbers(by, pairs)[:, None]
    group = xp.take(xp.reshape(groups.of_pair, (-1,)), best, axis=0)
    return _line_of(by, points, groups, group)


def _line_of(by: Arithmetic, points: Point, groups: Groups, group: Array) -> Line:
    """The line between the nearest bodies of a group, which may be another one in every row."""
    xp, size = by.xp, groups.a_first.shape[1]
    only_spheres = groups.spheres == groups.a_first.shape[0]
    number = size * group
    if size > 1:
        each = xp.stack([number + k for k in range(size)])
        distances = _between(by, _ends_at(by, points, groups, each), groups, each, only_spheres)
        number = number + _index(by, xp.argmin(distances[0], axis=0))
    ends = _ends_at(by, points, groups, number)
    distance, a, between = _between(by, ends, groups, number, only_spheres)
    return Line(distance, xp.take(groups.pair, group, axis=0), direction(by, between)[1], a)


def _distances(by: Arithmetic, points: Point, groups: Groups, are_spheres: bool) -> Array:
    """Distances of pairs of bodies `(g, k, ...)`, m."""
    numbers = groups.a_first, groups.a_last, groups.b_first, groups.b_last
    a_first, a_last, b_first, b_last = (
        [by.xp.take(x, number, axis=0) for x in points] for number in numbers
    )
    if are_spheres:
        between = minus(a_first, b_first)
    else:
        between = minus(*nearest_points(by, (a_first, a_last), (b_first, b_last)))
    radii = by.xp.reshape(groups.radii, (*groups.radii.shape, *[1] * (len(points[0].shape) - 1)))
    return by.root(product(between, between)) - radii


def _between(
    by: Arithmetic, ends: list[Point], groups: Groups, number: Array, are_spheres: bool
) -> tuple[Array, Point, Point]:
    """Distances of pairs of bodies by their numbers, points on `a`, vectors from `b` to there."""
    a, b = (ends[0], ends[2]) if are_spheres else nearest_points(by, *_as_pairs(ends))
    between = minus(a, b)
    radii = by.xp.take(by.xp.reshape(groups.radii, (-1,)), number, axis=0)
    return by.root(product(between, between)) - radii, a, between


def _as_pairs(ends: list[Point]) -> tuple[tuple[Point, Point], tuple[Point, Point]]:
    return (ends[0], ends[1]), (ends[2], ends[3])


def _ends_at(by: Arithmetic, points: Point, groups: Groups, number: Array) -> list[Point]:
    """End points of the bodies of pairs, which may be others in every row. Arrays as `number`."""
    xp = by.xp
    rows = xp.shape(points[0])[-1]
    flat = [xp.reshape(x, (-1,)) for x in points]
    ends = []
    for index in groups[:4]:
        place = xp.take(xp.reshape(index, (-1,)), number, axis=0) * rows + _numbers(by, rows)
        ends.append([xp.take(x, place, axis=0) for x in flat])
    return ends


def _numbers(by: Arithmetic, count: Any) -> Array:
    return by.xp.arange(count, dtype="int32")


def _index(by: Arithmetic, index: Array) -> Array:
    """An index in the type that the numbers have."""
    return by.cast(index, "int32")
