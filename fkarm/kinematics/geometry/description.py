"""The arrays that describe a robot's geometry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from fkarm._checks import check_choice, check_last_axes
from fkarm._types import Tensor, TensorLike
from fkarm.config import cached
from fkarm.geometry.dense import in_type_of
from fkarm.geometry.native import concrete
from fkarm.geometry.safe import as_float
from fkarm.model import Robot

# A rotation may be off by this much: what products in float32 make of it.
_ROTATION_TOLERANCE = 1e-3


class Geometry(NamedTuple):
    """The arrays of `geometry_of`."""

    origins: Tensor  # (..., joints, 3, 4)
    offsets: Tensor  # (..., joints)
    multipliers: Tensor  # (..., joints)
    tool: Tensor  # (..., 3, 4)


def geometry_of(robot: Robot) -> dict[str, np.ndarray]:
    """The geometry of a robot as arrays, for `forward_kinematics(..., geometry=...)`.

    Args:
        robot: The robot; it keeps its joints, their types, axes and limits, whatever the geometry.
    Returns:
        Arrays of float64, with joints in the order of `robot.joints`, fixed ones included:

        - `"origins"`: from the parent link to the joint's frame at zero, rotation and position, m.
          Shape `(joints, 3, 4)`.
        - `"offsets"`: what is added to the joint's value, rad or m: that of a mimic, else zero.
          Shape `(joints,)`.
        - `"multipliers"`: factor of the entry of `q`, that of a mimic, else one. Shape `(joints,)`.
        - `"tool"`: from every link to the point whose pose is asked for. Shape `(3, 4)`.

        Offsets and multipliers are read for revolute, continuous and prismatic joints.
    Example:
        >>> arm = fkarm.robots.planar([1.0, 0.5])
        >>> geometry = fkarm.kinematics.geometry_of(arm)
        >>> geometry["origins"][:, 0, 3].tolist()
        [0.0, 1.0, 0.5]
    """
    return {name: array.copy() for name, array in own_geometry(robot)._asdict().items()}


@cached(256)
def own_geometry(robot: Robot) -> Geometry:
    """The arrays of `geometry_of`, made once."""
    coordinates = [robot.coordinates.get(joint.name) for joint in robot.joints]
    return Geometry(
        np.array([joint.origin[:3] for joint in robot.joints]).reshape((-1, 3, 4)),
        np.array([0.0 if c is None else c.offset for c in coordinates]),
        np.array([1.0 if c is None else c.multiplier for c in coordinates]),
        np.eye(4)[:3],
    )


def scale_bones(geometry: Mapping[str, TensorLike], factors: TensorLike) -> dict[str, Tensor]:
    """A geometry whose joints are nearer to their parent joints, or farther away.

    Args:
        geometry: As from `geometry_of`.
        factors: Factor of the position of every joint's origin. Shape `(..., joints)`.
    Returns:
        The geometry with `"origins"` of shape `(..., joints, 3, 4)`; the other arrays as they are.
    Raises:
        KeyError: If the geometry has no `"origins"`.
    Gradient:
        With respect to both.
    Example:
        >>> arm = fkarm.robots.planar([1.0, 0.5])
        >>> geometry = fkarm.kinematics.geometry_of(arm)
        >>> longer = fkarm.kinematics.scale_bones(geometry, [[1.0, 1.0, 2.0], [1.0, 3.0, 1.0]])
        >>> poses = fkarm.forward_kinematics(arm, np.zeros((2, 2)), geometry=longer)
        >>> poses[:, 0, 3].numpy().tolist()
        [2.0, 3.5]
    """
    origins = as_float(geometry["origins"], "geometry['origins']")
    factors = in_type_of(as_float(factors, "factors"), origins)[..., None, None]
    # By operations of Keras, which take Keras tensors too.
    position = ops.multiply(origins[..., 3:], factors)
    rotation = ops.multiply(origins[..., :3], ops.ones_like(factors))
    return {**geometry, "origins": ops.concatenate([rotation, position], axis=-1)}


def read_geometry(
    robot: Robot,
    geometry: Mapping[str, TensorLike],
    batch: Sequence[int | None],
    dtype: Any,
    batch_of: str,
) -> Geometry:
    """A geometry as tensors, checked; what is missing is the robot's.

    `batch_of` names the argument whose batch axes the arrays may have.

    Raises:
        TypeError: If it is no mapping, or an array holds no real numbers.
        ValueError: If a name is unknown, a shape is not that of the robot or of the batch of `q`,
            or a matrix that has values is no rotation.
    """
    if not isinstance(geometry, Mapping):
        raise TypeError(
            "geometry must be a mapping of names to arrays, as from "
            f"fkarm.kinematics.geometry_of(robot). Received: {type(geometry).__name__}."
        )
    own = own_geometry(robot)._asdict()
    tensors = {}
    for name, value in {**own, **geometry}.items():
        check_choice("The name of an array in geometry", name, own)
        array = as_float(value, f"geometry[{name!r}]")
        shape = own[name].shape
        check_last_axes(
            f"geometry[{name!r}]", array.shape, shape, f"{robot.name!r} has that of geometry_of."
        )
        _check_batch(name, array.shape[: len(array.shape) - len(shape)], batch, batch_of)
        if name in ("origins", "tool") and name in geometry:
            _check_rotations(robot, name, array)
        tensors[name] = ops.cast(array, dtype)
    return Geometry(**tensors)


def _check_batch(name: str, batch: Any, wanted: Any, batch_of: str) -> None:
    """Raise ValueError unless an array has no batch axes, or the wanted ones."""
    batch, wanted = tuple(batch), tuple(wanted)
    fits = len(batch) == len(wanted) and all(
        None in pair or pair[0] == pair[1] for pair in zip(batch, wanted, strict=True)
    )
    if batch and not fits:
        raise ValueError(
            f"geometry[{name!r}] must have no batch axes, or those of {batch_of}: {wanted}. "
            f"Received: {batch}. Repeat {batch_of} or the geometry: keras.ops.broadcast_to."
        )


def _check_rotations(robot: Robot, name: str, array: Tensor) -> None:
    """Raise ValueError unless matrices `(..., 3, 4)` that have values hold rotations."""
    values = concrete(array)
    if values is None:
        return
    rotation = values[..., :3].astype(np.float64)
    error = np.abs(np.einsum("...ki,...kj->...ij", rotation, rotation) - np.eye(3)).max((-1, -2))
    error = np.where(np.linalg.det(rotation) < 0, 2.0, error)
    if not (error > _ROTATION_TOLERANCE).any():
        return
    where = np.unravel_index(int(np.argmax(error)), error.shape)
    owner = "the tool" if name == "tool" else f"joint {robot.joints[where[-1]].name!r}"
    raise ValueError(
        f"geometry[{name!r}] must hold rotations and positions, R^T R = I and det R = 1. Received: "
        f"a matrix of {owner} that is off by {error[where]:.3g}. "
        "fkarm.geometry.so3_exp and rot6d_to_matrix make rotations of any numbers."
    )
