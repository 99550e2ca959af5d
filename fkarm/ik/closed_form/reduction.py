"""Axes as links between frames with z along each axis; NumPy, float64.

`T = base Rz(t1) L1 Rz(t2) ... Rz(tn) hand` with `t = sense q + offset`. A link is a slide along z,
then the step to the next axis along the common normal: `Tz(d) Tx(a) Rx(alpha)`, of which most
entries are 0 or +-1. With one more joint, whose value `v` the caller chooses, one of these frames
depends on `v`: `K0 + K1 cos v + K2 sin v` if it turns, `K0 + K1 v` if it slides.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from fkarm.ik.closed_form.layouts import TOLERANCE, Layout
from fkarm.ik.closed_form.screws import turn_about
from fkarm.kinematics.chain import constant_frame
from fkarm.kinematics.entries import Entry, Frame, Vector, add, mul
from fkarm.model.frames import Matrix, invert


class Varying(NamedTuple):
    """A frame that depends on the pair `(a, b)` of the free joint: `K0 + K1 a + K2 b`."""

    constant: Matrix
    first: Matrix
    second: Matrix


AnyFrame = Matrix | Varying


class Slide(NamedTuple):
    """A joint that slides, and is solved for."""

    joint: int  # index in the forward chain
    gap: int  # index of the frame that it changes
    step: Vector  # per unit of its value, in the axes after the axis before that frame


class Reduced(NamedTuple):
    """Axes, their links, and the frames around them."""

    frames: tuple[AnyFrame, ...]  # base, links, hand; where all slides are at zero
    axes: tuple[int, ...]  # indices of the joints that turn in the forward chain
    senses: tuple[float, ...]
    offsets: tuple[float, ...]
    slides: tuple[Slide, ...]
    is_backwards: bool  # whether the chain leads from the link to the base
    free: int | None  # index of the free joint in the forward chain

    def at(self, pair: tuple[Entry, Entry] | None) -> list[Frame]:
        """The frames, for the pair of the free joint's value."""
        return [frame_at(frame, pair) for frame in self.frames]


def frame_at(frame: AnyFrame, pair: tuple[Entry, Entry] | None) -> Frame:
    """A frame as entries: floats, but where it depends on the free joint."""
    if not isinstance(frame, Varying):
        return constant_frame(frame)
    first, second = (0.0, 0.0) if pair is None else pair
    columns: list[Vector] = []
    for k in range(4):
        entries = [
            add(
                add(float(frame.constant[i, k]), mul(float(frame.first[i, k]), first)),
                mul(float(frame.second[i, k]), second),
            )
            for i in range(3)
        ]
        columns.append((entries[0], entries[1], entries[2]))
    return Frame((columns[0], columns[1], columns[2]), columns[3])


def rotation_of(frame: AnyFrame) -> np.ndarray | None:
    """The rotation of a frame; None if it depends on the free joint."""
    if not isinstance(frame, Varying):
        return frame[:3, :3]
    turns = np.any(frame.first[:3, :3]) or np.any(frame.second[:3, :3])
    return None if turns else frame.constant[:3, :3]


def turns_nothing(frame: AnyFrame) -> bool:
    """Whether the rotation of a frame is the identity, for each value of the free joint."""
    rotation = rotation_of(frame)
    return rotation is not None and bool(np.all(rotation == np.eye(3)))


def moves_nothing(frame: AnyFrame) -> bool:
    """Whether the origin of a frame is zero, for each value of the free joint."""
    parts = frame if isinstance(frame, Varying) else (frame,)
    return all(not np.any(part[:3, 3]) for part in parts)


def reduced(layout: Layout, centre: np.ndarray | None, meeting: int) -> Reduced:
    """The links of the axes of a chain.

    Args:
        layout: The chain.
        centre: Where the last of its axes meet at zero; None: they do not.
        meeting: Index of the first of the axes that meet there.
    """
    chain, gap, axes = layout.chain, layout.turning_gap, list(layout.axes)
    directions, senses = _aligned(chain.directions[axes])
    points = chain.points[axes]
    pivot = None
    if gap == 1:
        pivot, _ = meeting_point(chain.directions[:3], chain.points[:3])
    befores, afters = _frames(directions, points, gap, {"first": pivot, "last": centre}, meeting)
    offsets = [
        _angle(before, after, axis)
        for before, after, axis in zip(befores, afters, directions, strict=True)
    ]
    links: list[AnyFrame] = []
    edges = [np.eye(4), *afters], [*befores, chain.home]
    for index, (after, before) in enumerate(zip(*edges, strict=True)):
        link = _rounded(invert(after) @ before, 0 < index < len(axes))
        is_free = layout.free is not None and layout.gaps[layout.free] == index
        links.append(_varying(layout, after, before, link) if is_free else link)
    slides = [
        Slide(layout.forwards(joint), at, _step([befores[0], *afters][at], chain.directions[joint]))
        for joint, at in layout.gaps.items()
        if joint != layout.free and chain.slides[joint]
    ]
    return Reduced(
        tuple(links),
        tuple(map(layout.forwards, axes)),
        tuple(senses),
        tuple(offsets),
        tuple(sorted(slides)),
        layout.is_backwards,
        None if layout.free is None else layout.forwards(layout.free),
    )


def meeting_point(directions: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, float]:
    """The point nearest to some lines, and its distance from the farthest of them, m."""
    across = np.eye(3) - directions[:, :, None] * directions[:, None, :]
    right = (across @ points[..., None])[..., 0].sum(axis=0)
    point = np.linalg.lstsq(across.sum(axis=0), right, rcond=1e-9)[0]
    return point, float(
        np.linalg.norm((across @ (point - points)[..., None])[..., 0], axis=1).max()
    )


def _aligned(directions: np.ndarray) -> tuple[np.ndarray, list[float]]:
    """Axes of which parallel neighbours point the same way, and their senses."""
    directions, senses = directions.copy(), [1.0]
    for i in range(1, len(directions)):
        same = float(directions[i] @ directions[i - 1])
        across = np.linalg.norm(np.cross(directions[i - 1], directions[i]))
        senses.append(-1.0 if same < 0 and across < TOLERANCE else 1.0)
        directions[i] *= senses[-1]
    return directions, senses


def _frames(
    directions: np.ndarray,
    points: np.ndarray,
    gap: int | None,
    pivots: dict[str, np.ndarray | None],
    meeting: int,
) -> tuple[list[Matrix], list[Matrix]]:
    """Per axis, the frames before and after its turn; both have their origin in one point."""
    befores: list[Matrix] = []
    afters: list[Matrix] = []
    for i in range(len(directions)):
        is_last = i == len(directions) - 1
        normal = None
        if i > 0 and gap != i:
            normal = _normal(directions[i - 1], directions[i], points[i - 1], points[i])
        after = None
        if not is_last and gap != i + 1:
            after = _normal(directions[i], directions[i + 1], points[i], points[i + 1])
        normal = after if normal is None else normal
        normal = _any_normal(directions[i]) if normal is None else normal
        after = normal if after is None else after
        origin = _origin(i, directions, points, gap, befores)
        target = pivots["last"] if i >= meeting else pivots["first"] if i < 2 else None
        if target is not None:
            origin = points[i] + directions[i] * (directions[i] @ (target - points[i]))
        befores.append(_frame(directions[i], normal, origin))
        afters.append(_frame(directions[i], after, origin))
    return befores, afters


def _origin(
    i: int, directions: np.ndarray, points: np.ndarray, gap: int | None, befores: list[Matrix]
) -> np.ndarray:
    """The foot on axis `i` of the normal from the axis before, for the first that to the next."""
    between, other = (1, 1) if i == 0 else (i, i - 1)
    if gap == between:
        point: np.ndarray = points[i]
        return point
    across = np.cross(directions[other], directions[i])
    reference = points[other] if i == 0 else befores[other][:3, 3]
    if np.linalg.norm(across) < TOLERANCE:
        along = directions[i] @ (reference - points[i])
        return points[i] + along * directions[i]
    pair = np.stack([directions[i], -directions[other], across], axis=1)
    steps = np.linalg.solve(pair, points[other] - points[i])
    return points[i] + steps[0] * directions[i]


def _normal(a: np.ndarray, b: np.ndarray, p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """The direction of the common normal of two lines."""
    across = np.cross(a, b)
    length = np.linalg.norm(across)
    if length >= TOLERANCE:
        return across / length * (-1.0 if across @ (q - p) < -TOLERANCE * length else 1.0)
    step = (q - p) - a * (a @ (q - p))
    distance = np.linalg.norm(step)
    return step / distance if distance > TOLERANCE else _any_normal(a)


def _any_normal(axis: np.ndarray) -> np.ndarray:
    """A unit vector across an axis, along an axis of coordinates where there is one."""
    best = np.eye(3)[np.argmin(np.abs(axis))]
    normal: np.ndarray = best - axis * (axis @ best)
    return normal / np.linalg.norm(normal)


def _frame(z: np.ndarray, x: np.ndarray, origin: np.ndarray) -> Matrix:
    frame = np.eye(4)
    x = x - z * (z @ x)
    x = x / np.linalg.norm(x)
    frame[:3, 0], frame[:3, 1], frame[:3, 2], frame[:3, 3] = x, np.cross(z, x), z, origin
    return frame


def _angle(before: Matrix, after: Matrix, axis: np.ndarray) -> float:
    """`phi` of `after = before Rz(phi)`."""
    x, new = before[:3, 0], after[:3, 0]
    phi = math.atan2(axis @ np.cross(x, new), x @ new)
    quarters = round(phi / (math.pi / 2))
    return quarters * math.pi / 2 if abs(phi - quarters * math.pi / 2) < TOLERANCE else phi


def _rounded(frame: Matrix, is_exact: bool) -> Matrix:
    """A frame, of which what is nearly zero becomes zero; `is_exact`: it is a link."""
    if not is_exact:
        frame = frame.copy()
        for exact in (0.0, 1.0, -1.0):
            frame[:3, :3][np.abs(frame[:3, :3] - exact) < 1e-12] = exact
        frame[:3, 3][np.abs(frame[:3, 3]) < 1e-12] = 0.0
        return frame
    alpha = math.atan2(frame[2, 1], frame[2, 2])
    quarters = round(alpha / (math.pi / 2))
    if abs(alpha - quarters * math.pi / 2) < TOLERANCE:
        c, s = ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))[quarters % 4]
    else:
        c, s = math.cos(alpha), math.sin(alpha)
    link = np.eye(4)
    link[1:3, 1:3] = [[c, -s], [s, c]]
    link[:3, 3] = [0.0 if abs(x) < TOLERANCE else x for x in frame[:3, 3]]
    return link + 0.0  # no negative zeros


def _varying(layout: Layout, after: Matrix, before: Matrix, at_zero: Matrix) -> Varying:
    """`after^-1 e^(S v) before` for every value `v` of the free joint; `at_zero` is its link."""
    direction, point = layout.chain.directions[layout.free], layout.chain.points[layout.free]
    if layout.turning_gap is None:
        slope = np.zeros((4, 4))
        slope[:3, 3] = _step(after, direction)
        return Varying(at_zero, slope, np.zeros((4, 4)))
    at = [
        invert(after) @ turn_about(direction, point, angle) @ before
        for angle in (0.0, math.pi, math.pi / 2)
    ]
    constant = (at[0] + at[1]) / 2
    found = [constant, at[0] - constant, at[2] - constant]
    for matrix in found:
        for exact in (0.0, 1.0, -1.0):
            matrix[np.abs(matrix - exact) < TOLERANCE] = exact
    return Varying(*found)


def _step(frame: Matrix, direction: np.ndarray) -> Vector:
    """The direction of a slide in the axes of a frame; what is nearly zero becomes zero."""
    step = frame[:3, :3].T @ direction
    step[np.abs(step) < TOLERANCE * np.linalg.norm(step)] = 0.0
    x, y, z = step.tolist()
    return x, y, z
