"""Target poses, checked and as arrays of one type."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import keras
import numpy as np

from fkarm._checks import check_pose_shape, check_real
from fkarm._types import TensorLike
from fkarm.geometry.native import has_float64, to_numpy
from fkarm.model import Robot

# How far from a rotation a target's may be: float32 poses that are the product of several.
ROTATION_TOLERANCE = 1e-3


def read_targets(
    robot: Robot, target_poses: TensorLike | Mapping[str, TensorLike], link: str | None
) -> dict[str, np.ndarray]:
    """Target poses by link, as arrays of one shape and type.

    Raises:
        UnknownLinkError, TypeError, ValueError: As `fkarm.solve_ik`.
    """
    poses = {name: _pose_array(pose) for name, pose in _by_link(robot, target_poses, link).items()}
    shapes = {pose.shape for pose in poses.values()}
    if len(shapes) > 1:
        raise ValueError(f"All target_poses must have one shape. Received: {sorted(shapes)}.")
    widest = np.result_type(*poses.values())
    if widest == np.float64 and not has_float64():
        warnings.warn(
            "float64 targets are solved in float32, because JAX has float64 switched off. Call "
            "jax.config.update('jax_enable_x64', True) first, or give float32 targets.",
            stacklevel=4,
        )
        widest = np.dtype(np.float32)
    return {name: pose.astype(widest) for name, pose in poses.items()}


def rotation_error(rotation: np.ndarray) -> np.ndarray:
    """How far matrices are from rotations: the largest entry of `R^T R - I` and `det R - 1`.

    Args:
        rotation: Matrices. Shape `(..., 3, 3)`.
    Returns:
        Errors, no unit. Shape `(...)`.
    """
    rotation = rotation.astype(np.float64)
    error = np.abs(np.swapaxes(rotation, -1, -2) @ rotation - np.eye(3)).max(
        axis=(-1, -2), initial=0
    )
    larger: np.ndarray = np.maximum(error, np.abs(np.linalg.det(rotation) - 1.0))
    return larger


def check_rotations(targets: np.ndarray) -> None:
    """Raise ValueError unless matrices `(n, links, 4, 4)` are poses."""
    error = rotation_error(targets[..., :3, :3])
    if error.size and error.max() > ROTATION_TOLERANCE:
        raise ValueError(
            "target_poses must hold rotations: R^T R = I and det R = 1 within "
            f"{ROTATION_TOLERANCE}. Received: target {int(error.max(axis=-1).argmax())} is off by "
            f"{error.max():.3g}. The nearest rotation is U V^T of its singular value decomposition "
            "U S V^T; fkarm.geometry.rot6d_to_matrix(matrix_to_rot6d(R)) also makes a rotation of "
            "it."
        )
    if (np.abs(targets[..., 3, :] - [0, 0, 0, 1]) > ROTATION_TOLERANCE).any():
        raise ValueError(
            "The last row of a target pose must be 0, 0, 0, 1. Received: another row. Is the "
            "matrix transposed?"
        )


def _by_link(
    robot: Robot, target_poses: TensorLike | Mapping[str, TensorLike], link: str | None
) -> dict[str, TensorLike]:
    if isinstance(target_poses, Mapping):
        if link is not None or not target_poses:
            raise ValueError(
                "A mapping of target_poses must name its links, and link must then be None. "
                f"Received: link={link!r} and {len(target_poses)} targets."
            )
        return dict(target_poses)
    if link is not None and not isinstance(link, str):
        raise TypeError(
            f"link must be one name, or None. Received: {link!r}. For several links give "
            "target_poses={link: poses}."
        )
    return {robot.link_or_end_effector(link): target_poses}


def _pose_array(pose: TensorLike) -> np.ndarray:
    try:
        if isinstance(pose, keras.KerasTensor) or hasattr(pose, "op"):  # a tensor of a graph
            raise TypeError("symbolic")
        array = to_numpy(pose)
    except TypeError as error:  # JAX raises it for a tensor that it traces.
        raise TypeError(
            "target_poses must have a value: solve_ik runs eagerly. Received: a symbolic tensor. "
            "Use fkarm.layers.InverseKinematics in a model."
        ) from error
    check_real("target_poses", array.dtype, array)
    array = array if array.dtype == np.float64 else array.astype(np.float32)
    check_pose_shape("target_poses", array.shape)
    return array
