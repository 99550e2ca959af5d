"""A plan as arrays for compiled loops, one iteration per turn or slide.

A motion that turns by a quaternion becomes five turns about z: two that stand still, about its x
and its y axis, which tell the moment about them, and those of `Rz(a) Ry(b) Rz(c)`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fkarm.config import cached
from fkarm.kinematics.joints import Z_TO_X, Z_TO_Y
from fkarm.kinematics.plan import Node, Plan, plan_chain
from fkarm.model import Robot

# Plans with more nodes are computed by loops.
MOST_UNROLLED = 14


class Layout(NamedTuple):
    """What the code of a loop depends on, beside the shapes of its arrays."""

    dof: int
    is_run: bool  # whether every node follows the one before it, and all links the last node
    slides: bool  # whether a node slides
    balls: int  # number of quaternions


class LoopArrays(NamedTuple):
    """A plan with `n` nodes, `m` links and `b` quaternions, as arrays.

    Row 0 of the frames is the base; node `k` has row `k + 1`.
    """

    parents: Any  # row of the frame before every node, (n,)
    origins: Any  # columns of the frame that every node moves, (n, 12)
    entries: Any  # its entry of q, (n,)
    multipliers: Any  # of the entry, (n,)
    offsets: Any  # (n,)
    turns: Any  # 1 if it turns, 0 if it slides, (n,)
    sums: Any  # row of the cotangents that its component of a wrench is added to, (n,)
    shares: Any  # factor of the component, (n,)
    ball_nodes: Any  # first turn of `Rz Ry Rz` of every quaternion, (b,)
    ball_entries: Any  # entries of q, (b, 4)
    ball_signs: Any  # multipliers of the entries, (b, 4)
    links: Any  # row of the frame before every link, (m,)
    link_frames: Any  # columns of its frame, (m, 12)


class Loop(NamedTuple):
    """A plan, ready for loops."""

    layout: Layout
    arrays: LoopArrays


class _Line(NamedTuple):
    """The first fields of `LoopArrays`, of one node."""

    parent: Any
    origin: Any
    entry: Any
    multiplier: Any
    offset: Any
    turns: Any
    sum: Any
    share: Any


def wants_loop(plan: Plan) -> bool:
    """Whether compiled code loops over the nodes of a plan, instead of having code for each."""
    return len(plan.nodes) > MOST_UNROLLED


@cached(256)
def loop_of(robot: Robot, links: tuple[str, ...], base: str) -> Loop:
    """The loop of `plan_chain(robot, links, base)`; its arrays are NumPy's."""
    return make_loop(plan_chain(robot, links, base))


def make_loop(plan: Plan) -> Loop:
    """The loop of a plan."""
    lines: list[_Line] = []
    after: list[int] = []  # row of the frame after every node of the plan
    balls: list[tuple[int, list[int], tuple[float, ...]]] = []
    # Below the entries of q there are three sums per quaternion, and one that is not read.
    unread = plan.dof + 3 * sum(node.motion.kind.freedom == 3 for node in plan.nodes)
    for node in plan.nodes:
        parent, motion = (after[node.parent] if node.parent >= 0 else 0), node.motion
        if motion.kind.freedom == 1:
            (multiplier,), turns = motion.multipliers, float(motion.kind.turns)
            lines.append(
                _Line(parent, node.origin, motion.first, multiplier, motion.offset, turns,
                      motion.first, multiplier)
            )  # fmt: skip
        else:
            moment = plan.dof + 3 * len(balls)
            balls.append((len(lines) + 2, list(motion.entries), motion.multipliers))
            for origin, row in zip(
                _ball_origins(node), (*range(moment, moment + 3), unread, unread), strict=True
            ):
                lines.append(_Line(parent, origin, motion.first, 0.0, 0.0, 1.0, row, 1.0))
                parent = len(lines)
        after.append(len(lines))
    columns = _Line(*(np.array(column) for column in zip(*lines, strict=True)))
    ends = np.array([after[above] if above >= 0 else 0 for above, _ in plan.links])
    arrays = LoopArrays(
        columns.parent,
        _columns(columns.origin),
        *columns[2:],
        np.array([ball[0] for ball in balls], int),
        np.array([ball[1] for ball in balls], int).reshape((-1, 4)),
        np.array([ball[2] for ball in balls], float).reshape((-1, 4)),
        ends,
        _columns(np.array([frame for _, frame in plan.links])),
    )
    is_run = np.array_equal(columns.parent, np.arange(len(lines))) and bool(
        (ends == len(lines)).all()
    )
    return Loop(Layout(plan.dof, is_run, bool((arrays.turns == 0).any()), len(balls)), arrays)


def _ball_origins(node: Node) -> list[np.ndarray]:
    """The frames that the five turns of a quaternion move."""
    to_x, to_y = Z_TO_X, Z_TO_Y
    return [node.origin @ to_x, to_x.T @ to_y, to_y.T, to_y, to_y.T]


def _columns(frames: np.ndarray) -> np.ndarray:
    """The columns of frames in a row. Shapes `(n, 4, 4)` to `(n, 12)`."""
    return frames[:, :3].swapaxes(1, 2).reshape((len(frames), 12))
