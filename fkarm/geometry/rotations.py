"""SO(3): rotation matrices and the other ways to write a rotation.

Matrices act on column vectors, angles are in rad, quaternions are Hamilton's, with their
order in the name. `rpy` turns about fixed axes, `R = Rz(yaw) Ry(pitch) Rx(roll)`, as in
URDF; `ypr` lists the same three angles in reverse. Any number of batch axes leads.
"""

from __future__ import annotations

from keras import ops

from fkarm._types import Tensor, TensorLike
from fkarm.geometry.dense import checked_tensor, cross, in_one_type, stack_rows
from fkarm.geometry.native import arctan2, cos, sin
from fkarm.geometry.safe import (
    SMALL_ANGLE_SQ,
    is_at_pole,
    normalised,
    power_series,
    safe_atan2,
    safe_norm,
    safe_sqrt,
    wrap_angle,
)

# cos(pitch)**2 under which roll and yaw share one degree of freedom (0.01 rad to the pole).
_GIMBAL_SQ = 1e-4


def hat(w: TensorLike) -> Tensor:
    """Skew-symmetric matrix of a vector, `hat(w) @ x = cross(w, x)`.

    Args:
        w: Vector. Shape `(..., 3)`.
    Returns:
        Matrix. Shape `(..., 3, 3)`.
    """
    x, y, z = ops.unstack(checked_tensor("w", w, (3,)), 3, axis=-1)
    o = ops.zeros_like(x)
    return stack_rows([(o, -z, y), (z, o, -x), (-y, x, o)])


def vee(m: TensorLike) -> Tensor:
    """Vector of the skew-symmetric part of a matrix; `vee(hat(w)) = w`.

    Args:
        m: Matrix. Shape `(..., 3, 3)`.
    Returns:
        Vector. Shape `(..., 3)`.
    """
    m = checked_tensor("m", m, (3, 3))
    skew = [m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]]
    return 0.5 * ops.stack(skew, axis=-1)


def exponential_coefficients(angle_sq: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """`sin(t)/t`, `(1 - cos(t))/t**2` and `(t - sin(t))/t**3` for `t = sqrt(angle_sq)`.

    Gradient:
        Finite everywhere: a series takes over near zero.
    """
    is_small = angle_sq < SMALL_ANGLE_SQ
    large = ops.where(is_small, 1.0, angle_sq)
    t = ops.sqrt(large)
    sinc = sin(t) / t
    # 1 - cos(t) loses digits for small t; 2 sin(t/2)**2 is the same and does not.
    half_sinc = sin(0.5 * t) / (0.5 * t)
    small = ops.where(is_small, angle_sq, 0.0)
    a = power_series([1, -1 / 6, 1 / 120, -1 / 5040, 1 / 362880, -1 / 39916800], small)
    b = power_series([1 / 2, -1 / 24, 1 / 720, -1 / 40320, 1 / 3628800, -1 / 479001600], small)
    c = power_series([1 / 6, -1 / 120, 1 / 5040, -1 / 362880, 1 / 39916800, -1 / 6227020800], small)
    return (
        ops.where(is_small, a, sinc),
        ops.where(is_small, b, 0.5 * ops.square(half_sinc)),
        ops.where(is_small, c, (1.0 - sinc) / large),
    )


def so3_exp(rotvec: TensorLike) -> Tensor:
    """Rotation matrix of a rotation vector: the exponential map of SO(3).

    `R = I + sin(t)/t hat(w) + (1 - cos(t))/t**2 hat(w) hat(w)` with `w = rotvec`, `t = |w|`.

    Args:
        rotvec: Axis times angle, rad. Shape `(..., 3)`.
    Returns:
        Rotation matrix. Shape `(..., 3, 3)`.
    Raises:
        ValueError: If the last axis of `rotvec` is not of size 3.
    Gradient:
        Finite everywhere, `rotvec = 0` included.
    Reference:
        Rodrigues' formula; [Sola2018], eq. 78.
    """
    rotvec = checked_tensor("rotvec", rotvec, (3,))
    a, b, _ = exponential_coefficients(ops.sum(ops.square(rotvec), axis=-1))
    x, y, z = ops.unstack(rotvec, 3, axis=-1)
    xy, xz, yz = b * x * y, b * x * z, b * y * z
    ax, ay, az = a * x, a * y, a * z
    return stack_rows(
        [
            (1.0 - b * (y * y + z * z), xy - az, xz + ay),
            (xy + az, 1.0 - b * (x * x + z * z), yz - ax),
            (xz - ay, yz + ax, 1.0 - b * (x * x + y * y)),
        ]
    )


def so3_log(matrix: TensorLike) -> Tensor:
    """Rotation vector of a rotation matrix, of length at most pi: the logarithm of SO(3).

    Goes through the quaternion, whose vector part keeps its digits both near zero and near
    a half turn: `w = 2 atan2(|v|, s) v / |v|` for `q = (s, v)`, `s >= 0`.

    Args:
        matrix: Rotation matrix. Shape `(..., 3, 3)`.
    Returns:
        Axis times angle, rad. Shape `(..., 3)`.
    Raises:
        ValueError: If the last two axes are not 3 x 3.
    Gradient:
        Finite everywhere. At a half turn the axis has two signs; one is taken, with its
        one-sided derivative.
    Reference:
        [Sola2018], eq. 105.
    """
    quat = matrix_to_quat_wxyz(matrix)
    s, v = quat[..., :1], quat[..., 1:]  # (..., 1), (..., 3)
    length = safe_norm(v, keepdims=True)
    is_small = length * length < 1e-3 * s * s
    ratio = ops.where(is_small, ops.square(length / ops.where(is_small, s, 1.0)), 0.0)
    # atan(x) / x as a series in x^2 = |v|^2 / s^2.
    series = power_series([(-1) ** k / (2 * k + 1) for k in range(7)], ratio)
    near = 2.0 * series / ops.where(is_small, s, 1.0)
    # `length` is safe_norm's: its gradient vanishes at zero, where only the series counts.
    far_length = ops.where(is_small, 1.0, length)
    far = 2.0 * arctan2(far_length, ops.where(is_small, 1.0, s)) / far_length
    return v * ops.where(is_small, near, far)


def quat_wxyz_to_matrix(quat_wxyz: TensorLike) -> Tensor:
    """Rotation matrix of a quaternion; the quaternion need not be of unit length.

    Args:
        quat_wxyz: Quaternion, scalar first. Shape `(..., 4)`.
    Returns:
        Rotation matrix; the identity for the zero quaternion. Shape `(..., 3, 3)`.
    Raises:
        ValueError: If the last axis is not of size 4.
    """
    quat_wxyz = checked_tensor("quat_wxyz", quat_wxyz, (4,))
    w, x, y, z = ops.unstack(normalised(quat_wxyz), 4, axis=-1)
    xx, yy, zz = 2 * x * x, 2 * y * y, 2 * z * z
    xy, xz, yz = 2 * x * y, 2 * x * z, 2 * y * z
    wx, wy, wz = 2 * w * x, 2 * w * y, 2 * w * z
    return stack_rows(
        [
            (1.0 - yy - zz, xy - wz, xz + wy),
            (xy + wz, 1.0 - xx - zz, yz - wx),
            (xz - wy, yz + wx, 1.0 - xx - yy),
        ]
    )


def matrix_to_quat_wxyz(matrix: TensorLike) -> Tensor:
    """Unit quaternion of a rotation matrix, scalar first and not negative.

    The 4 x 4 matrix `4 q q^T` is linear in the rotation matrix. Its row with the largest
    diagonal entry (at least 1), normalised, is the quaternion: no root of a number near zero.

    Args:
        matrix: Rotation matrix. Shape `(..., 3, 3)`.
    Returns:
        Unit quaternion, scalar first, scalar part >= 0. Shape `(..., 4)`.
    Raises:
        ValueError: If the last two axes are not 3 x 3.
    Gradient:
        Finite everywhere, half turns included.
    Reference:
        [Shepperd1978].
    """
    m = checked_tensor("matrix", matrix, (3, 3))
    m00, m11, m22 = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    sx, sy, sz = (
        m[..., 2, 1] + m[..., 1, 2],
        m[..., 0, 2] + m[..., 2, 0],
        m[..., 1, 0] + m[..., 0, 1],
    )
    dx, dy, dz = (
        m[..., 2, 1] - m[..., 1, 2],
        m[..., 0, 2] - m[..., 2, 0],
        m[..., 1, 0] - m[..., 0, 1],
    )
    # The rows of 4 q q^T, and the one with the largest diagonal entry in each matrix of the batch.
    kw, kx = 1.0 + m00 + m11 + m22, 1.0 + m00 - m11 - m22
    ky, kz = 1.0 - m00 + m11 - m22, 1.0 - m00 - m11 + m22
    rows = [(kw, dx, dy, dz), (dx, kx, sz, sy), (dy, sz, ky, sx), (dz, sy, sx, kz)]
    best, best_diagonal = ops.stack(rows[0], axis=-1), kw  # (..., 4), (...)
    for row, diagonal in zip(rows[1:], (kx, ky, kz), strict=True):
        is_larger = diagonal > best_diagonal
        best = ops.where(is_larger[..., None], ops.stack(row, axis=-1), best)
        best_diagonal = ops.where(is_larger, diagonal, best_diagonal)
    quat = best / safe_norm(best, keepdims=True)
    return ops.where(quat[..., :1] < 0, -quat, quat)


def quat_xyzw_to_matrix(quat_xyzw: TensorLike) -> Tensor:
    """Rotation matrix of a quaternion with the scalar last; else as `quat_wxyz_to_matrix`."""
    quat_xyzw = checked_tensor("quat_xyzw", quat_xyzw, (4,))
    return quat_wxyz_to_matrix(ops.roll(quat_xyzw, 1, axis=-1))


def matrix_to_quat_xyzw(matrix: TensorLike) -> Tensor:
    """Unit quaternion with the scalar last; else as `matrix_to_quat_wxyz`."""
    return ops.roll(matrix_to_quat_wxyz(matrix), -1, axis=-1)


def rpy_to_matrix(rpy: TensorLike) -> Tensor:
    """Rotation matrix `Rz(yaw) Ry(pitch) Rx(roll)` of roll, pitch and yaw.

    Args:
        rpy: Roll, pitch, yaw, rad. Shape `(..., 3)`.
    Returns:
        Rotation matrix. Shape `(..., 3, 3)`.
    Raises:
        ValueError: If the last axis is not of size 3.
    """
    rpy = checked_tensor("rpy", rpy, (3,))
    sr, sp, sy = ops.unstack(sin(rpy), 3, axis=-1)
    cr, cp, cy = ops.unstack(cos(rpy), 3, axis=-1)
    return stack_rows(
        [
            (cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr),
            (sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr),
            (-sp, cp * sr, cp * cr),
        ]
    )


def matrix_to_rpy(matrix: TensorLike) -> Tensor:
    """Roll, pitch and yaw of a rotation matrix.

    Away from the poles `yaw = atan2(R10, R00)`, `roll = atan2(R21, R22)`. Within 0.01 rad
    of `pitch = +-pi/2` only `roll - yaw` (or `roll + yaw`) is well determined: roll is then
    taken from it and from yaw, so that the three angles still give the matrix back. At the
    pole itself, but for rounding, yaw is zero.

    Args:
        matrix: Rotation matrix. Shape `(..., 3, 3)`.
    Returns:
        Roll and yaw in `(-pi, pi]`, pitch in `[-pi/2, pi/2]`, rad. Shape `(..., 3)`.
    Raises:
        ValueError: If the last two axes are not 3 x 3.
    Gradient:
        Finite everywhere. Those of yaw and roll grow as `1 / cos(pitch)` towards the pole,
        where yaw's is zero.
    """
    m = checked_tensor("matrix", matrix, (3, 3))
    cos_pitch_sq = ops.square(m[..., 0, 0]) + ops.square(m[..., 1, 0])
    pitch = arctan2(-m[..., 2, 0], safe_sqrt(cos_pitch_sq))
    at_pole = is_at_pole(cos_pitch_sq)
    yaw = safe_atan2(ops.where(at_pole, 0.0, m[..., 1, 0]), ops.where(at_pole, 1.0, m[..., 0, 0]))
    is_up = m[..., 2, 0] < 0  # pitch > 0: roll - yaw is determined, else roll + yaw
    one = ops.ones_like(pitch)
    sign = ops.where(is_up, one, -one)
    # (1 + |sin(pitch)|) times the sine and the cosine of roll -+ yaw.
    sine = sign * m[..., 0, 1] - m[..., 1, 2]
    cosine = m[..., 1, 1] + sign * m[..., 0, 2]
    near = cos_pitch_sq < _GIMBAL_SQ
    roll_near = wrap_angle(safe_atan2(sine, cosine) + sign * yaw)
    return ops.stack(
        [ops.where(near, roll_near, safe_atan2(m[..., 2, 1], m[..., 2, 2])), pitch, yaw], axis=-1
    )


def ypr_to_matrix(ypr: TensorLike) -> Tensor:
    """Rotation matrix of yaw, pitch, roll: `rpy_to_matrix` of the reversed triple."""
    return rpy_to_matrix(ops.flip(checked_tensor("ypr", ypr, (3,)), axis=-1))


def matrix_to_ypr(matrix: TensorLike) -> Tensor:
    """Yaw, pitch, roll of a rotation matrix: `matrix_to_rpy`, reversed."""
    return ops.flip(matrix_to_rpy(matrix), axis=-1)


def rot6d_to_matrix(rot6d: TensorLike) -> Tensor:
    """Rotation matrix from two column vectors, made orthonormal by Gram-Schmidt.

    Args:
        rot6d: First column, then second column, in any length. Shape `(..., 6)`.
    Returns:
        Rotation matrix. Shape `(..., 3, 3)`. Where the two vectors are parallel or one is
        zero there is none: the columns that are undetermined are zero.
    Raises:
        ValueError: If the last axis is not of size 6.
    Gradient:
        Finite everywhere; that of the identity through a vector that is zero.
    Reference:
        [Zhou2019], section 4.
    """
    rot6d = checked_tensor("rot6d", rot6d, (6,))
    x = normalised(rot6d[..., :3])
    y = rot6d[..., 3:]
    y = normalised(y - ops.sum(x * y, axis=-1, keepdims=True) * x)
    return ops.stack([x, y, cross(x, y)], axis=-1)


def matrix_to_rot6d(matrix: TensorLike) -> Tensor:
    """First and second column of a rotation matrix, `(..., 3, 3) -> (..., 6)`."""
    m = checked_tensor("matrix", matrix, (3, 3))
    return ops.concatenate([m[..., :, 0], m[..., :, 1]], axis=-1)


def geodesic_distance(matrix_a: TensorLike, matrix_b: TensorLike) -> Tensor:
    """Angle of the rotation that takes one orientation to the other, in `[0, pi]`, rad.

    `atan2(sin, cos)` of the angle of `A B^T`, from its skew part and its trace; exact to
    rounding at zero and at a half turn, where a clamped arc cosine is not.

    Args:
        matrix_a: Rotation matrix. Shape `(..., 3, 3)`.
        matrix_b: Rotation matrix; batch axes broadcast. Shape `(..., 3, 3)`.
    Returns:
        Angle, rad. Shape `(...)`.
    Raises:
        ValueError: If the last two axes are not 3 x 3.
    Gradient:
        Zero where the orientations are equal and where they are exactly a half turn apart:
        the angle has a corner there.
    """
    a, b = in_one_type(
        checked_tensor("matrix_a", matrix_a, (3, 3)), checked_tensor("matrix_b", matrix_b, (3, 3))
    )
    # The sum over columns k of a_k x b_k is 2 sin(angle) times the axis.
    columns = [cross(a[..., :, k], b[..., :, k]) for k in range(3)]
    sine = 0.5 * safe_norm(columns[0] + columns[1] + columns[2])
    cosine = 0.5 * (ops.sum(a * b, axis=(-2, -1)) - 1.0)
    return safe_atan2(sine, cosine)


def chordal_distance(matrix_a: TensorLike, matrix_b: TensorLike) -> Tensor:
    """Frobenius norm of the difference, `2 sqrt(2) sin(angle / 2)`.

    Args:
        matrix_a: Rotation matrix. Shape `(..., 3, 3)`.
        matrix_b: Rotation matrix; batch axes broadcast. Shape `(..., 3, 3)`.
    Returns:
        Distance in `[0, 2 sqrt(2)]`. Shape `(...)`.
    Raises:
        ValueError: If the last two axes are not 3 x 3.
    Gradient:
        Zero where the orientations are equal.
    Reference:
        [Hartley2013], section 4.2.
    """
    a, b = in_one_type(
        checked_tensor("matrix_a", matrix_a, (3, 3)), checked_tensor("matrix_b", matrix_b, (3, 3))
    )
    return safe_norm(a - b, axis=(-2, -1))
