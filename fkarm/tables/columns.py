"""The columns of configurations and of poses: their names, units and meaning."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from fkarm._checks import check_choice
from fkarm._units import ANGLE_UNITS, LENGTH_UNITS
from fkarm.errors import TableError, unknown_name
from fkarm.geometry import matrix_to_pose, pose_to_matrix
from fkarm.geometry.native import to_numpy
from fkarm.geometry.representations import has_angles, scaled_pose
from fkarm.ik.targets import ROTATION_TOLERANCE, rotation_error
from fkarm.model import Joint, Robot

_MATRIX = tuple(f"T{i}{j}" for i in range(4) for j in range(4))
_ORIENTATIONS = {
    "xyz_quat_wxyz": ("qw", "qx", "qy", "qz"),
    "xyz_quat_xyzw": ("qx", "qy", "qz", "qw"),
    "xyz_rotvec": ("rx", "ry", "rz"),
    "xyz_rpy": ("roll", "pitch", "yaw"),
    "xyz_ypr": ("yaw", "pitch", "roll"),
}
# A matrix is written without its last row, which is 0, 0, 0, 1.
POSE_COLUMNS = {
    **{name: ("x", "y", "z", *columns) for name, columns in _ORIENTATIONS.items()},
    "matrix": _MATRIX[:12],
    "position": ("x", "y", "z"),
}
_EXPECTED = (
    "x y z with qw qx qy qz, with rx ry rz (a rotation vector) or with roll pitch yaw, or the "
    "matrix T00 T01 T02 T03 T10 ... T23"
)


def joint_columns(robot: Robot) -> tuple[str, ...]:
    """The column of each entry of `q`: the joint's name, with `[0]`, `[1]`, ... if it has several.

    Example:
        >>> joint_columns(fkarm.robots.planar([1.0, 0.5]))
        ('joint_1', 'joint_2')
    """
    return tuple(name for joint in robot.independent_joints for name in _columns(joint))


def moving_columns(robot: Robot, link: str) -> tuple[str, ...]:
    """Those of `joint_columns` that move a link."""
    on_path = [joint.name for joint in robot.path_to(link) if not joint.is_fixed]
    indices = {robot.coordinates[name].index for name in on_path}
    return tuple(
        name
        for joint in robot.independent_joints
        if robot.coordinates[joint.name].index in indices
        for name in _columns(joint)
    )


def configuration_columns(label: str, robot: Robot, shape: tuple[int, ...]) -> tuple[str, ...]:
    """The columns of an array of configurations whose rows have a shape, or TableError."""
    columns = joint_columns(robot)
    if shape != (len(columns),):
        raise TableError(
            f"{label} must hold rows of {len(columns)} numbers in the order of joint_names. "
            f"Received: rows of shape {shape}."
        )
    return columns


def check_columns(label: str, wanted: Sequence[str], names: Sequence[str]) -> None:
    """Raise TableError unless all wanted columns are among the names of a table."""
    missing = [name for name in wanted if name not in names]
    if missing:
        raise TableError(
            f"{label} must have the columns {' '.join(wanted)}. "
            f"{unknown_name('Columns', missing[0], names)}"
        )


def find_pose(
    label: str, names: Sequence[str], representation: str | None, is_position: bool = False
) -> tuple[str, tuple[str, ...]]:
    """How the poses of a table are written.

    Args:
        label: What errors call the table.
        names: The names of its columns.
        representation: One of `POSE_COLUMNS`; None: that whose columns the table has.
        is_position: Whether a pose may have no orientation.
    Returns:
        The representation, and the columns to read. A matrix is read with its last row, if the
        table has that.
    Raises:
        TableError: If columns are missing, or those of several representations are there.
        ValueError: If there is no such representation.
    """
    if representation is None:
        representation = _found(label, names, is_position)
    check_choice("representation", representation, POSE_COLUMNS)
    if representation == "position" and not is_position:
        raise TableError(
            f"{label} must hold whole poses. Received: representation='position'. "
            "task='position' leaves the orientation free."
        )
    columns = POSE_COLUMNS[representation]
    check_columns(label, columns, names)
    if representation == "matrix" and set(_MATRIX) <= set(names):
        columns = _MATRIX
    return representation, columns


def columns_of_shape(label: str, shape: tuple[int, ...], representation: str | None) -> list[str]:
    """The columns of an array of poses whose rows have a shape.

    Raises:
        TableError: If the shape does not tell what the numbers are.
        ValueError: If there is no such representation.
    """
    if shape in ((3, 4), (4, 4)):
        representation = representation or "matrix"
    if representation is not None:
        check_choice("representation", representation, POSE_COLUMNS)
        columns = list(POSE_COLUMNS[representation])
        if representation == "matrix" and shape in ((16,), (4, 4)):
            columns = list(_MATRIX)
        if shape in ((len(columns),), (len(columns) // 4, 4)):
            return columns
        asked = f"rows of {len(columns)} numbers for representation={representation!r}"
    else:
        asked = "rows of shape (3, 4) or (4, 4), or representation= must say what the numbers are"
    raise TableError(f"{label} must have {asked}. Received: rows of shape {shape}.")


def to_matrices(
    numbers: np.ndarray, representation: str, angle_unit: str, length_unit: str
) -> tuple[np.ndarray, np.ndarray]:
    """Pose matrices of the columns that `find_pose` names.

    Args:
        numbers: The columns. Shape `(n, columns)`, float64.
        representation: One of `POSE_COLUMNS`.
        angle_unit: Unit of angles and rotation vectors.
        length_unit: Unit of positions.
    Returns:
        Matrices `(n, 4, 4)`, m, and whether they are poses `(n,)`: quaternions of length one and
        rotation matrices within `ROTATION_TOLERANCE`. Those that are not finite are no poses.
    """
    is_pose = np.isfinite(numbers).all(axis=1)
    numbers = np.where(is_pose[:, None], numbers, 0.0)
    if representation == "position":
        matrices = np.broadcast_to(np.eye(4), (len(numbers), 4, 4)).copy()
        matrices[:, :3, 3] = numbers * LENGTH_UNITS[length_unit]
        return matrices, is_pose
    if representation == "matrix":
        last = np.broadcast_to([0.0, 0.0, 0.0, 1.0], (len(numbers), 4))
        given = numbers[:, 12:] if numbers.shape[1] == 16 else last
        is_pose &= np.abs(given - last).max(axis=1, initial=0) <= ROTATION_TOLERANCE
        numbers = np.concatenate([numbers[:, :12], last], axis=1).reshape(-1, 4, 4)
        is_pose &= rotation_error(numbers[:, :3, :3]) <= ROTATION_TOLERANCE
    elif not has_angles(representation):
        length = np.linalg.norm(numbers[:, 3:], axis=1)
        is_pose &= np.abs(length - 1.0) <= ROTATION_TOLERANCE
    scales = ANGLE_UNITS[angle_unit], LENGTH_UNITS[length_unit]
    scaled = scaled_pose(numbers, representation, *scales)
    return to_numpy(pose_to_matrix(scaled, representation)), is_pose


def from_matrices(
    matrices: np.ndarray, representation: str, angle_unit: str, length_unit: str
) -> np.ndarray:
    """The columns of pose matrices `(n, 4, 4)`, m. Shape `(n, len(POSE_COLUMNS[...]))`."""
    scales = 1.0 / ANGLE_UNITS[angle_unit], 1.0 / LENGTH_UNITS[length_unit]
    poses = to_numpy(matrix_to_pose(matrices, representation, *scales))
    return poses.reshape(len(poses), math.prod(poses.shape[1:]))[
        :, : len(POSE_COLUMNS[representation])
    ]


def _columns(joint: Joint) -> tuple[str, ...]:
    count = len(joint.entries)
    return (joint.name,) if count == 1 else tuple(f"{joint.name}[{k}]" for k in range(count))


def _found(label: str, names: Sequence[str], is_position: bool) -> str:
    """The representation whose columns are among the names."""
    found = {
        frozenset(columns): name
        for name, columns in reversed(POSE_COLUMNS.items())
        if set(columns) <= set(names) and name != "position"
    }
    if len(found) > 1:
        raise TableError(
            f"{label} must hold one pose per row. Received: the columns of "
            f"{' and of '.join(sorted(found.values()))}. Choose one by representation=."
        )
    if found:
        return next(iter(found.values()))
    if is_position and set("xyz") <= set(names):
        return "position"
    raise TableError(
        f"{label} must have the columns {_EXPECTED}. Received: {' '.join(names) or 'none'}."
        + (" task='position' leaves the orientation free." if set("xyz") <= set(names) else "")
    )
