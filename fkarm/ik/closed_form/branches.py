"""All branches of a closed form for rows of targets: entries in, entries out."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import keras
import numpy as np

from fkarm.ik.closed_form.arithmetic import (
    Pair,
    Solver,
    Turn,
    angle_of,
    constant_turn,
    isolated,
    library_of,
    minus,
)
from fkarm.ik.closed_form.check import (
    TrueChain,
    newton_step,
    orthonormal,
    sines_of,
    squared_errors,
)
from fkarm.ik.closed_form.reduction import Reduced
from fkarm.kinematics.chain import inverse, placed
from fkarm.kinematics.entries import Entry, Frame, mul
from fkarm.kinematics.joint_space import TURN

# Largest error of a solution, m and rad.
TOLERANCES = {"float32": 1e-5, "float64": 1e-9}
# A target's matrix is a rotation to this.
ROTATION_TOLERANCE = 1e-4
# A larger residual is no rounding of the geometry, m and rad.
LARGEST_ROUNDING = 1e-4
# Longest Newton step, rad and m, of a rounded geometry and of one that misses its form.
LONGEST_STEPS = (0.02, 0.3)


class Structure(NamedTuple):
    """A chain that has a closed form."""

    kind: str
    arm: Reduced
    solver: Solver
    chain: TrueChain
    residual: tuple[float, float]  # m, rad


class Branches(NamedTuple):
    """Branches for rows of targets; arrays have `Solver.axes` axes of two before the rows."""

    values: list[Any]  # of the joints of the chain but for the free one
    is_solution: Any


def all_branches(structure: Structure, target: Frame, free: Any | None) -> Branches:
    """All branches for targets.

    Args:
        structure: The chain.
        target: Poses of the link, whose entries are arrays of rows.
        free: Values of the free joint, if there is one.
    """
    flat: list[Any] = _flat(target)
    dtype = keras.backend.standardize_dtype(flat[0].dtype)
    ahead = (None,) * structure.solver.axes
    target = _frame([x[ahead] for x in flat])
    target, off = _orthonormal(target)
    arm, chain = structure.arm, structure.chain
    given: dict[int, tuple[Any, Pair]] = {}  # by the index of the free joint
    if free is not None and arm.free is not None:
        free = free[ahead]
        slides = chain.slides[arm.free]
        given[arm.free] = (free, (free, 0.0) if slides else sines_of([free])[0])
    links = arm.at(next((pair for _, pair in given.values()), None))
    goal = _goal(arm.is_backwards, links, target)
    found = given | _joint_values(arm, structure.solver.solve(links, goal))
    values, pairs = map(list, zip(*(found[k] for k in sorted(found)), strict=True))
    steps = _newton_steps(structure.residual, dtype)
    if steps:
        zero = sum(values) * 0.0
        values = [value + zero for value in values]
        floor = (16 * float(np.finfo(dtype).eps)) ** 2 if dtype == "float64" else 1e-9
        longest = LONGEST_STEPS[max(structure.residual) > LARGEST_ROUNDING]
        for _ in range(steps):
            values = newton_step(chain, target, values, floor, longest)
        pairs = chain.pairs(values)
        values = [
            value if slides else wrapped(value)
            for value, slides in zip(values, chain.slides, strict=True)
        ]
    is_solution = _are_solutions(chain, pairs, target, off, TOLERANCES[dtype])
    return Branches([values[k] for k in chain.moving], is_solution)


def _are_solutions(
    chain: TrueChain, pairs: list[Pair], target: Frame, off: Entry, tolerance: float
) -> Any:
    """Whether the link is at the target, and the target a pose."""

    def run(entries: list[Entry]) -> list[Entry]:
        pairs = [(entries[k], entries[k + 1]) for k in range(12, len(entries), 2)]
        return [*squared_errors(chain.frames(pairs)[1], _frame(entries))]

    flat = [*_flat(target), *(x for pair in pairs for x in pair)]
    position, rotation = isolated(run, flat)
    library = library_of(position)
    is_close = library.logical_and(position <= tolerance**2, rotation <= tolerance**2)
    return library.logical_and(is_close, off <= ROTATION_TOLERANCE**2)


def _joint_values(arm: Reduced, solved: list[Pair]) -> dict[int, tuple[Any, Pair]]:
    """Values and pairs by the index of their joint, from those of the reduced chain."""
    turns = [
        _true_turn(turn, sense, offset)
        for turn, sense, offset in zip(solved, arm.senses, arm.offsets, strict=False)
    ]

    def run(entries: list[Entry]) -> list[Entry]:
        return [angle_of((entries[k], entries[k + 1])) for k in range(0, len(entries), 2)]

    angles = isolated(run, [x for turn in turns for x in turn])
    found = dict(zip(arm.axes, zip(angles, turns, strict=True), strict=True))
    for slide, pair in zip(arm.slides, solved[len(turns) :], strict=True):
        found[slide.joint] = pair[0], pair
    return found


def _true_turn(turn: Turn, sense: float, offset: float) -> Turn:
    """Cosine and sine of a joint's value, from those of the reduced chain."""
    c, s = minus(turn, constant_turn(offset))
    return c, mul(sense, s)


def _goal(is_backwards: bool, links: list[Frame], target: Frame) -> Frame:
    """The pose of the frame after the last axis of the reduced chain in that before the first."""

    def run(entries: list[Entry]) -> list[Entry]:
        first, pose, last = (_frame(entries[k : k + 12]) for k in (0, 12, 24))
        pose = inverse(pose) if is_backwards else pose
        return _flat(placed(placed(inverse(first), pose), inverse(last)))

    return _frame(isolated(run, [*_flat(links[0]), *_flat(target), *_flat(links[-1])]))


def _orthonormal(target: Frame) -> tuple[Frame, Entry]:
    found = isolated(lambda entries: _with_off(*orthonormal(_frame(entries))), _flat(target))
    return _frame(found), found[12]


def _with_off(frame: Frame, off: Entry) -> list[Entry]:
    return [*_flat(frame), off]


def _flat(frame: Frame) -> list[Entry]:
    return [x for vector in (*frame.axes, frame.origin) for x in vector]


def _frame(entries: list[Entry]) -> Frame:
    x, y, z, origin = ((entries[k], entries[k + 1], entries[k + 2]) for k in (0, 3, 6, 9))
    return Frame((x, y, z), origin)


def _newton_steps(residual: tuple[float, float], dtype: str) -> int:
    """Steps on the true chain: an error squares with each of them."""
    worst = max(residual)
    if worst > LARGEST_ROUNDING:
        return 3 if dtype == "float32" else 5
    if dtype == "float32":
        return int(worst > 2e-7)
    return 0 if worst < 1e-14 else 1 if worst < 1e-8 else 3


def wrapped(angle: Any) -> Any:
    """An angle within a turn or so of zero, brought to `[-pi, pi]`."""
    library = library_of(angle)
    angle = library.where(angle > math.pi, angle - TURN, angle)
    return library.where(angle < -math.pi, angle + TURN, angle)
