"""Signed distances from segments to obstacles, with the nearest points and their directions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from fkarm.collision.arithmetic import (
    Arithmetic,
    Array,
    Point,
    along,
    direction,
    minus,
    nearest_points,
    product,
)
from fkarm.collision.obstacles import Box, Capsule, DistanceGrid, HalfSpace, Obstacle, Sphere
from fkarm.model.frames import make_frame

# Halvings of a segment beside a box: the nearest point is exact to 1e-12 of its length.
HALVINGS = 40


class Contact(NamedTuple):
    """Where the axis of a body is nearest to an obstacle."""

    distance: Array  # of the axis, m
    normal: Point  # derivative of the distance by the point
    point: Point  # on the axis, m


# Of the end points of axes `(...)`, to contacts `(n, ...)` with the `n` obstacles of a kind.
Surface = Callable[[Arithmetic, Point, Point], Contact]


def surfaces_of(obstacles: Sequence[Obstacle], longest: float) -> list[Surface]:
    """A surface for each kind of obstacle, and for each grid.

    Args:
        obstacles: Obstacles.
        longest: Length of the longest axis of a body, m: 0 if all are spheres.
    """
    surfaces: list[Surface] = []
    round_ones = [x for x in obstacles if isinstance(x, (Sphere, Capsule))]
    boxes = [x for x in obstacles if isinstance(x, Box)]
    halves = [x for x in obstacles if isinstance(x, HalfSpace)]
    if round_ones:
        surfaces.append(_capsules(round_ones))
    if boxes:
        surfaces.append(_boxes(boxes, longest > 0))
    if halves:
        surfaces.append(_half_spaces(halves))
    for grid in obstacles:
        if isinstance(grid, DistanceGrid):
            surfaces.append(_grid(grid, 1 + int(np.ceil(longest / grid.spacing))))
    return surfaces


def _capsules(capsules: Sequence[Sphere | Capsule]) -> Surface:
    radii = np.array([x.radius for x in capsules])
    centres = np.array([x.xyz for x in capsules])
    halves = np.array([_half_axis(x) for x in capsules])

    def surface(by: Arithmetic, first: Point, last: Point) -> Contact:
        ends = (centres - halves, centres + halves)
        own = [[_constants(by, x, first) for x in end.T] for end in ends]
        body = tuple([x[None] for x in end] for end in (first, last))
        a, b = nearest_points(by, (body[0], body[1]), (own[0], own[1]))
        length, normal = direction(by, minus(a, b))
        return Contact(length - _constants(by, radii, first), normal, a)

    return surface


def _half_axis(obstacle: Sphere | Capsule) -> np.ndarray:
    """From the centre to the centre of a cap, m. Shape `(3,)`."""
    if isinstance(obstacle, Sphere):
        return np.zeros(3)
    axis: np.ndarray = make_frame(obstacle.xyz, obstacle.rpy)[:3, 2]
    return 0.5 * obstacle.length * axis


def _half_spaces(halves: Sequence[HalfSpace]) -> Surface:
    normals = np.array([x.normal for x in halves]).T
    offsets = np.array([x.offset for x in halves])

    def surface(by: Arithmetic, first: Point, last: Point) -> Contact:
        normal = [_constants(by, x, first) for x in normals]
        offset = _constants(by, offsets, first)
        heights = [product(normal, [x[None] for x in end]) - offset for end in (first, last)]
        is_first = heights[0] <= heights[1]
        point = [by.xp.where(is_first, x[None], y[None]) for x, y in zip(first, last, strict=True)]
        zero = by.xp.zeros_like(heights[0])
        return Contact(by.xp.minimum(*heights), [x + zero for x in normal], point)

    return surface


def _boxes(boxes: Sequence[Box], are_segments: bool) -> Surface:
    frames = np.array([make_frame(x.xyz, x.rpy) for x in boxes])
    halves = 0.5 * np.array([x.size for x in boxes]).T

    def surface(by: Arithmetic, first: Point, last: Point) -> Contact:
        axes = [[_constants(by, frames[:, r, c], first) for r in range(3)] for c in range(3)]
        centre = [_constants(by, frames[:, r, 3], first) for r in range(3)]
        half = [_constants(by, x, first) for x in halves]

        def in_box(point: Point) -> Point:
            lever = minus([x[None] for x in point], centre)
            return [product(axis, lever) for axis in axes]

        local = in_box(first)
        share = by.xp.zeros_like(local[0])
        if are_segments:
            share, distance, normal = _axis_beside_box(by, local, minus(in_box(last), local), half)
        else:
            distance, normal = _box_distance(by, local, half)
        in_root = [sum(axes[c][r] * normal[c] for c in range(3)) for r in range(3)]
        point = along([x[None] for x in first], [x[None] for x in minus(last, first)], share)
        return Contact(distance, in_root, point)

    return surface


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
        low, high = bounds
        middle = 0.5 * (low + high)
        rises = product(at(middle)[1], vector) > 0
        return by.xp.where(rises, low, middle), by.xp.where(rises, middle, high)

    zero = by.xp.zeros_like(local[0])
    low, high = by.repeat(HALVINGS, halve, (zero, zero + 1.0))
    share = by.constant(0.5 * (low + high))
    normals = at(low)[1], at(high)[1]
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
    xp = by.xp
    beyond = [xp.abs(x) - h for x, h in zip(point, half, strict=True)]
    outside, away = direction(by, [xp.maximum(x, 0.0) for x in beyond])
    inside = xp.maximum(xp.maximum(beyond[0], beyond[1]), beyond[2])
    is_inside = inside <= 0
    is_x, is_y = beyond[0] >= inside, beyond[1] >= inside
    is_z = xp.logical_not(xp.logical_or(is_x, is_y))
    faces = is_x, xp.logical_and(is_y, xp.logical_not(is_x)), is_z
    zero = xp.zeros_like(inside)
    one = zero + 1.0
    normal = [
        xp.where(x < 0, -one, one) * xp.where(is_inside, xp.where(face, one, zero), u)
        for x, face, u in zip(point, faces, away, strict=True)
    ]
    return xp.where(is_inside, inside, outside), normal


def _grid(grid: DistanceGrid, samples: int) -> Surface:
    """A grid; axes of bodies are sampled at points that are at most its spacing apart."""
    flat, (_, ny, nz) = grid.values.reshape(-1), grid.values.shape
    lasts = [size - 1 for size in grid.values.shape]

    def surface(by: Arithmetic, first: Point, last: Point) -> Contact:
        xp = by.xp
        shares = np.linspace(0.0, 1.0, samples) if samples > 1 else np.zeros(1)
        share = _constants(by, shares, first)
        point = along([x[None] for x in first], [x[None] for x in minus(last, first)], share)
        cells, parts, beyond = [], [], []
        for x, start, end in zip(point, grid.xyz, lasts, strict=True):
            raw = (x - start) / grid.spacing
            inner = xp.clip(raw, 0.0, float(end))
            cell = xp.clip(xp.floor(inner), 0.0, end - 1.0)
            cell = xp.where(cell >= 0, cell, 0.0)  # NaN has no cell
            cells.append(by.cast(cell, "int32"))
            parts.append(inner - cell)
            beyond.append(raw - inner)
        table = by.table(flat, first[0])
        corners = {
            (i, j, k): xp.take(
                table, ((cells[0] + i) * ny + cells[1] + j) * nz + cells[2] + k, axis=0
            )
            for i in (0, 1)
            for j in (0, 1)
            for k in (0, 1)
        }
        value, slopes = _trilinear(corners, parts)
        slopes = [
            xp.where(out == 0, slope / grid.spacing, 0.0)
            for slope, out in zip(slopes, beyond, strict=True)
        ]
        far, away = direction(by, [out * grid.spacing for out in beyond])
        is_behind = value - far > far + xp.minimum(value, 0.0)
        is_low = value < 0
        distance = xp.where(is_behind, value - far, far + xp.minimum(value, 0.0))
        normal = [
            xp.where(is_behind, slope - u, u + xp.where(is_low, slope, 0.0))
            for slope, u in zip(slopes, away, strict=True)
        ]
        return Contact(distance, normal, point)

    return surface


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


def _constants(by: Arithmetic, values: np.ndarray, like: Point) -> Array:
    """Values `(n,)` with as many axes behind them as the arrays of a point have."""
    return by.table(values.reshape((-1, *[1] * len(like[0].shape))), like[0])
