"""What `solve_ik` is asked, checked and in one shape."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
import numpy as np

from fkarm._checks import check_pose_shape, check_real
from fkarm._types import TensorLike
from fkarm.geometry.native import has_float64, to_numpy
from fkarm.ik.problem import (
    ORIENTATION_TOLERANCE,
    POSITION_TOLERANCE,
    WEIGHTS,
    Problem,
    Task,
    Terms,
    by_link,
    make_problem,
    make_terms,
)
from fkarm.kinematics.arguments import configuration_array
from fkarm.kinematics.joint_space import nearest_copy, nearest_to_zero, with_unit_quaternions
from fkarm.model import Robot

__all__ = ["WEIGHTS", "Question", "read_question", "read_targets"]

# How far from a rotation a target's may be: float32 poses that went through several products.
_ROTATION_TOLERANCE = 1e-3


class Question(NamedTuple):
    """Targets and what may be done to reach them; `n` targets in a row."""

    problem: Problem
    terms: Terms
    batch: tuple[int, ...]
    targets: np.ndarray  # (n, links, 4, 4); those that are not finite are the identity
    entries: np.ndarray  # (n, 12 links)
    is_finite: np.ndarray  # (n,)
    dtype: str
    tolerances: np.ndarray  # m and rad, (links, 2)
    q_init: np.ndarray | None = None  # (n, dof)
    q_ref: np.ndarray | None = None  # (n, dof)

    @property
    def size(self) -> int:
        """Number of targets."""
        return len(self.targets)

    @property
    def near(self) -> np.ndarray:
        """What answers are to be near to: `q_ref`, else `q_init`, else zero. Shape `(n, dof)`."""
        if self.q_ref is not None:
            return self.q_ref
        return self.rest

    @property
    def rest(self) -> np.ndarray:
        """Where joints stay that may not move or move no link. Shape `(n, dof)`."""
        if self.q_init is not None:
            return self.q_init
        if self.q_ref is not None:
            return self.q_ref
        zero = nearest_to_zero(self.problem.robot).astype(self.dtype)
        return np.broadcast_to(zero, (self.size, len(zero)))

    def prepared(self, starts: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Starts `(rows, count, dof)`: the others at rest, those that may move within limits."""
        starts = np.clip(starts.astype(self.dtype), self.terms.lower, self.terms.upper)
        return np.where(self.terms.free > 0, starts, self.rest[rows][:, None])

    def settled(self, q: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """`q (rows, count, dof)` as it is returned: the copy that is nearest, unit quaternions."""
        near, robot = self.near[rows][:, None], self.problem.robot
        copy = nearest_copy(robot, q, near, self.terms.lower, self.terms.upper)
        copy = with_unit_quaternions(robot, copy, near)
        return np.where(self.terms.free > 0, copy, q)

    def configurations(
        self, name: str, q: TensorLike, batch: tuple[int, ...] | None = None
    ) -> np.ndarray:
        """A configuration for each row of `batch`, that of the targets if None; or ValueError."""
        batch, dof = self.batch if batch is None else batch, self.problem.robot.dof
        array = configuration_array(name, q).astype(self.dtype)
        if array.shape not in ((dof,), (*batch, dof)) or not np.isfinite(array).all():
            raise ValueError(
                f"{name} must be finite, of shape ({dof},) or {(*batch, dof)}. "
                f"Received: shape {array.shape}."
            )
        return np.broadcast_to(array, (*batch, dof)).reshape((int(np.prod(batch)), dof))


def read_question(
    robot: Robot,
    target: TensorLike | Mapping[str, TensorLike],
    link: str | None,
    *,
    q_init: TensorLike | None = None,
    q_ref: TensorLike | None = None,
    task: Task | Mapping[str, Task] = "pose",
    frame: str = "root",
    base: str | None = None,
    **values: Any,
) -> Question:
    """The arguments of `solve_ik`, which describes them, as one question.

    `values` are those of `make_terms`.

    Raises:
        UnknownLinkError, TypeError, ValueError: As `solve_ik`.
    """
    by_name = read_targets(robot, target, link)
    problem = make_problem(robot, tuple(by_name), task, frame, base)
    stacked = np.stack(list(by_name.values()), axis=-3)
    batch, dtype = stacked.shape[:-3], stacked.dtype.name
    terms = make_terms(problem, dtype, **values)
    if values.get("joint_mask") is not None and q_init is None:
        raise ValueError("joint_mask must come with q_init. Received: None. It holds the others.")
    targets = stacked.reshape((int(np.prod(batch)), *stacked.shape[-3:]))
    is_finite = np.asarray(np.isfinite(targets).all(axis=(1, 2, 3)))
    _check_rotations(targets[is_finite])
    targets = np.where(is_finite[:, None, None, None], targets, np.eye(4, dtype=dtype))
    entries = np.swapaxes(targets[..., :3, :], -1, -2).reshape((len(targets), 12 * len(by_name)))
    tolerances = [
        by_link(name, values.get(name, default), problem.links)
        for name, default in (
            ("position_tolerance", POSITION_TOLERANCE),
            ("orientation_tolerance", ORIENTATION_TOLERANCE),
        )
    ]
    question = Question(
        problem, terms, batch, targets, entries, is_finite, dtype, np.array(tolerances, float).T
    )
    if q_init is not None:
        question = question._replace(q_init=question.configurations("q_init", q_init))
    if q_ref is not None:
        question = question._replace(q_ref=question.configurations("q_ref", q_ref))
    if terms.posture[0] > 0 and q_ref is None:
        raise ValueError("posture_weight must come with q_ref. Received: None. It pulls there.")
    return question


def read_targets(
    robot: Robot, target: TensorLike | Mapping[str, TensorLike], link: str | None
) -> dict[str, np.ndarray]:
    """Poses by link as arrays of one shape and type."""
    if isinstance(target, Mapping):
        if link is not None or not target:
            raise ValueError(
                f"target must name its links, and link must be None then. Received: link={link!r} "
                f"and {len(target)} targets."
            )
        given = dict(target)
    elif link is not None and not isinstance(link, str):
        raise TypeError(
            f"link must be one name, or None. Received: {link!r}. For several links give "
            "target={link: poses}."
        )
    else:
        given = {robot.end_effector if link is None else link: target}
    found = {}
    for name, pose in given.items():
        try:
            if isinstance(pose, keras.KerasTensor) or hasattr(pose, "op"):  # of a graph
                raise TypeError("symbolic")
            pose = to_numpy(pose)
        except TypeError as error:  # JAX's, for a tensor that it traces
            raise TypeError(
                "target must have a value: solve_ik runs eagerly. Received: a symbolic tensor. "
                "Use fkarm.layers.InverseKinematics in a model."
            ) from error
        check_real("target", pose.dtype, pose)
        pose = pose if pose.dtype == np.float64 else pose.astype(np.float32)
        check_pose_shape("target", pose.shape)
        found[name] = pose
    shapes = {pose.shape for pose in found.values()}
    if len(shapes) > 1:
        raise ValueError(f"All targets must have one shape. Received: {sorted(shapes)}.")
    widest = np.result_type(*found.values())
    if widest == np.float64 and not has_float64():
        warnings.warn(
            "float64 targets are solved in float32, for JAX has float64 switched off. Call "
            "jax.config.update('jax_enable_x64', True) first, or give float32 targets.",
            stacklevel=4,
        )
        widest = np.dtype(np.float32)
    return {name: pose.astype(widest) for name, pose in found.items()}


def _check_rotations(targets: np.ndarray) -> None:
    rotation = targets[..., :3, :3].astype(np.float64)
    error = np.abs(np.swapaxes(rotation, -1, -2) @ rotation - np.eye(3)).max(
        axis=(-1, -2), initial=0
    )
    error = np.maximum(error, np.abs(np.linalg.det(rotation) - 1.0))
    if error.size and error.max() > _ROTATION_TOLERANCE:
        raise ValueError(
            f"target must hold rotations: R^T R = I and det R = 1 within {_ROTATION_TOLERANCE}. "
            f"Received: target {int(error.max(axis=-1).argmax())} is off by {error.max():.3g}. The "
            "nearest rotation is U V^T of its singular value decomposition U S V^T; "
            "fkarm.geometry.rot6d_to_matrix(matrix_to_rot6d(R)) straightens it too."
        )
    if (np.abs(targets[..., 3, :] - [0, 0, 0, 1]) > _ROTATION_TOLERANCE).any():
        raise ValueError(
            "The last row of a target must be 0, 0, 0, 1. Received: another. Is it transposed?"
        )
