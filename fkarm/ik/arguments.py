"""What `solve_ik` is asked, checked and in one shape."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import NamedTuple

import keras
import numpy as np

from fkarm._checks import check_count, check_pose_shape, check_real
from fkarm._types import TensorLike
from fkarm.geometry.native import has_float64, to_numpy
from fkarm.ik.step import Problem
from fkarm.kinematics.forward import configuration_array
from fkarm.kinematics.plan import plan_chain
from fkarm.kinematics.sampling import inward_bounds
from fkarm.kinematics.task import task_rows
from fkarm.model import Joint, Robot
from fkarm.model.named import check_unnamed

# The least tolerance that a type reaches on arms of some metres, m and rad.
_LEAST_TOLERANCE = {"float32": 2e-6, "float64": 1e-12}
# How far from a rotation a target's may be: float32 poses that went through several products.
_ROTATION_TOLERANCE = 1e-3

# Of a metre and of a radian: 1 rad weighs like 0.3 m.
WEIGHTS = (1.0, 0.3)


class Question(NamedTuple):
    """Targets and what may be done to reach them; `n` targets in a row."""

    problem: Problem
    batch: tuple[int, ...]
    targets: np.ndarray  # (n, links, 4, 4); those that are not finite are the identity
    entries: np.ndarray  # (n, 12 links)
    is_finite: np.ndarray  # (n,)
    dtype: str
    tolerances: tuple[float, float]
    q_init: np.ndarray | None = None  # (n, dof)
    q_ref: np.ndarray | None = None  # (n, dof)

    @property
    def size(self) -> int:
        """Number of targets."""
        return len(self.targets)

    def prepared(self, starts: np.ndarray, rows: np.ndarray, is_first: bool) -> np.ndarray:
        """Starts `(rows, count, dof)` with `q_init` first, held joints held, inside the limits."""
        starts = np.array(np.broadcast_to(starts, (len(rows), *starts.shape[1:])), self.dtype)
        if self.q_init is not None:
            held = np.setdiff1d(np.arange(starts.shape[-1]), self.problem.active)
            starts[..., held] = self.q_init[rows][:, None, held]
            if is_first:
                starts[:, 0] = self.q_init[rows]
        return self.within_limits(starts)

    def within_limits(self, q: np.ndarray) -> np.ndarray:
        """The nearest configurations that are."""
        robot = self.problem.robot
        return np.clip(q, *inward_bounds(robot.lower_limits, robot.upper_limits, self.dtype))

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

    def turned(self, q: np.ndarray) -> np.ndarray:
        """`q (n, count, dof)` by whole turns as near to `q_ref` as the limits allow."""
        if self.q_ref is None:
            return q
        turns = np.round((self.q_ref[:, None] - q) / (2 * np.pi))
        near = (q + 2 * np.pi * turns).astype(q.dtype)
        may = self._is_angle(lambda joint: True) & (near == self.within_limits(near))
        return np.where(may, near, q)

    def _is_angle(self, chosen: Callable[[Joint], bool]) -> np.ndarray:
        """For each entry of `q` whether it is the angle of a joint that is chosen."""
        return np.array(
            [
                entry == "angle" and chosen(joint)
                for joint in self.problem.robot.independent_joints
                for entry in joint.entries
            ]
        )

    def difference(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """`a - b` entry by entry, the short way round for joints that turn endlessly."""
        apart = a - b
        endless = self._is_angle(lambda joint: joint.is_endless)
        turned = np.remainder(apart + np.pi, 2 * np.pi) - np.pi
        return np.where(endless, turned, apart)


def read_question(
    robot: Robot,
    target: TensorLike | Mapping[str, TensorLike],
    link: str | None,
    *,
    tolerances: tuple[float, float],
    q_init: TensorLike | None = None,
    q_ref: TensorLike | None = None,
    joint_mask: Sequence[bool] | None = None,
    counts: Mapping[str, int] | None = None,
    task: str | Sequence[str] = "pose",
    weights: tuple[float, float] = WEIGHTS,
) -> Question:
    """The arguments of `solve_ik`, which describes them, as one question.

    Raises:
        UnknownLinkError, TypeError, ValueError: As `solve_ik`.
    """
    by_link = read_targets(robot, target, link)
    problem = make_problem(robot, tuple(by_link), task, weights, joint_mask)
    if joint_mask is not None and q_init is None:
        raise ValueError("joint_mask must come with q_init. Received: None. It holds the others.")
    for name, count in (counts or {}).items():
        check_count(name, count)
    stacked = np.stack(list(by_link.values()), axis=-3)
    batch, dtype = stacked.shape[:-3], stacked.dtype.name
    for name, tolerance in zip(("position", "orientation"), tolerances, strict=True):
        least = _LEAST_TOLERANCE[dtype]
        if not (isinstance(tolerance, Real) and tolerance >= least):
            raise ValueError(
                f"{name}_tolerance must be a number of at least {least} for {dtype} targets. "
                f"Received: {tolerance!r}. float64 targets reach {_LEAST_TOLERANCE['float64']}."
            )
    targets = stacked.reshape((int(np.prod(batch)), *stacked.shape[-3:]))
    is_finite = np.asarray(np.isfinite(targets).all(axis=(1, 2, 3)))
    _check_rotations(targets[is_finite])
    targets = np.where(is_finite[:, None, None, None], targets, np.eye(4, dtype=dtype))
    entries = np.swapaxes(targets[..., :3, :], -1, -2).reshape((len(targets), 12 * len(by_link)))
    question = Question(problem, batch, targets, entries, is_finite, dtype, tolerances)
    if q_init is not None:
        question = question._replace(q_init=question.configurations("q_init", q_init))
    if q_ref is not None:
        question = question._replace(q_ref=question.configurations("q_ref", q_ref))
        if q_init is None:  # the search starts where it should end
            question = question._replace(q_init=question.q_ref)
    return question


def make_problem(
    robot: Robot,
    links: tuple[str, ...],
    task: str | Sequence[str] = "pose",
    weights: tuple[float, float] = WEIGHTS,
    joint_mask: Sequence[bool] | None = None,
) -> Problem:
    """What is to be reached, or ValueError if no joint may move one of the links."""
    rows = task_rows(task)
    is_pair = isinstance(weights, (tuple, list, np.ndarray)) and len(weights) == 2
    if not is_pair or not all(isinstance(each, Real) and 0 < each < np.inf for each in weights):
        raise ValueError(
            "weights must be two finite numbers > 0, of a metre and of a radian. Received: "
            f"{weights!r}. Try weights={WEIGHTS}."
        )
    check_unnamed("joint_mask", joint_mask)
    mask = np.ones(robot.dof, bool) if joint_mask is None else np.asarray(joint_mask)
    if mask.shape != (robot.dof,) or mask.dtype != bool:
        raise ValueError(
            f"joint_mask must be {robot.dof} booleans, one for each entry of q. "
            f"Received: {joint_mask!r}."
        )
    moving = set()
    for link in links:
        robot.check_link(link)
        entries = {entry for entry in plan_chain(robot, (link,)).entries if mask[entry]}
        if not entries:
            raise ValueError(
                f"A joint that may move must be on the way to {link!r}. Received: none. See "
                "robot.path_to(link) and joint_mask."
            )
        moving |= entries
    return Problem(
        robot,
        links,
        (rows,) * len(links),
        (float(weights[0]), float(weights[1])),
        tuple(sorted(moving)),
    )


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
