"""How many of all solutions the candidates of a network come to."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from fkarm._checks import check_count, check_positive
from fkarm._types import TensorLike
from fkarm.geometry.native import to_numpy
from fkarm.ik import closed_form
from fkarm.ik.proposals import refined
from fkarm.ik.request import Request, read_request
from fkarm.ik.search import ONE_SOLUTION
from fkarm.kinematics.arguments import configuration_array
from fkarm.kinematics.joint_space import TURN, difference, sampling_bounds
from fkarm.kinematics.stage.few_rows import FEW_ROWS
from fkarm.model import Robot

NEAR = 0.3  # a candidate counts for a solution that it comes within this distance of, rad
VALUES = 16  # of the free joint of seven


class Coverage(NamedTuple):
    """Solutions of many targets, and those of them that candidates reach.

    Args:
        reached: Number of solutions that are reached. Shape `(n,)`.
        solutions: Number of all solutions. Shape `(n,)`.
    """

    reached: np.ndarray
    solutions: np.ndarray

    @property
    def share(self) -> float:
        """Reached solutions of all targets as a share of all their solutions; NaN: there are none.

        In other words the recall.
        """
        total = int(self.solutions.sum())
        return int(self.reached.sum()) / total if total else math.nan


def solution_coverage(
    robot: Robot,
    q: TensorLike,
    target_poses: TensorLike,
    link: str | None = None,
    *,
    steps: int = 3,
    near: float = NEAR,
    values: int = VALUES,
) -> Coverage:
    """How many of all solutions of targets some candidates reach, such as the heads of a network.

    The closed form of the arm gives all solutions within the joint limits. With seven joints it
    gives them for `values` values of its free joint, spread over the range of this joint. The
    candidates are refined by `steps` damped least-squares steps, as in `predict_ik`. Then the
    distance of two configurations is that of the joint that differs most, modulo whole turns. For
    every value of the free joint a candidate counts for the solution that it is nearest to, if it
    is within the distance `near`.

    Args:
        robot: The robot.
        q: Candidates, rad. Shape `(n, count, dof)`.
        target_poses: Poses to reach, in the root link's frame, m. Shape `(n, 4, 4)`.
        link: Link to reach with; None: `robot.end_effector`.
        steps: Number of steps that refine the candidates.
        near: Largest distance of a reached solution, rad.
        values: Number of values of the free joint of seven.
    Raises:
        NoClosedFormError: If the arm has no closed form; the message says why.
        UnknownLinkError: If the link does not exist.
        TypeError: If an argument is not real numbers.
        ValueError: If a shape is not as stated, a target is no pose, `steps` is not a whole number
            >= 0, `near` is not a positive number or `values` is not a whole number >= 1.
    Example:
        >>> arm = fkarm.robots.ur5e()
        >>> q = fkarm.sample_configurations(arm, 10, seed=0)
        >>> T = fkarm.forward_kinematics(arm, q)
        >>> known = solution_coverage(arm, q[:, None], T)  # one of up to eight solutions
        >>> int(known.reached.sum())
        10
    """
    if not isinstance(steps, (int, np.integer)) or steps < 0:
        raise ValueError(f"steps must be a whole number >= 0. Received: {steps!r}.")
    check_positive("near", near)
    check_count("values", values)
    return Solutions.of(robot, target_poses, link, values).coverage(q, int(steps), near)


class Solutions(NamedTuple):
    """All solutions of targets, by the closed form of the arm."""

    request: Request
    q: np.ndarray  # (n, values, branches, dof)
    is_solution: np.ndarray  # of equal solutions one is marked, (n, values, branches)

    @classmethod
    def of(
        cls, robot: Robot, target_poses: TensorLike, link: str | None, values: int = VALUES
    ) -> Solutions:
        """The solutions within the limits; `solution_coverage` describes the arguments."""
        form = closed_form(robot, link)
        request = read_request(robot, target_poses, form.link)
        given = () if form.free_entry is None else (_values(robot, form.free_entry, values),)
        # NumPy computes so few rows. Compiling takes longer than some hundred targets.
        size = max((FEW_ROWS - 1) // values, 1)
        parts = [request.targets[k : k + size, 0] for k in range(0, max(request.size, 1), size)]
        found = [form.solve(part, *given) for part in parts]
        q, is_solution = (
            np.concatenate([to_numpy(x) for x in field])
            for field in ([each.q for each in found], [each.within_limits for each in found])
        )
        q = q.reshape(request.size, 1 if form.free is None else values, form.branches, robot.dof)
        is_solution = is_solution.reshape(q.shape[:-1]) & request.is_finite[:, None, None]
        is_new = is_solution.copy()
        for j in range(1, form.branches):
            apart = _distance(request, q[..., :j, :], q[..., j : j + 1, :])
            is_new[..., j] &= ~np.any(is_solution[..., :j] & (apart < ONE_SOLUTION), axis=-1)
        return cls(request, q, is_new)

    def coverage(self, q: TensorLike, steps: int, near: float = NEAR) -> Coverage:
        """What candidates reach; `solution_coverage` describes the arguments."""
        candidates, batch = configuration_array("q", q), self.request.batch
        if candidates.ndim != 3 or (len(candidates),) != batch:
            raise ValueError(
                "q must have shape (n, count, dof) and target_poses (n, 4, 4). Received: shapes "
                f"{candidates.shape} and {(*batch, 4, 4)}."
            )
        is_reached = np.zeros_like(self.is_solution)
        for each in np.moveaxis(refined(self.request, candidates, steps).q, 1, 0):
            apart = _distance(self.request, self.q, each[:, None, None])
            apart = np.where(self.is_solution, apart, np.inf)
            is_nearest = apart == apart.min(axis=-1, keepdims=True)
            is_reached |= is_nearest & (apart <= near)
        return Coverage(is_reached.sum(axis=(1, 2)), self.is_solution.sum(axis=(1, 2)))


def _values(robot: Robot, entry: int, count: int) -> np.ndarray:
    """The middles of `count` equal parts of a joint's range; of an angle one turn counts."""
    lower, upper = (bounds[entry] for bounds in sampling_bounds(robot))
    length = upper - lower if robot.entries[entry] == "length" else min(upper - lower, TURN)
    return lower + length * (np.arange(count) + 0.5) / count


def _distance(request: Request, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Distance of the joint that differs most, modulo whole turns. `(..., dof)` to `(...)`."""
    apart = difference(request.problem.robot, a, b, by_turns=True)
    largest: np.ndarray = np.abs(apart[..., request.terms.free > 0]).max(axis=-1, initial=0.0)
    return largest
