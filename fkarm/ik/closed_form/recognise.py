"""Which closed form a chain has; NumPy, float64.

A form is recognised by its axes, and then proved: the reduced chain must have the poses of the true
one, and the solver must find random configurations from their poses.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fkarm.errors import NoClosedFormError
from fkarm.ik.closed_form.arithmetic import Solver
from fkarm.ik.closed_form.branches import Structure, all_branches
from fkarm.ik.closed_form.check import TrueChain, true_chain
from fkarm.ik.closed_form.gantry import gantry_solver
from fkarm.ik.closed_form.layouts import TOLERANCE, layouts
from fkarm.ik.closed_form.parallel import parallel_solver
from fkarm.ik.closed_form.reduction import Reduced, meeting_point, reduced
from fkarm.ik.closed_form.scara import scara_solver
from fkarm.ik.closed_form.screws import Screws
from fkarm.ik.closed_form.snapped import snapped
from fkarm.ik.closed_form.wrist import wrist_solver
from fkarm.kinematics.chain import inverse, placed
from fkarm.kinematics.entries import Frame, Vector, combine, dot, vec_add, vec_scale, vec_sub
from fkarm.kinematics.motions import Revolute
from fkarm.kinematics.plan import Plan

PARALLEL, WRIST, SHOULDER = "three parallel axes", "spherical wrist", "spherical shoulder"
SCARA = "three parallel axes and a slide"
# Joints that are tried as the free one of seven: the elbow's, the last, the first, then the others.
# Slides are tried before them.
_ORDER_OF_FREE = (2, 6, 0, 1, 3, 4, 5)
_SAMPLES, _TARGETS = 16, 32
# The deviations of all axes add up to this many at most.
_LARGEST_SUM = 10


def recognise(
    screws: Screws,
    plan: Plan,
    names: tuple[str, ...],
    entries: tuple[int, ...],
    free: int | None,
    tolerance: float,
) -> Structure:
    """The closed form of a chain.

    Args:
        screws: The chain.
        plan: The same chain as it is computed.
        names: Names of its joints.
        entries: Their entries of q.
        free: Index of the joint whose value the caller chooses; None: any, if there is one more
            than a form has.
        tolerance: By how much axes may miss the form, m and rad.
    Raises:
        NoClosedFormError: If it has none.
    """
    slides = int(np.sum(screws.slides))
    if screws.size not in ((4, 5, 6, 7) if slides else (6, 7)):
        raise NoClosedFormError(
            "A closed form needs six joints, or seven of which one is given; with three parallel "
            "axes and a slide along them four, or five of which one is given. Received: "
            f"{screws.size - slides} joints that turn and {slides} that slide. Use fkarm.solve_ik, "
            "or hold joints by robot.with_fixed_joints."
        )
    ideal = screws if tolerance <= TOLERANCE else snapped(screws, tolerance)
    for candidate in _order_of_free(screws) if free is None else [free]:
        chain = true_chain(plan, entries, candidate)
        for kind, arm, solver in _reductions(ideal, candidate):
            residual = _residual(chain, arm)
            if max(residual) > _LARGEST_SUM * tolerance:
                continue
            structure = Structure(kind, arm, solver, chain, residual)
            if _finds_all(structure):
                return structure
    raise NoClosedFormError(_reason(screws, names, free, tolerance))


def _order_of_free(screws: Screws) -> list[int | None]:
    """The joints that are tried as the free one."""
    if screws.size in (4, 6):
        return [None]
    slides = np.flatnonzero(screws.slides).tolist()
    turns = _ORDER_OF_FREE if screws.size == 7 else range(screws.size)
    return [*slides, *(joint for joint in turns if joint not in slides)]


def _reductions(screws: Screws, free: int | None) -> Iterator[tuple[str, Reduced, Solver]]:
    """The reduced chains that have a form by their geometry."""
    for layout in layouts(screws, free):
        chain, axes, gap = layout.chain, list(layout.axes), layout.turning_gap
        if layout.has_slides and gap is not None:
            continue
        count = len(axes)
        wrist = axes[-3:]
        if layout.free is not None and gap in (count - 2, count - 1):
            wrist = sorted([*wrist, layout.free])
        point, distance = meeting_point(chain.directions[wrist], chain.points[wrist])
        if distance < TOLERANCE:
            arm = reduced(layout, point, count - 3)
            solver = wrist_solver(arm) or gantry_solver(arm)
            if solver is not None:
                yield (SHOULDER if layout.is_backwards else WRIST), arm, solver
        point, distance = meeting_point(chain.directions[axes[-2:]], chain.points[axes[-2:]])
        if count == 6 and distance < TOLERANCE:
            arm = reduced(layout, point, 4)
            solver = parallel_solver(arm)
            if solver is not None:
                yield PARALLEL, arm, solver
        if count == 3:
            arm = reduced(layout, None, 3)
            solver = scara_solver(arm)
            if solver is not None:
                yield SCARA, arm, solver


def _residual(chain: TrueChain, arm: Reduced) -> tuple[float, float]:
    """By how much the poses of the reduced chain differ from those of the true one, m and rad."""
    values = np.random.default_rng(0).uniform(-np.pi, np.pi, (len(chain.slides), _SAMPLES))
    (x, y, z), position = chain.frames(chain.pairs(list(values)))[1]
    ours = _pose(arm, chain, values)
    turn = np.stack([[_dot(a, b) for b in (x, y, z)] for a in ours.axes])  # (3, 3, rows)
    vector = [turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]]
    rotation = np.linalg.norm(vector, axis=0) / 2
    is_far = np.trace(turn) < 1.0
    step = vec_sub(ours.origin, position)
    distance = np.sqrt(_dot(step, step))
    return float(distance.max()), float(np.where(is_far, 1.0, rotation).max())


def _dot(a: Vector, b: Vector) -> np.ndarray:
    return np.zeros(_SAMPLES) + dot(a, b)


def _pose(arm: Reduced, chain: TrueChain, values: np.ndarray) -> Frame:
    """Poses of the reduced chain at values of the joints, `(joints, rows)`."""
    pairs = chain.pairs(list(values))
    links = arm.at(None if arm.free is None else pairs[arm.free])
    for slide in arm.slides:
        step = vec_scale(values[slide.joint], slide.step)
        frame = links[slide.gap]
        step = combine(frame.axes, step) if slide.gap == 0 else step
        links[slide.gap] = Frame(frame.axes, vec_add(frame.origin, step))
    total = links[0]
    for axis, sense, offset, link in zip(arm.axes, arm.senses, arm.offsets, links[1:], strict=True):
        angle = sense * values[axis] + offset
        total = placed(Revolute.move(total, (), (np.sin(angle), np.cos(angle))), link)
    return inverse(total) if arm.is_backwards else total


def _finds_all(structure: Structure) -> bool:
    """Whether the solver finds random configurations from their poses."""
    chain, free = structure.chain, structure.arm.free
    q = np.random.default_rng(1).uniform(-3.0, 3.0, (len(chain.slides), _TARGETS))
    _, tip = chain.frames(chain.pairs(list(q)))
    columns: list[Vector] = [
        (x + np.zeros(_TARGETS), y + np.zeros(_TARGETS), z + np.zeros(_TARGETS))
        for x, y, z in (*tip.axes, tip.origin)
    ]
    target = Frame((columns[0], columns[1], columns[2]), columns[3])
    with np.errstate(all="ignore"):
        found = all_branches(structure, target, None if free is None else q[free])
    moving = list(chain.moving)
    shape = (*(2,) * structure.solver.axes, _TARGETS)
    values = np.stack([each + np.zeros(shape) for each in found.values], axis=-1)
    change = np.abs(values - q[moving].T)
    turns = np.abs(change - 2 * np.pi * np.round(change / (2 * np.pi)))
    change = np.where(chain.moving_slides, change, turns).max(axis=-1)
    is_found = np.any(found.is_solution & (change < 1e-3), axis=tuple(range(len(shape) - 1)))
    return bool(np.mean(is_found) > 0.9)


def _reason(screws: Screws, names: tuple[str, ...], free: int | None, tolerance: float) -> str:
    """Why a chain has no form, and how far off the nearest one is."""
    best = (np.inf, "")
    which = "" if free is None else f" with {names[free]!r} given"
    slides = [repr(name) for name, is_slide in zip(names, screws.slides, strict=True) if is_slide]
    sliding = f", of which {', '.join(slides)} slide" if slides else ""
    count, screws, names = screws.size, *_turning(screws, names)
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
    nearest = f"; of all three neighbours that turn the nearest to a form: {best[1]}"
    return (
        f"This chain has no closed form that fkarm knows{which}. Three successive axes must meet "
        "in a point at one end of six joints, of which the other three have neighbours that meet "
        "or are parallel, or slide; or axes 2, 3, 4 or 3, 4, 5 must be parallel and the two at the "
        "other end meet; or three axes be parallel, of four joints, and the other one slide along "
        f"them; to {tolerance:g} m and rad. Received: {count} joints{sliding}"
        f"{nearest if best[1] else ''}. Use fkarm.solve_ik, or a larger tolerance."
    )


def _turning(screws: Screws, names: tuple[str, ...]) -> tuple[Screws, tuple[str, ...]]:
    """The joints that turn alone."""
    turning = np.flatnonzero(~screws.slides)
    fields = (x[turning] for x in (screws.directions, screws.points, screws.slides))
    directions, points, slides = fields
    return Screws(directions, points, screws.home, slides), tuple(names[k] for k in turning)


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
