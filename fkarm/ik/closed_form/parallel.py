"""Six joints that turn, of which axes 2, 3 and 4 are parallel and axes 5 and 6 meet.

The distance of the point where axes 5 and 6 meet from the plane of the parallel axes gives joint 1,
the direction of their normal in the hand joints 5 and 6, and the rest is an arm of two links in
that plane.

References:
    [Elias2022], [Ostermeier2025].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fkarm.geometry.safe import is_at_pole
from fkarm.ik.closed_form.arithmetic import (
    Solver,
    Turn,
    aiming_turns,
    inverse_of,
    isolated,
    library_of,
    limited,
    minus,
    plus,
    root,
    rotated,
    rotated_back,
    square,
    turn_between,
    turn_to_plane,
    turned,
    turned_back,
    turns_to_squares,
    unit,
)
from fkarm.ik.closed_form.reduction import (
    Reduced,
    Varying,
    moves_nothing,
    rotation_of,
    turns_nothing,
)
from fkarm.kinematics.entries import (
    ZERO,
    Entry,
    Frame,
    Vector,
    add,
    dot,
    mul,
    sub,
    vec_sub,
)

# Axes of branches.
SHOULDER, WRIST, ELBOW = 0, 1, 2


def parallel_solver(arm: Reduced) -> Solver | None:
    """What solves a chain whose axes 2, 3 and 4 are parallel, and 5 and 6 meet; else None."""
    if len(arm.axes) != 6 or arm.slides:
        return None
    _, first, *inner, fifth, _ = arm.frames
    rotation = rotation_of(first)
    if rotation is None or any(isinstance(frame, Varying) for frame in (*inner, fifth)):
        return None
    is_level = turns_nothing(inner[0]) and turns_nothing(inner[1])
    if not is_level or not moves_nothing(fifth) or rotation[2, 2] ** 2 >= 1.0:
        return None
    return Solver(solve_parallel, 3)


def solve_parallel(links: list[Frame], target: Frame) -> list[Turn]:
    """The six joints; axes of branches are shoulder, wrist and elbow.

    Args:
        links: The seven frames of `Reduced`.
        target: Pose of the frame after joint 6 in that before joint 1.
    """
    _, first, *_ = links
    # The root is computed once: cosine and sine of joint 1 have the same one, but for its sign.
    q1 = isolated(
        lambda e: turn_to_plane(e, SHOULDER), isolated(lambda p: _across(links, p), target.origin)
    )

    def seen(entries: list[Entry]) -> list[Entry]:
        q1, p = (entries[0], entries[1]), (entries[2], entries[3], entries[4])
        hand = _rotation(entries[5:])
        point = rotated_back(first, vec_sub(turned_back(q1, p), first.origin))
        return [*rotated_back(hand, turned(q1, first.axes[2])), point[0], point[1]]

    hand = [entry for axis in target.axes for entry in axis]
    *normal, x, y = isolated(seen, [*q1, *target.origin, *hand])
    back, v = _transposed(links[5]), _transposed(links[4]).axes[2]
    q6, q5 = aiming_turns((normal[0], normal[1], normal[2]), back, v, WRIST)
    q5, q6 = _reversed(q5), _reversed(q6)

    def planar(entries: list[Entry]) -> list[Entry]:
        pairs = [(entries[k], entries[k + 1]) for k in (9, 11, 13)]
        seen = (entries[15], entries[16], entries[17])
        point = (entries[18], entries[19], 0.0)
        return _plane(links, _rotation(entries), pairs[0], pairs[1], pairs[2], seen, point)

    c, s, c_6, s_6, x, y = isolated(planar, [*hand, *q1, *q5, *q6, *normal, x, y])
    q2, q3 = two_links(links[2].origin[0], links[3].origin[0], x, y, ELBOW)
    q4 = isolated(_last_of_three, [c, s, *q2, *q3])
    return [(q1[0], q1[1]), q2, q3, (q4[0], q4[1]), q5, (c_6, s_6)]


def _last_of_three(entries: list[Entry]) -> Turn:
    c, s, c_2, s_2, c_3, s_3 = entries
    return minus((c, s), plus((c_2, s_2), (c_3, s_3)))


def _rotation(entries: list[Entry]) -> Frame:
    x, y, z = ((entries[k], entries[k + 1], entries[k + 2]) for k in (0, 3, 6))
    return Frame((x, y, z), ZERO)


def _reversed(turn: Turn) -> Turn:
    return turn[0], mul(-1.0, turn[1])


def _across(links: list[Frame], p: list[Entry]) -> list[Entry]:
    """`a`, `b`, `v` of `a c + b s = v` for joint 1, and the root of `a^2 + b^2 - v^2`.

    The point where axes 5 and 6 meet has a fixed distance along the normal.
    """
    _, first, second, third, fourth, *_ = links
    n = first.axes[2]
    heights = add(add(second.origin[2], third.origin[2]), fourth.origin[2])
    a = add(mul(n[0], p[0]), mul(n[1], p[1]))
    b = sub(mul(n[0], p[1]), mul(n[1], p[0]))
    value = sub(add(dot(n, first.origin), heights), mul(n[2], p[2]))
    if isinstance(value, float):
        value = value + 0.0 * a
    return [a, b, value, root(sub(add(square(a), square(b)), square(value)))]


def _plane(
    links: list[Frame],
    target: Frame,
    q1: Turn,
    q5: Turn,
    q6: Turn,
    seen: Vector,
    point: Vector,
) -> list[Entry]:
    """The sum of joints 2, 3 and 4, joint 6, and where axis 4 is in the plane of the arm."""
    _, first, _, _, fourth, fifth, _ = links
    # Rz(q2 + q3 + q4) x = first^T Rz(q1)^T R Rz(q6)^T fifth^T Rz(q5)^T fourth^T x
    x = rotated_back(fifth, turned_back(q5, _transposed(fourth).axes[0]))
    x = rotated(target, turned_back(q6, x))
    c, s, _ = rotated_back(first, turned_back(q1, x))
    together = unit(c, s)
    is_free = is_at_pole(add(square(seen[0]), square(seen[1])))
    together, q6 = _in_reach(links, point, together, q6, seen[2], is_free)
    offset = turned(together, fourth.origin)
    return [*together, *q6, sub(point[0], offset[0]), sub(point[1], offset[1])]


def two_links(upper: Entry, lower: Entry, x: Entry, y: Entry, elbow: int) -> tuple[Turn, Turn]:
    """Both joints of an arm of two links that ends at a point of the plane.

    Args:
        upper: Length of the first link.
        lower: Length of the second one.
        x: The point.
        y: The point.
        elbow: Axis of branches.
    """
    squares = add(square(x), square(y))
    constant = add(square(upper), square(lower))
    q3 = turns_to_squares(mul(upper, lower), 0.0, squares, constant, elbow)
    c, s = isolated(lambda entries: _upper(upper, lower, entries), [*q3, x, y])
    return (c, s), q3


def _upper(upper: Entry, lower: Entry, entries: list[Entry]) -> Turn:
    c, s, x, y = entries
    end = (add(upper, mul(lower, c)), mul(lower, s), 0.0)
    return turn_between(end, (x, y, 0.0))


def _in_reach(
    links: list[Frame], goal: Vector, together: Turn, q6: Turn, along: Entry, is_free: Any
) -> tuple[Turn, Turn]:
    """Where axes 4 and 6 are in line: the turn that brings axis 4 within reach.

    Axis 4 lies on a circle about the goal. Of the distances on it that the two links reach, the
    one nearest to that of the goal is taken.
    """
    upper, lower = float(links[2].origin[0]), float(links[3].origin[0])
    step = (links[4].origin[0], links[4].origin[1], 0.0)
    radius = float(np.hypot(step[0], step[1]))
    if radius == 0.0:
        return together, q6
    squares = add(square(goal[0]), square(goal[1]))
    distance = root(squares)
    reach = _clipped(distance, abs(upper - lower), upper + lower)
    cosine = mul(
        sub(add(squares, radius * radius), square(reach)),
        inverse_of(mul(2.0 * radius, distance)),
    )
    cosine = limited(cosine)
    sine = root(mul(sub(1.0, cosine), add(1.0, cosine)))
    towards = plus(unit(goal[0], goal[1]), (cosine, sine))
    found = minus(towards, unit(step[0], step[1]))
    change = minus(found, together)
    # About axis 6 it turns the other way where the axes point in opposite directions.
    library = library_of(along)
    sign = library.where(along > 0, -library.ones_like(along), library.ones_like(along))
    wrist = plus(q6, (change[0], mul(sign, change[1])))
    return _chosen(is_free, found, together), _chosen(is_free, wrist, q6)


def _clipped(x: Any, low: float, high: float) -> Any:
    library = library_of(x)
    x = library.where(x < low, library.zeros_like(x) + low, x)
    return library.where(x > high, library.zeros_like(x) + high, x)


def _chosen(condition: Any, a: Turn, b: Turn) -> Turn:
    library = library_of(condition)
    return library.where(condition, a[0], b[0]), library.where(condition, a[1], b[1])


def _transposed(frame: Frame) -> Frame:
    x, y, z = ((frame.axes[0][i], frame.axes[1][i], frame.axes[2][i]) for i in range(3))
    return Frame((x, y, z), (0.0, 0.0, 0.0))
