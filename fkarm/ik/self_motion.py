"""Solutions of redundant arms farther from singularities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fkarm._checks import check_count
from fkarm._types import TensorLike
from fkarm.geometry.native import to_numpy
from fkarm.ik.result import IKResult
from fkarm.ik.solve import solve_ik
from fkarm.kinematics import geometric_jacobian, kinematic_hessian, manipulability
from fkarm.kinematics.task import task_rows
from fkarm.model import Robot

# Largest move of a joint per step, rad or m: at first, ever, and below which a row is done.
_FIRST, _LARGEST, _SMALLEST = 0.1, 0.3, 1e-3
_LONGER, _SHORTER = 1.5, 0.3
# A joint is at its limit within this distance, rad or m.
_AT_LIMIT = 1e-6


def raise_manipulability(
    robot: Robot,
    target_poses: TensorLike,
    q: TensorLike,
    link: str | None = None,
    *,
    base: str | None = None,
    task: str | Sequence[str] = "pose",
    steps: int = 20,
    **options: Any,
) -> IKResult:
    """Solutions of the same targets, moved away from singularities.

    A redundant arm has more joints than the task has components: its joints can move while the link
    keeps its pose. Every step follows the gradient of the manipulability along this self-motion,
    then returns to the target by `solve_ik`. A step counts if it ends at a solution with a larger
    manipulability; else the next one is shorter. Arms without self-motion keep their solutions.

    Args:
        robot: The robot.
        target_poses: The targets of the solutions, for one link. Shape `(..., 4, 4)`.
        q: Solutions, as of `solve_ik`, rad or m. Shape `(..., dof)`, or `(dof,)`.
        link: The link; None: `robot.end_effector`.
        base: Link in whose frame the targets are; None: the root link.
        task: Components of the pose that count, as in `solve_ik`; the manipulability is that of the
            same components.
        steps: Largest number of steps.
        **options: Other arguments of `solve_ik`, such as the tolerances and `limit_margin`.
    Returns:
        `IKResult`. Where `q` leads to no solution, it is that of `solve_ik` with one start.
    Raises:
        TypeError: If there are several links.
        ValueError: If the task has more components than the link has degrees of freedom; and as
            `solve_ik`.
    Reference:
        [Yoshikawa1985]; [Siciliano2009], section 3.5.1.
    Example:
        >>> robot = fkarm.robots.panda()
        >>> T = fkarm.forward_kinematics(robot, np.full(7, 0.3) * [1, 1, 1, -5, 1, 6, 1])
        >>> found = fkarm.solve_ik(robot, T)
        >>> better = fkarm.ik.raise_manipulability(robot, T, found.q)
        >>> before, after = (fkarm.manipulability(robot, each.q) for each in (found, better))
        >>> bool(better.converged) and bool(after > before)
        True
    """
    if isinstance(target_poses, Mapping):
        raise TypeError(
            f"target_poses must be poses of one link. Received: a mapping of {list(target_poses)}. "
            "Name the link: link=..."
        )
    check_count("steps", steps)
    link, mask = robot.link_or_end_effector(link), options.get("joint_mask")
    targets = to_numpy(target_poses)
    batch = targets.shape[:-2]
    options.update(base=base, task=task, starts=1, method="numeric")
    first = solve_ik(robot, targets, link, q_init=q, **options)
    answers = IKResult(*(field.reshape((-1, *field.shape[len(batch) :])) for field in first))
    targets = targets.reshape(-1, 4, 4)
    measure = to_numpy(manipulability(robot, answers.q, link, task, base))
    size = np.where(answers.converged, _FIRST, 0.0)
    for _ in range(steps):
        rows = np.flatnonzero(size >= _SMALLEST)
        if not rows.size:
            break
        uphill = _uphill(robot, answers.q[rows], link, base, task_rows(task), mask)
        tried_q = answers.q[rows] + (size[rows, None] * uphill).astype(answers.q.dtype)
        tried = solve_ik(robot, targets[rows], link, q_init=tried_q, **options)
        reached = to_numpy(manipulability(robot, tried.q, link, task, base))
        is_better = tried.converged & (reached > measure[rows])
        for whole, new in zip(answers, tried, strict=True):
            whole[rows[is_better]] = new[is_better]
        measure[rows[is_better]] = reached[is_better]
        longer = np.minimum(_LONGER * size[rows], _LARGEST)
        size[rows] = np.where(is_better, longer, _SHORTER * size[rows])
    return IKResult(*(field.reshape((*batch, *field.shape[1:])) for field in answers))


def _uphill(
    robot: Robot,
    q: np.ndarray,
    link: str,
    base: str | None,
    rows: tuple[int, ...],
    mask: Sequence[bool] | None,
) -> np.ndarray:
    """Directions of self-motion along which the measure grows most, largest entry 1. `(n, dof)`.

    The logarithm of the measure has the derivatives `trace(J^+ dJ/dq_k)`. Joints that would leave
    their limits are held.
    """
    q = q.astype(np.float64)
    jacobian = to_numpy(geometric_jacobian(robot, q, link, base))[:, rows]
    hessian = to_numpy(kinematic_hessian(robot, q, link, base))[:, rows]
    gradient = np.einsum("nir,nrik->nk", np.linalg.pinv(jacobian), hessian)
    is_free = np.broadcast_to(True if mask is None else np.asarray(mask, bool), q.shape).copy()
    for _ in range(2):  # the first direction tells which joints are held
        free_jacobian = jacobian * is_free[:, None]
        uphill = gradient * is_free
        along = np.linalg.pinv(free_jacobian) @ (free_jacobian @ uphill[..., None])
        uphill = uphill - along[..., 0]
        is_free &= ~((q <= robot.lower_limits + _AT_LIMIT) & (uphill < 0))
        is_free &= ~((q >= robot.upper_limits - _AT_LIMIT) & (uphill > 0))
    largest = np.abs(uphill).max(axis=1, keepdims=True)
    return np.asarray(uphill / np.maximum(largest, _AT_LIMIT))
