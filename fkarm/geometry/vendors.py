"""Orientations as robot controllers show them.

Each is one of the representations of `rotations`, under its maker's name and in its maker's
order. Angles are in rad here. Controllers of KUKA and Fanuc show degrees and millimetres:
`ForwardKinematics(..., angle_unit="deg", length_unit="mm")`.
"""

from __future__ import annotations

from fkarm._types import Tensor, TensorLike
from fkarm.geometry.rotations import (
    matrix_to_quat_wxyz,
    matrix_to_rpy,
    matrix_to_ypr,
    quat_wxyz_to_matrix,
    rpy_to_matrix,
    so3_exp,
    so3_log,
    ypr_to_matrix,
)


def matrix_to_kuka_abc(matrix: TensorLike) -> Tensor:
    """KUKA's A, B, C: turns about Z, then the new Y, then the new X, `Rz(A) Ry(B) Rx(C)`.

    Args:
        matrix: Rotation matrix. Shape `(..., 3, 3)`.
    Returns:
        A, B, C, rad. Shape `(..., 3)`.
    Raises:
        ValueError: If the last two axes are not 3 x 3.
    Gradient:
        As `matrix_to_rpy`.
    Reference:
        [KUKA], FRAME data type.
    """
    return matrix_to_ypr(matrix)


def kuka_abc_to_matrix(abc: TensorLike) -> Tensor:
    """Rotation matrix of KUKA's A, B, C, rad; the inverse of `matrix_to_kuka_abc`."""
    return ypr_to_matrix(abc)


def matrix_to_fanuc_wpr(matrix: TensorLike) -> Tensor:
    """Fanuc's W, P, R: turns about the fixed X, Y, Z axes in turn, `Rz(R) Ry(P) Rx(W)`.

    Args:
        matrix: Rotation matrix. Shape `(..., 3, 3)`.
    Returns:
        W, P, R, rad. Shape `(..., 3)`.
    Raises:
        ValueError: If the last two axes are not 3 x 3.
    Gradient:
        As `matrix_to_rpy`.
    Reference:
        [Fanuc], Cartesian coordinate frames.
    """
    return matrix_to_rpy(matrix)


def fanuc_wpr_to_matrix(wpr: TensorLike) -> Tensor:
    """Rotation matrix of Fanuc's W, P, R, rad; the inverse of `matrix_to_fanuc_wpr`."""
    return rpy_to_matrix(wpr)


def matrix_to_ur_rotvec(matrix: TensorLike) -> Tensor:
    """Universal Robots' RX, RY, RZ: the rotation vector of length at most pi.

    Args:
        matrix: Rotation matrix. Shape `(..., 3, 3)`.
    Returns:
        RX, RY, RZ, rad. Shape `(..., 3)`.
    Raises:
        ValueError: If the last two axes are not 3 x 3.
    Gradient:
        As `so3_log`.
    Reference:
        [UR], pose type.
    """
    return so3_log(matrix)


def ur_rotvec_to_matrix(rotvec: TensorLike) -> Tensor:
    """Rotation matrix of Universal Robots' RX, RY, RZ; the inverse of `matrix_to_ur_rotvec`."""
    return so3_exp(rotvec)


def matrix_to_abb_quat(matrix: TensorLike) -> Tensor:
    """ABB's q1, q2, q3, q4: the unit quaternion, scalar first and not negative.

    Args:
        matrix: Rotation matrix. Shape `(..., 3, 3)`.
    Returns:
        q1 to q4. Shape `(..., 4)`.
    Raises:
        ValueError: If the last two axes are not 3 x 3.
    Gradient:
        As `matrix_to_quat_wxyz`.
    Reference:
        [ABB], data type orient.
    """
    return matrix_to_quat_wxyz(matrix)


def abb_quat_to_matrix(quat: TensorLike) -> Tensor:
    """Rotation matrix of ABB's q1 to q4; the inverse of `matrix_to_abb_quat`."""
    return quat_wxyz_to_matrix(quat)
