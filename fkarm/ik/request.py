"""What one call of `solve_ik` asks for: targets, problem and preferences, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from fkarm._types import TensorLike
from fkarm.geometry.native import to_numpy
from fkarm.ik.problem import (
    ORIENTATION_TOLERANCE,
    POSITION_TOLERANCE,
    Problem,
    Task,
    Terms,
    by_link,
    make_problem,
    make_terms,
)
from fkarm.ik.targets import check_rotations, read_targets
from fkarm.kinematics.arguments import configuration_array
from fkarm.kinematics.geometry import own_geometry, read_geometry
from fkarm.kinematics.joint_space import nearest_copy, nearest_to_zero, with_unit_quaternions
from fkarm.kinematics.stage import are_few
from fkarm.model import Robot

# Searches for fewer targets run in NumPy. On two cores compiled code solves 1,000 targets of the
# Panda in half the time, but compiling it takes as long as 100 such searches (`benchmarks.small`).
FEW_TARGETS = 1025


def runs_in_numpy(targets: int) -> bool:
    """Whether a search for so many targets at a time runs in NumPy."""
    return are_few(targets, FEW_TARGETS)


class Request(NamedTuple):
    """`n` targets, and what the search may do to reach them."""

    problem: Problem
    terms: Terms
    batch: tuple[int, ...]
    targets: np.ndarray  # (n, links, 4, 4); those that are not finite are the identity
    entries: np.ndarray  # (n, 12 links)
    is_finite: np.ndarray  # (n,)
    dtype: str
    tolerances: np.ndarray  # m and rad, (links, 2)
    is_few: bool  # whether the search runs in NumPy
    q_init: np.ndarray | None = None  # (n, dof)
    q_ref: np.ndarray | None = None  # (n, dof)
    geometry: tuple[np.ndarray, ...] = ()  # `Geometry`, (n, ...) or (1, ...) each; or the robot's

    @property
    def size(self) -> int:
        """Number of targets."""
        return len(self.targets)

    def runs_in_numpy(self, descents: int) -> bool:
        """Whether so many descents run in NumPy: those of few targets, or the last of many."""
        return not self.geometry and (self.is_few or runs_in_numpy(descents))

    @property
    def near(self) -> np.ndarray:
        """The preferred configuration: `q_ref`, else `q_init`, else zero. Shape `(n, dof)`."""
        if self.q_ref is not None:
            return self.q_ref
        return self.rest

    @property
    def rest(self) -> np.ndarray:
        """The value of joints that are held or move no link. Shape `(n, dof)`."""
        if self.q_init is not None:
            return self.q_init
        if self.q_ref is not None:
            return self.q_ref
        zero = nearest_to_zero(self.problem.robot).astype(self.dtype)
        return np.broadcast_to(zero, (self.size, len(zero)))

    def targets_of(self, rows: np.ndarray, count: int) -> np.ndarray:
        """The targets of `count` configurations each, float64. `(rows * count, links, 4, 4)`."""
        return np.repeat(self.targets[rows].astype(np.float64), count, axis=0)

    def geometries_of(self, rows: np.ndarray, count: int) -> list[np.ndarray]:
        """The arrays of the geometry of `count` configurations each."""
        return [
            np.repeat(x[rows], count, axis=0)
            if len(x) == self.size
            else np.broadcast_to(x, (len(rows) * count, *x.shape[1:]))
            for x in self.geometry
        ]

    def constrained(self, starts: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Starts `(rows, count, dof)` within the limits, with held joints at their value."""
        starts = np.clip(starts.astype(self.dtype), self.terms.lower, self.terms.upper)
        return np.where(self.terms.free > 0, starts, self.rest[rows][:, None])

    def canonical(self, q: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """`q (rows, count, dof)` as it is returned: the nearest whole turns, unit quaternions."""
        near, robot = self.near[rows][:, None], self.problem.robot
        copy = nearest_copy(robot, q, near, self.terms.lower, self.terms.upper)
        copy = with_unit_quaternions(robot, copy, near)
        return np.where(self.terms.free > 0, copy, q)

    def configurations(
        self, name: str, q: TensorLike, batch: tuple[int, ...] | None = None
    ) -> np.ndarray:
        """One configuration per row of `batch`; None: the batch of the targets. Or ValueError."""
        batch, dof = self.batch if batch is None else batch, self.problem.robot.dof
        array = configuration_array(name, q).astype(self.dtype)
        if array.shape not in ((dof,), (*batch, dof)) or not np.isfinite(array).all():
            raise ValueError(
                f"{name} must be finite, of shape ({dof},) or {(*batch, dof)}. "
                f"Received: shape {array.shape}."
            )
        return np.broadcast_to(array, (*batch, dof)).reshape((int(np.prod(batch)), dof))


def read_request(
    robot: Robot,
    target_poses: TensorLike | Mapping[str, TensorLike],
    link: str | None,
    *,
    q_init: TensorLike | None = None,
    q_ref: TensorLike | None = None,
    task: Task | Mapping[str, Task] = "pose",
    frame: str = "root",
    base: str | None = None,
    geometry: Mapping[str, TensorLike] | None = None,
    **values: Any,
) -> Request:
    """The arguments of `solve_ik` as one request; `values` are the arguments of `make_terms`.

    Raises:
        UnknownLinkError, TypeError, ValueError: As `solve_ik`.
    """
    by_name = read_targets(robot, target_poses, link)
    problem = make_problem(robot, tuple(by_name), task, frame, base)
    stacked = np.stack(list(by_name.values()), axis=-3)
    batch, dtype = stacked.shape[:-3], stacked.dtype.name
    terms = make_terms(problem, dtype, **values)
    if values.get("joint_mask") is not None and q_init is None:
        raise ValueError(
            "joint_mask must come with q_init, the values of held joints. Received: None."
        )
    targets = stacked.reshape((int(np.prod(batch)), *stacked.shape[-3:]))
    is_finite = np.asarray(np.isfinite(targets).all(axis=(1, 2, 3)))
    check_rotations(targets[is_finite])
    targets = np.where(is_finite[:, None, None, None], targets, np.eye(4, dtype=dtype))
    entries = np.swapaxes(targets[..., :3, :], -1, -2).reshape((len(targets), 12 * len(by_name)))
    tolerances = [
        by_link(name, values.get(name, default), problem.links)
        for name, default in (
            ("position_tolerance", POSITION_TOLERANCE),
            ("orientation_tolerance", ORIENTATION_TOLERANCE),
        )
    ]
    request = Request(
        problem,
        terms,
        batch,
        targets,
        entries,
        is_finite,
        dtype,
        np.array(tolerances, float).T,
        runs_in_numpy(len(targets)),
    )
    if geometry is not None:
        arrays, has_values = _geometry(robot, batch, dtype, geometry)
        is_finite = is_finite & has_values
        request = request._replace(geometry=arrays, is_finite=is_finite, is_few=False)
    if q_init is not None:
        request = request._replace(q_init=request.configurations("q_init", q_init))
    if q_ref is not None:
        request = request._replace(q_ref=request.configurations("q_ref", q_ref))
    if terms.posture[0] > 0 and q_ref is None:
        raise ValueError(
            "posture_weight must come with q_ref, the preferred posture. Received: None."
        )
    return request


def _geometry(
    robot: Robot, batch: tuple[int, ...], dtype: str, geometry: Mapping[str, TensorLike]
) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """The arrays of a geometry with one row, or one per target; and which targets have values.

    Arrays that are not finite are the robot's own.
    """
    tensors = read_geometry(robot, geometry, batch, dtype, "the targets")
    arrays, has_values = [], np.ones(1, bool)
    for tensor, own in zip(tensors, own_geometry(robot), strict=True):
        rows = to_numpy(tensor).reshape((-1 if own.size else 1, *own.shape))
        is_finite = np.isfinite(rows).all(axis=tuple(range(1, rows.ndim)), keepdims=True)
        arrays.append(np.where(is_finite, rows, own.astype(dtype)))
        has_values = has_values & is_finite.reshape(-1)
    return tuple(arrays), has_values
