"""Poses of a link for corrections of the robot, and their derivatives by the corrections.

A small change of a frame on the way to the link moves the link by a twist about that frame, so
every derivative is a column of screws. Rows are configurations; NumPy, float64.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fkarm.calibration.corrections import Layout, layout_of
from fkarm.calibration.rigid import Array, about_axis, cross, left_jacobian, rigid
from fkarm.model import Joint, Robot
from fkarm.model.frames import invert


class Flange(NamedTuple):
    """A link at `n` configurations, with derivatives by `k` corrections.

    A derivative is the velocity of the link's origin and its angular velocity in root axes.
    """

    position: Array  # (n, 3)
    rotation: Array  # (n, 3, 3)
    linear: Array  # (n, 3, k)
    angular: Array  # (n, 3, k)


class _Screw(NamedTuple):
    """How one correction moves what comes behind it: about `origin`, or along."""

    column: int
    direction: Array  # (n, 3) or (3,)
    origin: Array | None  # (n, 3) or (3,); None: along


class Chain:
    """The way from the root link to a link.

    Args:
        robot: The nominal robot.
        link: Name of the link.
        indices: The corrections to differentiate by, as in the vector of corrections. Those of
            places off the way have no effect.
        senses: 1 or -1 for each entry of `q`.
    """

    def __init__(self, robot: Robot, link: str, indices: Array, senses: tuple[int, ...]) -> None:
        self.robot, self.link = robot, link
        self.path = robot.path_to(link)
        self.layout: Layout = layout_of(robot)
        self.senses = np.array(senses, float)
        self._columns = {int(index): column for column, index in enumerate(indices)}
        self._slots = {index // 6 for index in self._columns if index < 6 * self.layout.slots}
        self._count = len(indices)

    def __call__(self, vector: Array, q: Array, derivatives: bool = True) -> Flange:
        """The link at configurations `q (n, dof)` for a vector of corrections."""
        changes, numbers = self.layout.split(vector)
        frames = rigid(changes)
        screws: list[_Screw] = []
        frame = np.eye(4)  # (4, 4) before the first joint that moves, then (n, 4, 4)

        def change(slot: int) -> None:
            nonlocal frame
            if slot not in self._slots and not changes[slot].any():
                return
            before, frame = frame, frame @ frames[slot]
            if derivatives:
                screws.extend(self._of_change(slot, changes[slot], before, frame))

        change(self.layout.slot("base"))
        for joint in self.path:
            change(self.layout.slot("before", joint.name))
            frame = frame @ joint.origin
            change(self.layout.slot("after", joint.name))
            if joint.is_fixed:
                continue
            if len(joint.entries) > 1:
                frame = frame @ self._many_values(joint, q)
                continue
            coordinate = self.robot.coordinates[joint.name]
            entry, multiplier = coordinate.index, coordinate.multiplier
            features = _features(q[:, entry], self.senses[entry])
            value = multiplier * (numbers[:, entry] @ features + self.senses[entry] * q[:, entry])
            if derivatives:
                axis = frame[..., :3, :3] @ np.array(joint.axis)
                origin = None if joint.is_prismatic else frame[..., :3, 3]
                screws += self._of_value(entry, multiplier * features, axis, origin)
            frame = frame @ _motion(joint, value + coordinate.offset)
        frame = np.broadcast_to(frame, (len(q), 4, 4))
        position, rotation = frame[:, :3, 3], frame[:, :3, :3]
        linear, angular = self._twists(screws, position)
        return Flange(position, rotation, linear, angular)

    def _twists(self, screws: list[_Screw], position: Array) -> tuple[Array, Array]:
        """The sums of all screws per correction, as the link's twists. Shape `(n, 3, k)`."""
        linear, angular = np.zeros((2, self._count, *position.shape))
        turns = [screw for screw in screws if screw.origin is not None]
        if turns:
            columns = [screw.column for screw in turns]
            directions = np.array([np.broadcast_to(s.direction, position.shape) for s in turns])
            levers = position - np.array(
                [np.broadcast_to(np.asarray(s.origin), position.shape) for s in turns]
            )
            np.add.at(angular, columns, directions)
            np.add.at(linear, columns, cross(directions, levers))
        for column, direction, origin in screws:
            if origin is None:
                linear[column] += direction
        return linear.transpose(1, 2, 0), angular.transpose(1, 2, 0)

    def _of_change(self, slot: int, change: Array, before: Array, after: Array) -> list[_Screw]:
        """The screws of a change of six numbers, of those that are asked for."""
        own = [self._columns.get(6 * slot + k) for k in range(6)]
        if all(column is None for column in own):
            return []
        rotation = before[..., :3, :3]
        turns = rotation @ left_jacobian(change[3:]) if any(change[3:]) else rotation
        screws = []
        for k, column in enumerate(own):
            if column is not None and k < 3:
                screws.append(_Screw(column, rotation[..., k], None))
            elif column is not None:
                screws.append(_Screw(column, turns[..., k - 3], after[..., :3, 3]))
        return screws

    def _of_value(
        self, entry: int, features: Array, axis: Array, origin: Array | None
    ) -> list[_Screw]:
        """The screws of the numbers of an entry of q."""
        screws = []
        for kind, feature in zip(("offset", "gain", "cosine", "sine"), features, strict=True):
            column = self._columns.get(self.layout.of_entry(kind, entry))
            if column is not None:
                screws.append(_Screw(column, axis * feature[:, None], origin))
        return screws

    def _many_values(self, joint: Joint, q: Array) -> Array:
        """The motion of a joint of several entries of q. Shape `(n, 4, 4)`."""
        first = self.robot.coordinates[joint.name].index
        back = invert(joint.origin)
        rows = q[:, first : first + len(joint.entries)]
        return np.array([back @ joint.frame_at(*row) for row in rows]).reshape((-1, 4, 4))


def _features(values: Array, sense: float) -> Array:
    """What the offset, gain, cosine and sine of a joint are multiplied by. Shape `(4, n)`."""
    parts = (np.cos(values), np.sin(values))
    return np.array([np.ones_like(values), *(sense * part for part in (values, *parts))])


def _motion(joint: Joint, values: Array) -> Array:
    """The motion of a joint with one value. Shape `(n, 4, 4)`."""
    frames = np.tile(np.eye(4), (len(values), 1, 1))
    axis = np.array(joint.axis)
    if joint.is_prismatic:
        frames[:, :3, 3] = values[:, None] * axis
    else:
        frames[:, :3, :3] = about_axis(axis, values)
    return frames
