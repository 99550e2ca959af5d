"""Rigid transforms of a description: NumPy, float64, exact where the numbers are.

Sines and cosines of multiples of 90 degrees come out as exact 0 and +-1, so that products
of such frames stay exact and the engine can drop the terms.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fkarm.errors import RobotError

Matrix = NDArray[np.float64]

_SNAP = 4 * np.finfo(np.float64).eps
# A matrix that is farther from orthonormal than this is no rounded rotation.
_ROUNDED = 0.05


def snap(matrix: ArrayLike) -> Matrix:
    """Entries within 4 ulp of 0, 1 or -1, made exactly so."""
    matrix = np.array(matrix, dtype=np.float64)
    for exact in (0.0, 1.0, -1.0):
        matrix[np.abs(matrix - exact) <= _SNAP] = exact
    return matrix


def read_only(matrix: Matrix) -> Matrix:
    """The same array, made read-only."""
    matrix.flags.writeable = False
    return matrix


def invert(frame: Matrix) -> Matrix:
    """Inverse of a rigid transform, by its transpose. Shape `(4, 4)`."""
    inverse = np.eye(4)
    inverse[:3, :3] = frame[:3, :3].T
    inverse[:3, 3] = -frame[:3, :3].T @ frame[:3, 3]
    return inverse


def nearest_rotation(matrix: ArrayLike) -> Matrix:
    """The rotations nearest to matrices in the Frobenius norm. Shape `(..., 3, 3)`."""
    u, _, vt = np.linalg.svd(np.asarray(matrix, dtype=np.float64))
    u[..., 2] *= np.sign(np.linalg.det(u @ vt))[..., None]
    return np.asarray(u @ vt)


def finite_vector(name: str, value: ArrayLike, size: int) -> tuple[float, ...]:
    """`value` as a tuple of `size` finite floats, or RobotError."""
    try:
        vector = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        vector = np.empty(0)
    if vector.shape != (size,) or not np.isfinite(vector).all():
        wanted = "a finite number" if size == 1 else f"{size} finite numbers"
        hint = _numbers_of_matrix(vector) if size == 3 else ""
        raise RobotError(f"{name} must be {wanted}. Received: {value!r}.{hint}")
    return tuple(float(x) for x in vector)


def rotation_from_rpy(rpy: ArrayLike) -> Matrix:
    """`Rz(yaw) Ry(pitch) Rx(roll)`, snapped. Shapes `(3,)` to `(3, 3)`."""
    roll, pitch, yaw = np.asarray(rpy, dtype=np.float64)
    return snap(rotation_about("z", yaw) @ rotation_about("y", pitch) @ rotation_about("x", roll))


def rotation_from_quat_wxyz(quat_wxyz: ArrayLike) -> Matrix:
    """Rotation of a quaternion of any length but zero. Shapes `(4,)` to `(3, 3)`."""
    quat = np.asarray(quat_wxyz, dtype=np.float64)
    length = np.linalg.norm(quat)
    if length == 0:
        raise RobotError("A quaternion must not be zero. Received: (0, 0, 0, 0).")
    w, x, y, z = quat / length
    skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return snap(np.eye(3) + 2 * w * skew + 2 * skew @ skew)


def rotation_about(axis: str, angle: float) -> Matrix:
    """Rotation about a coordinate axis, snapped. Shape `(3, 3)`."""
    c, s = np.cos(angle), np.sin(angle)
    first, second = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = c
    matrix[second, first], matrix[first, second] = s, -s
    return snap(matrix)


def rpy_from_rotation(rotation: Matrix) -> tuple[float, float, float]:
    """Roll, pitch, yaw that give a rotation matrix back; yaw is zero at the poles."""
    cos_pitch = np.hypot(rotation[0, 0], rotation[1, 0])
    pitch = np.arctan2(-rotation[2, 0], cos_pitch)
    yaw = np.arctan2(rotation[1, 0], rotation[0, 0]) if cos_pitch > 1e-9 else 0.0
    # Without yaw the matrix is Ry(pitch) Rx(roll), whose second row does not depend on pitch.
    unturned = rotation_about("z", -yaw) @ rotation
    roll = np.arctan2(-unturned[1, 2], unturned[1, 1])
    return float(roll), float(pitch), float(yaw)


def placement(frame: Matrix) -> dict[str, Any]:
    """The `xyz` and `rpy` of a joint at a transform."""
    return {"xyz": frame[:3, 3], "rpy": rpy_from_rotation(frame[:3, :3])}


def make_frame(xyz: ArrayLike, rpy: ArrayLike = (0.0, 0.0, 0.0)) -> Matrix:
    """Transform at position `xyz` with orientation `rpy`. Shape `(4, 4)`."""
    frame = np.eye(4)
    frame[:3, :3] = rotation_from_rpy(rpy)
    frame[:3, 3] = np.asarray(xyz, dtype=np.float64)
    return frame


def rotation_to_axis(axis: ArrayLike) -> Matrix:
    """A rotation whose third column is the unit vector `axis`. Shapes `(3,)` to `(3, 3)`.

    For a coordinate axis it is a signed permutation.
    """
    z = np.asarray(axis, dtype=np.float64)
    # The coordinate axis after the largest component is far from `z`; cyclic order makes
    # the result the identity for z and a pure permutation for x and y.
    helper = np.roll(np.eye(3)[int(np.argmax(np.abs(z)))], 1)
    x = helper - (helper @ z) * z
    x /= np.linalg.norm(x)
    return snap(np.stack([x, np.cross(z, x), z], axis=1))


def frame_from(
    value: Any, name: str, angle_scale: float = 1.0, length_scale: float = 1.0
) -> Matrix:
    """A constant transform as users give it.

    Args:
        value: None (identity), `{"xyz": ..., "rpy": ...}` (either may be missing), a position
            of shape `(3,)`, a pair `(xyz, rpy)` or a transform of shape `(4, 4)`.
        name: Name of the argument, for the error.
        angle_scale: Radians in the unit of `rpy`.
        length_scale: Metres in the unit of positions, those of a `(4, 4)` too.
    Returns:
        Transform, m. Shape `(4, 4)`.
    Raises:
        RobotError: If `value` is none of these, not finite, or not a rigid transform.
    """
    if value is None:
        return np.eye(4)
    is_pair = isinstance(value, (tuple, list)) and len(value) == 2
    if is_pair and all(hasattr(vector, "__len__") for vector in value):
        value = {"xyz": value[0], "rpy": value[1]}
    if isinstance(value, Mapping):
        unknown = set(value) - {"xyz", "rpy"}
        if unknown:
            raise RobotError(f"{name} takes the keys 'xyz' and 'rpy'. Received: {sorted(value)}.")
        xyz = finite_vector(f"xyz of {name}", value.get("xyz", (0, 0, 0)), 3)
        rpy = finite_vector(f"rpy of {name}", value.get("rpy", (0, 0, 0)), 3)
        value = (xyz, rpy)
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.shape == (3,):
        array = np.stack([array, np.zeros(3)])
    if array.shape == (2, 3) and np.isfinite(array).all():
        return make_frame(array[0] * length_scale, array[1] * angle_scale)
    if array.shape == (4, 4) and np.isfinite(array).all():
        _check_rigid(name, array)
        array[:3, 3] *= length_scale
        return snap(array)
    raise RobotError(
        f"{name} must be a position (3,), a pair (xyz, rpy), a dict with 'xyz' and 'rpy', or a "
        f"rigid 4 x 4 transform. Received: {value!r}.{_numbers_of_matrix(array)}"
    )


def _check_rigid(name: str, matrix: Matrix) -> None:
    if not np.array_equal(matrix[3], [0, 0, 0, 1]):
        raise RobotError(
            f"The last row of {name} must be 0, 0, 0, 1. Received: {matrix[3]}. Is it transposed?"
        )
    rotation = matrix[:3, :3]
    off, is_rotation = _departure(rotation)
    if is_rotation:
        return
    hint = "It scales, shears or mirrors."
    if off < _ROUNDED:
        hint = (
            "Is it rounded? A rotation next to it is "
            "fkarm.geometry.rot6d_to_matrix(fkarm.geometry.matrix_to_rot6d(R))."
        )
    raise RobotError(
        f"The rotation R of {name} must be orthonormal, R^T R = I and det R = 1, within 1e-06. "
        f"Received: {rotation.tolist()}, off by {off:.2g}. {hint}"
    )


def _departure(rotation: Matrix) -> tuple[float, bool]:
    """How far a matrix is from a rotation, and whether it counts as one."""
    gram, determinant = rotation.T @ rotation, float(np.linalg.det(rotation))
    off = max(float(np.abs(gram - np.eye(3)).max()), abs(determinant - 1.0))
    return off, bool(np.allclose(gram, np.eye(3), atol=1e-6) and determinant > 0)


def _numbers_of_matrix(matrix: Matrix) -> str:
    """The hint for a matrix that is given where positions or angles are wanted."""
    if matrix.shape not in ((3, 3), (4, 4)) or not np.isfinite(matrix).all():
        return ""
    off, is_rotation = _departure(matrix[:3, :3])
    distance = "" if is_rotation else f"; R is off orthonormal by {off:.2g}"
    if matrix.shape == (3, 3):
        return f" The angles of a matrix R: rpy=fkarm.geometry.matrix_to_rpy(R){distance}."
    return (
        " The numbers of a transform T: xyz=T[:3, 3] and, with R = T[:3, :3], "
        f"rpy=fkarm.geometry.matrix_to_rpy(R){distance}."
    )
