"""What is measured: poses, points, points that stay, distances, planes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from fkarm._checks import check_last_axes, check_positive, check_real
from fkarm.calibration.rigid import Array
from fkarm.errors import unknown_name
from fkarm.kinematics.arguments import configuration_array
from fkarm.model import Robot
from fkarm.model.named import check_unnamed, joint_of_entry

_ROTATION_TOLERANCE = 1e-3
# Larger angles than this, outside the limits, are taken for degrees.
_SURELY_DEGREES = 4.0 * np.pi
_LIMIT_MARGIN = 1e-2  # rad or m


@dataclass(frozen=True)
class Measurement:
    """What all measurements at configurations share.

    Args:
        name: Name, unique in one fit.
        q: Configurations as the robot's controller reports them, rad or m. Shape `(n, dof)`.
    """

    name: str
    q: Any

    numbers: ClassVar[int] = 3  # per row
    value: ClassVar[str] = ""  # name of the measured array

    def __post_init__(self) -> None:
        _check_name(self.name)
        q = configuration_array(f"q of {self.name!r}", self.q)
        if q.ndim != 2 or len(q) < 1:
            raise ValueError(
                f"q of {self.name!r} must have shape (n, dof), a row per configuration. Received: "
                f"shape {q.shape}."
            )
        _check_finite(self.name, "q", q)
        object.__setattr__(self, "q", q)

    def __len__(self) -> int:
        return len(self.q)

    def _set(self, field: str, shape: tuple[int, ...]) -> None:
        """Check a measured array and keep it as float64."""
        given = getattr(self, field)
        check_unnamed(f"{field} of {self.name!r}", given)
        array = np.asarray(given)
        check_real(f"{field} of {self.name!r}", array.dtype, given)
        array = array.astype(float)
        check_last_axes(f"{field} of {self.name!r}", array.shape, (len(self.q), *shape))
        if array.ndim != 1 + len(shape):
            raise ValueError(
                f"{field} of {self.name!r} must have shape {(len(self.q), *shape)}. Received: "
                f"shape {array.shape}."
            )
        _check_finite(self.name, field, array)
        object.__setattr__(self, field, array)


@dataclass(frozen=True)
class Position(Measurement):
    """The tool's position, measured in the root link's frame or in that of a sensor.

    Args:
        name: Name, unique in one fit.
        q: Configurations, rad or m. Shape `(n, dof)`.
        p: Positions, m. Shape `(n, 3)`.
        sigma: Standard deviation of one coordinate, m; None: estimated from the residuals.
        sensor: Name of the frame of `p`, which is fitted along; None: the root link's frame.
        tool: Name of a further tool, which is fitted along; None: the robot's `point` or `tool`.
    """

    p: Any
    sigma: float | None = None
    sensor: str | None = None
    tool: str | None = None

    value: ClassVar[str] = "p"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("p", (3,))
        _check_options(self)


@dataclass(frozen=True)
class SensorPoints(Position):
    """Positions of the tool in a sensor's own frame, which is fitted along.

    Args:
        name: Name, unique in one fit.
        q: Configurations, rad or m. Shape `(n, dof)`.
        p: Positions in the sensor's frame, m. Shape `(n, 3)`.
        sigma: Standard deviation of one coordinate, m; None: estimated from the residuals.
        sensor: Name of the sensor: measurements of one sensor share its frame.
        tool: As in `Position`.
    """

    sensor: str | None = "sensor"


@dataclass(frozen=True)
class Orientation(Measurement):
    """The tool's orientation.

    Args:
        name: Name, unique in one fit.
        q: Configurations, rad or m. Shape `(n, dof)`.
        R: Rotation matrices. Shape `(n, 3, 3)`.
        sigma: Standard deviation about one axis, rad; None: estimated from the residuals.
        sensor: As in `Position`.
        tool: As in `Position`.
    """

    R: Any
    sigma: float | None = None
    sensor: str | None = None
    tool: str | None = None

    value: ClassVar[str] = "R"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("R", (3, 3))
        _check_rotations(self.name, "R", self.R)
        _check_options(self)


@dataclass(frozen=True)
class Pose(Measurement):
    """The tool's pose.

    Args:
        name: Name, unique in one fit.
        q: Configurations, rad or m. Shape `(n, dof)`.
        T: Poses, m. Shape `(n, 4, 4)`.
        sigma: Standard deviations of one coordinate, m, and about one axis, rad; None: both are
            estimated from the residuals.
        sensor: As in `Position`.
        tool: As in `Position`.
    """

    T: Any
    sigma: tuple[float, float] | None = None
    sensor: str | None = None
    tool: str | None = None

    numbers: ClassVar[int] = 6
    value: ClassVar[str] = "T"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("T", (4, 4))
        _check_rotations(self.name, "T", self.T[:, :3, :3])
        if self.sigma is not None and np.shape(self.sigma) != (2,):
            raise ValueError(
                f"sigma of {self.name!r} must be a pair, of positions (m) and of orientations "
                f"(rad). Received: {self.sigma!r}."
            )
        _check_options(self, numbers=2)


@dataclass(frozen=True)
class SamePoint(Measurement):
    """Configurations in which the tool was at one point that nobody measured.

    Args:
        name: Name, unique in one fit; `Distance` refers to it.
        q: Configurations, rad or m; at least two. Shape `(n, dof)`.
        sigma: Standard deviation of one coordinate, m; None: estimated from the residuals.
        tool: As in `Position`.
    """

    sigma: float | None = None
    tool: str | None = None

    sensor: ClassVar[str | None] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_options(self)
        if len(self.q) < 2:
            raise ValueError(
                f"SamePoint {self.name!r} must have two configurations or more: one alone fits any "
                "point. Received: one row."
            )


@dataclass(frozen=True)
class Plane(Measurement):
    """Configurations in which the tool touched one plane that nobody measured.

    Args:
        name: Name, unique in one fit.
        q: Configurations, rad or m; at least four. Shape `(n, dof)`.
        sigma: Standard deviation of the height, m; None: estimated from the residuals.
        tool: As in `Position`.
    """

    sigma: float | None = None
    tool: str | None = None

    numbers: ClassVar[int] = 1
    sensor: ClassVar[str | None] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_options(self)
        if len(self.q) < 4:
            raise ValueError(
                f"Plane {self.name!r} must have four configurations or more: three fit any plane. "
                f"Received: {len(self.q)}."
            )


@dataclass(frozen=True)
class Distance:
    """The distance of the points of two `SamePoint`, known beforehand.

    Args:
        first: Name of a `SamePoint`.
        second: Name of another.
        distance: Their distance, m.
        sigma: Standard deviation, m; what it is for holes in a printed or milled plate by default.
    """

    first: str
    second: str
    distance: float
    sigma: float = 5e-5

    def __post_init__(self) -> None:
        _check_name(self.first)
        _check_name(self.second)
        _check_numbers(f"distance of {self.name!r}", self.distance)
        _check_numbers(f"sigma of {self.name!r}", self.sigma)

    @property
    def name(self) -> str:
        """`"first to second"`."""
        return f"{self.first} to {self.second}"


AnyMeasurement = Measurement | Distance


def check_measurements(
    robot: Robot, measurements: Any, limits: bool = True
) -> tuple[AnyMeasurement, ...]:
    """Measurements as a tuple, checked against each other and the robot.

    Raises:
        TypeError: If an entry is no measurement.
        ValueError: If there is none, a name is repeated or unknown, configurations do not fit the
            robot, look like degrees, or are outside its limits (if `limits`).
    """
    found = tuple(measurements) if isinstance(measurements, (list, tuple)) else (measurements,)
    for each in found:
        if not isinstance(each, (Measurement, Distance)):
            raise TypeError(
                "measurements must be a list of fkarm.calibration.Pose, Position, Orientation, "
                f"SensorPoints, SamePoint, Distance or Plane. Received: {each!r}."
            )
    rows = [each for each in found if isinstance(each, Measurement)]
    if not rows:
        raise ValueError(
            "measurements must hold at least one with configurations, such as Position. Received: "
            f"{[type(each).__name__ for each in found]}."
        )
    names = [each.name for each in found]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"Names of measurements must be unique. Received: {name!r} twice.")
    points = [each.name for each in rows if isinstance(each, SamePoint)]
    for each in found:
        if isinstance(each, Distance):
            for name in (each.first, each.second):
                if name not in points:
                    raise ValueError(
                        unknown_name("A Distance is between SamePoints; it", name, points)
                    )
            if each.first == each.second:
                raise ValueError(f"A Distance must have two ends. Received: {each.first!r} twice.")
    for each in rows:
        _check_configurations(robot, each, limits)
    if len(np.unique(np.concatenate([each.q for each in rows]), axis=0)) < 2:
        raise ValueError(
            "Measurements must be at different configurations. Received: one configuration in all "
            "rows, which tells nothing about the joints."
        )
    return found


def _check_configurations(robot: Robot, measurement: Measurement, limits: bool) -> None:
    q, name = measurement.q, measurement.name
    if q.shape[1] != robot.dof:
        names = ", ".join(robot.joint_names[:12])
        raise ValueError(
            f"q of {name!r} must have {robot.dof} columns, one for each of: {names}. Received: "
            f"{q.shape[1]}."
        )
    angles = np.array(robot.entries) == "angle"
    beyond = np.maximum(robot.lower_limits - q, q - robot.upper_limits)
    worst = np.unravel_index(np.argmax(beyond), q.shape)
    is_outside = beyond[worst] > _LIMIT_MARGIN
    if angles.any() and np.abs(q[:, angles]).max() > _SURELY_DEGREES:
        raise ValueError(
            f"q of {name!r} must be in radians. Received: angles up to "
            f"{np.abs(q[:, angles]).max():.4g}, which look like degrees. Try numpy.radians(q)."
        )
    if limits and is_outside:
        owner = joint_of_entry(robot, int(worst[1])).name
        raise ValueError(
            f"q of {name!r} must be within the robot's limits. Received: {q[worst]:.6g} for "
            f"{owner!r} in row {worst[0]}, beyond its limit by {beyond[worst]:.4g}. Are the "
            "columns in the order of robot.joint_names, in radians and metres? If the limits are "
            "wrong, pass limits=False."
        )


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not name:
        raise TypeError(f"A measurement's name must be a non-empty string. Received: {name!r}.")


def _check_numbers(name: str, value: Any, count: int = 1) -> None:
    check_positive(name, value)
    if np.size(value) != count:
        raise ValueError(f"{name} must be one number. Received: {value!r}.")


def _check_options(measurement: Any, numbers: int = 1) -> None:
    if measurement.sigma is not None:
        _check_numbers(f"sigma of {measurement.name!r}", measurement.sigma, numbers)
    for kind in ("sensor", "tool"):
        name = getattr(measurement, kind)
        if name is not None and (not isinstance(name, str) or not name):
            raise TypeError(
                f"{kind} of {measurement.name!r} must be a name, or None. Received: {name!r}."
            )


def _check_finite(name: str, field: str, array: Array) -> None:
    rows = np.flatnonzero(~np.isfinite(array).reshape((len(array), -1)).all(axis=1))
    if rows.size:
        raise ValueError(
            f"{field} of {name!r} must be finite. Received: a number that is not in rows "
            f"{rows[:10].tolist()}. Leave these rows out of all arrays of the measurement."
        )


def _check_rotations(name: str, field: str, rotation: Array) -> None:
    gram = np.einsum("nki,nkj->nij", rotation, rotation)
    error = np.abs(gram - np.eye(3)).max(axis=(1, 2))
    error = np.where(np.linalg.det(rotation) < 0, 2.0, error)
    if error.max() > _ROTATION_TOLERANCE:
        raise ValueError(
            f"{field} of {name!r} must hold rotations, R^T R = I and det R = 1. Received: row "
            f"{int(error.argmax())}, off by {error.max():.3g}."
        )
