"""A problem of inverse kinematics: its structure, and its values.

A search is compiled for a `Problem`. `Terms` are tensors that the search takes as an input, so that
other weights, tolerances, masks, margins and postures compile nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from numbers import Real
from typing import Any, NamedTuple, Protocol

import numpy as np

from fkarm._checks import check_choice, check_non_negative
from fkarm._types import Tensor
from fkarm._units import RADIAN_IN_METRES
from fkarm.config import cached
from fkarm.errors import unknown_name
from fkarm.kinematics.arguments import base_name
from fkarm.kinematics.joint_space import entry_kinds, representable_bounds
from fkarm.kinematics.plan import Plan, plan_chain
from fkarm.kinematics.task import task_rows
from fkarm.model import Robot
from fkarm.model.named import check_unnamed

# The smallest tolerance that a type reaches on arms a few metres long, m and rad.
LEAST_TOLERANCE = {"float32": 2e-6, "float64": 1e-12}
# Weight of a metre and of a radian.
WEIGHTS = (1.0, RADIAN_IN_METRES)
POSITION_TOLERANCE, ORIENTATION_TOLERANCE = 1e-3, 1e-2
FRAMES = ("root", "target")
# The largest rotation of a joint in one step, rad. Slides have no bound, because they are linear.
LARGEST_TURN = 1.0

Task = str | Sequence[str]
Weights = tuple[float, float]


class Components(NamedTuple):
    """The components of the links' errors that count."""

    rows: tuple[tuple[int, ...], ...]  # per link, of position (0 to 2) and orientation (3 to 5)
    frame: str  # their axes: "root" (those of `base`) or "target"

    @property
    def size(self) -> int:
        """Number of components of all links."""
        return sum(map(len, self.rows))

    @property
    def halves(self) -> list[list[int]]:
        """Indices of the errors of every link's position and orientation, in turn."""
        halves, first = [], 0
        for rows in self.rows:
            for half in (0, 1):
                count = sum(row // 3 == half for row in rows)
                halves.append(list(range(first, first + count)))
                first += count
        return halves


class Problem(NamedTuple):
    """What a search must reach. Hashable, because a search is compiled once per problem."""

    robot: Robot
    links: tuple[str, ...]
    components: Components
    base: str  # the link in whose frame the targets are

    @property
    def plan(self) -> Plan:
        """The planned chain to the links."""
        return plan_chain(self.robot, self.links, self.base)

    @property
    def active(self) -> tuple[int, ...]:
        """Entries of `q` that move a link."""
        return self.plan.active


class Planned(Protocol):
    """What code for every joint is made of: a `Problem`, or one whose frames are tensors."""

    @property
    def plan(self) -> Plan:
        """The planned chain to the links."""

    @property
    def components(self) -> Components:
        """The components that count."""

    @property
    def active(self) -> tuple[int, ...]:
        """Entries of `q` that move a link."""


class Terms(NamedTuple):
    """The values of a problem: vectors, as NumPy arrays or as the tensors of a search."""

    weights: Any  # per component that counts
    closeness: Any  # 1 / (weight times tolerance)^2, two per link; 0 where no component counts
    free: Any  # 1 per entry of q that may move, else 0
    lower: Any  # bounds of q; infinite for entries that may not move
    upper: Any
    longest: Any  # largest change of an entry in one step, rad or m
    posture: Any  # squared weight of the distance to q_ref, (1,)
    steps: Any  # largest number of steps, (1,)

    @property
    def dtype(self) -> str:
        """The type of the values, "float32" or "float64"."""
        return "float32" if self.weights.dtype == np.float32 else "float64"

    def packed(self, steps: int | None = None) -> np.ndarray:
        """All values in one vector."""
        last = self.steps if steps is None else np.full(1, steps, self.steps.dtype)
        return np.concatenate([*self[:-1], last])


def unpacked(components: Components, dof: int, packed: Tensor) -> Terms:
    """The terms in one vector."""
    sizes = (components.size, 2 * len(components.rows), dof, dof, dof, dof, 1, 1)
    ends = list(accumulate(sizes))
    return Terms(*(packed[end - size : end] for size, end in zip(sizes, ends, strict=True)))


def make_problem(
    robot: Robot,
    links: tuple[str, ...],
    task: Task | Mapping[str, Task] = "pose",
    frame: str = "root",
    base: str | None = None,
) -> Problem:
    """The problem of reaching targets in the frame of `base`; None: the root link.

    Raises:
        ValueError: If no joint moves one of the links.
    """
    check_choice("frame", frame, FRAMES)
    base = base_name(robot, base)
    for link in links:
        robot.check_link(link)
        if not plan_chain(robot, (link,), base).entries:
            raise _none_may_move(link, base)
    rows = tuple(task_rows(each) for each in by_link("task", task, links))
    return Problem(robot, links, make_components(rows, frame), base)


def make_components(rows: tuple[tuple[int, ...], ...], frame: str) -> Components:
    """Components, in the root's axes where axes make no difference."""
    if all(len([row for row in each if row // 3 == k]) in (0, 3) for each in rows for k in (0, 1)):
        frame = "root"  # The length of a whole vector does not depend on its axes.
    return Components(rows, frame)


def make_terms(
    problem: Problem,
    dtype: str,
    *,
    weights: Weights | Mapping[str, Weights] = WEIGHTS,
    position_tolerance: float | Mapping[str, float] = POSITION_TOLERANCE,
    orientation_tolerance: float | Mapping[str, float] = ORIENTATION_TOLERANCE,
    joint_mask: Sequence[bool] | None = None,
    limit_margin: float = 0.0,
    posture_weight: float = 0.0,
) -> Terms:
    """The values of a problem; the arguments are those of `fkarm.solve_ik`.

    Raises:
        ValueError: If one of them is out of range, or no joint may move one of the links.
    """
    pairs = [_checked_weights(each) for each in by_link("weights", weights, problem.links)]
    tolerances = [
        tuple(_checked_tolerance(name, each, dtype) for each in by_link(name, value, problem.links))
        for name, value in (
            ("position_tolerance", position_tolerance),
            ("orientation_tolerance", orientation_tolerance),
        )
    ]
    check_non_negative("posture_weight", posture_weight)
    check_non_negative("limit_margin", limit_margin)
    mask = None if joint_mask is None else _checked_mask(problem.robot, joint_mask)
    return _terms(
        problem,
        dtype,
        tuple(pairs),
        tuple(zip(*tolerances, strict=True)),
        mask,
        float(limit_margin),
        float(posture_weight),
    )


@cached(256)
def _terms(
    problem: Problem,
    dtype: str,
    pairs: tuple[Weights, ...],
    tolerances: tuple[tuple[float, ...], ...],
    mask: tuple[bool, ...] | None,
    margin: float,
    posture_weight: float,
) -> Terms:
    """Terms of checked values, read-only; a control loop asks for the same ones in every call."""
    free = _free_entries(problem, mask)
    lower, upper = _bounds(problem, free, margin, dtype)
    closeness = [
        (weight * tolerance) ** -2.0 if any(row // 3 == half for row in rows) else 0.0
        for rows, pair, of_link in zip(problem.components.rows, pairs, tolerances, strict=True)
        for half, (weight, tolerance) in enumerate(zip(pair, of_link, strict=True))
    ]
    is_length = entry_kinds(problem.robot) == "length"
    terms = Terms(
        [
            pair[row // 3]
            for pair, rows in zip(pairs, problem.components.rows, strict=True)
            for row in rows
        ],
        closeness,
        free,
        lower,
        upper,
        np.where(is_length, np.inf, LARGEST_TURN),
        [posture_weight**2],
        [0.0],
    )
    arrays = Terms(*(np.array(each, dtype) for each in terms))
    for array in arrays:
        array.setflags(write=False)
    return arrays


def margin_near_reference(terms: Terms) -> float:
    """How much larger than the smallest error that of a miss near `q_ref` may be, m."""
    return float(terms.closeness[terms.closeness > 0].max() ** -0.5)


def _checked_mask(robot: Robot, joint_mask: Sequence[bool]) -> tuple[bool, ...]:
    """Whether each entry of `q` may move; or ValueError."""
    check_unnamed("joint_mask", joint_mask)
    mask = np.asarray(joint_mask)
    if mask.shape != (robot.dof,) or mask.dtype != bool:
        raise ValueError(
            f"joint_mask must be {robot.dof} booleans, one per entry of q. "
            f"Received: {joint_mask!r}."
        )
    for first in robot.quaternions:
        if 0 < mask[first : first + 4].sum() < 4:
            raise ValueError(
                "joint_mask must free or hold the four entries of a quaternion together. "
                f"Received: {mask[first : first + 4].tolist()} from entry {first}."
            )
    return tuple(mask.tolist())


def _free_entries(problem: Problem, mask: tuple[bool, ...] | None) -> np.ndarray:
    """Which entries of `q` may move and move a link; ValueError if a link has none."""
    robot = problem.robot
    may_move = np.ones(robot.dof, bool) if mask is None else np.array(mask)
    for link in problem.links:
        if not may_move[list(plan_chain(robot, (link,), problem.base).entries)].any():
            raise _none_may_move(link, problem.base)
    moving = np.zeros(robot.dof, bool)
    moving[list(problem.active)] = True
    return may_move & moving


def by_link(name: str, value: Any, links: tuple[str, ...]) -> list[Any]:
    """One value per link, from one value for all links or from `{link: value}`; or ValueError."""
    if not (isinstance(value, Mapping) and value):
        return [value] * len(links)
    for link in value:
        if link not in links:
            raise ValueError(unknown_name(f"a link of {name}", link, links))
    missing = [link for link in links if link not in value]
    if missing:
        raise ValueError(
            f"{name} must name all links of target_poses. Received: none for {missing}."
        )
    return [value[link] for link in links]


def _none_may_move(link: str, base: str) -> ValueError:
    return ValueError(
        f"A joint that may move must be on the way from {base!r} to {link!r}. Received: none. See "
        "robot.path_to(link) and joint_mask."
    )


def _checked_weights(weights: Any) -> Weights:
    is_pair = isinstance(weights, (tuple, list, np.ndarray)) and len(weights) == 2
    if not is_pair or not all(
        isinstance(each, Real) and 0 < float(each) < np.inf for each in weights
    ):
        raise ValueError(
            "weights must be two finite numbers > 0, for a metre and for a radian. Received: "
            f"{weights!r}. Try weights={WEIGHTS}."
        )
    return float(weights[0]), float(weights[1])


def _checked_tolerance(name: str, tolerance: float, dtype: str) -> float:
    least = LEAST_TOLERANCE[dtype]
    if not isinstance(tolerance, Real) or not float(tolerance) >= least:
        raise ValueError(
            f"{name} must be a number of at least {least} for {dtype} targets. "
            f"Received: {tolerance!r}. float64 targets reach {LEAST_TOLERANCE['float64']}."
        )
    return float(tolerance)


def _bounds(
    problem: Problem, free: np.ndarray, margin: float, dtype: str
) -> tuple[np.ndarray, np.ndarray]:
    """The limits less the margin for entries that may move; infinite bounds for the others."""
    robot = problem.robot
    inset = np.where(entry_kinds(robot) == "quaternion", 0.0, margin)
    lower, upper = robot.lower_limits + inset, robot.upper_limits - inset
    narrow = np.flatnonzero(free & (lower > upper))
    if margin and narrow.size:
        least = float((upper - lower + 2 * inset)[narrow].min()) / 2
        raise ValueError(
            "limit_margin must leave a range to every joint that may move: at most "
            f"{least:g} here. Received: {margin!r}."
        )
    lower, upper = representable_bounds(lower, upper, dtype)
    return np.where(free, lower, -np.inf), np.where(free, upper, np.inf)
