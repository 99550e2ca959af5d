"""Signed distances from segments to obstacles, with the nearest points and their directions.

Tables hold all that is known of obstacles. They are inputs of compiled code, which measures all
others of the same kinds too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, NamedTuple

import keras
import numpy as np

from fkarm.collision.arithmetic import (
    Arithmetic,
    Array,
    Point,
    along,
    direction,
    minus,
    nearest_on,
    nearest_points,
    product,
)
from fkarm.collision.obstacles import Box, Capsule, DistanceGrid, HalfSpace, Obstacle, Sphere
from fkarm.model.frames import make_frame

# Halvings of a segment beside a box: the nearest point is exact to 1e-12 of its length, or to what
# float32 resolves.
HALVINGS = {"float64": 40, "float32": 26}


class Contact(NamedTuple):
    """Where the axis of a body is nearest to an obstacle."""

    distance: Array  # of the axis, m
    normal: Point  # derivative of the distance by the point
    point: Point  # on the axis, m


class Kind(NamedTuple):
    """What code for obstacles depends on."""

    measure: Callable[..., Contact]  # of ends of axes, `samples` and tables
    samples: int  # points of an axis that are enough to measure it; 1 if all bodies are spheres
    tables: int  # number of tables


class Surface(NamedTuple):
    """`n` obstacles of one kind."""

    kind: Kind
    tables: tuple[Array, ...]  # a column per obstacle; `(nodes,)` for the values of a grid

    def contact(self, by: Arithmetic, first: Point, last: Point) -> Contact:
        """Of the end points of axes `(...)`, to contacts `(n, ...)`."""
        return self.kind.measure(by, first, last, self.kind.samples, *self.tables)


def surfaces_of(obstacles: Sequence[Obstacle], longest: float) -> list[Surface]:
    """A surface for each kind of obstacle, and for each grid.

    Args:
        obstacles: Obstacles.
        longest: Length of the longest axis of a body, m: 0 if all are spheres.
    """
    surfaces = []
    for kind, measure, column in _TABLES:
        own = [column(x) for x in obstacles if isinstance(x, kind)]
        if own:
            surfaces.append(Surface(Kind(measure, 2 if longest > 0 else 1, 1), (np.array(own).T,)))
    for grid in obstacles:
        if isinstance(grid, DistanceGrid):
            samples = 1 + int(np.ceil(longest / grid.spacing))
            lasts = [size - 1.0 for size in grid.values.shape]
            numbers = np.array([[*grid.xyz, grid.spacing, *lasts]]).T
            surfaces.append(Surface(Kind(_grid, samples, 2), (grid.values.reshape(-1), numbers)))
    return surfaces


def padded_tables(surfaces: Sequence[Surface]) -> tuple[np.ndarray, ...]:
    """All tables, with numbers of obstacles that are powers of two: the last one is repeated.

    The values of grids remain as they are: copies of many would fill the memory.
    """
    tables = [table for surface in surfaces for table in surface.tables]
    rooms = [(1 << (table.shape[-1] - 1).bit_length()) - table.shape[-1] for table in tables]
    return tuple(
        np.pad(table, [(0, 0), (0, room)], mode="edge") if table.ndim == 2 else table
        for table, room in zip(tables, rooms, strict=True)
    )


def with_tables(kinds: Sequence[Kind], tables: Sequence[Array]) -> list[Surface]:
    """The surfaces of some kinds with these tables."""
    rest = iter(tables)
    return [Surface(kind, tuple(islice(rest, kind.tables))) for kind in kinds]


def _balls(by: Arithmetic, first: Point, last: Point, samples: int, table: Array) -> Contact:
    *centre, radius = _rows(by, table, first)
    point = [x[None] for x in first]
    if samples > 1:
        point = nearest_on(by, (point, [x[None] for x in last]), centre)
    length, normal = direction(by, minus(point, centre))
    zero = by.xp.zeros_like(length)
    return Contact(length - radius, normal, [x + zero for x in point])


def _rods(by: Arithmetic, first: Point, last: Point, samples: int, table: Array) -> Contact:
    rows = _rows(by, table, first)
    body, rod = tuple([x[None] for x in end] for end in (first, last)), (rows[:3], rows[3:6])
    if samples > 1:
        a, b = nearest_points(by, (body[0], body[1]), rod)
    else:
        a, b = body[0], nearest_on(by, rod, body[0])
    length, normal = direction(by, minus(a, b))
    zero = by.xp.zeros_like(length)
    return Contact(length - rows[6], normal, [x + zero for x in a])


def _half_spaces(by: Arithmetic, first: Point, last: Point, samples: int, table: Array) -> Contact:
    *normal, offset = _rows(by, table, first)
    heights = [product(normal, [x[None] for x in end]) - offset for end in (first, last)]
    is_first = heights[0] <= heights[1]
    point = [by.xp.where(is_first, x[None], y[None]) for x, y in zip(first, last, strict=True)]
    zero = by.xp.zeros_like(heights[0])
    return Contact(by.xp.minimum(*heights), [x + zero for x in normal], point)


def _boxes(by: Arithmetic, first: Point, last: Point, samples: int, table: Array) -> Contact:
    rows = _rows(by, table, first)
    axes, centre, half = (rows[0:3], rows[3:6], rows[6:9]), rows[9:12], rows[12:15]

    def in_box(point: Point) -> Point:
        lever = minus([x[None] for x in point], centre)
        return [product(axis, lever) for axis in axes]

    local = in_box(first)
    share = by.xp.zeros_like(local[0])
    if samples > 1:
        share, distance, normal = _axis_beside_box(by, local, minus(in_box(last), local), half)
    else:
        distance, normal = _box_distance(by, local, half)
    in_root = [sum(axes[c][r] * normal[c] for c in range(3)) for r in range(3)]
    point = along([x[None] for x in first], [x[None] for x in minus(last, first)], share)
    return Contact(distance, in_root, point)


def _axis_beside_box(
    by: Arithmetic, local: Point, vector: Point, half: Point
) -> tuple[Array, Array, Point]:
    """Share of a segment that is nearest to a box, distance, and its derivative, by halving.

    The signed distance to a box is convex: its slope along the segment changes sign once. Where
    it jumps, as where two faces are equally near to the deepest point, the derivative is the
    mean of those on both sides that has no slope.
    """

    def at(share: Array) -> tuple[Array, Point]:
        return _box_distance(by, along(local, vector, share), half)

    def halve(_: Any, bounds: tuple[Array, Array]) -> tuple[Array, Array]:
        # One array changes: XLA would compute the slope again for a second one.
        low, width = bounds[0], 0.5 * bounds[1]
        rises = product(_out_of_box(by, along(local, vector, low + width), half), vector) > 0
        return by.xp.where(rises, low, low + width), width

    zero = by.xp.zeros_like(local[0])
    halvings = HALVINGS[keras.backend.standardize_dtype(zero.dtype)]
    low, width = by.repeat(halvings, halve, (zero, by.table(np.ones(()), zero)))
    share = by.constant(low + 0.5 * width)
    normals = at(low)[1], at(low + width)[1]
    falls, rises = (product(normal, vector) for normal in normals)
    turns = (falls < 0) & (rises > 0)
    part = by.xp.where(turns, -falls, zero) / by.xp.where(turns, rises - falls, zero + 1.0)
    distance, middle = at(share)
    normal = [
        by.xp.where(turns, u + part * (v - u), w) for u, v, w in zip(*normals, middle, strict=True)
    ]
    return share, distance, normal


def _box_distance(by: Arithmetic, point: Point, half: Point) -> tuple[Array, Point]:
    """Signed distance of points to a box at the origin, and its derivative."""
    beyond, inside = _beyond_faces(by, point, half)
    outside = [by.xp.maximum(x, 0.0) for x in beyond]
    distance = by.root(product(outside, outside)) + by.xp.minimum(inside, 0.0)
    return distance, direction(by, _out_of_box(by, point, half))[1]


def _out_of_box(by: Arithmetic, point: Point, half: Point) -> Point:
    """A vector out of a box at the origin: from its nearest point, or inside out of that face."""
    xp = by.xp
    beyond, inside = _beyond_faces(by, point, half)
    is_x, is_y = beyond[0] >= inside, beyond[1] >= inside
    is_z = xp.logical_not(xp.logical_or(is_x, is_y))
    faces = is_x, xp.logical_and(is_y, xp.logical_not(is_x)), is_z
    zero = xp.zeros_like(inside)
    sizes = [
        xp.where(inside <= 0, xp.where(face, zero + 1.0, zero), xp.maximum(x, 0.0))
        for face, x in zip(faces, beyond, strict=True)
    ]
    return [xp.where(x < 0, -size, size) for x, size in zip(point, sizes, strict=True)]


def _beyond_faces(by: Arithmetic, point: Point, half: Point) -> tuple[Point, Array]:
    """How far points are beyond the faces of each direction, and the largest of the three."""
    beyond = [by.xp.abs(x) - h for x, h in zip(point, half, strict=True)]
    return beyond, by.xp.maximum(by.xp.maximum(beyond[0], beyond[1]), beyond[2])


def _grid(
    by: Arithmetic, first: Point, last: Point, samples: int, values: Array, numbers: Array
) -> Contact:
    """A grid; axes of bodies are sampled at points that are at most its spacing apart."""
    xp = by.xp
    rows = _rows(by, numbers, first)
    starts, spacing, lasts = rows[:3], rows[3], rows[4:]
    ny, nz = (by.cast(end, "int32") + 1 for end in lasts[1:])
    shares = np.linspace(0.0, 1.0, samples) if samples > 1 else np.zeros(1)
    (share,) = _rows(by, shares[None], first)
    point = along([x[None] for x in first], [x[None] for x in minus(last, first)], share)
    cells, parts, beyond = [], [], []
    for x, start, end in zip(point, starts, lasts, strict=True):
        raw = (x - start) / spacing
        inner = xp.minimum(xp.maximum(raw, 0.0), end)
        cell = xp.minimum(xp.floor(inner), end - 1.0)
        cell = xp.where(cell >= 0, cell, 0.0)  # NaN has no cell
        cells.append(by.cast(cell, "int32"))
        parts.append(inner - cell)
        beyond.append(raw - inner)
    table = by.table(values, first[0])
    corners = {
        (i, j, k): xp.take(table, ((cells[0] + i) * ny + cells[1] + j) * nz + cells[2] + k, axis=0)
        for i in (0, 1)
        for j in (0, 1)
        for k in (0, 1)
    }
    value, slopes = _trilinear(corners, parts)
    slopes = [
        xp.where(out == 0, slope / spacing, 0.0) for slope, out in zip(slopes, beyond, strict=True)
    ]
    far, away = direction(by, [out * spacing for out in beyond])
    is_behind = value - far > far + xp.minimum(value, 0.0)
    is_low = value < 0
    distance = xp.where(is_behind, value - far, far + xp.minimum(value, 0.0))
    normal = [
        xp.where(is_behind, slope - u, u + xp.where(is_low, slope, 0.0))
        for slope, u in zip(slopes, away, strict=True)
    ]
    return Contact(distance, normal, point)


def _trilinear(corners: dict[tuple[int, int, int], Array], parts: Point) -> tuple[Array, Point]:
    """Interpolated value, and its derivatives by the three parts of a cell."""
    x, y, z = parts

    def mix(a: Array, b: Array, share: Array) -> Array:
        return a + share * (b - a)

    along_x = {(j, k): mix(corners[0, j, k], corners[1, j, k], x) for j in (0, 1) for k in (0, 1)}
    slope_x = {(j, k): corners[1, j, k] - corners[0, j, k] for j in (0, 1) for k in (0, 1)}
    low, high = (mix(along_x[0, k], along_x[1, k], y) for k in (0, 1))
    slope_y = mix(along_x[1, 0] - along_x[0, 0], along_x[1, 1] - along_x[0, 1], z)
    by_x = mix(mix(slope_x[0, 0], slope_x[1, 0], y), mix(slope_x[0, 1], slope_x[1, 1], y), z)
    return mix(low, high, z), [by_x, slope_y, high - low]


def _rows(by: Arithmetic, table: Array, like: Point) -> list[Array]:
    """The rows `(n,)` of a table, with as many axes behind them as the arrays of a point have."""
    typed, shape = by.table(table, like[0]), (-1, *[1] * len(like[0].shape))
    return [by.xp.reshape(typed[k], shape) for k in range(table.shape[0])]


def _ball(x: Sphere) -> list[float]:
    return [*x.xyz, x.radius]


def _rod(x: Capsule) -> list[float]:
    half = 0.5 * x.length * make_frame(x.xyz, x.rpy)[:3, 2]
    return [*(x.xyz - half), *(x.xyz + half), x.radius]


def _box(x: Box) -> list[float]:
    axes_and_centre = make_frame(x.xyz, x.rpy)[:3].T
    return [*axes_and_centre.ravel(), *(0.5 * np.array(x.size))]


def _half_space(x: HalfSpace) -> list[float]:
    return [*x.normal, x.offset]


# Kinds of obstacles of which one table holds any number, and how an obstacle is written there.
_TABLES: tuple[tuple[type, Callable[..., Contact], Callable[[Any], list[float]]], ...] = (
    (Sphere, _balls, _ball),
    (Capsule, _rods, _rod),
    (Box, _boxes, _box),
    (HalfSpace, _half_spaces, _half_space),
)
