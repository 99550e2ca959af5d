"""Six joints of which the last three meet in a point: four arms, each with two wrists.

The position of the wrist's centre fixes the first three joints, its orientation the last three.
The first three have a closed form where two of their neighbours meet or are parallel:

- Axes 1 and 2 meet: the distance of the centre from where they meet depends on joint 3 only.
- Axes 2 and 3 are parallel: the height of the centre along axis 1 gives its distance across it.
- Axes 1 and 2 are parallel: the height of the centre depends on joint 3 only.

References:
    [Pieper1968], [Elias2022], [Ostermeier2025].
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fkarm.ik.closed_form.arithmetic import (
    Turn,
    aiming_turns,
    root,
    rotated,
    rotated_back,
    row,
    square,
    turn_between,
    turned,
    turned_back,
    turns_to_value,
    unit,
)
from fkarm.ik.closed_form.reduction import Reduced, Varying
from fkarm.kinematics.entries import Frame, Vector, add, dot, mul, sub, vec_add, vec_sub

# Turns of the first three joints: shoulder and elbow at either sign.
Arms = list[tuple[Turn, Turn, Turn]]
ArmSolver = Callable[[list[Frame], Vector], Arms]


def arm_solver(arm: Reduced) -> ArmSolver | None:
    """What solves for the first three joints; None where this module has nothing that does."""
    first, second = arm.frames[1], arm.frames[2]
    if _moves_nothing(first):
        return meeting_arms
    if not isinstance(second, Varying) and _turns_nothing(second):
        return None if isinstance(first, Varying) else folding_arms
    if not isinstance(first, Varying) and _turns_nothing(first):
        return level_arms
    return None


def _moves_nothing(frame: Any) -> bool:
    parts = frame if isinstance(frame, Varying) else (frame,)
    return all(not np.any(part[:3, 3]) for part in parts)


def _turns_nothing(frame: np.ndarray) -> bool:
    return bool(np.all(frame[:3, :3] == np.eye(3)))


def meeting_arms(links: list[Frame], p: Vector) -> Arms:
    """Axes 1 and 2 meet."""
    _, first, second, third, *_ = links
    w, t = third.origin, second.origin
    u = rotated_back(second, t)
    # |p|^2 = |t|^2 + |w|^2 + 2 u . Rz(q3) w
    a = add(mul(u[0], w[0]), mul(u[1], w[1]))
    b = sub(mul(u[1], w[0]), mul(u[0], w[1]))
    value = mul(0.5, sub(dot(p, p), add(dot(t, t), dot(w, w))))
    elbows = turns_to_value(a, b, sub(value, mul(u[2], w[2])))
    found: list[list[tuple[Turn, Turn, Turn]]] = [[], []]
    for q3 in elbows:
        k = vec_add(rotated(second, turned(q3, w)), t)
        for shoulder, (q1, q2) in zip(found, aiming_turns(p, first, k), strict=True):
            shoulder.append((q1, q2, q3))
    return found[0] + found[1]


def folding_arms(links: list[Frame], p: Vector) -> Arms:
    """Axes 2 and 3 are parallel."""
    _, first, second, third, *_ = links
    w, t, start = third.origin, second.origin, first.origin
    k_z = add(t[2], w[2])
    _, sine, cosine = row(first, 2)
    height = sub(p[2], start[2])
    inverse = 1.0 / float(sine)
    g_y = mul(inverse, sub(height, mul(cosine, k_z)))
    across = sub(mul(cosine, g_y), mul(sine, k_z))
    radius = root(sub(add(square(p[0]), square(p[1])), square(across)))
    a, b = mul(t[0], w[0]), mul(-1.0, mul(t[0], w[1]))
    # With the normal along x, the link is a step along x: t = (t_x, 0, t_z).
    constant = add(square(t[0]), add(square(w[0]), square(w[1])))
    arms: Arms = []
    for sign in (1.0, -1.0):
        reach = mul(sign, radius)
        g_x = sub(reach, start[0])
        q1 = turn_between((reach, across, 0.0), p)
        value = mul(0.5, sub(add(square(g_x), square(g_y)), constant))
        for q3 in turns_to_value(a, b, value):
            k = vec_add(turned(q3, w), t)
            arms.append((q1, turn_between(k, (g_x, g_y, 0.0)), q3))
    return arms


def level_arms(links: list[Frame], p: Vector) -> Arms:
    """Axes 1 and 2 are parallel."""
    _, first, second, third, *_ = links
    w, t, start = third.origin, second.origin, first.origin
    r_x, r_y, r_z = row(second, 2)
    a = add(mul(r_x, w[0]), mul(r_y, w[1]))
    b = sub(mul(r_y, w[0]), mul(r_x, w[1]))
    height = sub(sub(p[2], start[2]), add(t[2], mul(r_z, w[2])))
    found: list[list[tuple[Turn, Turn, Turn]]] = [[], []]
    for q3 in turns_to_value(a, b, height):
        k = vec_add(rotated(second, turned(q3, w)), t)
        squares = add(square(k[0]), square(k[1]))
        value = sub(add(square(p[0]), square(p[1])), add(square(start[0]), squares))
        a_2, b_2 = mul(start[0], k[0]), mul(-1.0, mul(start[0], k[1]))
        for shoulder, q2 in zip(found, turns_to_value(a_2, b_2, mul(0.5, value)), strict=True):
            g = vec_add(turned(q2, k), (start[0], 0.0, 0.0))
            shoulder.append((turn_between(g, p), q2, q3))
    return found[0] + found[1]


def solve_wrist(solver: ArmSolver, links: list[Frame], target: Frame) -> list[list[Turn]]:
    """All eight branches: by shoulder, then elbow, then wrist.

    Args:
        solver: What solves for the first three joints.
        links: The seven frames of `Reduced`.
        target: Pose of the frame after joint 6 in that before joint 1.
    """
    _, first, second, third, fourth, fifth, _ = links
    v = fifth.axes[2]
    branches: list[list[Turn]] = []
    for q1, q2, q3 in solver(links, target.origin):

        def inwards(x: Vector, turns: tuple[Turn, Turn, Turn] = (q1, q2, q3)) -> Vector:
            for turn, link in zip(turns, (first, second, third), strict=True):
                x = rotated_back(link, turned_back(turn, x))
            return x

        x, z = inwards(target.axes[0]), inwards(target.axes[2])
        for q4, q5 in aiming_turns(z, fourth, v):
            c, s, _ = rotated_back(
                fifth, turned_back(q5, rotated_back(fourth, turned_back(q4, x)))
            )
            branches.append([q1, q2, q3, q4, q5, unit(c, s)])
    return branches
