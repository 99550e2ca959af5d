"""Six axes as links between frames with z along each axis; NumPy, float64.

`T = base Rz(t1) L1 Rz(t2) ... L5 Rz(t6) hand` with `t = sense q + offset`. A link is a slide along
z, then the step to the next axis along the common normal: `Tz(d) Tx(a) Rx(alpha)`, of which most
entries are 0 or +-1. With a seventh joint, whose value `v` the caller chooses, one of these frames
depends on `v`: `K0 + K1 cos v + K2 sin v`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from fkarm.ik.closed_form.screws import Screws, turn_about
from fkarm.kinematics.chain import constant_frame
from fkarm.kinematics.entries import Entry, Frame, Vector, add, mul
from fkarm.model.frames import Matrix, invert

# Geometry that misses an exact form by less is taken for it, m and rad: files round a quarter turn
# to 1.5708. Newton steps on the true chain then remove the error.
TOLERANCE = 1e-5


class Varying(NamedTuple):
    """A frame that depends on the value `v` of the free joint."""

    constant: Matrix
    cosine: Matrix
    sine: Matrix


AnyFrame = Matrix | Varying


class Reduced(NamedTuple):
    """Six axes, their links, and the frames around them."""

    frames: tuple[AnyFrame, ...]  # base, five links, hand
    senses: tuple[float, ...]
    offsets: tuple[float, ...]
    is_backwards: bool  # whether the chain leads from the link to the root
    free: int | None  # index of the free joint in the forward chain

    def at(self, turn: tuple[Entry, Entry] | None) -> list[Frame]:
        """The seven frames, for cosine and sine of the free joint's value."""
        return [frame_at(frame, turn) for frame in self.frames]


def frame_at(frame: AnyFrame, turn: tuple[Entry, Entry] | None) -> Frame:
    """A frame as entries: floats, but where it depends on the free joint."""
    if not isinstance(frame, Varying):
        return constant_frame(frame)
    cosine, sine = (0.0, 0.0) if turn is None else turn
    columns: list[Vector] = []
    for k in range(4):
        entries = [
            add(
                add(float(frame.constant[i, k]), mul(float(frame.cosine[i, k]), cosine)),
                mul(float(frame.sine[i, k]), sine),
            )
            for i in range(3)
        ]
        columns.append((entries[0], entries[1], entries[2]))
    return Frame((columns[0], columns[1], columns[2]), columns[3])


def reduced(
    screws: Screws,
    is_backwards: bool,
    free: int | None,
    centre: np.ndarray | None,
    meeting: int,
) -> Reduced:
    """The links of a chain of six axes, or of seven with one of them free.

    Args:
        screws: The chain, forwards.
        is_backwards: Whether to reduce the chain backwards.
        free: Index of the free joint in `screws`, if there are seven.
        centre: Where the last of the six axes meet at zero, in the frame of `screws`, or of
            `screws.backwards()`; None: they do not.
        meeting: Index of the first of the axes that meet there.
    """
    chain = screws.backwards() if is_backwards else screws
    gap = None if free is None else (screws.size - 1 - free if is_backwards else free)
    six = [i for i in range(chain.size) if i != gap]
    directions, senses = _aligned(chain.directions[six])
    points = chain.points[six]
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
        if index == gap:
            links.append(_varying(after, before, chain.directions[gap], chain.points[gap]))
        else:
            exact = 0 < index < 6
            links.append(_rounded(invert(after) @ before, exact))
    return Reduced(tuple(links), tuple(senses), tuple(offsets), is_backwards, free)


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
    for i in range(6):
        is_last = i == 5
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


def _varying(after: Matrix, before: Matrix, direction: np.ndarray, point: np.ndarray) -> Varying:
    """`after^-1 e^(S v) before` for every `v`."""
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
