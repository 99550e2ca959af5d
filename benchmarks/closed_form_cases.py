"""Arms with a closed form, their free joints, and configurations at their singularities."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

import fkarm
from benchmarks.robots import TABLES, Arm, load_arm
from fkarm.kinematics.joint_space import sampling_bounds

VALUES = 16  # of a free joint, in the middle of equal shares of its range
SEARCH_STARTS = 84
_SCANNED, _HALVINGS = 24, 60


class Case(NamedTuple):
    """An arm, its free joint, and where it is singular.

    Args:
        free: Index of the joint whose values are given; None: there is none.
        singular: By the name of a singularity the index of a joint, and values of this joint at
            which the other six are singular; None: values that depend on the other joints.
    """

    free: int | None
    singular: Mapping[str, tuple[int, tuple[float, ...] | None]]


def _of_table(name: str) -> Case:
    """Six joints with a spherical wrist: the forearm leads from axis 3 to `(a, d)`."""
    across, _, _, start = TABLES[name][2]
    stretched = -start - np.arctan2(TABLES[name][3][2], across)
    elbow = stretched, (stretched + 2.0 * np.pi) % (2.0 * np.pi) - np.pi
    return Case(None, {"wrist": (4, (0.0, -np.pi)), "elbow": (2, elbow), "shoulder": (1, None)})


# With joint 7 given, the spherical shoulder of the Panda is the wrist of the form, which is
# singular where axes 1 and 3 coincide; axis 6 is its first axis. The elbow is stretched where
# offsets on both of its sides make up for its bend.
_PANDA_STRETCHED = -float(np.arctan2(0.0825, 0.316) + np.arctan2(0.0825, 0.384))
CASES = {
    "ur5e": Case(
        None, {"wrist": (4, (0.0, np.pi)), "elbow": (2, (0.0, np.pi)), "shoulder": (1, None)}
    ),
    "puma560": _of_table("puma560"),
    "kr6": _of_table("kr6"),
    "panda": Case(
        6, {"wrist": (1, (0.0,)), "elbow": (3, (_PANDA_STRETCHED,)), "shoulder": (4, None)}
    ),
    "iiwa14": Case(2, {"wrist": (5, (0.0,)), "elbow": (3, (0.0,)), "shoulder": (1, None)}),
}


class Solved(NamedTuple):
    """What fkarm's closed form returns, as arrays with an axis of values; float64.

    The axes of `q` are targets, values of the free joint (one without a free joint), branches and
    joints.
    """

    q: np.ndarray
    is_solution: np.ndarray
    within_limits: np.ndarray


class Form:
    """fkarm's closed form of an arm."""

    def __init__(self, name: str, arm: Arm | None = None) -> None:
        self.arm, self.case = arm or load_arm(name), CASES[name]
        robot, free = self.arm.robot, self.case.free
        self.free = None if free is None else robot.joint_names[free]
        self.form = fkarm.ik.closed_form(robot, self.arm.link, self.free)
        self.six = [k for k in range(robot.dof) if k != free]

    @property
    def values(self) -> np.ndarray:
        """Values of the free joint, the same for all targets; none without a free joint."""
        if self.case.free is None:
            return np.zeros(0)
        lower, upper = (x[self.case.free] for x in sampling_bounds(self.arm.robot))
        return lower + (upper - lower) * (np.arange(VALUES) + 0.5) / VALUES

    def of_free(self, q: np.ndarray) -> np.ndarray | None:
        """The free joint's values of configurations. `(n, dof)` to `(n, 1)`."""
        return None if self.case.free is None else q[:, [self.case.free]]

    def solve(self, targets: Any, values: Any = None) -> Any:
        """The tensors of a call."""
        return self.form.solve(targets, None if self.case.free is None else values)

    def solved(self, targets: np.ndarray, values: np.ndarray | None, dtype: str) -> Solved:
        """The answer for targets of a type."""
        import keras

        given = [None if x is None else keras.ops.convert_to_tensor(x.astype(dtype)) for x in
                 (targets, values)]  # fmt: skip
        q, *marks = (np.asarray(x) for x in self.solve(*given))
        if self.case.free is None:
            q, *marks = (x[:, None] for x in (q, *marks))
        return Solved(q.astype(np.float64), *marks)

    def least_singular(self, q: np.ndarray) -> np.ndarray:
        """The smallest singular value of the six joints' Jacobian by Pinocchio, m and rad."""
        jacobians = self.arm.exact.jacobians(q)[:, 0]
        return np.linalg.svd(jacobians[..., self.six], compute_uv=False)[:, -1]

    def singular(self, name: str, count: int) -> np.ndarray:
        """Random configurations at a singularity, at most `count`. Shape `(n, dof)`."""
        joint, values = self.case.singular[name]
        rng = np.random.default_rng(list(self.case.singular).index(name))
        q = fkarm.sample_configurations(self.arm.robot, count, seed=rng)
        if values is None:
            return self._roots(q, joint)
        q[:, joint] = rng.choice(values, count)
        return q

    def _roots(self, q: np.ndarray, joint: int) -> np.ndarray:
        """Configurations whose joint is moved to where the determinant changes its sign."""
        rows = np.arange(len(q))
        grid = np.linspace(-np.pi, np.pi, _SCANNED)
        signs = np.stack([self._determinants(q, joint, np.full(len(q), x)) > 0 for x in grid])
        changes = signs[1:] != signs[:-1]
        first = changes.argmax(axis=0)
        low, high, sign = grid[first], grid[first + 1], signs[first, rows]
        for _ in range(_HALVINGS):
            middle = (low + high) / 2.0
            is_low = (self._determinants(q, joint, middle) > 0) == sign
            low, high = np.where(is_low, middle, low), np.where(is_low, high, middle)
        q[:, joint] = low
        return q[changes.any(axis=0)]

    def _determinants(self, q: np.ndarray, joint: int, values: np.ndarray) -> np.ndarray:
        q[:, joint] = values
        jacobians = fkarm.geometric_jacobian(self.arm.robot, q, self.arm.link)
        return np.linalg.det(np.asarray(jacobians)[..., self.six])


def searched(arm: Arm, targets: np.ndarray) -> fkarm.IKSolutions:
    """What the search of `fkarm.solve_ik_all` finds, where it does not use the closed form."""
    options = {"starts": SEARCH_STARTS}
    if "method" in inspect.signature(fkarm.solve_ik_all).parameters:
        options["method"] = "numeric"
    return fkarm.solve_ik_all(arm.robot, targets, arm.link, **options)
