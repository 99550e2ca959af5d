"""What couples the frames of a path, and what bounds it: smoothness, and limits of joints.

Every term is the square of a difference of order 0, 1 or 2 of one entry, or bounds it, so the
blocks between frames are diagonal. Bounds are those of an interior-point method: every bound has a
slack `s`, a force `z`, and the two are driven to `s z = mu` for a `mu` that goes to zero.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from fkarm.motion.request import Clips
from fkarm.motion.tangent import Array


class Differences(NamedTuple):
    """A number for every position, step and change of step; or for each of their bounds."""

    position: Array  # (..., clips, time, n)
    step: Array  # (..., clips, time - 1, n)
    change: Array  # (..., clips, time - 2, n)

    def map(self, function: Callable[..., Array], *others: Differences) -> Differences:
        """`function` of the arrays of all orders."""
        return Differences(*(function(*arrays) for arrays in zip(self, *others, strict=True)))

    def of(self, clips: Array) -> Differences:
        """Those of some clips."""
        return self.map(lambda x: x[..., clips, :, :])

    def by_clip(self, reduction: Callable[..., Array], initial: float) -> Array:
        """A reduction over all numbers of a clip. Shape `(clips,)`."""
        axes = [tuple(k for k in range(x.ndim) if k != x.ndim - 3) for x in self]
        values = [reduction(x, axis=a, initial=initial) for x, a in zip(self, axes, strict=True)]
        return np.asarray(reduction(np.stack(values), axis=0))


class Bands(NamedTuple):
    """The terms' share of the normal equations, see `solve_banded`."""

    diagonal: Array
    to_next: Array
    to_second: Array
    right: Array


class Coupling:
    """The terms of some clips.

    Args:
        clips: The clips.
        moving: Places in a step that may move.
    """

    def __init__(self, clips: Clips, moving: Array) -> None:
        self.clips, self.moving, tangent = clips, moving, clips.tangent
        durations = np.diff(clips.times)[..., None]  # (clips, time - 1, 1)
        between = 0.5 * (durations[:, 1:] + durations[:, :-1])
        self.before, self.after = between / durations[:, :-1], between / durations[:, 1:]
        speeds, accelerations, lower, upper = (
            tangent.of_entries(x)[moving]
            for x in (clips.speeds, clips.accelerations, clips.terms.lower, clips.terms.upper)
        )
        speeds = speeds * clips.speed_shares[:, 1:, moving]
        accelerations = accelerations * clips.acceleration_shares[:, 1:-1, moving]
        is_ball = np.zeros(tangent.size, bool)
        for _, place in tangent.quaternions:
            is_ball[place : place + 3] = True
        lower, upper = (
            np.where(is_ball[moving], k, x) for k, x in ((-np.inf, lower), (np.inf, upper))
        )
        self.lower = Differences(lower, -speeds * durations, -accelerations * between**2)
        self.upper = Differences(upper, -self.lower.step, -self.lower.change)
        smooth = clips.smoothness
        # Squared weights of what is not bounded.
        self.weights = Differences(
            np.full((1, 1, 1), smooth.posture**2),
            (smooth.velocity / durations) ** 2,
            (smooth.acceleration / between**2) ** 2,
        )

    def differences(self, q: Array) -> Differences:
        """Positions, steps and changes of steps, all in rad or m."""
        tangent = self.clips.tangent
        position = np.zeros((*q.shape[:-1], tangent.size))
        position[..., tangent.at] = q[..., tangent.entries]
        step = tangent.minus(q[:, 1:], q[:, :-1])[..., self.moving]
        change = self.after * step[:, 1:] - self.before * step[:, :-1]
        return Differences(position[..., self.moving], step, change)

    def along(self, step: Array) -> Differences:
        """How a step of all frames `(clips, time, n)` changes them."""
        first = np.diff(step, axis=1)
        return Differences(step, first, self.after * first[:, 1:] - self.before * first[:, :-1])

    def slacks(self, now: Differences) -> Differences:
        """The distances from the lower and from the upper bounds."""
        slacks = now.map(lambda x, low, high: np.stack([x - low, high - x]), self.lower, self.upper)
        if self.clips.hold_start:  # the first frame may be at a limit, and does not move
            slacks.position[:, :, 0] = np.inf
        return slacks

    def cost(self, now: Differences, away: Array) -> Array:
        """Half the weighted squares; `away` is the distance from the posture. `(clips,)`."""
        squares = now._replace(position=away).map(lambda x, w: 0.5 * w * x * x, self.weights)
        return squares.by_clip(np.sum, 0.0)

    def bands(
        self, now: Differences, away: Array, stiffness: Differences, force: Differences
    ) -> Bands:
        """The normal equations of all terms; bounds have a stiffness and a force."""
        weights = stiffness.map(lambda x, w: x + w, self.weights)
        pulls = force.map(lambda f, x, w: f - w * x, now._replace(position=away), self.weights)
        diagonal, right = weights.position.copy(), pulls.position.copy()
        to_next, to_second = -weights.step, np.zeros_like(weights.change)
        diagonal[:, 1:] += weights.step
        diagonal[:, :-1] += weights.step
        right[:, 1:] += pulls.step
        right[:, :-1] -= pulls.step
        first, last = self.before, self.after
        middle = -(first + last)
        for start, factor in enumerate((first, middle, last)):
            part = slice(start, start + weights.change.shape[1])
            diagonal[:, part] += factor**2 * weights.change
            right[:, part] += factor * pulls.change
        to_next[:, :-1] += first * middle * weights.change
        to_next[:, 1:] += middle * last * weights.change
        to_second += first * last * weights.change
        return Bands(diagonal, to_next, to_second, right)
