"""Which closed form a chain has; NumPy, float64.

A form is recognised by its axes, and then proved: the reduced chain must have the poses of the true
one, and the solver must find random configurations from their poses.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fkarm.errors import NoClosedFormError
from fkarm.ik.closed_form.arithmetic import Turn
from fkarm.ik.closed_form.branches import Structure, all_branches
from fkarm.ik.closed_form.check import true_chain
from fkarm.ik.closed_form.parallel import is_solvable
from fkarm.ik.closed_form.reduction import TOLERANCE, Reduced, meeting_point, reduced
from fkarm.ik.closed_form.screws import Screws
from fkarm.ik.closed_form.snapped import snapped
from fkarm.ik.closed_form.wrist import arm_solver
from fkarm.kinematics.chain import constant_frame, inverse, placed
from fkarm.kinematics.entries import Frame, Vector
from fkarm.kinematics.plan import Plan

PARALLEL, WRIST, SHOULDER = "three parallel axes", "spherical wrist", "spherical shoulder"
# Joints that are tried as the free one of seven: the elbow's, the last, the first, then the others.
_ORDER_OF_FREE = (2, 6, 0, 1, 3, 4, 5)
_SAMPLES, _TARGETS = 16, 32
# The deviations of all axes add up to this many at most.
_LARGEST_SUM = 10


def recognise(
    screws: Screws, plan: Plan, names: tuple[str, ...], free: int | None, tolerance: float
) -> Structure:
    """The closed form of a chain.

    Args:
        screws: The chain.
        plan: The same chain as it is computed.
        names: Names of its joints.
        free: Index of the joint whose value the caller chooses; None: any, if there are seven.
        tolerance: By how much axes may miss the form, m and rad.
    Raises:
        NoClosedFormError: If it has none.
    """
    if screws.size not in (6, 7):
        raise NoClosedFormError(
            "A closed form needs six joints that turn, or seven of which one is given. Received: "
            f"{screws.size}. Use fkarm.solve_ik, or hold joints by robot.with_fixed_joints."
        )
    ideal = screws if tolerance <= TOLERANCE else snapped(screws, tolerance)
    order = [None] if screws.size == 6 else [free] if free is not None else [*_ORDER_OF_FREE]
    for candidate in order:
        for kind, arm in _reductions(ideal, candidate):
            solver = None if kind == PARALLEL else arm_solver(arm)
            residual = _residual(screws, arm)
            if max(residual) > _LARGEST_SUM * tolerance:
                continue
            structure = Structure(kind, arm, solver, true_chain(plan, candidate), residual)
            if _finds_all(structure, screws):
                return structure
    raise NoClosedFormError(_reason(screws, names, free, tolerance))


def _reductions(screws: Screws, free: int | None) -> Iterator[tuple[str, Reduced]]:
    """The reduced chains that may have a form."""
    for is_backwards in (False, True):
        chain = screws.backwards() if is_backwards else screws
        gap = None if free is None else (chain.size - 1 - free if is_backwards else free)
        six = [i for i in range(chain.size) if i != gap]
        wrist = six[3:] if gap not in (4, 5) else sorted([*six[3:], gap])
        point, distance = meeting_point(chain.directions[wrist], chain.points[wrist])
        if distance < TOLERANCE:
            arm = reduced(screws, is_backwards, free, point, 3)
            if arm_solver(arm) is not None:
                yield (SHOULDER if is_backwards else WRIST), arm
        point, distance = meeting_point(chain.directions[six[4:]], chain.points[six[4:]])
        if distance < TOLERANCE:
            arm = reduced(screws, is_backwards, free, point, 4)
            if is_solvable(arm):
                yield PARALLEL, arm


def _residual(screws: Screws, arm: Reduced) -> tuple[float, float]:
    """By how much the poses of the reduced chain differ from those of the true one, m and rad."""
    q = np.random.default_rng(0).uniform(-np.pi, np.pi, (_SAMPLES, screws.size))
    expected = screws.pose(q)
    position, rotation = 0.0, 0.0
    for row, pose in zip(q, expected, strict=True):
        ours = _pose(arm, row)
        turn = ours[:3, :3].T @ pose[:3, :3]
        vector = [turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]]
        position = max(position, float(np.linalg.norm(ours[:3, 3] - pose[:3, 3])))
        rotation = max(rotation, float(np.linalg.norm(vector)) / 2)
        if np.trace(turn) < 1.0:
            rotation = max(rotation, 1.0)
    return position, rotation


def _pose(arm: Reduced, q: np.ndarray) -> np.ndarray:
    free = None if arm.free is None else float(q[arm.free])
    frames = arm.at(None if free is None else (float(np.cos(free)), float(np.sin(free))))
    six = np.delete(q, [] if arm.free is None else [arm.free])
    six = six[::-1] if arm.is_backwards else six
    total = frames[0]
    for value, sense, offset, link in zip(six, arm.senses, arm.offsets, frames[1:], strict=True):
        angle = sense * value + offset
        total = placed(placed(total, _turn_frame((np.cos(angle), np.sin(angle)))), link)
    total = inverse(total) if arm.is_backwards else total
    pose = np.eye(4)
    pose[:3, :3] = np.array(total.axes).T
    pose[:3, 3] = total.origin
    return pose


def _turn_frame(turn: Turn) -> Frame:
    c, s = float(turn[0]), float(turn[1])
    return constant_frame(np.array([[c, -s, 0, 0], [s, c, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]))


def _finds_all(structure: Structure, screws: Screws) -> bool:
    """Whether the solver finds random configurations from their poses."""
    q = np.random.default_rng(1).uniform(-3.0, 3.0, (_TARGETS, screws.size))
    poses = screws.pose(q)
    columns: list[Vector] = [(poses[:, 0, k], poses[:, 1, k], poses[:, 2, k]) for k in range(4)]
    target = Frame((columns[0], columns[1], columns[2]), columns[3])
    free = structure.arm.free
    with np.errstate(all="ignore"):
        found = all_branches(structure, target, None if free is None else q[:, free])
    six = q if free is None else np.delete(q, free, axis=1)
    change = (
        np.stack([each + np.zeros((2, 2, 2, _TARGETS)) for each in found.angles], axis=-1) - six
    )
    change = np.abs(change - 2 * np.pi * np.round(change / (2 * np.pi))).max(axis=-1)
    is_found = np.any(found.is_solution & (change < 1e-3), axis=(0, 1, 2))
    return bool(np.mean(is_found) > 0.9)


def _reason(screws: Screws, names: tuple[str, ...], free: int | None, tolerance: float) -> str:
    """Why a chain has no form, and how far off the nearest one is."""
    best = (np.inf, "")
    for first in range(screws.size - 2):
        triple = slice(first, first + 3)
        directions, points = screws.directions[triple], screws.points[triple]
        listed = ", ".join(repr(name) for name in names[triple])
        _, distance = meeting_point(directions, points)
        across = max(float(np.linalg.norm(np.cross(directions[0], directions[k]))) for k in (1, 2))
        off = distance if across > 0.1 else across
        if across > 0.1:
            is_placed = first in (0, screws.size - 3)
            text, fit = f"miss a common point by {1000 * distance:.3g} mm", "meet in a point"
        else:
            is_placed = 0 < first < screws.size - 3
            text, fit = f"are {across:.3g} rad from parallel", "are parallel"
        if off <= tolerance:
            rest = _miss_of_the_others(screws, names, first)
            text = f"{fit}, but {rest if is_placed else 'are not where a form needs them'}"
        best = min(best, (off, f"the axes of {listed} {text}"))
    which = "" if free is None else f" with {names[free]!r} given"
    return (
        f"This chain has no closed form that fkarm knows{which}. Three successive axes must meet "
        "in a point at one end of six joints, of which the other three have neighbours that meet "
        "or are parallel; or axes 2, 3, 4 or 3, 4, 5 must be parallel and the two at the other end "
        f"meet; to {tolerance:g} m and rad. Received: {screws.size} joints; of all "
        f"three neighbours the nearest to a form: {best[1]}. Use fkarm.solve_ik, or a larger "
        "tolerance."
    )


def _miss_of_the_others(screws: Screws, names: tuple[str, ...], first: int) -> str:
    """How far the neighbours beside three axes are from meeting and from being parallel."""
    misses = []
    for k in range(screws.size - 1):
        if k + 1 < first or k > first + 2:
            pair = slice(k, k + 2)
            directions = screws.directions[pair]
            apart = 2000 * meeting_point(directions, screws.points[pair])[1]
            angle = np.arcsin(min(float(np.linalg.norm(np.cross(*directions))), 1.0))
            text = f"{apart:.3g} mm from meeting and {angle:.3g} rad from parallel"
            misses.append(f"those of {names[k]!r} and {names[k + 1]!r} are {text}")
    return ", ".join(misses)
