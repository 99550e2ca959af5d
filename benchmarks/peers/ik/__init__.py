"""Other libraries' inverse kinematics, each at its best setting that we know, in its own process.

The docstring of each says what that is, where it is documented and what was changed in its favour.

A module here has `prepare`: of an `IKTask` it makes a `Solver`. None imports Keras. What is not
here: the packages trac-ik, tracikpy, trac-ik-python, python-trac-ik and trac-ik-py are not on PyPI
(of TRAC-IK's bindings only pytracik does), and cuRobo needs a GPU.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from benchmarks.contestants import unavailable_if
from benchmarks.task import plain

Tolerances = tuple[float, float]  # m, rad
# Of poses (n, 4, 4), float32, and tolerances: configurations (n, dof), solved or not.
Solver = Callable[[np.ndarray, Tolerances], np.ndarray]


class IKTask(NamedTuple):
    """What a solver is told of an arm: plain data that pickles.

    Args:
        urdf: The chain, as fkarm writes it.
        root: Its first link, in whose frame targets are.
        link: Its last link, to bring to the targets.
        joints: Names of the joints, from the root on: the order of configurations everywhere.
        lower: Lower limits.
        upper: Upper limits.
    """

    urdf: str
    root: str
    link: str
    joints: tuple[str, ...]
    lower: np.ndarray
    upper: np.ndarray

    @property
    def plain_urdf(self) -> str:
        """The chain for other readers."""
        return plain(self.urdf)

    @property
    def middle(self) -> np.ndarray:
        """The configuration in the middle of the limits."""
        return (self.lower + self.upper) / 2.0


class SolverStand:
    """A solver at its stand.

    Args:
        build: What makes a solver of a task.
        fragile: Whether an error of it is a reason to be unavailable, and no more.
    """

    def __init__(self, build: Callable[[IKTask], Solver], fragile: bool = False) -> None:
        self._build = build
        self._fragile = fragile
        self._solver: Solver | None = None

    def prepare(self, task: IKTask) -> None:
        """Read the arm."""
        self._solver = self._build(task)

    def solve(self, poses: np.ndarray, tolerances: Tolerances) -> tuple[np.ndarray, float]:
        """Configurations `(n, dof)`, and the seconds that all of them took.

        Raises:
            Unavailable: If the solver fails and is fragile.
        """
        with unavailable_if(self._fragile):
            start = time.perf_counter()
            q = self._solver(poses, tolerances)
            return np.asarray(q), time.perf_counter() - start


def one_by_one(solve: Callable[[np.ndarray, Tolerances], np.ndarray]) -> Solver:
    """A solver of a batch, of one of a target: calls in sequence, targets in float64."""

    def solver(poses: np.ndarray, tolerances: Tolerances) -> np.ndarray:
        return np.array([solve(pose, tolerances) for pose in poses.astype(np.float64)])

    return solver


def restarts(
    task: IKTask,
    descend: Callable[[np.ndarray], tuple[np.ndarray, bool]],
    searches: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """What a local search finds from the middle of the limits, else from random starts."""
    q, is_solved = descend(task.middle)
    for _ in range(searches - 1):
        if is_solved:
            break
        q, is_solved = descend(rng.uniform(task.lower, task.upper))
    return q


def steered(
    configuration: Any,
    goal: Any,
    velocity: Callable[[], np.ndarray],
    failure: type[Exception],
    tolerances: Tolerances,
    steps: int,
) -> tuple[np.ndarray, bool]:
    """Whole steps of Pink or mink, until the goal's error is within tolerances or none is left."""
    for step in range(steps + 1):
        if is_within(goal.compute_error(configuration), tolerances):
            return configuration.q.copy(), True
        if step == steps:
            break
        try:
            change = velocity()
        except failure:  # no solution of the program: the next start
            break
        configuration.integrate_inplace(change, 1.0)
    return configuration.q.copy(), False


def is_within(error: np.ndarray, tolerances: Tolerances) -> bool:
    """Whether a twist (linear, then angular) is within tolerances, with a little room to spare."""
    position, orientation = tolerances
    return bool(
        error[:3] @ error[:3] < (0.99 * position) ** 2
        and error[3:] @ error[3:] < (0.99 * orientation) ** 2
    )
