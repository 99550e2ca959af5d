"""What functions of a robot and a configuration are given, checked."""

from __future__ import annotations

import numpy as np
from keras import ops

from fkarm._checks import check_last_axes, real_array
from fkarm._types import Tensor, TensorLike
from fkarm.geometry.dense import in_type_of
from fkarm.geometry.native import to_numpy
from fkarm.geometry.safe import as_float, at_least_single
from fkarm.model import Robot
from fkarm.model.named import check_unnamed


def base_name(robot: Robot, base: str | None) -> str:
    """`base`, or the root link's name for None; UnknownLinkError if there is no such link."""
    if base is None:
        return robot.root_link
    robot.check_link(base)
    return base


def configuration(robot: Robot, q: TensorLike) -> Tensor:
    """`q` as a tensor of float32 or float64 whose last axis is checked against `robot`.

    Raises:
        TypeError: If `q` has names, whose order may be another, or does not hold real numbers.
        ValueError: If its shape is not that of configurations.
    """
    if not ops.is_tensor(q):
        check_unnamed("q", q)
    q = at_least_single(as_float(q, "q"))
    check_configuration_shape(robot, q.shape)
    return q


def configuration_and_rate(
    robot: Robot, q: TensorLike, q_rate: TensorLike
) -> tuple[Tensor, Tensor]:
    """`q` and `q_rate` as tensors of the type of `q`, with equally many axes.

    Raises:
        TypeError: If one has names, whose order may be another, or does not hold real numbers.
        ValueError: If the shapes do not match.
    """
    q = configuration(robot, q)
    q_rate = in_type_of(configuration(robot, q_rate), q)
    if len(q.shape) != len(q_rate.shape):
        raise ValueError(
            f"q and q_rate must have one shape. Received: {tuple(q.shape)} and "
            f"{tuple(q_rate.shape)}. Repeat the shorter one: ops.broadcast_to."
        )
    return q, q_rate


def configuration_array(name: str, q: TensorLike) -> np.ndarray:
    """Joint configurations as a NumPy array of float64, of any shape.

    Raises:
        TypeError: If `q` has names, whose order may be another, or does not hold real numbers.
    """
    check_unnamed(name, q)
    return real_array(name, q if isinstance(q, (list, tuple)) else to_numpy(q)).astype(np.float64)


def check_configuration_shape(robot: Robot, shape: tuple[int | None, ...]) -> None:
    """Raise ValueError unless `shape` is that of configurations, `(..., dof)`."""
    names = ", ".join(robot.joint_names[:12]) + (", ..." if robot.dof > 12 else "")
    hint = f"One value for each of: {names or '(no joints)'}."
    has_rank = getattr(shape, "rank", 0) is not None  # TensorFlow may not know it
    if has_rank and len(shape) == 2 and shape[0] == robot.dof:
        hint += " Is it transposed?"
    check_last_axes("q", shape, (robot.dof,), hint)
