"""Slides before three axes that meet in a point: a gantry, or a cylindrical arm, with a wrist.

- Three slides: the position of the wrist's centre is linear in their values.
- One joint that turns, and two slides, all before it or all behind it: the distance of the centre
  from the plane of the slides fixes the turn, and the slides follow linearly.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from fkarm.ik.closed_form.arithmetic import (
    Pair,
    Solver,
    Turn,
    isolated,
    root,
    square,
    turn_to_plane,
    turned,
    turned_back,
)
from fkarm.ik.closed_form.reduction import Reduced
from fkarm.ik.closed_form.wrist import ends_in_wrist, wrist_turns
from fkarm.kinematics.entries import Entry, Frame, Vector, add, dot, mul, sub, vec_sub

# Slides whose directions span less are no basis.
_LEAST_SPAN = 1e-3
# Axis of branches of the turn of a cylindrical arm. The wrist's is the last one.
ARM = 0


def gantry_solver(arm: Reduced) -> Solver | None:
    """What solves a chain of slides and a wrist; None where this module has nothing that does."""
    if not arm.slides or len(arm.axes) + len(arm.slides) != 6 or not ends_in_wrist(arm):
        return None
    steps = np.array([slide.step for slide in arm.slides]).T  # (3, slides)
    gaps = {slide.gap for slide in arm.slides}
    spans = np.linalg.svd(steps / np.linalg.norm(steps, axis=0), compute_uv=False)
    if len(gaps) > 1 or len(spans) < len(arm.slides) or spans[-1] < _LEAST_SPAN:
        return None
    inverse = _rows(np.linalg.pinv(steps))
    if len(arm.axes) == 3:
        return Solver(partial(solve_gantry, inverse), 1) if gaps == {0} else None
    if len(arm.axes) != 4 or not gaps <= {0, 1}:
        return None
    across = np.cross(*steps.T)
    (normal,) = _rows((across / np.linalg.norm(across))[None])
    if normal[0] == normal[1] == 0.0:
        return None
    return Solver(partial(solve_cylindrical, inverse, normal, gaps == {0}), 2)


def _rows(matrix: np.ndarray) -> list[Vector]:
    matrix = np.where(np.abs(matrix) < 1e-12, 0.0, matrix)
    return [(x, y, z) for x, y, z in matrix.tolist()]


def solve_gantry(inverse: list[Vector], links: list[Frame], target: Frame) -> list[Pair]:
    """The wrist's joints and the slides; the axis of branches is the wrist."""
    slides = isolated(lambda p: [dot(row, (p[0], p[1], p[2])) for row in inverse], target.origin)
    return [*wrist_turns((), links, target, 0), *((each, 0.0) for each in slides)]


def solve_cylindrical(
    inverse: list[Vector], normal: Vector, is_before: bool, links: list[Frame], target: Frame
) -> list[Pair]:
    """The joint that turns, the wrist and the slides; axes of branches are arm and wrist.

    Args:
        inverse: Of the directions of the slides.
        normal: Of their plane.
        is_before: Whether they come before the turn.
        links: The five frames of `Reduced`.
        target: Pose of the frame after the last axis in that before the first one.
    """
    start = links[1].origin

    def across(p: list[Entry]) -> list[Entry]:
        # The distance along the normal: n . (p - Rz(q) start) = 0, or n . (Rz(-q) p - start) = 0.
        goal: Vector = (p[0], p[1], p[2])
        fixed, moved = (goal, start) if is_before else (start, goal)
        a = add(mul(normal[0], moved[0]), mul(normal[1], moved[1]))
        b = sub(mul(normal[0], moved[1]), mul(normal[1], moved[0]))
        b = mul(-1.0, b) if is_before else b
        value = sub(dot(normal, fixed), mul(normal[2], moved[2]))
        a, b, value = (add(0.0 * goal[0], each) for each in (a, b, value))
        return [a, b, value, root(sub(add(square(a), square(b)), square(value)))]

    q = isolated(lambda e: turn_to_plane(e, ARM), isolated(across, target.origin))

    def along(entries: list[Entry]) -> list[Entry]:
        turn, p = (entries[0], entries[1]), (entries[2], entries[3], entries[4])
        if is_before:
            rest = vec_sub(p, turned(turn, start))
        else:
            rest = vec_sub(turned_back(turn, p), start)
        return [dot(row, rest) for row in inverse]

    slides = isolated(along, [*q, *target.origin])
    first: Turn = (q[0], q[1])
    wrist = wrist_turns((first,), links, target, 1)
    return [first, *wrist, *((each, 0.0) for each in slides)]
