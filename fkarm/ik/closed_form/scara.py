"""Three joints that turn about parallel axes, and one that slides along them: a SCARA robot.

It turns its link about one direction only. The turn nearest to the target's orientation, and the
position, are those of an arm of two links in a plane; the slide brings it to the height.
"""

from __future__ import annotations

from functools import partial

from fkarm.ik.closed_form.arithmetic import (
    Pair,
    Solver,
    Turn,
    isolated,
    minus,
    plus,
    rotated,
    turned,
    unit,
)
from fkarm.ik.closed_form.parallel import two_links
from fkarm.ik.closed_form.reduction import Reduced, Varying, turns_nothing
from fkarm.kinematics.entries import Entry, Frame, add, mul, sub, vec_add, vec_sub

# Axis of branches.
ELBOW = 0


def scara_solver(arm: Reduced) -> Solver | None:
    """What solves a chain of a slide, then three axes parallel to it; None for any other."""
    if len(arm.axes) != 3 or len(arm.slides) != 1 or arm.slides[0].gap != 0:
        return None
    inner = arm.frames[1:3]
    if any(isinstance(frame, Varying) or not turns_nothing(frame) for frame in inner):
        return None
    x, y, rate = (float(entry) for entry in arm.slides[0].step)
    return Solver(partial(solve_scara, rate), 1) if x == y == 0.0 else None


def solve_scara(rate: float, links: list[Frame], target: Frame) -> list[Pair]:
    """The three turns and the slide; the axis of branches is the elbow.

    Args:
        rate: Height per unit of the slide's value.
        links: The four frames of `Reduced`.
        target: Pose of the frame after the last axis in that before the first one.
    """
    _, first, second, hand = links

    def level(entries: list[Entry]) -> list[Entry]:
        x, y, z, origin = ((entries[k], entries[k + 1], entries[k + 2]) for k in (0, 3, 6, 9))
        tip = vec_add(origin, rotated(Frame((x, y, z), origin), hand.origin))
        # The turn about z that is nearest to the rotation.
        together = unit(add(x[0], y[1]), sub(x[1], y[0]))
        wrist = vec_sub(tip, turned(together, hand.origin))
        height = sub(wrist[2], add(first.origin[2], second.origin[2]))
        return [*together, wrist[0], wrist[1], mul(1.0 / rate, height)]

    flat = [entry for vector in (*target.axes, target.origin) for entry in vector]
    c, s, x, y, height = isolated(level, flat)
    q1, q2 = two_links(first.origin[0], second.origin[0], x, y, ELBOW)

    def last(entries: list[Entry]) -> Turn:
        together, first, second = ((entries[k], entries[k + 1]) for k in (0, 2, 4))
        return minus(together, plus(first, second))

    c, s = isolated(last, [c, s, *q1, *q2])
    return [q1, q2, (c, s), (height, 0.0)]
