"""Which pair of bodies is nearest, and the line between its nearest points."""

from __future__ import annotations

from functools import reduce
from typing import Any, NamedTuple

from fkarm.collision.arithmetic import (
    Arithmetic,
    Array,
    Point,
    direction,
    minus,
    nearest_points,
    product,
    segment_square,
)
from fkarm.collision.groups import Groups

Axis = tuple[Point, Point]  # the two ends of the axis of a body


class Line(NamedTuple):
    """From a point of body `b` to one of body `a`: the nearest points of their axes."""

    distance: Array  # between the bodies, m
    index: Array  # of the pair of links
    normal: Point  # unit vector from `b` to `a`; zero where they coincide
    point: Point  # on the line, in the frame of the points, m


def group_minima(by: Arithmetic, points: Point, groups: Groups) -> Array:
    """The smallest distance of every group. Shapes `(p, ...)` of three to `(g, ...)`, m."""
    spheres, count = groups.spheres, groups.pair.shape[0]
    bounds = [(0, spheres, True), (spheres, count, False)]
    minima = [
        _minima_of(by, points, groups.between(first, last), are_spheres)
        for first, last, are_spheres in bounds
        if first < last
    ]
    return minima[0] if len(minima) == 1 else by.xp.concatenate(minima, axis=0)


def pair_minima(by: Arithmetic, minima: Array, groups: Groups) -> Array:
    """The smallest distance of every pair of links. Shapes `(g, ...)` to `(pairs, ...)`, m."""
    minima = by.hold([minima])[0]
    least: Array = by.xp.min(by.xp.take(minima, groups.of_pair, axis=0), axis=1)
    # The bodies of a link are NaN together, and XLA's minimum on a CPU passes over NaN.
    return least + 0.0 * by.xp.take(minima, groups.of_pair[:, 0], axis=0)


def nearest_line(by: Arithmetic, points: Point, groups: Groups) -> Line:
    """The line between the two nearest bodies. Points `(p, rows)`, arrays `(rows,)`."""
    return _line_of(by, points, groups, by.argmin(group_minima(by, points, groups), 0))


def lines_of_pairs(by: Arithmetic, points: Point, groups: Groups) -> Line:
    """The same for every pair of links. Arrays `(pairs, rows)`."""
    xp = by.xp
    minima = xp.take(group_minima(by, points, groups), groups.of_pair, axis=0)
    pairs, most = groups.of_pair.shape
    best = by.argmin(minima, 1) + most * _numbers(by, pairs)[:, None]
    group = xp.take(xp.reshape(groups.of_pair, (-1,)), best, axis=0)
    return _line_of(by, points, groups, group)


def _minima_of(by: Arithmetic, points: Point, groups: Groups, are_spheres: bool) -> Array:
    """The smallest distances of groups of one kind, `(g, ...)`, m."""
    (m, count), n = groups.a_first.shape, groups.b_first.shape[0]
    batch = len(points[0].shape) - 1

    def at(index: Array) -> Point:
        return [by.xp.take(x, index, axis=0) for x in points]

    radii = by.xp.reshape(groups.radii, (groups.radii.shape[0], count, *[1] * batch))
    if by.unrolls:
        # An axis of pairs would be an array in memory.
        a = [(at(groups.a_first[k]), at(groups.a_last[k])) for k in range(m)]
        b = [(at(groups.b_first[k]), at(groups.b_last[k])) for k in range(n)]
        squares = [_square(by, one, other, are_spheres) for one in a for other in b]
        if radii.shape[0] == 1:
            return by.root(reduce(by.xp.minimum, squares)) - radii[0]
        return reduce(by.xp.minimum, [by.root(x) - radii[k] for k, x in enumerate(squares)])
    both = (at(groups.a_first), at(groups.a_last)), (at(groups.b_first), at(groups.b_last))
    return by.xp.min(by.root(_squares(by, *both, are_spheres)) - radii, axis=0)


def _line_of(by: Arithmetic, points: Point, groups: Groups, group: Array) -> Line:
    """The line between the nearest bodies of a group, which may be another one in every row."""
    xp = by.xp
    in_a, in_b, in_radii = _nearest_in(by, points, groups, group)
    a_first, a_last, b_first, b_last, radii = (
        xp.take(xp.reshape(array, (-1,)), place, axis=0)
        for array, place in zip(groups[:5], (in_a, in_a, in_b, in_b, in_radii), strict=True)
    )
    axes = _axes_at(by, points, groups, (a_first, a_last), (b_first, b_last))
    a, b = (axes[0][0], axes[1][0]) if groups.are_spheres else nearest_points(by, *axes)
    length, normal = direction(by, minus(a, b))
    return Line(length - radii, xp.take(groups.pair, group, axis=0), normal, a)


def _nearest_in(by: Arithmetic, points: Point, groups: Groups, group: Array) -> list[Array]:
    """Places of the nearest pair of a group in the arrays of bodies `a`, of bodies `b`, of radii.

    Each array counts as one axis.
    """
    (m, count), n = groups.a_first.shape, groups.b_first.shape[0]
    if m * n == 1:
        return [group] * 3
    own = [by.xp.take(array, group, axis=1) for array in groups[:5]]
    a, b = _axes_at(by, points, groups, (own[0], own[1]), (own[2], own[3]))
    reach = _squares(by, a, b, groups.are_spheres)
    is_alike = groups.radii.shape[0] == 1
    best = by.argmin(reach if is_alike else by.root(reach) - own[4], 0)
    return [count * x + group for x in (best // n, best % n, 0 * best if is_alike else best)]


def _axes_at(
    by: Arithmetic,
    points: Point,
    groups: Groups,
    a: tuple[Array, Array],
    b: tuple[Array, Array],
) -> tuple[Axis, Axis]:
    """The axes of bodies that may be others in every row. Arrays as the indices of their ends."""
    indices = (a[0], b[0]) if groups.are_spheres else (*a, *b)
    entries = by.hold([entry for index in indices for entry in _at(by, points, index)])
    ends = [entries[k : k + 3] for k in range(0, len(entries), 3)]
    if groups.are_spheres:
        return (ends[0], ends[0]), (ends[1], ends[1])
    return (ends[0], ends[1]), (ends[2], ends[3])


def _squares(by: Arithmetic, a: Axis, b: Axis, are_spheres: bool) -> Array:
    """Squared distances of all pairs. Arrays `(m, ...)` and `(n, ...)` to `(m * n, ...)`, m^2."""
    first, last = ([x[:, None] for x in end] for end in a)
    square = _square(by, (first, last), b, are_spheres)
    pairs = square.shape[0] * square.shape[1]
    return by.xp.reshape(square, (pairs, *by.xp.shape(square)[2:]))


def _square(by: Arithmetic, a: Axis, b: Axis, are_spheres: bool) -> Array:
    """Squared distance of two axes, m^2; of two points if they belong to spheres."""
    if not are_spheres:
        return segment_square(by, a, b)
    between = minus(a[0], b[0])
    return product(between, between)


def at_rows(by: Arithmetic, points: Point, index: Array) -> Point:
    """Entries of arrays `(p, rows)` at an index that may be another one in every row."""
    return by.hold(_at(by, points, index))


def _at(by: Arithmetic, points: Point, index: Array) -> list[Array]:
    rows = by.xp.shape(points[0])[-1]
    place = index * rows + _numbers(by, rows)
    return [by.xp.take(by.xp.reshape(x, (-1,)), place, axis=0) for x in points]


def _numbers(by: Arithmetic, count: Any) -> Array:
    return by.xp.arange(count, dtype="int32")
