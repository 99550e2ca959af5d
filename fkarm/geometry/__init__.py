"""Rotations, rigid transforms and their distances, as differentiable tensor functions.

Knows no robot. Every function takes any number of leading batch axes, keeps the dtype of
its input and has finite gradients wherever it has a value.
"""

from fkarm.geometry.representations import (
    FULL_POSE_REPRESENTATIONS,
    POSE_REPRESENTATIONS,
    matrix_to_pose,
    pose_shape,
    pose_to_matrix,
)
from fkarm.geometry.rotations import (
    chordal_distance,
    geodesic_distance,
    hat,
    matrix_to_quat_wxyz,
    matrix_to_quat_xyzw,
    matrix_to_rot6d,
    matrix_to_rpy,
    matrix_to_ypr,
    quat_wxyz_to_matrix,
    quat_xyzw_to_matrix,
    rot6d_to_matrix,
    rpy_to_matrix,
    so3_exp,
    so3_log,
    vee,
    ypr_to_matrix,
)
from fkarm.geometry.transforms import (
    compose_transforms,
    invert_transform,
    make_transform,
    orientation_distance,
    pose_error,
    position_distance,
    se3_exp,
    se3_log,
    split_transform,
    transform_points,
)

__all__ = [
    "FULL_POSE_REPRESENTATIONS",
    "POSE_REPRESENTATIONS",
    "chordal_distance",
    "compose_transforms",
    "geodesic_distance",
    "hat",
    "invert_transform",
    "make_transform",
    "matrix_to_pose",
    "matrix_to_quat_wxyz",
    "matrix_to_quat_xyzw",
    "matrix_to_rot6d",
    "matrix_to_rpy",
    "matrix_to_ypr",
    "orientation_distance",
    "pose_error",
    "pose_shape",
    "pose_to_matrix",
    "position_distance",
    "quat_wxyz_to_matrix",
    "quat_xyzw_to_matrix",
    "rot6d_to_matrix",
    "rpy_to_matrix",
    "se3_exp",
    "se3_log",
    "so3_exp",
    "so3_log",
    "split_transform",
    "transform_points",
    "vee",
    "ypr_to_matrix",
]
