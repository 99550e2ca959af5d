"""Limits of quaternions' angular velocities and accelerations, which bound lengths of vectors.

The solver bounds single components: between frames a box has diagonal blocks, and a ball has not.
So the vectors stay in boxes within the ball of those that are allowed: first in a cube; then, in a
second search, in the box that reaches far along the vector of the first solution, frame by frame.
All arrays are NumPy, float64.
"""

from __future__ import annotations

import numpy as np

from fkarm.motion.request import Clips
from fkarm.motion.tangent import BALL, Array, Tangent

# What every component of a box may take, squared, of a limit: short vectors have cubes.
EVEN = 3e-3
# A component that is nearer to its bound than this is held back.
AT_BOUND = 0.9


def held_in_cubes(clips: Clips, q: Array) -> Array:
    """Whether cubes hold back a turn of a solution, per clip."""
    held = np.zeros(len(q), bool)
    for values, limits, shares in _turns(clips, q):
        for first, part in limited_turns(clips):
            bounds = AT_BOUND * limits[first] * shares[..., part]
            held |= (np.abs(values[..., part]) > bounds).any(axis=(1, 2))
    return held


def with_boxes_along(clips: Clips, q: Array) -> Clips:
    """The clips with boxes along the turns of a solution in cubes."""
    boxes = []
    for values, limits, shares in _turns(clips, q):
        shares = shares.copy()
        for first, part in limited_turns(clips):
            if np.isfinite(limits[first]):
                shares[..., part] *= 3.0**0.5 * _box_along(values[..., part] / limits[first])
        boxes.append(shares)
    speed_shares, acceleration_shares = clips.speed_shares.copy(), clips.acceleration_shares.copy()
    speed_shares[:, 1:], acceleration_shares[:, 1:-1] = boxes
    return clips._replace(speed_shares=speed_shares, acceleration_shares=acceleration_shares)


def _turns(clips: Clips, q: Array) -> list[tuple[Array, Array, Array]]:
    """Speeds and accelerations, their limits and the shares of these that a search may use."""
    speeds, accelerations = speeds_and_accelerations(clips, q)
    return [
        (speeds, clips.speeds, clips.speed_shares[:, 1:]),
        (accelerations, clips.accelerations, clips.acceleration_shares[:, 1:-1]),
    ]


def limited_turns(clips: Clips) -> list[tuple[int, slice]]:
    """First entries of quaternions whose acceleration is limited, and their places in a step."""
    return [
        (first, slice(place, place + 3))
        for first, place in clips.tangent.quaternions
        if np.isfinite(clips.accelerations[first])
    ]


def speeds_and_accelerations(clips: Clips, q: Array) -> tuple[Array, Array]:
    """Rates of steps `(clips, time - 1, size)`, and their changes `(clips, time - 2, size)`."""
    durations = np.diff(clips.times)[..., None]
    speeds = clips.tangent.minus(q[:, 1:], q[:, :-1]) / durations
    return speeds, np.diff(speeds, axis=1) / (0.5 * (durations[:, 1:] + durations[:, :-1]))


def lengths(tangent: Tangent, values: Array) -> Array:
    """Absolute values, and in all three places of a quaternion the length of its vector."""
    out = np.abs(values)
    for _, place in tangent.quaternions:
        part = slice(place, place + 3)
        out[..., part] = np.linalg.norm(values[..., part], axis=-1, keepdims=True)
    return out


def with_shorter_turns(q: Array, ratio: Array, is_held: bool) -> Array:
    """Every turn from frame to frame shorter by a ratio: speeds and accelerations shrink alike.

    Args:
        q: Quaternions. Shape `(clips, time, 4)`.
        ratio: Shape `(clips,)`; ratios below one change nothing.
        is_held: Whether the first frame stays; else it is the middle one.
    Returns:
        Shape `(clips, time, 4)`.
    """
    is_long = ratio > 1.0
    if not is_long.any():
        return q
    turns = BALL.minus(q[is_long, 1:], q[is_long, :-1]) / ratio[is_long, None, None]
    out, middle = q.copy(), 0 if is_held else q.shape[1] // 2
    short = out[is_long]
    for k in range(middle + 1, q.shape[1]):
        short[:, k] = BALL.plus(short[:, k - 1], turns[:, k - 1])
    for k in reversed(range(middle)):
        short[:, k] = BALL.plus(short[:, k + 1], -turns[:, k])
    out[is_long] = short
    return out


def _box_along(vectors: Array) -> Array:
    """Half the edges of boxes within the unit ball, along vectors `(..., 3)` within it."""
    squares = vectors**2 + EVEN
    return np.sqrt(squares / squares.sum(axis=-1, keepdims=True))
