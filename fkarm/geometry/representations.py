"""The ways to write a pose, by name: what `ForwardKinematics(output=...)` accepts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from keras import ops

from fkarm._checks import check_choice
from fkarm._types import Tensor, TensorLike
from fkarm.geometry import rates, rotations
from fkarm.geometry.dense import checked_tensor, cross, in_one_type
from fkarm.geometry.transforms import make_transform, split_transform


@dataclass(frozen=True)
class _Orientation:
    width: int
    from_matrix: Callable[[Tensor], Tensor]
    to_matrix: Callable[[Tensor], Tensor]
    rate: Callable[[Tensor, Tensor], Tensor]  # of the numbers, for an angular velocity
    is_angle: bool = False


_RPY = _Orientation(
    3, rotations.matrix_to_rpy, rotations.rpy_to_matrix, rates.rpy_rate, is_angle=True
)
_YPR = _Orientation(
    3, rotations.matrix_to_ypr, rotations.ypr_to_matrix, rates.ypr_rate, is_angle=True
)
_ROTVEC = _Orientation(
    3, rotations.so3_log, rotations.so3_exp, rates.left_jacobian_inverse, is_angle=True
)
_WXYZ = _Orientation(
    4, rotations.matrix_to_quat_wxyz, rotations.quat_wxyz_to_matrix, rates.quat_wxyz_rate
)
_XYZW = _Orientation(
    4, rotations.matrix_to_quat_xyzw, rotations.quat_xyzw_to_matrix, rates.quat_xyzw_rate
)
_ORIENTATIONS = {
    "xyz_rpy": _RPY,
    "xyz_ypr": _YPR,
    "xyz_quat_wxyz": _WXYZ,
    "xyz_quat_xyzw": _XYZW,
    "xyz_rotvec": _ROTVEC,
    # The functions of vendors.py name the source of each.
    "xyz_kuka_abc": _YPR,
    "xyz_fanuc_wpr": _RPY,
    "xyz_ur_rotvec": _ROTVEC,
    "xyz_abb_quat": _WXYZ,
    "xyz_rot6d": _Orientation(
        6, rotations.matrix_to_rot6d, rotations.rot6d_to_matrix, rates.rot6d_rate
    ),
}

FULL_POSE_REPRESENTATIONS = ("matrix", *_ORIENTATIONS)
POSE_REPRESENTATIONS = (*FULL_POSE_REPRESENTATIONS, "position")


def pose_shape(representation: str) -> tuple[int, ...]:
    """Last axes of a pose in a representation: `(4, 4)`, `(3,)`, `(6,)`, `(7,)` or `(9,)`.

    Raises:
        ValueError: If `representation` is not one of `POSE_REPRESENTATIONS`.
    """
    check_choice("representation", representation, POSE_REPRESENTATIONS)
    if representation == "matrix":
        return (4, 4)
    if representation == "position":
        return (3,)
    return (3 + _ORIENTATIONS[representation].width,)


def matrix_to_pose(
    transform: TensorLike,
    representation: str,
    angle_scale: float = 1.0,
    length_scale: float = 1.0,
) -> Tensor:
    """A pose matrix in another representation.

    Args:
        transform: Pose. Shape `(..., 4, 4)`.
        representation: One of `POSE_REPRESENTATIONS`.
        angle_scale: Output units per radian, for angles and rotation vectors.
        length_scale: Output units per metre, for the position.
    Returns:
        Pose. Shape `(..., *pose_shape(representation))`.
    Raises:
        ValueError: If `representation` is unknown or the last axes are not 4 x 4.
    """
    check_choice("representation", representation, POSE_REPRESENTATIONS)
    if representation == "matrix" and length_scale == 1.0:
        return checked_tensor("transform", transform, (4, 4))
    rotation, position = split_transform(transform)
    position = position * length_scale
    if representation == "position":
        return position
    if representation == "matrix":
        return make_transform(rotation, position)
    form = _ORIENTATIONS[representation]
    numbers = form.from_matrix(rotation)
    return ops.concatenate([position, numbers * angle_scale if form.is_angle else numbers], axis=-1)


def has_angles(representation: str) -> bool:
    """Whether a pose in a representation has angles or rotation vectors, which have a unit."""
    return representation in _ORIENTATIONS and _ORIENTATIONS[representation].is_angle


def scaled_pose(
    pose: TensorLike, representation: str, angle_scale: float, length_scale: float
) -> Tensor:
    """A pose with its angles and its lengths scaled, as from degrees and mm to SI.

    Args:
        pose: Pose. Shape `(..., *pose_shape(representation))`.
        representation: One of `POSE_REPRESENTATIONS`.
        angle_scale: Factor of angles and rotation vectors, where there are any.
        length_scale: Factor of the position.
    Returns:
        Pose in the same representation, same shape.
    Raises:
        ValueError: If `representation` is unknown or the shape does not match.
    """
    pose = _checked_pose(pose, representation)
    if angle_scale == length_scale == 1.0:
        return pose
    scale = np.ones(pose_shape(representation))
    scale[(slice(3), 3) if representation == "matrix" else slice(3)] = length_scale
    if has_angles(representation):
        scale[3:] = angle_scale
    return pose * ops.convert_to_tensor(scale, dtype=pose.dtype)


def pose_rate(transform: TensorLike, twist: TensorLike, representation: str) -> Tensor:
    """Rates of the numbers of a pose while the pose moves.

    Args:
        transform: Pose. Shape `(..., 4, 4)`.
        twist: Velocity of the pose's origin (m/s), then angular velocity (rad/s), in the axes
            the pose is given in, as the rows of the geometric Jacobian; batch axes broadcast.
            Shape `(..., 6)`.
        representation: One of `POSE_REPRESENTATIONS`.
    Returns:
        Rates of `matrix_to_pose(transform, representation)`, m/s and rad/s; at the poles of
        roll, pitch and yaw, what is finite of them. Shape
        `(..., *pose_shape(representation))`.
    Raises:
        ValueError: If `representation` is unknown or a shape does not match.
    Gradient:
        Exact where the numbers have rates.
    """
    check_choice("representation", representation, POSE_REPRESENTATIONS)
    transform, twist = in_one_type(
        checked_tensor("transform", transform, (4, 4)), checked_tensor("twist", twist, (6,))
    )
    linear, angular = twist[..., :3], twist[..., 3:]
    rotation, position = split_transform(transform)
    linear = linear + ops.zeros_like(position)
    if representation == "position":
        return linear
    if representation == "matrix":
        turning = [cross(angular, rotation[..., :, k]) for k in range(3)]
        rows = ops.stack([*turning, linear], axis=-1)
        return ops.concatenate([rows, ops.zeros_like(rows[..., :1, :])], axis=-2)
    form = _ORIENTATIONS[representation]
    rate = form.rate(form.from_matrix(rotation), angular)
    return ops.concatenate([linear + ops.zeros_like(angular), rate], axis=-1)


def pose_to_matrix(pose: TensorLike, representation: str) -> Tensor:
    """The pose matrix of a pose in m and rad; the inverse of `matrix_to_pose`.

    Args:
        pose: Pose. Shape `(..., *pose_shape(representation))`.
        representation: One of `FULL_POSE_REPRESENTATIONS`: `"position"` has no orientation.
    Returns:
        Pose. Shape `(..., 4, 4)`.
    Raises:
        ValueError: If `representation` is unknown or `"position"`, or the shape does not match.
    """
    if representation == "matrix":
        return _checked_pose(pose, representation)
    return make_transform(pose_rotation(pose, representation), pose_position(pose, representation))


def pose_position(pose: TensorLike, representation: str) -> Tensor:
    """The position in a pose of any representation. Shape `(..., 3)`.

    Raises:
        ValueError: If `representation` is unknown or the shape does not match.
    """
    pose = _checked_pose(pose, representation)
    return pose[..., :3, 3] if representation == "matrix" else pose[..., :3]


def pose_rotation(pose: TensorLike, representation: str) -> Tensor:
    """The rotation matrix in a pose of any full representation. Shape `(..., 3, 3)`.

    Raises:
        ValueError: If `representation` is unknown or `"position"`, or the shape does not match.
    """
    check_choice("representation", representation, FULL_POSE_REPRESENTATIONS)
    pose = _checked_pose(pose, representation)
    if representation == "matrix":
        return pose[..., :3, :3]
    return _ORIENTATIONS[representation].to_matrix(pose[..., 3:])


def _checked_pose(pose: TensorLike, representation: str) -> Tensor:
    hint = "Name how poses are written: representation='xyz_quat_wxyz', say."
    return checked_tensor("pose", pose, pose_shape(representation), hint)
