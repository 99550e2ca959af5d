"""Steps between configurations: one number per degree of freedom, three per quaternion.

The step of a quaternion is the rotation vector that turns it, in the axes before the turn:
divided by the time that it takes, it is an angular velocity. All arrays are NumPy, float64.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fkarm.config import cached
from fkarm.kinematics.joint_space import TURN, repeats_by_turns
from fkarm.model import Robot

Array = np.ndarray


class Tangent(NamedTuple):
    """Which numbers of a step belong to which entries of `q`."""

    dof: int
    size: int  # numbers of a step
    entries: Array  # entries of q that are no quaternion's
    at: Array  # their places in a step
    quaternions: tuple[tuple[int, int], ...]  # first entry of q, first place in a step
    endless: Array  # whether a whole turn of the entry changes nothing, per one of `entries`

    def of_entries(self, values: Array) -> Array:
        """One value per number of a step, from one per entry of `q`; a quaternion's are equal."""
        out = np.empty((*values.shape[:-1], self.size), values.dtype)
        out[..., self.at] = values[..., self.entries]
        for first, place in self.quaternions:
            out[..., place : place + 3] = values[..., first : first + 3]
        return out

    def minus(self, a: Array, b: Array) -> Array:
        """The step that leads from `b` to `a`, the short way round for endless joints."""
        out = np.empty((*np.broadcast_shapes(a.shape, b.shape)[:-1], self.size))
        plain = a[..., self.entries] - b[..., self.entries]
        if self.endless.any():
            plain = np.where(self.endless, plain - TURN * np.round(plain / TURN), plain)
        out[..., self.at] = plain
        for first, place in self.quaternions:
            quat_a, quat_b = a[..., first : first + 4], b[..., first : first + 4]
            out[..., place : place + 3] = _rotvec(_times_conjugate(quat_a, quat_b))
        return out

    def plus(self, q: Array, step: Array) -> Array:
        """The configuration that a step leads to."""
        out = q.copy()
        out[..., self.entries] += step[..., self.at]
        for first, place in self.quaternions:
            turn = _quaternion(step[..., place : place + 3])
            quat = _times(turn, q[..., first : first + 4])
            out[..., first : first + 4] = quat / np.linalg.norm(quat, axis=-1, keepdims=True)
        return out

    def by_step(self, jacobian: Array, q: Array, entries: Array, moving: Array) -> Array:
        """Derivatives by the numbers of a step that may move, from those by entries of `q`.

        Args:
            jacobian: Derivatives by `entries`. Shape `(rows, m, len(entries))`.
            q: Configurations. Shape `(rows, dof)`.
            entries: Entries of `q`, which hold all four of a quaternion or none.
            moving: Places in a step, those of the entries and others.
        Returns:
            Shape `(rows, m, len(moving))`.
        """
        column = {entry: k for k, entry in enumerate(entries.tolist())}
        of_place = dict(zip(self.at.tolist(), self.entries.tolist(), strict=True))
        plain = [
            (k, column[of_place[p]])
            for k, p in enumerate(moving.tolist())
            if of_place.get(p) in column
        ]
        is_whole = len(entries) - len(moving) == sum(f in column for f, _ in self.quaternions)
        shape = (*jacobian.shape[:-1], len(moving))
        out = np.empty(shape) if is_whole else np.zeros(shape)
        for here, there in _stretches(plain):
            out[..., here] = jacobian[..., there]
        for first, place in self.quaternions:
            if place in moving and first in column:
                rates, start = _rates(q[:, first : first + 4]), moving.tolist().index(place)
                four = jacobian[..., column[first] : column[first] + 4]
                out[..., start : start + 3] = four @ rates
        return out


# The steps of one quaternion.
BALL = Tangent(4, 3, np.array([], int), np.array([], int), ((0, 0),), np.array([], bool))


@cached(256)
def tangent_of(robot: Robot) -> Tangent:
    """The numbers of a step of a robot."""
    firsts = set(robot.quaternions)
    entries, at, quaternions, entry, place = [], [], [], 0, 0
    while entry < robot.dof:
        if entry in firsts:
            quaternions.append((entry, place))
            entry, place = entry + 4, place + 3
        else:
            entries.append(entry)
            at.append(place)
            entry, place = entry + 1, place + 1
    unbounded = np.isinf(robot.lower_limits) & np.isinf(robot.upper_limits)
    endless = (repeats_by_turns(robot) & unbounded)[entries]
    return Tangent(
        robot.dof, place, np.array(entries, int), np.array(at, int), tuple(quaternions), endless
    )


def _stretches(pairs: list[tuple[int, int]]) -> list[tuple[slice, slice]]:
    """Pairs of indices that increase together by one, as pairs of slices: faster than indices."""
    starts = [
        k
        for k in range(len(pairs))
        if not k or pairs[k] != (pairs[k - 1][0] + 1, pairs[k - 1][1] + 1)
    ]
    return [
        (slice(pairs[a][0], pairs[b - 1][0] + 1), slice(pairs[a][1], pairs[b - 1][1] + 1))
        for a, b in zip(starts, [*starts, len(pairs)][1:], strict=True)
    ]


def _times(a: Array, b: Array) -> Array:
    """The Hamilton product of quaternions wxyz."""
    w, v = a[..., :1], a[..., 1:]
    scalar = w * b[..., :1] - np.sum(v * b[..., 1:], axis=-1, keepdims=True)
    vector = w * b[..., 1:] + b[..., :1] * v + np.cross(v, b[..., 1:])
    return np.concatenate([scalar, vector], axis=-1)


def _times_conjugate(a: Array, b: Array) -> Array:
    return _times(a, b * [1.0, -1.0, -1.0, -1.0])


def _rotvec(quat: Array) -> Array:
    """The rotation vector of a quaternion of any length, at most half a turn."""
    quat = np.where(quat[..., :1] < 0, -quat, quat)
    sine = np.linalg.norm(quat[..., 1:], axis=-1, keepdims=True)
    angle = 2.0 * np.arctan2(sine, quat[..., :1])
    is_small = sine < 1e-12
    ratio = np.where(is_small, 2.0, angle / np.where(is_small, 1.0, sine))
    return ratio * quat[..., 1:]


def _quaternion(rotvec: Array) -> Array:
    """The unit quaternion of a rotation vector."""
    angle = np.linalg.norm(rotvec, axis=-1, keepdims=True)
    return np.concatenate(
        [np.cos(0.5 * angle), 0.5 * np.sinc(angle / (2.0 * np.pi)) * rotvec], axis=-1
    )


def _rates(quat: Array) -> Array:
    """The change of quaternions `(rows, 4)` for angular velocities. Shape `(rows, 4, 3)`."""
    w, x, y, z = (0.5 * quat).T
    rows = [[-x, -y, -z], [w, z, -y], [-z, w, x], [y, -x, w]]
    return np.array(rows).transpose(2, 0, 1)
