"""All branches of a closed form for rows of targets: entries in, entries out."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import keras
import numpy as np

from fkarm.ik.closed_form.arithmetic import Turn, angle_of, isolated, library_of
from fkarm.ik.closed_form.check import (
    TrueChain,
    newton_step,
    orthonormal,
    sines_of,
    squared_errors,
)
from fkarm.ik.closed_form.parallel import solve_parallel
from fkarm.ik.closed_form.reduction import Reduced
from fkarm.ik.closed_form.wrist import ArmSolver, solve_wrist
from fkarm.kinematics.chain import inverse, placed
from fkarm.kinematics.entries import Entry, Frame, add, mul, sub
from fkarm.kinematics.joint_space import TURN

# Largest error of a solution, m and rad.
TOLERANCES = {"float32": 1e-5, "float64": 1e-9}
# A target's matrix is a rotation to this.
ROTATION_TOLERANCE = 1e-4
BRANCHES = 8
# A larger residual is no rounding of the geometry, m and rad.
LARGEST_ROUNDING = 1e-4
# Longest Newton step, rad, of a rounded geometry and of one that misses its form.
LONGEST_STEPS = (0.02, 0.3)


class Structure(NamedTuple):
    """A chain that has a closed form."""

    kind: str
    arm: Reduced
    solver: ArmSolver | None  # of a wrist; None: three parallel axes
    chain: TrueChain
    residual: tuple[float, float]  # m, rad


class Branches(NamedTuple):
    """Branches for rows of targets; arrays have three axes of two branches before the rows."""

    angles: list[Any]  # of the joints of the chain but for the free one
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
    target = _frame([x[None, None, None] for x in flat])
    target, off = _orthonormal(target)
    arm, chain = structure.arm, structure.chain
    if free is not None:
        free = free[None, None, None]
    free_turn = None if free is None else sines_of([free])[0]
    links = arm.at(free_turn)
    goal = _goal(arm.is_backwards, links, target)
    if structure.solver is None:
        turns = solve_parallel(links, goal)
    else:
        turns = solve_wrist(structure.solver, links, goal)
    angles, pairs = _joint_values(arm, turns)
    if arm.free is not None:
        angles.insert(arm.free, free)
        pairs.insert(arm.free, free_turn)
    steps = _newton_steps(structure.residual, dtype)
    if steps:
        zero = sum(angles) * 0.0
        angles = [angle + zero for angle in angles]
        floor = (16 * float(np.finfo(dtype).eps)) ** 2 if dtype == "float64" else 1e-9
        longest = LONGEST_STEPS[max(structure.residual) > LARGEST_ROUNDING]
        for _ in range(steps):
            angles = newton_step(chain, target, angles, floor, longest)
        pairs = sines_of(angles)
        angles = [wrapped(angle) for angle in angles]
    is_solution = _are_solutions(chain, pairs, target, off, TOLERANCES[dtype])
    return Branches([angles[k] for k in chain.moving], is_solution)


def _are_solutions(
    chain: TrueChain, turns: list[Turn], target: Frame, off: Entry, tolerance: float
) -> Any:
    """Whether the link is at the target, and the target a pose."""

    def run(entries: list[Entry]) -> list[Entry]:
        pairs = [(entries[k], entries[k + 1]) for k in range(12, len(entries), 2)]
        return [*squared_errors(chain.frames(pairs)[1], _frame(entries))]

    flat = [*_flat(target), *(x for turn in turns for x in turn)]
    position, rotation = isolated(run, flat)
    library = library_of(position)
    is_close = library.logical_and(position <= tolerance**2, rotation <= tolerance**2)
    return library.logical_and(is_close, off <= ROTATION_TOLERANCE**2)


def _joint_values(arm: Reduced, turns: list[Turn]) -> tuple[list[Any], list[Any]]:
    """Values of the six joints in the order of the chain, and their cosines and sines."""
    pairs = [
        _true_turn(turn, sense, offset)
        for turn, sense, offset in zip(turns, arm.senses, arm.offsets, strict=True)
    ]

    def run(entries: list[Entry]) -> list[Entry]:
        return [angle_of((entries[k], entries[k + 1])) for k in range(0, len(entries), 2)]

    values = isolated(run, [x for pair in pairs for x in pair])
    return (values[::-1], pairs[::-1]) if arm.is_backwards else (values, pairs)


def _true_turn(turn: Turn, sense: float, offset: float) -> Turn:
    """Cosine and sine of a joint's value, from those of the reduced chain."""
    c, s = math.cos(offset), math.sin(offset)
    quarters = round(offset / (math.pi / 2))
    if offset == quarters * math.pi / 2:
        c, s = ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))[quarters % 4]
    cosine = add(mul(c, turn[0]), mul(s, turn[1]))
    return cosine, mul(sense, sub(mul(c, turn[1]), mul(s, turn[0])))


def _goal(is_backwards: bool, links: list[Frame], target: Frame) -> Frame:
    """The pose of the frame after joint 6 of the reduced chain in that before joint 1."""

    def run(entries: list[Entry]) -> list[Entry]:
        first, pose, last = (_frame(entries[k : k + 12]) for k in (0, 12, 24))
        pose = inverse(pose) if is_backwards else pose
        return _flat(placed(placed(inverse(first), pose), inverse(last)))

    return _frame(isolated(run, [*_flat(links[0]), *_flat(target), *_flat(links[6])]))


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
