"""A plan as arrays for compiled loops, one iteration per turn or slide.

A motion that turns by a quaternion becomes five turns about z: two that stand still, about its x
and its y axis, which tell the moment about them, and those of `Rz(a) Ry(b) Rz(c)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from fkarm.config import cached
from fkarm.kinematics.joints import Z_TO_X, Z_TO_Y, Motion
from fkarm.kinematics.plan import Plan, Skeleton, plan_chain, skeleton_of
from fkarm.model import Robot

# Plans with more nodes and links are computed by loops. On two cores a chain of 28 then compiles
# in a fifth of the time, and poses with their gradient take half as long; one of 14 takes 1.1 times
# as long. All links of a humanoid, 96 nodes and links, compile in a ninth of the time; poses take
# 1.1 times as long, with the gradient 0.8 times. Smaller trees are faster unrolled: poses with 44
# nodes and links take 1.3 times as long by loops, those of a humanoid's feet and hands 3 times.
MOST_UNROLLED_IN_CHAIN = 20
MOST_UNROLLED_IN_TREE = 60
# So many chains with the same joints have code of their own, 20 MB and a second for each size of
# batch; further ones share that of a loop. A chain of seven random axes then takes 1.3 times as
# long, with the gradient 0.9 times; a Panda, many of whose entries are 0 or 1, 1.7 and 1.1 times.
MOST_UNROLLED_ALIKE = 3
_UNREAD = -1


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
    origins: Any  # columns of the frame that every node moves, (n, 12), or (n, 12, rows)
    entries: Any  # its entry of q, (n,)
    multipliers: Any  # of the entry, (n,), or (n, rows)
    offsets: Any  # (n,), or (n, rows)
    turns: Any  # 1 if it turns, 0 if it slides, (n,)
    sums: Any  # row of the sums that its component is added to, see `Nodes.sums`, (n,)
    shares: Any  # factor of the component, (n,)
    ball_nodes: Any  # first turn of `Rz Ry Rz` of every quaternion, (b,)
    ball_entries: Any  # entries of q, (b, 4)
    ball_signs: Any  # multipliers of the entries, (b, 4)
    links: Any  # row of the frame before every link, (m,)
    link_frames: Any  # columns of its frame, (m, 12), or (m, 12, rows)


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


class Lines:
    """Collects the nodes of a loop.

    An origin is a frame `(4, 4)`, or anything that may be multiplied by one from the right.
    """

    def __init__(self, dof: int) -> None:
        self._dof = dof
        self._lines: list[_Line] = []
        self._balls: list[tuple[int, list[int], tuple[float, ...]]] = []

    @property
    def origins(self) -> list[Any]:
        """The frames that the nodes move."""
        return [line.origin for line in self._lines]

    def add(self, parent: int, origin: Any, motion: Motion | None) -> int:
        """Add a motion, None if it stands still; return the row of the frame after it."""
        if motion is None:
            self._lines.append(_Line(parent, origin, 0, 0.0, 0.0, 1.0, _UNREAD, 0.0))
        elif motion.kind.freedom == 1:
            (multiplier,), turns = motion.multipliers, float(motion.kind.turns)
            line = (motion.first, multiplier, motion.offset, turns, motion.first, multiplier)
            self._lines.append(_Line(parent, origin, *line))
        else:
            moment = self._dof + 3 * len(self._balls)
            self._balls.append((len(self._lines) + 2, list(motion.entries), motion.multipliers))
            frames = (origin @ Z_TO_X, Z_TO_X.T @ Z_TO_Y, Z_TO_Y.T, Z_TO_Y, Z_TO_Y.T)
            rows = (moment, moment + 1, moment + 2, _UNREAD, _UNREAD)
            for frame, row in zip(frames, rows, strict=True):
                self._lines.append(_Line(parent, frame, motion.first, 0.0, 0.0, 1.0, row, 1.0))
                parent = len(self._lines)
        return len(self._lines)

    def loop(self, links: Sequence[int], origins: np.ndarray, link_frames: np.ndarray) -> Loop:
        """The loop of these nodes, with links at some rows; frames `(n, 4, 4)` and `(m, 4, 4)`."""
        columns = _Line(
            *([line[field] for line in self._lines] for field in range(len(_Line._fields)))
        )
        balls = self._balls
        unread = self._dof + 3 * len(balls)
        arrays = LoopArrays(
            np.array(columns.parent, int),
            columns_of(origins),
            np.array(columns.entry, int),
            np.array(columns.multiplier, float),
            np.array(columns.offset, float),
            np.array(columns.turns, float),
            np.array([unread if row == _UNREAD else row for row in columns.sum], int),
            np.array(columns.share, float),
            np.array([ball[0] for ball in balls], int),
            np.array([ball[1] for ball in balls], int).reshape((-1, 4)),
            np.array([ball[2] for ball in balls], float).reshape((-1, 4)),
            np.array(links),
            columns_of(link_frames),
        )
        count = len(self._lines)
        follows = np.array_equal(arrays.parents, np.arange(count))
        is_run = follows and all(row == count for row in links)
        slides = bool((arrays.turns == 0).any())
        return Loop(Layout(self._dof, is_run, slides, len(balls)), arrays)


def wants_loop(plan: Plan) -> bool:
    """Whether compiled code loops over the nodes of a plan, instead of having code for each."""
    is_chain = len({above for above, _ in plan.links}) == 1
    most = MOST_UNROLLED_IN_CHAIN if is_chain else MOST_UNROLLED_IN_TREE
    return len(plan.nodes) + len(plan.links) > most


def shares_loop(plan: Plan) -> bool:
    """Whether the poses of a plan, once they are compiled, are those of a loop.

    Chains count as unrolled from the first time on that this is asked for them.
    """
    if wants_loop(plan):
        return True
    if len(plan.links) > 1:
        return False
    unrolled = _unrolled_alike(skeleton_of(plan))
    frames = np.array([*(node.origin for node in plan.nodes), plan.links[0][1]]).tobytes()
    if len(unrolled) < MOST_UNROLLED_ALIKE:
        unrolled.add(frames)
    return frames not in unrolled


@cached(256)
def _unrolled_alike(skeleton: Skeleton) -> set[bytes]:
    """The frames of the chains with these joints that have code of their own."""
    return set()


@cached(256)
def loop_of(robot: Robot, links: tuple[str, ...], base: str) -> Loop:
    """The loop of `plan_chain(robot, links, base)`; its arrays are NumPy's."""
    return make_loop(plan_chain(robot, links, base))


def make_loop(plan: Plan) -> Loop:
    """The loop of a plan."""
    lines, after = Lines(plan.dof), [0]  # after the base, then after every node of the plan
    for node in plan.nodes:
        after.append(lines.add(after[node.parent + 1], node.origin, node.motion))
    links = [after[above + 1] for above, _ in plan.links]
    return lines.loop(links, np.array(lines.origins), np.array([frame for _, frame in plan.links]))


def columns_of(frames: np.ndarray) -> np.ndarray:
    """The columns of frames in a row. Shapes `(n, 4, 4)` to `(n, 12)`."""
    return frames[:, :3].swapaxes(1, 2).reshape((len(frames), 12))
