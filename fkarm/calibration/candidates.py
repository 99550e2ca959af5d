"""Candidates of a suggestion: what is measured at them, and how they come to where it can be."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

from fkarm._checks import check_real
from fkarm.calibration.measurements import (
    AnyMeasurement,
    Distance,
    Orientation,
    Plane,
    Pose,
    Position,
    SamePoint,
    SensorPoints,
)
from fkarm.calibration.rigid import Array
from fkarm.ik import solve_ik
from fkarm.model import Robot

KINDS = ("position", "pose", "orientation", "sensor_points", "same_point", "plane")
TOUCHING = ("same_point", "plane")
_STEPS = 30  # of a search for a configuration that touches


@dataclass(frozen=True)
class Setup:
    """How a robot will be measured.

    Args:
        robot: The nominal robot.
        link: Name of the link that carries the tool.
        kind: One of `KINDS`.
        sigmas: Standard deviations of a coordinate, m, and about an axis, rad.
        places: The points that stay, or one point of the plane, m. Shape `(places, 3)`. Else empty.
        normal: Of the plane. Shape `(3,)`.
    """

    robot: Robot
    link: str
    kind: str
    sigmas: tuple[float, float]
    places: Array
    normal: Array

    @property
    def groups(self) -> int:
        """In how many places the same is measured."""
        return max(len(self.places), 1)

    def measured(self, q: Array, group: int = 0) -> Any:
        """The measurement of one place at configurations; its values do not matter."""
        name, eye = f"place {group}", np.tile(np.eye(4), (len(q), 1, 1))
        if self.kind == "pose":
            return Pose(name, q, eye, sigma=self.sigmas)
        if self.kind == "orientation":
            return Orientation(name, q, eye[:, :3, :3], sigma=self.sigmas[1])
        if self.kind in TOUCHING:
            touches = SamePoint if self.kind == "same_point" else Plane
            return touches(name, q, sigma=self.sigmas[0])
        what = SensorPoints if self.kind == "sensor_points" else Position
        return what(name, q, np.zeros((len(q), 3)), sigma=self.sigmas[0])

    def distances(self) -> list[AnyMeasurement]:
        """The known distances between places."""
        return [
            Distance(f"place {i}", f"place {j}", float(np.linalg.norm(first - second)))
            for (i, first), (j, second) in itertools.combinations(enumerate(self.places), 2)
        ]

    def brought(self, q: Array, group: int = 0) -> Array:
        """Configurations near `q` that touch the point or plane; those that reach it."""
        if self.kind not in TOUCHING or not len(q):
            return q
        targets = np.tile(np.eye(4), (len(q), 1, 1))
        targets[:, :3, :3] = _with_axis(self.normal)
        targets[:, :3, 3] = self.places[group]
        found = solve_ik(
            self.robot, targets, self.link, q_init=q, starts=1, max_steps=_STEPS, frame="target",
            task="position" if self.kind == "same_point" else ["z"], method="numeric",
        )  # fmt: skip
        return np.asarray(found.q)[np.asarray(found.converged)]


def read_places(kind: str, at: Any, normal: Any) -> tuple[Array, Array]:
    """Checked places `(places, 3)` and a unit normal `(3,)`.

    Raises:
        ValueError: If a place is missing, is not asked for, or is not of three finite numbers.
    """
    up = np.array([0.0, 0.0, 1.0])
    for name, value, kinds in (("at", at, TOUCHING), ("normal", normal, ("plane",))):
        if value is not None and kind not in kinds:
            raise ValueError(
                f"{name} is for measurement={' and '.join(map(repr, kinds))}. Received: "
                f"{name}={value!r} with measurement={kind!r}."
            )
    if kind not in TOUCHING:
        return np.zeros((0, 3)), up
    if at is None:
        raise ValueError(
            f"measurement={kind!r} needs at=: where the tool touches, m, in the root link's frame. "
            "Received: None."
        )
    shapes = [(1, 3)] if kind == "plane" else None
    places = _numbers("at", at, "(3,)" if kind == "plane" else "(3,) or (places, 3)", shapes)
    direction = up if normal is None else _numbers("normal", normal, "(3,)", [(1, 3)])[0]
    if len(np.unique(places, axis=0)) < len(places):
        raise ValueError(f"at must hold different places. Received: {at!r}.")
    length = float(np.linalg.norm(direction))
    if length == 0.0:
        raise ValueError(f"normal must have a direction. Received: {normal!r}.")
    return places, direction / length


def _numbers(name: str, value: Any, words: str, shapes: list[tuple[int, int]] | None) -> Array:
    """Rows of three finite numbers."""
    array = np.asarray(value)
    check_real(name, array.dtype, value)
    rows = np.atleast_2d(array).astype(float)
    is_shape = rows.ndim == 2 and rows.shape[1] == 3 and len(rows) > 0
    if not is_shape or (shapes and rows.shape not in shapes) or not np.isfinite(rows).all():
        raise ValueError(f"{name} must hold finite numbers of shape {words}. Received: {value!r}.")
    return rows


def _with_axis(direction: Array) -> Array:
    """A rotation whose third axis is a unit vector."""
    across = np.linalg.svd(direction[None])[2][1]
    return np.stack([across, np.cross(direction, across), direction], axis=1)
