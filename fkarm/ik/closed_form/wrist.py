"""Six joints that turn, of which the last three meet in a point: four arms, each with two wrists.

The position of the wrist's centre fixes the first three joints, its orientation the last three.
The first three have a closed form where two of their neighbours meet or are parallel:

- Axes 1 and 2 meet: the distance of the centre from where they meet depends on joint 3 only.
- Axes 2 and 3 are parallel: the height of the centre along axis 1 gives its distance across it.
- Axes 1 and 2 are parallel: the height of the centre depends on joint 3 only.

References:
    [Pieper1968], [Elias2022], [Ostermeier2025].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from fkarm.ik.closed_form.arithmetic import (
    Solver,
    Turn,
    aiming_turns,
    both_signs,
    isolated,
    root,
    rotated,
    rotated_back,
    row,
    seen_through,
    square,
    turn_between,
    turned,
    turns_to_squares,
    unit,
)
from fkarm.ik.closed_form.reduction import Reduced, moves_nothing, rotation_of, turns_nothing
from fkarm.kinematics.entries import Entry, Frame, Vector, add, dot, mul, sub, vec_add

# Axes of branches.
SHOULDER, ELBOW, WRIST = 0, 1, 2
# Turns of the first three joints.
Arm = tuple[Turn, Turn, Turn]
ArmSolver = Callable[[list[Frame], Vector], Arm]


def wrist_solver(arm: Reduced) -> Solver | None:
    """What solves a chain whose last three axes meet; None where this module has nothing."""
    if len(arm.axes) != 6 or arm.slides or not ends_in_wrist(arm):
        return None
    arms = arm_solver(arm)
    return None if arms is None else Solver(partial(solve_wrist, arms), 3)


def ends_in_wrist(arm: Reduced) -> bool:
    """Whether the last three axes meet."""
    return all(moves_nothing(frame) for frame in arm.frames[-3:-1])


def arm_solver(arm: Reduced) -> ArmSolver | None:
    """What solves for the first three joints; None where this module has nothing that does."""
    first, second = arm.frames[1], arm.frames[2]
    if turns_nothing(second):
        # It loses fewer digits than where axes meet, and industrial arms have both.
        if rotation_of(first) is None or turns_nothing(first):
            return None
        return folding_arms
    if moves_nothing(first):
        return meeting_arms
    return level_arms if turns_nothing(first) else None


def meeting_arms(links: list[Frame], p: Vector) -> Arm:
    """Axes 1 and 2 meet."""
    _, first, second, third, *_ = links
    w, t = third.origin, second.origin
    u = rotated_back(second, t)
    # |p|^2 = |t|^2 + |w|^2 + 2 u . Rz(q3) w
    a = add(mul(u[0], w[0]), mul(u[1], w[1]))
    b = sub(mul(u[1], w[0]), mul(u[0], w[1]))
    constant = add(add(dot(t, t), dot(w, w)), mul(2.0, mul(u[2], w[2])))
    q3 = turns_to_squares(a, b, dot(p, p), constant, ELBOW)
    k = vec_add(rotated(second, turned(q3, w)), t)
    q1, q2 = aiming_turns(p, first, k, SHOULDER)
    return q1, q2, q3


def folding_arms(links: list[Frame], p: Vector) -> Arm:
    """Axes 2 and 3 are parallel."""
    _, first, second, third, *_ = links
    w, t, start = third.origin, second.origin, first.origin
    k_z = add(t[2], w[2])
    _, sine, cosine = row(first, 2)
    # With the normal along x, the link is a step along x, but for a slide: t_y = 0.
    a = add(mul(t[0], w[0]), mul(t[1], w[1]))
    b = sub(mul(t[1], w[0]), mul(t[0], w[1]))
    constant = add(add(square(t[0]), square(t[1])), add(square(w[0]), square(w[1])))

    def reach(entries: list[Entry]) -> list[Entry]:
        p_x, p_y, p_z = entries
        g_y = mul(1.0 / float(sine), sub(sub(p_z, start[2]), mul(cosine, k_z)))
        across = add(start[1], sub(mul(cosine, g_y), mul(sine, k_z)))
        return [g_y, across, root(sub(add(square(p_x), square(p_y)), square(across)))]

    def branch(entries: list[Entry]) -> list[Entry]:
        p_x, p_y, p_z, g_y, across, out = entries
        out = both_signs(out, SHOULDER)
        g_x = sub(out, start[0])
        squares = add(square(g_x), square(g_y))
        return [g_x, g_y, squares, *turn_between((out, across, 0.0), (p_x, p_y, p_z))]

    # The root is computed once: all that follows has the same one.
    g_x, g_y, squares, *q1 = isolated(branch, [*p, *isolated(reach, p)])
    q3 = turns_to_squares(a, b, squares, constant, ELBOW)

    def lift(entries: list[Entry]) -> Turn:
        g_x, g_y, c, s = entries
        return turn_between(vec_add(turned((c, s), w), t), (g_x, g_y, 0.0))

    q2 = isolated(lift, [g_x, g_y, *q3])
    return (q1[0], q1[1]), (q2[0], q2[1]), q3


def level_arms(links: list[Frame], p: Vector) -> Arm:
    """Axes 1 and 2 are parallel."""
    _, first, second, third, *_ = links
    w, t, start = third.origin, second.origin, first.origin
    r_x, r_y, r_z = row(second, 2)
    a = add(mul(r_x, w[0]), mul(r_y, w[1]))
    b = sub(mul(r_y, w[0]), mul(r_x, w[1]))
    height = sub(sub(p[2], start[2]), add(t[2], mul(r_z, w[2])))
    q3 = turns_to_squares(a, b, mul(2.0, height), 0.0, ELBOW)
    k = vec_add(rotated(second, turned(q3, w)), t)
    squares = add(square(k[0]), square(k[1]))
    across = add(square(p[0]), square(p[1]))
    a = add(mul(start[0], k[0]), mul(start[1], k[1]))
    b = sub(mul(start[1], k[0]), mul(start[0], k[1]))
    constant = add(add(square(start[0]), square(start[1])), squares)
    q2 = turns_to_squares(a, b, across, constant, SHOULDER)
    g = vec_add(turned(q2, k), (start[0], start[1], 0.0))
    return turn_between(g, p), q2, q3


def solve_wrist(solver: ArmSolver, links: list[Frame], target: Frame) -> list[Turn]:
    """The six joints; axes of branches are shoulder, elbow and wrist.

    Args:
        solver: What solves for the first three joints.
        links: The seven frames of `Reduced`.
        target: Pose of the frame after joint 6 in that before joint 1.
    """
    turns = solver(links, target.origin)
    return [*turns, *wrist_turns(turns, links, target, WRIST)]


def wrist_turns(
    turns: Sequence[Turn], links: list[Frame], target: Frame, wrist: int
) -> tuple[Turn, Turn, Turn]:
    """The last three joints; `turns` are those before them, `wrist` is the axis of branches."""
    *inner, fourth, fifth, _ = links[1:]
    inwards = list(zip(turns, inner, strict=True))
    x, z = (seen_through(inwards, target.axes[k]) for k in (0, 2))
    q4, q5 = aiming_turns(z, fourth, fifth.axes[2], wrist)
    c, s, _ = seen_through([(q4, fourth), (q5, fifth)], x)
    c, s = isolated(lambda pair: unit(*pair), [c, s])
    return q4, q5, (c, s)
