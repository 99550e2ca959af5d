"""Measurements in CSV files: a file is one measurement, its name the measurement's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fkarm.calibration.measurements import (
    AnyMeasurement,
    Pose,
    Position,
    SamePoint,
    SensorPoints,
)
from fkarm.calibration.rigid import Array
from fkarm.errors import CalibrationError
from fkarm.model import Robot
from fkarm.model.frames import rotation_from_quat_wxyz

_KINDS = {0: "configurations of one point", 3: "x,y,z", 7: "x,y,z,qw,qx,qy,qz"}
_MEASURED = ("x", "y", "z", "qw", "qx", "qy", "qz")


def read_tables(
    robot: Robot,
    paths: Sequence[Path],
    sensor: str | None = None,
    sigma: float | None = None,
    degrees: bool = False,
) -> list[AnyMeasurement]:
    """The measurements in CSV files.

    The first columns are the entries of `q`. No more: a `SamePoint`. Three more, `x,y,z`: positions
    in the root link's frame, or in that of `sensor`. Seven more, `x,y,z,qw,qx,qy,qz`: poses. A
    first line without numbers may name the columns; names of joints and of these numbers must then
    be where they belong. Lengths are in m. The path, as it was given, names the measurement.

    Args:
        robot: The robot.
        paths: The files.
        sensor: Name of the sensor in whose frame positions and poses are; None: the root link.
        sigma: Standard deviation of a measured coordinate, m; None: estimated.
        degrees: Whether joint angles are in degrees.
    Raises:
        CalibrationError: If a file is missing, holds no table of numbers, has another number or
            order of columns, or a quaternion of zeros.
    """
    return [_measurement(robot, path, sensor, sigma, degrees) for path in paths]


def _measurement(
    robot: Robot, path: Path, sensor: str | None, sigma: float | None, degrees: bool
) -> AnyMeasurement:
    (header, table), name = _read(path), str(path)
    more = table.shape[1] - robot.dof
    if more not in _KINDS:
        kinds = ", ".join(f"{robot.dof + count} ({what})" for count, what in _KINDS.items())
        raise CalibrationError(
            f"{name} must have, for the {robot.dof} entries of q of {robot.name!r}, one of these "
            f"numbers of columns: {kinds}. Received: {table.shape[1]} columns."
        )
    _check_header(robot, name, header)
    q, p = table[:, : robot.dof].copy(), table[:, robot.dof : robot.dof + 3]
    if degrees:
        angles = np.array(robot.entries) == "angle"
        q[:, angles] = np.radians(q[:, angles])
    if more == 0:
        return SamePoint(name, q, sigma=sigma)
    if more == 3 and sensor is not None:
        return SensorPoints(name, q, p, sigma=sigma, sensor=sensor)
    if more == 3:
        return Position(name, q, p, sigma=sigma)
    zeros = np.flatnonzero(~table[:, robot.dof + 3 :].any(axis=1))
    if zeros.size:
        raise CalibrationError(
            f"Quaternions of {name} must not be zero. Received: "
            f"zeros in rows {zeros[:10].tolist()}."
        )
    T = np.tile(np.eye(4), (len(q), 1, 1))
    T[:, :3, :3] = [rotation_from_quat_wxyz(quat) for quat in table[:, robot.dof + 3 :]]
    T[:, :3, 3] = p
    # One number cannot be the deviation of positions and of orientations: both are estimated.
    return Pose(name, q, T, sensor=sensor)


def _check_header(robot: Robot, name: str, header: list[str]) -> None:
    """Raise CalibrationError if a column that has a known name is not where it belongs."""
    places = {j.name: robot.coordinates[j.name].index for j in robot.independent_joints}
    places.update((each, robot.dof + k) for k, each in enumerate(_MEASURED))
    for column, each in enumerate(header):
        if places.get(each, column) != column:
            raise CalibrationError(
                f"{name} must have its columns in the order {','.join(robot.joint_names)}, then "
                f"{','.join(_MEASURED)} as far as measured. Received: {each!r} as column "
                f"{column + 1}, which must be column {places[each] + 1}."
            )


def _read(path: Path) -> tuple[list[str], Array]:
    """The names of the first line, if it has some, and the rows of numbers."""
    try:
        lines = [line for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise CalibrationError(f"{path} must be a CSV file. Received: {error}.") from error
    header: list[str] = []
    if lines and not any(map(_is_row, lines[0].split(","))):
        header, lines = [cell.strip().strip('"') for cell in lines[0].split(",")], lines[1:]
    widths = {line.count(",") for line in lines}
    bad = [number for number, line in enumerate(lines) if not _is_row(line)]
    if not lines or bad or len(widths) > 1:
        received = f"{lines[bad[0]]!r}" if bad else f"{len(lines)} rows of {len(widths)} lengths"
        raise CalibrationError(
            f"{path} must hold rows of equally many numbers, with commas. Received: {received}."
        )
    return header, np.array([[float(cell) for cell in line.split(",")] for line in lines])


def _is_row(line: str) -> bool:
    try:
        [float(cell) for cell in line.split(",")]
    except ValueError:
        return False
    return True
