"""A plan as arrays: what loops over joints, and what computes all of them at once, reads.

The nodes are sorted by their distance from the base, so that the frames of a level follow from
those of the levels before it. Row 0 of the frames is the base, node `k` of the plan has a row of
its own behind it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fkarm.config import cached
from fkarm.kinematics.plan import Node, Plan, plan_chain
from fkarm.model import Robot

# Features of a motion that turns about z or slides along it: its frame is their sum with constants.
FEATURES = 4  # 1, cosine, sine, slide


class Level(NamedTuple):
    """Nodes whose parents are in the levels before: rows of the frames."""

    nodes: slice
    parents: slice | np.ndarray


class Tree(NamedTuple):
    """A plan as arrays, float64; `n` nodes, `m` links, `s` screws.

    A screw is one entry of `q` that moves one node: a node that turns by a quaternion has four.
    """

    dof: int
    levels: tuple[Level, ...]
    parents: np.ndarray  # row of the frames before every node, (n,)
    features: np.ndarray  # constants of every feature, as rows of matrices, (n, FEATURES, 16)
    sliding: np.ndarray  # nodes that slide along z
    by_quaternion: np.ndarray  # nodes that turn by a quaternion, (k,)
    first: np.ndarray  # first entry of q of every node, (n,)
    multiplier: np.ndarray  # of the entries, (n,)
    offset: np.ndarray  # (n,)
    signs: np.ndarray  # multipliers of the quaternions' entries, (k, 4)
    links: np.ndarray  # row of the frames before every link, (m,)
    link_frames: np.ndarray  # constant frame of every link behind it, (m, 4, 4)
    relative: np.ndarray  # sums of steps that lead to nodes and links, (n + m, n + m), see below
    screw_nodes: np.ndarray  # node of every screw, (s,)
    screw_turns: np.ndarray  # whether it turns, (s,)
    screw_moves: np.ndarray  # 1 where it moves a link, else 0, (s, m)
    of_entries: np.ndarray  # its multiplier of its entry of q, else 0, (s, dof)
    is_serial: bool  # whether that is the identity


@cached(256)
def tree_of(robot: Robot, links: tuple[str, ...], base: str) -> Tree:
    """The arrays of `plan_chain(robot, links, base)`."""
    return make_tree(plan_chain(robot, links, base))


def make_tree(plan: Plan) -> Tree:
    """The arrays of a plan."""
    depth = _depths(plan)
    order = np.argsort(depth, kind="stable")
    place = np.empty(len(order) + 1, int)  # of every node; the last one is that of the base
    place[order], place[-1] = np.arange(len(order)), -1
    nodes = [plan.nodes[k] for k in order]
    parents = np.array([place[node.parent] for node in nodes], int)
    is_slide = np.array([not node.motion.kind.turns for node in nodes], bool)
    by_quaternion = np.flatnonzero([node.motion.kind.freedom == 3 for node in nodes])
    screws = [
        (k, entry, multiplier)
        for k, node in enumerate(nodes)
        for entry, multiplier in zip(node.motion.entries, node.motion.multipliers, strict=True)
    ]
    screw_nodes, entries = (np.array([s[i] for s in screws], int) for i in (0, 1))
    of_entries = np.zeros((len(screws), plan.dof))
    of_entries[np.arange(len(screws)), entries] = [s[2] for s in screws]
    links = np.array([place[above] for above, _ in plan.links], int)
    moves = moves_of(parents, links)
    return Tree(
        dof=plan.dof,
        levels=_levels(depth[order], parents),
        parents=parents + 1,
        features=np.array([_features(node) for node in nodes]).reshape((-1, FEATURES, 16)),
        sliding=np.flatnonzero(is_slide),
        by_quaternion=by_quaternion,
        first=np.array([node.motion.first for node in nodes], int),
        multiplier=np.array([node.motion.multipliers[0] for node in nodes], float),
        offset=np.array([node.motion.offset for node in nodes], float),
        signs=np.array([nodes[k].motion.multipliers for k in by_quaternion], float).reshape(-1, 4),
        links=links + 1,
        link_frames=np.array([frame for _, frame in plan.links], float),
        relative=_relative(np.concatenate([parents, links]), np.asarray(moves.all(axis=1))),
        screw_nodes=screw_nodes,
        screw_turns=~is_slide[screw_nodes],
        screw_moves=moves[screw_nodes],
        of_entries=of_entries,
        is_serial=np.array_equal(of_entries, np.eye(plan.dof)),
    )


def _depths(plan: Plan) -> np.ndarray:
    depth = np.zeros(len(plan.nodes), int)
    for k, node in enumerate(plan.nodes):
        depth[k] = depth[node.parent] + 1 if node.parent >= 0 else 0
    return depth


def _levels(depth: np.ndarray, parents: np.ndarray) -> tuple[Level, ...]:
    """The levels, as rows of the frames, in which the base is row 0."""
    levels = []
    for level in range(depth.max(initial=-1) + 1):
        first, last = np.searchsorted(depth, (level, level + 1))
        rows = parents[first:last] + 1
        is_one = (rows == rows[0]).all()
        parent = slice(int(rows[0]), int(rows[0]) + 1) if is_one else rows
        levels.append(Level(slice(int(first) + 1, int(last) + 1), parent))
    return tuple(levels)


def _features(node: Node) -> np.ndarray:
    """The frame that a node moves, as a sum over its features. Shape `(FEATURES, 16)`."""
    x, y, z, origin = node.origin.T
    constant, cosine, sine, slide = features = np.zeros((FEATURES, 4, 4))  # columns as in a frame
    constant[:, 2], constant[:, 3] = z, origin
    if node.motion.kind.has_angle:
        cosine[:, 0], cosine[:, 1] = x, y
        sine[:, 0], sine[:, 1] = y, -x
    else:  # What turns by a quaternion is turned afterwards.
        constant[:, 0], constant[:, 1] = x, y
        if not node.motion.kind.turns:
            slide[:, 3] = z
    return features.reshape((FEATURES, 16))


def moves_of(parents: np.ndarray, links: np.ndarray) -> np.ndarray:
    """1 where a node is on the way from the base to a link, else 0. Shape `(nodes, links)`.

    `parents` and `links` hold the node before every node and every link, -1 for the base.
    """
    moves = np.zeros((len(parents), len(links)))
    for index, node in enumerate(links):
        while node >= 0:
            moves[node, index] = 1.0
            node = parents[node]
    return moves


def _relative(before: np.ndarray, is_stem: np.ndarray) -> np.ndarray:
    """Sums of steps: the positions of nodes and links, measured near the links.

    A step leads from the node before to a node or a link. Positions are measured from the last node
    that moves all links, so no derivative depends on the distance of the base.
    """
    count = len(before)
    sums = np.zeros((count, count))  # from the base
    for k, parent in enumerate(before):
        sums[k, k] = 1.0
        if parent >= 0:
            sums[k] += sums[parent]
    stem = np.flatnonzero(is_stem)
    return sums - sums[stem[-1]] if stem.size else sums
