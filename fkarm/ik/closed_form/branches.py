"""All branches of a closed form for rows of targets: entries in, entries out."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import keras
import numpy as np

from fkarm.ik.closed_form.arithmetic import Turn, angle_of, library_of, rotated_back
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
from fkarm.kinematics.chain import placed
from fkarm.kinematics.entries import Frame, add, mul, sub
from fkarm.kinematics.joint_space import TURN

# Largest error of a solution, m and rad.
TOLERANCES = {"float32": 1e-5, "float64": 1e-9}
# A target's matrix is a rotation to this.
ROTATION_TOLERANCE = 1e-4
BRANCHES = 8


class Structure(NamedTuple):
    """A chain that has a closed form."""

    kind: str
    arm: Reduced
    solver: ArmSolver | None  # of a wrist; None: three parallel axes
    chain: TrueChain
    residual: tuple[float, float]  # m, rad


class Branches(NamedTuple):
    """Branches for rows of targets."""

    angles: list[list[Any]]  # per branch, of the joints of the chain but for the free one
    is_solution: list[Any]  # per branch


def all_branches(structure: Structure, target: Frame, free: Any | None) -> Branches:
    """All branches for targets, whose entries are rows; `free`: the value of the free joint."""
    target, off = orthonormal(target)
    arm = structure.arm
    free_turn = None if free is None else sines_of([free])[0]
    links = arm.at(free_turn)
    goal = inverse(target) if arm.is_backwards else target
    goal = placed(placed(inverse(links[0]), goal), inverse(links[6]))
    if structure.solver is None:
        branches = solve_parallel(links, goal)
    else:
        branches = solve_wrist(structure.solver, links, goal)
    dtype = keras.backend.standardize_dtype(target.origin[0].dtype)
    tolerance = TOLERANCES[dtype] ** 2
    steps = _newton_steps(structure.residual, dtype)
    floor = (16 * float(np.finfo(dtype).eps)) ** 2 if dtype == "float64" else 1e-9
    known: dict[tuple[int, int], Any] = {}
    angles, marks = [], []
    for turns in branches:
        values, true_turns = _joint_values(arm, turns, known)
        if arm.free is not None:
            values.insert(arm.free, free)
            true_turns.insert(arm.free, free_turn)
        for _ in range(steps):
            values = newton_step(structure.chain, target, values, floor)
        if steps:
            true_turns = sines_of(values)
        position, rotation = squared_errors(structure.chain.frames(true_turns)[1], target)
        library = library_of(position)
        is_close = library.logical_and(position <= tolerance, rotation <= tolerance)
        marks.append(library.logical_and(is_close, off <= ROTATION_TOLERANCE**2))
        angles.append([wrapped(values[k]) if steps else values[k] for k in structure.chain.moving])
    return Branches(angles, marks)


def _newton_steps(residual: tuple[float, float], dtype: str) -> int:
    """Steps on the true chain: an error squares with each of them."""
    worst = max(residual)
    if dtype == "float32":
        return int(worst > 2e-7)
    return 0 if worst < 1e-14 else 1 if worst < 1e-8 else 2


def _joint_values(
    arm: Reduced, turns: list[Turn], known: dict[tuple[int, int], Any]
) -> tuple[list[Any], list[Any]]:
    """Values of the six joints in the order of the chain, and their cosines and sines."""
    values, pairs = [], []
    for turn, sense, offset in zip(turns, arm.senses, arm.offsets, strict=True):
        key = id(turn[0]), id(turn[1])  # branches share turns; `known` keeps them alive
        if key not in known:
            known[key] = _joint_value(turn, sense, offset), turn
        (value, pair), _ = known[key]
        values.append(value)
        pairs.append(pair)
    return (values[::-1], pairs[::-1]) if arm.is_backwards else (values, pairs)


def _joint_value(turn: Turn, sense: float, offset: float) -> tuple[Any, Turn]:
    c, s = math.cos(offset), math.sin(offset)
    quarters = round(offset / (math.pi / 2))
    if offset == quarters * math.pi / 2:
        c, s = ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))[quarters % 4]
    pair = (
        add(mul(c, turn[0]), mul(s, turn[1])),
        mul(sense, sub(mul(c, turn[1]), mul(s, turn[0]))),
    )
    return angle_of(pair), pair


def wrapped(angle: Any) -> Any:
    """An angle within a turn or so of zero, brought to `[-pi, pi]`."""
    library = library_of(angle)
    angle = library.where(angle > math.pi, angle - TURN, angle)
    return library.where(angle < -math.pi, angle + TURN, angle)


def inverse(frame: Frame) -> Frame:
    """The inverse of a rigid transform."""
    x, y, z = ((frame.axes[0][i], frame.axes[1][i], frame.axes[2][i]) for i in range(3))
    a, b, c = rotated_back(frame, frame.origin)
    return Frame((x, y, z), (mul(-1.0, a), mul(-1.0, b), mul(-1.0, c)))
