"""SE(3): rigid transforms as 4 x 4 matrices, `T_a_b` with `p_a = T_a_b @ p_b`.

Products are written as sums of products, not as matmul, which accelerators round to TF32.
Twists list the linear part first, then the angular part.
"""

from __future__ import annotations

from keras import ops

from fkarm._checks import check_choice, check_last_axes
from fkarm._types import Tensor, TensorLike
from fkarm.geometry.dense import apply, checked_tensor, cross, in_one_type, in_type_of, multiply
from fkarm.geometry.rates import left_jacobian_inverse
from fkarm.geometry.rotations import (
    exponential_coefficients,
    geodesic_distance,
    so3_exp,
    so3_log,
)
from fkarm.geometry.safe import as_float, safe_norm


def make_transform(rotation: TensorLike, position: TensorLike) -> Tensor:
    """Transform with the given rotation and position.

    Args:
        rotation: Rotation matrix. Shape `(..., 3, 3)`.
        position: Position; batch axes broadcast. Shape `(..., 3)`.
    Returns:
        Transform. Shape `(..., 4, 4)`.
    Raises:
        ValueError: If a shape does not end as stated.
    """
    rotation, position = in_one_type(
        checked_tensor("rotation", rotation, (3, 3)), checked_tensor("position", position, (3,))
    )
    if rotation.shape[:-2] != position.shape[:-1]:
        rotation = rotation + ops.zeros_like(position)[..., None]
        position = position + ops.zeros_like(rotation[..., 0])
    upper = ops.concatenate([rotation, position[..., None]], axis=-1)
    bottom = ops.zeros_like(upper[..., :1, :]) + ops.convert_to_tensor([0, 0, 0, 1], upper.dtype)
    return ops.concatenate([upper, bottom], axis=-2)


def split_transform(transform: TensorLike) -> tuple[Tensor, Tensor]:
    """Rotation `(..., 3, 3)` and position `(..., 3)` of a transform `(..., 4, 4)`."""
    transform = checked_tensor("transform", transform, (4, 4))
    return transform[..., :3, :3], transform[..., :3, 3]


def _pair(a: TensorLike, b: TensorLike) -> tuple[Tensor, Tensor]:
    return in_one_type(
        checked_tensor("transform", a, (4, 4)), checked_tensor("transform", b, (4, 4))
    )


def invert_transform(transform: TensorLike) -> Tensor:
    """Inverse of a rigid transform, `(R^T, -R^T p)`. Shape `(..., 4, 4)`."""
    rotation, position = split_transform(transform)
    transposed = ops.swapaxes(rotation, -1, -2)
    return make_transform(transposed, -apply(transposed, position))


def compose_transforms(transform_a_b: TensorLike, transform_b_c: TensorLike) -> Tensor:
    """`T_a_c = T_a_b T_b_c`; batch axes broadcast. Shapes `(..., 4, 4)`."""
    a, b = _pair(transform_a_b, transform_b_c)
    (rotation_a, position_a), (rotation_b, position_b) = split_transform(a), split_transform(b)
    return make_transform(
        multiply(rotation_a, rotation_b), apply(rotation_a, position_b) + position_a
    )


def transform_points(transform_a_b: TensorLike, points_b: TensorLike) -> Tensor:
    """Points given in b, in a.

    Args:
        transform_a_b: Transform. Shape `(..., 4, 4)`.
        points_b: Points, one set per transform. Shape `(..., n, 3)`.
    Returns:
        Points in a. Shape `(..., n, 3)`.
    Raises:
        ValueError: If a shape does not end as stated.
    """
    transform_a_b, points_b = in_one_type(
        checked_tensor("transform", transform_a_b, (4, 4)),
        checked_tensor("points_b", points_b, (3,)),
    )
    rotation, position = split_transform(transform_a_b)
    if len(points_b.shape) < 2:
        check_last_axes("points_b", points_b.shape, (1, 3), "Add an axis: points[None, :].")
    return multiply(points_b, ops.swapaxes(rotation, -1, -2)) + position[..., None, :]


def se3_exp(twist: TensorLike) -> Tensor:
    """Transform reached by following a constant body twist for one unit of time.

    `R = exp(w)`, `p = v + b (w x v) + c (w x (w x v))` with `b = (1 - cos t)/t**2`,
    `c = (t - sin t)/t**3`, `t = |w|`.

    Args:
        twist: Linear `v` (m), then angular `w` (rad). Shape `(..., 6)`.
    Returns:
        Transform. Shape `(..., 4, 4)`.
    Raises:
        ValueError: If the last axis is not of size 6.
    Gradient:
        Finite everywhere, the zero twist included.
    Reference:
        [Sola2018], eq. 172 and 174.
    """
    twist = checked_tensor("twist", twist, (6,))
    v, w = twist[..., :3], twist[..., 3:]
    _, b, c = exponential_coefficients(ops.sum(ops.square(w), axis=-1, keepdims=True))
    turned = cross(w, v)
    return make_transform(so3_exp(w), v + b * turned + c * cross(w, turned))


def se3_log(transform: TensorLike) -> Tensor:
    """Body twist that leads from the identity to a transform in one unit of time.

    Args:
        transform: Rigid transform. Shape `(..., 4, 4)`.
    Returns:
        Linear part (m), then angular part (rad, of length at most pi). Shape `(..., 6)`.
    Raises:
        ValueError: If the last two axes are not 4 x 4.
    Gradient:
        Finite everywhere; one-sided at a half turn.
    Reference:
        [Sola2018], eq. 173 and 175.
    """
    rotation, p = split_transform(transform)
    w = so3_log(rotation)
    v = left_jacobian_inverse(w, p)
    return ops.concatenate([v, w], axis=-1)


def interpolate_transforms(
    transform_a: TensorLike, transform_b: TensorLike, share: TensorLike, motion: str = "straight"
) -> Tensor:
    """Poses between two poses.

    `"straight"`: the origin moves on a line, the orientation turns about a fixed axis at a steady
    rate. `"screw"`: `T_a exp(share log(T_a^-1 T_b))`, one constant twist, which moves the origin on
    a helix.

    Args:
        transform_a: The first pose. Shape `(..., 4, 4)`.
        transform_b: The last pose; batch axes broadcast. Shape `(..., 4, 4)`.
        share: Share of the motion, 0 to 1; outside this range the motion continues. Shape `(n,)`.
        motion: `"straight"` or `"screw"`.
    Returns:
        Poses. Shape `(..., n, 4, 4)`.
    Raises:
        ValueError: If the last two axes are not 4 x 4, `share` is not a vector or `motion` is
            unknown.
    Gradient:
        Finite everywhere; one-sided where the orientations are half a turn apart.
    """
    check_choice("motion", motion, ("straight", "screw"))
    a, b = _pair(transform_a, transform_b)
    share = in_type_of(as_float(share), a)
    if len(share.shape) != 1:
        raise ValueError(f"share must be a vector, shape (n,). Received: shape {share.shape}.")
    between = compose_transforms(invert_transform(a), b)
    if motion == "screw":
        motion_ab = se3_exp(share[:, None] * se3_log(between)[..., None, :])  # (..., n, 4, 4)
    else:
        turn, move = split_transform(between)
        motion_ab = make_transform(
            so3_exp(share[:, None] * so3_log(turn)[..., None, :]),
            share[:, None] * move[..., None, :],
        )
    return compose_transforms(a[..., None, :, :], motion_ab)


def pose_error(transform_current: TensorLike, transform_target: TensorLike) -> Tensor:
    """The motion from the current pose to the target, in the axes that the poses are given in.

    `[p_target - p_current, log(R_target R_current^T)]`: the same axes and order as the rows
    of the geometric Jacobian, so that `J dq` approximates it.

    Args:
        transform_current: Pose. Shape `(..., 4, 4)`.
        transform_target: Pose; batch axes broadcast. Shape `(..., 4, 4)`.
    Returns:
        Linear part (m), then angular part (rad). Shape `(..., 6)`.
    Raises:
        ValueError: If the last two axes are not 4 x 4.
    Gradient:
        Finite everywhere; one-sided at a half turn.
    """
    c, t = _pair(transform_current, transform_target)
    (rotation_c, position_c), (rotation_t, position_t) = split_transform(c), split_transform(t)
    angular = so3_log(multiply(rotation_t, ops.swapaxes(rotation_c, -1, -2)))
    linear = position_t - position_c
    return ops.concatenate([linear, angular + ops.zeros_like(linear)], axis=-1)


def position_distance(transform_a: TensorLike, transform_b: TensorLike) -> Tensor:
    """Distance between the origins of two poses, m. Shapes `(..., 4, 4)` to `(...)`.

    Gradient:
        Zero where the origins coincide.
    """
    a, b = _pair(transform_a, transform_b)
    return safe_norm(a[..., :3, 3] - b[..., :3, 3])


def orientation_distance(transform_a: TensorLike, transform_b: TensorLike) -> Tensor:
    """`geodesic_distance` of the orientations of two poses, rad. `(..., 4, 4)` to `(...)`."""
    return geodesic_distance(split_transform(transform_a)[0], split_transform(transform_b)[0])
