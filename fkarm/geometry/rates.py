"""Rates of the numbers of an orientation while it turns, of which analytic Jacobians are made.

`angular` is the angular velocity in the axes that the orientation `R` is given in, so that
`dR/dt = hat(angular) R`. Batch axes broadcast.
"""

from __future__ import annotations

from keras import ops

from fkarm._types import Tensor
from fkarm.geometry.dense import cross
from fkarm.geometry.native import cos, sin
from fkarm.geometry.safe import SMALL_ANGLE_SQ, is_at_pole, power_series


def left_jacobian_inverse(rotvec: Tensor, vector: Tensor) -> Tensor:
    """The inverse left Jacobian of SO(3) at `w` times a vector `x`.

    `x - w x x / 2 + k w x (w x x)` with `k = (1 - (a / 2) cot(a / 2)) / a^2`, `a = |w|`.

    Args:
        rotvec: Rotation vector of length less than 2 pi, rad. Shape `(..., 3)`.
        vector: Shape `(..., 3)`.
    Returns:
        Vector. Shape `(..., 3)`.
    Gradient:
        Finite, the zero rotation included.
    Reference:
        [Sola2018], eq. 146.
    """
    angle_sq = ops.sum(ops.square(rotvec), axis=-1, keepdims=True)
    is_small = angle_sq < SMALL_ANGLE_SQ
    large = ops.where(is_small, 1.0, angle_sq)
    half = 0.5 * ops.sqrt(large)
    far = (1.0 - half * cos(half) / sin(half)) / large
    near = power_series(
        [1 / 12, 1 / 720, 1 / 30240, 1 / 1209600, 1 / 47900160, 691 / 1307674368000],
        ops.where(is_small, angle_sq, 0.0),
    )
    turned = cross(rotvec, vector)
    return vector - 0.5 * turned + ops.where(is_small, near, far) * cross(rotvec, turned)


def rpy_rate(rpy: Tensor, angular: Tensor) -> Tensor:
    """Rates of roll, pitch and yaw. Shapes `(..., 3)`.

    They grow as `1 / cos(pitch)` towards the pole. At the pole itself roll and yaw have no rates of
    their own, and the term that divides by zero is left out.

    Reference:
        [Siciliano2009], section 3.6, for these angles.
    """
    roll, pitch, yaw = ops.unstack(rpy, 3, axis=-1)
    del roll
    x, y, z = ops.unstack(angular, 3, axis=-1)
    cos_pitch = cos(pitch)
    at_pole = is_at_pole(ops.square(cos_pitch))
    # The angular velocity along the heading, and across it.
    along = cos(yaw) * x + sin(yaw) * y
    roll_rate = ops.where(at_pole, 0.0, along / ops.where(at_pole, 1.0, cos_pitch))
    pitch_rate = cos(yaw) * y - sin(yaw) * x
    return ops.stack([roll_rate, pitch_rate, z + sin(pitch) * roll_rate], axis=-1)


def ypr_rate(ypr: Tensor, angular: Tensor) -> Tensor:
    """Rates of yaw, pitch and roll: `rpy_rate`, listed backwards. Shapes `(..., 3)`."""
    return ops.flip(rpy_rate(ops.flip(ypr, axis=-1), angular), axis=-1)


def quat_wxyz_rate(quat_wxyz: Tensor, angular: Tensor) -> Tensor:
    """Rate of a unit quaternion, `(0, angular) quat / 2`. Shapes `(..., 4)`, `(..., 3)`."""
    w, v = quat_wxyz[..., :1], quat_wxyz[..., 1:]
    scalar = -ops.sum(angular * v, axis=-1, keepdims=True)
    return 0.5 * ops.concatenate([scalar, w * angular + cross(angular, v)], axis=-1)


def quat_xyzw_rate(quat_xyzw: Tensor, angular: Tensor) -> Tensor:
    """Rate of a unit quaternion, scalar last. Shapes `(..., 4)`, `(..., 3)`."""
    return ops.roll(quat_wxyz_rate(ops.roll(quat_xyzw, 1, axis=-1), angular), -1, axis=-1)


def rot6d_rate(rot6d: Tensor, angular: Tensor) -> Tensor:
    """Rates of the first two columns. Shapes `(..., 6)`, `(..., 3)`."""
    pair = [cross(angular, rot6d[..., :3]), cross(angular, rot6d[..., 3:])]
    return ops.concatenate(pair, axis=-1)
