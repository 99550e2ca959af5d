"""Paths along the branches of a closed form."""

from __future__ import annotations

import numpy as np

from fkarm.ik.by_closed_form import all_branches_of
from fkarm.ik.closed_form import ClosedForm
from fkarm.ik.problem import WEIGHTS
from fkarm.ik.request import Request
from fkarm.kinematics.joint_space import nearest_copy

# Poses of all paths whose branches are computed together: few enough for NumPy and for a cache.
ROWS = 1000
# No joint moves farther than this from one pose to the next along a branch, rad.
LONGEST_STEP = 0.5
# Nor farther than this per metre that the pose moves, rad: beside a singularity rounding decides.
LARGEST_GAIN = 10.0
# Branches whose joints differ by less coincide, rad: each is one of infinitely many solutions.
COINCIDENT = 1e-3


class AlongBranches:
    """Paths that follow the branches of a closed form, pose after pose.

    Args:
        form: The closed form.
        request: The poses.
        rows: Their numbers. Shape `(paths, poses)`.
    """

    def __init__(self, form: ClosedForm, request: Request, rows: np.ndarray) -> None:
        self._form, self._request, self._rows = form, request, rows
        self._longest = _longest_steps(request, rows)
        self._last_step = np.zeros((len(rows), request.problem.robot.dof), request.dtype)
        self._poses = max(1, ROWS // max(1, len(rows)))
        self._q = self._is_solution = np.empty(0)

    def step(self, k: int, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """From the configurations before pose `k` to those at it.

        Of the solutions at the end of a short step it is the one that is nearest to where the last
        step would lead again. So joints keep their velocities: they do not turn back where two
        branches meet, nor change to a branch that passes nearer than their own.

        Args:
            k: Index of the pose. The poses must be visited in order.
            q: Configurations. Shape `(paths, dof)`.
        Returns:
            Configurations `(paths, dof)`, and whether they are such solutions, away from
            singularities `(paths,)`.
        """
        if k % self._poses == 0:
            self._load(k)
        terms, robot = self._request.terms, self._request.problem.robot
        before, paths = q[:, None], np.arange(len(q))
        branches = self._q[:, k % self._poses]  # (paths, branches, dof)
        copies = nearest_copy(robot, branches, before, terms.lower, terms.upper)
        is_short = np.abs(copies - before).max(axis=-1) <= self._longest[:, k, None]
        is_short &= ((copies >= terms.lower) & (copies <= terms.upper)).all(axis=-1)
        is_short &= self._is_solution[:, k % self._poses]
        apart = np.square(copies - before - self._last_step[:, None]).sum(axis=-1)
        chosen = np.where(is_short, apart, np.inf).argmin(axis=1)
        reached, is_there = copies[paths, chosen], is_short[paths, chosen]
        is_same = np.abs(copies - reached[:, None]).max(axis=-1) < COINCIDENT
        is_there &= (is_same & is_short).sum(axis=1) == 1
        self._last_step = np.where(is_there[:, None], reached - q, 0.0)
        return reached, is_there

    def _load(self, k: int) -> None:
        """Compute the branches at some poses of every path, from pose `k` on."""
        rows, terms = self._rows[:, k : k + self._poses], self._request.terms
        flat = rows.ravel()
        q, is_solution = all_branches_of(self._form, self._request, flat, 1)
        q = np.where(terms.free > 0, q, self._request.rest[flat][:, None])
        is_solution = is_solution & self._request.is_finite[flat][:, None]
        self._q = q.reshape(*rows.shape, *q.shape[1:])
        self._is_solution = is_solution.reshape(*rows.shape, q.shape[1])


def _longest_steps(request: Request, rows: np.ndarray) -> np.ndarray:
    """How far a joint may move to a pose along a branch, rad; zero for the first. As `rows`."""
    poses = request.targets[rows, 0, :3].astype(np.float64)  # (paths, poses, 3, 4)
    change = np.diff(poses, axis=1, prepend=poses[:, :1])
    # Twice the square of a small angle, rad^2, and the square of a distance, m^2.
    turn, step = (np.sum(part**2, axis=(-2, -1)) for part in (change[..., :3], change[..., 3:]))
    moved = np.sqrt(WEIGHTS[0] ** 2 * step + WEIGHTS[1] ** 2 * turn / 2)
    return np.minimum(LONGEST_STEP, LARGEST_GAIN * moved)
