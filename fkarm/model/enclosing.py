"""Spheres and capsules that enclose a solid, and the largest gap between them and it.

The gap is the largest distance of a point of the bodies from the solid, m.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from fkarm.model.frames import make_frame, placement, rotation_to_axis, snap
from fkarm.model.solids import Body

# A box gets as many capsules as keep the gap below this, and at most four: (across its width,
# across its thickness).
_GAP = 0.01
_TILES = ((1, 1), (2, 1), (3, 1), (4, 1), (2, 2))

Enclosure = tuple[tuple[Body, ...], float]


def enclose(
    kind: str, link: str, sizes: Sequence[float], xyz: Sequence[float], rpy: Sequence[float]
) -> Enclosure:
    """The bodies that enclose a solid, and the gap.

    A cylinder becomes the capsule of the same radius, whose caps reach a radius beyond the flat
    ends. A box becomes one to four bodies along its longest side. An ellipsoid becomes the capsule
    that touches both its tips.

    Args:
        kind: `"sphere"` (its size: radius), `"capsule"` or `"cylinder"` (radius, length), `"box"`
            (three sides), `"ellipsoid"` (three semi-axes).
        link: Name of the link.
        sizes: Sizes, m.
        xyz: Centre in the link's frame, m.
        rpy: Orientation in the link's frame, rad.
    """
    if kind == "sphere":
        return (Body(link, "sphere", sizes[0], xyz=xyz),), 0.0
    if kind == "capsule":
        return (Body(link, "capsule", sizes[0], sizes[1], xyz, rpy),), 0.0
    if kind == "cylinder":
        return (Body(link, "capsule", sizes[0], sizes[1], xyz, rpy),), sizes[0]
    make = _box if kind == "box" else _ellipsoid
    return make(link, np.asarray(sizes, float), make_frame(xyz, rpy))


def origin_line(link: str, origins: Sequence[tuple[str, Sequence[Body], float]]) -> str:
    """A line for the report: what the bodies of a link were made from.

    Args:
        link: Name of the link.
        origins: For each solid of the description its kind, its bodies and the gap.
    """
    counts: dict[str, int] = {}
    gaps: dict[str, float] = {}
    for kind, bodies, gap in origins:
        counts[kind] = counts.get(kind, 0) + len(bodies)
        gaps[kind] = max(gaps.get(kind, 0.0), gap)
    sources = [
        f"{count} from {kind}" + (f", up to {1e3 * gaps[kind]:.3g} mm beyond it" * (gaps[kind] > 0))
        for kind, count in counts.items()
    ]
    return f"bodies of link {link!r}: {'; '.join(sources)}"


def _box(link: str, sides: np.ndarray, frame: np.ndarray) -> Enclosure:
    gaps = {tiles: _gap(sides, tiles)[0] for tiles in _TILES}
    enough = (tiles for tiles in _TILES if gaps[tiles] <= _GAP)
    tiles = next(enough, min(gaps, key=gaps.__getitem__))
    gap, radius, half = _gap(sides, tiles)
    thin, wide, long = np.argsort(sides, kind="stable")
    bodies = []
    for i in range(tiles[0]):
        for k in range(tiles[1]):
            centre = np.zeros(3)
            centre[wide] = (2 * i + 1 - tiles[0]) * half[wide]
            centre[thin] = (2 * k + 1 - tiles[1]) * half[thin]
            length = 2 * float(half[long] - half.min())
            bodies.append(_along(link, int(long), radius, length, frame @ make_frame(centre)))
    return tuple(bodies), gap


def _gap(sides: np.ndarray, tiles: tuple[int, int]) -> tuple[float, float, np.ndarray]:
    """The gap of capsules in tiles of a box, their radius, and half the sides of a tile."""
    thin, wide, _ = np.argsort(sides, kind="stable")
    half = sides / 2
    half[[wide, thin]] /= tiles
    # The caps pass through the corners. With their centres as far inside as half the smallest
    # side, the gap is no larger at the ends than at the sides.
    radius = math.sqrt(half.min() ** 2 + half[wide] ** 2 + half[thin] ** 2)
    return float(radius - half.min()), radius, half


def _ellipsoid(link: str, axes: np.ndarray, frame: np.ndarray) -> Enclosure:
    long = int(np.argmax(axes))
    thin, wide, largest = np.sort(axes)
    body = _along(link, long, float(wide), float(2 * (largest - wide)), frame)
    # The gap is the largest difference of both extents in a direction. It is in the plane of
    # the longest and the thinnest axis, at this cosine to the longest one.
    excess, squares = largest - wide, largest**2 - thin**2
    cosine = 0.0
    if squares > excess**2:
        cosine = excess * thin / math.sqrt(squares * (squares - excess**2))
    gap = wide + excess * cosine - math.sqrt(thin**2 + squares * cosine**2)
    return (body,), float(max(gap, 0.0))


def _along(link: str, axis: int, radius: float, length: float, frame: np.ndarray) -> Body:
    """A capsule along a coordinate axis of a frame; a sphere if it has no length."""
    turn = np.eye(4)
    turn[:3, :3] = rotation_to_axis(np.eye(3)[axis])
    pose = placement(snap(frame @ turn))
    if length == 0:
        return Body(link, "sphere", radius, xyz=pose["xyz"])
    return Body(link, "capsule", radius, length, **pose)
