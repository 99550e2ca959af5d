"""Answers of a request by the closed form of its arm."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from fkarm._checks import check_choice
from fkarm._types import Tensor
from fkarm.config import cached
from fkarm.errors import NoClosedFormError
from fkarm.geometry.native import to_numpy
from fkarm.ik.batch import run_in_chunks
from fkarm.ik.choice import best_of
from fkarm.ik.closed_form import ClosedForm, closed_form
from fkarm.ik.closed_form.find import LARGEST_TOLERANCE
from fkarm.ik.closed_form.layouts import TOLERANCE
from fkarm.ik.closed_form.nearest import NONE
from fkarm.ik.problem import Problem, Terms
from fkarm.ik.request import Request
from fkarm.kinematics.joint_space import FREE_LENGTH, entry_kinds
from fkarm.kinematics.task import task_rows
from fkarm.model import Robot
from fkarm.model.named import joint_of_entry

METHODS = ("auto", "closed_form", "numeric")
# Shares of a free joint's range: its middle, then ever finer. On the Panda the first of them has a
# solution within the limits for four targets of ten, the first eight for nine of ten.
SHARES = np.array([int(f"{k:07b}"[::-1], 2) for k in range(1, 128)]) / 128.0
# How many are compared at a time; the first of these rounds in which a target has solutions gives
# its answer, whatever the size of the batch.
ROUNDS = (4, 4, 8, 16, 32, 63)
# With q_ref so many shares and the value of q_ref are compared; then values around the best one, at
# these parts of two distances from it, rad or m.
NEAR_SHARES = 63
NEARER = (0.15, 0.03)
OFFSETS = np.array([-1.0, -0.75, -0.5, -0.25, 0.25, 0.5, 0.75, 1.0])
SHARES_IN_GRAPH = 15
# Number of the start of an answer that no start led to.
NO_START = -1


def form_of(
    problem: Problem, terms: Terms, method: str, has_geometry: bool = False
) -> ClosedForm | None:
    """The closed form that answers a problem; None if it has none, or none is wanted.

    Raises:
        NoClosedFormError: With the method `"closed_form"`, if the problem has none.
        ValueError: If there is no such method.
    """
    check_choice("method", method, METHODS)
    if method == "numeric":
        return None
    held = _held(problem, terms)
    found: ClosedForm | str | None = _obstacle(problem, terms, held, has_geometry)
    if found is None:
        joint = joint_of_entry(problem.robot, held[0]).name if held else None
        found = _attempt(problem.robot, problem.links[0], problem.base, joint)
    if isinstance(found, ClosedForm):
        return found
    if method == "closed_form":
        raise NoClosedFormError(found)
    return None


def approximate_form_of(
    problem: Problem, terms: Terms, has_geometry: bool = False
) -> ClosedForm | None:
    """The form that six axes nearly have, whose branches are starts; None: there is none.

    Of calibrated arms a search for all solutions finds more from there than from a table. A search
    for one solution takes longer: computing the branches costs more than its descents.
    """
    held = _held(problem, terms)
    if len(problem.active) != 6 or _obstacle(problem, terms, held, has_geometry):
        return None
    found = _attempt(problem.robot, problem.links[0], problem.base, None, LARGEST_TOLERANCE)
    return found if isinstance(found, ClosedForm) else None


def _obstacle(problem: Problem, terms: Terms, held: list[int], has_geometry: bool) -> str | None:
    """Why the closed form of an arm would not answer a problem."""
    count = len(problem.active)
    if has_geometry:
        asked, came = "the robot's own geometry", "geometry"
    elif len(problem.links) > 1:
        asked, came = "links that share no joint", ", ".join(map(repr, problem.links))
    elif problem.components.rows != (task_rows("pose"),):
        asked, came = "task='pose'", "a task of fewer components"
    elif terms.posture[0] > 0:
        asked, came = "posture_weight=0", f"{float(terms.posture[0]) ** 0.5:g}"
    elif held and (len(held) > 1 or count not in (5, 7)):
        asked = "joints that may move, but for one of seven, or of five with a SCARA robot"
        came = f"a joint_mask that holds {len(held)} of {count} joints on the way to the link"
    else:
        return None
    return (
        f"method='closed_form' needs {asked}. Received: {came}. Use method='auto', which searches "
        "where there is no closed form."
    )


def _held(problem: Problem, terms: Terms) -> list[int]:
    """Entries of `q` on the way to the links that may not move."""
    return [entry for entry in problem.active if terms.free[entry] == 0]


@cached(64)
def _attempt(
    robot: Robot, link: str, base: str, free: str | None, tolerance: float = TOLERANCE
) -> ClosedForm | str:
    """The closed form, or why there is none: a control loop asks for it in every call."""
    try:
        return closed_form(robot, link, free, tolerance, base)
    except NoClosedFormError as error:
        return str(error)


def nearest_solutions(
    form: ClosedForm, request: Request, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The solution of some targets that is nearest to `q_ref`, or else farthest from the limits.

    Of seven joints one is given: without `q_ref` the values of the first of `ROUNDS` in which
    there is a solution are compared.

    Returns:
        Configurations `(rows, dof)`, and whether they are solutions `(rows,)`.
    """
    terms = request.terms
    q_ref = None if request.q_ref is None else request.q_ref[rows]
    near, values = _preference(form.robot, terms, q_ref)
    near = np.broadcast_to(near, (len(rows), len(terms.lower)))
    if form.free_entry is None:
        best = _nearest(form, request, rows, near, values)
    else:
        best = _nearest_of_values(form, form.free_entry, request, rows, near, values)
    q = np.where(terms.free > 0, best[:, :-1], request.rest[rows])
    return q, best[:, -1] < NONE


def _nearest_of_values(
    form: ClosedForm,
    entry: int,
    request: Request,
    rows: np.ndarray,
    near: np.ndarray,
    values: np.ndarray,
) -> np.ndarray:
    """`NearestBranch` of the values of a free joint that `nearest_solutions` names."""

    def nearest(of: np.ndarray, given: np.ndarray) -> np.ndarray:
        """Of the targets `of`, for some values `(len(of), count)` per target."""
        count = given.shape[1]
        repeated = np.repeat(of, count)
        new = _nearest(form, request, rows[repeated], near[repeated], values, given.reshape(-1))
        new = new.reshape(len(of), count, -1)
        chosen: np.ndarray = new[np.arange(len(of)), new[..., -1].argmin(axis=1)]
        return chosen

    every = np.arange(len(rows))
    if request.q_ref is not None:
        own = np.clip(near[:, entry : entry + 1], *_bounds(request.terms, entry))
        spread = _spread(entry, request, rows, SHARES[:NEAR_SHARES])
        best = nearest(every, np.concatenate([own, spread], axis=1))
        for width in NEARER if request.terms.free[entry] else ():
            around = best[:, entry : entry + 1] + width * OFFSETS.astype(request.dtype)
            new = nearest(every, np.clip(around, *_bounds(request.terms, entry)))
            best = np.where(new[:, -1:] < best[:, -1:], new, best)
        return best
    best = np.concatenate([near, np.full((len(rows), 1), NONE, request.dtype)], axis=1)
    given = _spread(entry, request, rows, SHARES)
    is_open, first = every, 0
    for count in ROUNDS:
        if is_open.size and first < given.shape[1]:
            best[is_open] = nearest(is_open, given[is_open, first : first + count])
            is_open, first = is_open[best[is_open, -1] >= NONE], first + count
    return best


def solutions_in_graph(
    form: ClosedForm, terms: Terms, entries: Tensor, rest: Tensor, q_ref: Tensor | None
) -> tuple[Tensor, Tensor]:
    """`nearest_solutions` as operations on tensors; of a free joint `SHARES_IN_GRAPH` are tried.

    Args:
        form: The closed form.
        terms: The values of the problem.
        entries: Targets, `(rows, 12)`.
        rest: Values of joints that are held or move no link. Shape `(rows, dof)`.
        q_ref: Preferred configurations `(rows, dof)`, or None.
    """
    near, values = _preference(form.robot, terms, q_ref)
    near, packed = (ops.convert_to_tensor(x) for x in (near, values))
    near = near + ops.zeros_like(rest)
    entry, branch = form.free_entry, form.central if q_ref is None else form.nearest
    if entry is None:
        best = branch.compiled(entries, near, packed)[0]
    else:
        spread = _range_at(form.robot, terms, entry, SHARES[:SHARES_IN_GRAPH])
        given = ops.convert_to_tensor(spread) + 0.0 * rest[:, :1]
        if terms.free[entry] == 0:
            given = rest[:, entry : entry + 1]
        count = given.shape[1]
        repeated = [ops.repeat(x, count, axis=0) for x in (entries, near)]
        new = branch.compiled(*repeated, ops.reshape(given, (-1,)), packed)[0]
        new = ops.reshape(new, (-1, count, len(terms.lower) + 1))
        best = best_of(new[..., -1], 1, new)[0][:, 0]
    return ops.where(terms.free > 0, best[:, :-1], rest), best[:, -1] < NONE


def all_branches_of(
    form: ClosedForm, request: Request, rows: np.ndarray, values: int
) -> tuple[np.ndarray, np.ndarray]:
    """Every branch of some targets: `(rows, branches, dof)`, and the solutions `(rows, branches)`.

    A free joint has `values` values, spread over its range.
    """
    target = request.targets[rows, 0]
    entry = form.free_entry
    if entry is None:
        found = form.branches_at(ops.convert_to_tensor(target))
    else:
        given = _spread(entry, request, rows, (np.arange(values) + 0.5) / values)
        count = given.shape[1]
        poses = np.repeat(target[:, None], count, axis=1)
        found = form.branches_at(*map(ops.convert_to_tensor, (poses, given)))
    q, is_solution = to_numpy(found.q), to_numpy(found.is_solution)
    branches = int(np.prod(is_solution.shape[1:]))
    return q.reshape(len(rows), branches, q.shape[-1]), is_solution.reshape(len(rows), branches)


def _preference(robot: Robot, terms: Terms, q_ref: Any | None) -> tuple[Any, np.ndarray]:
    """What answers shall be near: `q_ref`, or else the middle of the ranges.

    Returns:
        That configuration, and the lower bounds, upper bounds and weights of its entries.
    """
    near, weights = _middle(robot, terms)
    if q_ref is not None:
        near, weights = q_ref, np.ones_like(weights)
    else:
        near = near.astype(terms.dtype)
    return near, np.concatenate([terms.lower, terms.upper, weights]).astype(terms.dtype)


def from_middle(robot: Robot, terms: Terms, q: np.ndarray) -> np.ndarray:
    """Squared weighted distances of `q (..., dof)` from the middle of the joints' ranges."""
    middle, weights = _middle(robot, terms)
    distance: np.ndarray = np.sum(
        np.square(np.where(terms.free > 0, weights * (q - middle), 0.0)), axis=-1
    )
    return distance


def _middle(robot: Robot, terms: Terms) -> tuple[np.ndarray, np.ndarray]:
    """The middle of the joints' ranges, and one over their half length.

    Of an angle one turn counts, of a length without limits `FREE_LENGTH` to either side.
    """
    lower, upper = terms.lower, terms.upper
    is_length = entry_kinds(robot) == "length"
    is_bounded = is_length & np.isfinite(lower) & np.isfinite(upper)
    half = np.where(is_bounded, np.inf, np.where(is_length, FREE_LENGTH, np.pi))
    low = np.maximum(lower, np.minimum(upper, half) - 2 * half)
    high = np.minimum(upper, low + 2 * half)
    is_wide = (lower <= -half) & (upper >= half)
    low, high = np.where(is_wide, -half, low), np.where(is_wide, half, high)
    return (low + high) / 2, 2.0 / np.maximum(high - low, 1e-6)


def _spread(entry: int, request: Request, rows: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Values of the free joint at shares of its range; its own value if the mask holds it."""
    terms = request.terms
    if terms.free[entry] == 0:
        return request.rest[rows][:, entry : entry + 1].astype(request.dtype)
    values = _range_at(request.problem.robot, terms, entry, shares)
    return np.broadcast_to(values, (len(rows), len(shares)))


def _range_at(robot: Robot, terms: Terms, entry: int, shares: np.ndarray) -> np.ndarray:
    """Values of a joint at shares of its range."""
    middle, weight = (x[entry] for x in _middle(robot, terms))
    values = middle + (2.0 * shares - 1.0) / weight
    return np.clip(values, *_bounds(terms, entry)).astype(terms.dtype)


def _bounds(terms: Terms, entry: int) -> tuple[np.ndarray, np.ndarray]:
    return terms.lower[entry], terms.upper[entry]


def _nearest(
    form: ClosedForm,
    request: Request,
    rows: np.ndarray,
    near: np.ndarray,
    values: np.ndarray,
    *free: np.ndarray,
) -> np.ndarray:
    """`NearestBranch` of some targets. Shape `(rows, dof + 1)`."""
    entries = request.entries[rows]
    branch = form.central if request.q_ref is None else form.nearest
    if request.runs_in_numpy(len(rows)):
        return branch.in_numpy(entries, near, *free, values)
    return run_in_chunks(branch.compiled, entries, near, *free, shared=(values,))[0]
