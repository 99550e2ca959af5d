"""The arguments of `solve_path`, each checked by itself and as an array."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fkarm._checks import check_pose_shape, check_real, real_array
from fkarm._types import TensorLike
from fkarm.errors import unknown_name
from fkarm.geometry.native import concrete, to_numpy
from fkarm.kinematics.arguments import configuration_array
from fkarm.kinematics.joint_space import with_unit_quaternions
from fkarm.model import Robot
from fkarm.motion.tangent import Array

# Rounding of times may be this share of the shortest step.
LARGEST_ROUNDING = 0.01


def read_times(times: TensorLike) -> Array:
    """Times that increase, by more than they are rounded, or ValueError."""
    given = real_array("times", times if isinstance(times, (list, tuple)) else to_numpy(times))
    array = given.astype(np.float64)
    if array.ndim == 0:
        raise ValueError("times must have shape (time,) or (..., time). Received: one number.")
    if not np.isfinite(array).all():
        raise ValueError("times must be finite, s. Received: NaN or infinity.")
    steps = np.diff(array, axis=-1)
    short = np.argwhere(steps <= 0)
    if len(short):
        *clip, frame = short[0]
        before, after = array[(*clip, frame)], array[(*clip, frame + 1)]
        raise ValueError(
            "times must increase from frame to frame, s. Received: "
            f"{after:.10g} after {before:.10g} at frame {frame + 1}, in {given.dtype}. Sort the "
            "frames, and drop those that repeat a time; times since an epoch need float64."
        )
    rounding = np.finfo(given.dtype).eps * np.abs(array).max(initial=0.0)
    if rounding > LARGEST_ROUNDING * steps.min(initial=np.inf):
        raise ValueError(
            f"times must tell frames apart: {given.dtype} rounds them by up to {rounding:.2g} s, "
            f"and the shortest step takes {steps.min():.2g} s. Give float64, or subtract the first "
            "time before rounding."
        )
    return array


def check_times_of_clips(times: Array, shape: tuple[int, ...]) -> None:
    """Raise ValueError unless times are those of all clips or of each, `(..., time)`."""
    if times.shape not in (shape, shape[-1:]):
        raise ValueError(
            f"times must have shape {shape[-1:]}, or {shape} as the targets. Received: "
            f"{times.shape}."
        )


def read_targets(
    robot: Robot, target_poses: Mapping[str, TensorLike], times: Array
) -> tuple[dict[str, Array], dict[str, bool]]:
    """Targets by link as poses of one shape, and which of them have no orientation."""
    if not isinstance(target_poses, Mapping) or not target_poses:
        raise TypeError(
            "target_poses must be a mapping {link: poses} with at least one link. Received: "
            f"{type(target_poses).__name__}. For one link: {{{robot.end_effector!r}: poses}}."
        )
    poses, are_positions = {}, {}
    for link, value in target_poses.items():
        robot.check_link(link)
        name = f"target_poses[{link!r}]"
        array = concrete(value) if not isinstance(value, (list, tuple)) else np.asarray(value)
        if array is None:
            raise TypeError(
                f"{name} must have values: solve_path runs eagerly. Received: a symbolic tensor. "
                "Call it outside of tf.function and models."
            )
        check_real(name, array.dtype, array)
        array = array if array.dtype == np.float64 else array.astype(np.float32)
        are_positions[link] = array.ndim >= 2 and array.shape[-1] == 3
        if are_positions[link]:
            array = _as_poses(array)
        else:
            check_pose_shape(name, array.shape)
        if array.ndim < 3 or array.shape[-3] != times.shape[-1]:
            raise ValueError(
                f"{name} must have one target per time: shape (..., {times.shape[-1]}, 4, 4), or "
                f"(..., {times.shape[-1]}, 3) for positions. Received: shape "
                f"{np.shape(value)}."
            )
        poses[link] = array
    shapes = {link: pose.shape[:-2] for link, pose in poses.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(
            f"All target_poses must have the same batch axes and length. Received: {shapes}."
        )
    return poses, are_positions


def _as_poses(positions: Array) -> Array:
    poses = np.zeros((*positions.shape[:-1], 4, 4), positions.dtype)
    poses[..., range(4), range(4)] = 1.0
    poses[..., :3, 3] = positions
    return poses


def read_contacts(
    robot: Robot, contacts: Mapping[str, TensorLike] | None, shape: tuple[int, ...]
) -> dict[str, Array]:
    """When links stand still, by link, in the shape of the clips `(..., time)`."""
    out = {}
    if contacts is not None and not isinstance(contacts, Mapping):
        raise TypeError(
            "contacts must be a mapping {link: booleans (..., time)}. Received: "
            f"{type(contacts).__name__}."
        )
    for link, value in (contacts or {}).items():
        robot.check_link(link)
        array = np.asarray(to_numpy(value) if hasattr(value, "shape") else value)
        if array.dtype != bool or array.shape not in (shape, shape[-1:]):
            raise ValueError(
                f"contacts[{link!r}] must be booleans, one per time: shape {shape}. Received: "
                f"{array.dtype} of shape {array.shape}. Try forces > threshold."
            )
        out[link] = np.broadcast_to(array, shape)
    return out


def read_limits(name: str, robot: Robot, limits: Any, own: Array | None) -> Array:
    """Limits per entry of `q`, or ValueError; True stands for `own`, False and None for none."""
    if limits is None or limits is False:
        return np.full(robot.dof, np.inf)
    if limits is True and own is not None:
        return own
    array = configuration_array(name, limits)
    if limits is True or array.shape not in ((), (robot.dof,)) or not (array > 0).all():
        raise ValueError(
            f"{name} must be one number > 0, or {robot.dof}, one per entry of q, in rad and m; "
            f"inf where there is none. Received: {limits!r}."
        )
    array = np.broadcast_to(array, (robot.dof,)).astype(np.float64)
    for first in robot.quaternions:
        if len(set(array[first : first + 4].tolist())) > 1:
            raise ValueError(
                f"{name} must be the same for the four entries of a quaternion: the largest "
                f"angular value. Received: {array[first : first + 4].tolist()} from entry {first}."
            )
    return array


def read_frame_weights(
    weights: Mapping[str, TensorLike] | None,
    given: tuple[str, ...],
    links: tuple[str, ...],
    shape: tuple[int, ...],
) -> Array:
    """Weights `(..., time, links)`."""
    out = np.ones((*shape, len(links)))
    if weights is not None and not isinstance(weights, Mapping):
        raise TypeError(
            "frame_weights must be a mapping {link: weights (..., time)}. Received: "
            f"{type(weights).__name__}."
        )
    for link, value in (weights or {}).items():
        if link not in given:
            raise ValueError(unknown_name("a link of frame_weights", link, given))
        array = real_array("frame_weights", value if isinstance(value, list) else to_numpy(value))
        is_fit = array.shape in (shape, shape[-1:], ())
        if not is_fit or not np.isfinite(array).all() or (array < 0).any():
            raise ValueError(
                f"frame_weights[{link!r}] must be finite numbers >= 0, one per time: shape "
                f"{shape}. Received: shape {array.shape}, smallest {array.min(initial=np.inf):g}."
            )
        out[..., links.index(link)] = array
    return out


def read_center_of_mass(targets: TensorLike | None, shape: tuple[int, ...]) -> Array | None:
    """Targets of the centre of mass, `(clips, time, 3)`."""
    if targets is None:
        return None
    array = real_array("center_of_mass", to_numpy(targets)).astype(np.float64)
    if array.shape != (*shape, 3):
        raise ValueError(
            f"center_of_mass must have shape {(*shape, 3)}, one position per time. Received: "
            f"shape {array.shape}."
        )
    return np.where(np.isfinite(array), array, np.nan).reshape(
        int(np.prod(shape[:-1])), shape[-1], 3
    )


def read_configurations(
    name: str,
    robot: Robot,
    q: TensorLike | None,
    shape: tuple[int, ...],
    may_be_path: bool = False,
) -> Array | None:
    """Configurations `(clips, dof)`, or `(clips, time, dof)` for a whole path.

    Quaternions have length one; the zero quaternion becomes the identity.
    """
    if q is None:
        return None
    array, batch, dof = configuration_array(name, q), shape[:-1], robot.dof
    clips = int(np.prod(batch))
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite. Received: NaN or infinity.")
    if array.shape[-1:] == (dof,):
        array = with_unit_quaternions(robot, array, array)
    if array.shape in ((dof,), (*batch, dof)):
        return np.broadcast_to(array, (*batch, dof)).reshape(clips, dof)
    if may_be_path and array.shape == (*shape, dof):
        return array.reshape(clips, shape[-1], dof)
    shapes = [(dof,), (*batch, dof), *([(*shape, dof)] if may_be_path else [])]
    raise ValueError(
        f"{name} must have shape {' or '.join(map(str, dict.fromkeys(shapes)))}. Received: shape "
        f"{array.shape}."
    )
