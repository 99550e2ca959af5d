"""Kinematics of few rows in NumPy, float64: nothing to trace, nothing to compile.

A frame is a 4 x 4 matrix. All frames of a level of the tree are one stacked product, so a call
costs a few microseconds per level, whatever the number of rows, as long as there are few.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fkarm.kinematics.tree import FEATURES, Tree

Array = np.ndarray
_IDENTITY = np.eye(4)
_TINY = float(np.finfo(np.float64).tiny)


class Posture(NamedTuple):
    """A tree at configurations `q (rows, dof)`."""

    tree: Tree
    q: Array
    local: Array  # frames of the nodes after their motions, in those before, (n, rows, 4, 4)
    frames: Array  # of the base, then of the nodes, in the base, (n + 1, rows, 4, 4)
    links: Array  # poses of the links, (m, rows, 4, 4)

    def of(self, rows: Array) -> Posture:
        """The same of some rows."""
        arrays = (self.local[:, rows], self.frames[:, rows], self.links[:, rows])
        return Posture(self.tree, self.q[rows], *arrays)


class Screws(NamedTuple):
    """The axes about which, or along which, entries of `q` move nodes: components first.

    Positions are measured near the links, see `Tree.relative`, or from the base.
    """

    axes: Array  # angular velocity or direction of sliding, (3, s, rows)
    origins: Array  # positions of their nodes, (3, s, rows)
    links: Array  # positions of the links, (3, m, rows)


def posture(tree: Tree, q: Array) -> Posture:
    """All frames of a tree at configurations `q (rows, dof)`, float64."""
    rows, n = len(q), len(tree.first)
    frames = np.empty((n + 1, rows, 4, 4))
    frames[0] = _IDENTITY
    local = _local_frames(tree, q)
    for nodes, parents in tree.levels:
        np.matmul(frames[parents], local[nodes.start - 1 : nodes.stop - 1], out=frames[nodes])
    return Posture(tree, q, local, frames, frames[tree.links] @ tree.link_frames[:, None])


def screws_of(at: Posture) -> Screws:
    """The axes of all screws and the positions of their nodes and of the links."""
    tree, n, rows = at.tree, len(at.local), len(at.q)
    steps = np.empty((n + len(tree.links), rows, 3))
    rotations = at.frames[..., :3, :3]
    steps[:n] = (rotations[tree.parents] @ at.local[..., :3, 3:])[..., 0]
    steps[n:] = (rotations[tree.links] @ tree.link_frames[:, None, :3, 3:])[..., 0]
    positions = (tree.relative @ steps.reshape((len(steps), -1))).reshape(steps.shape)
    origins = positions[tree.screw_nodes].transpose(2, 0, 1)
    return Screws(_axes(at), origins, positions[n:].transpose(2, 0, 1))


def screws_in_base(at: Posture) -> Screws:
    """The same with positions in the base: faster, but its distance costs digits."""
    origins = at.frames[at.tree.screw_nodes + 1, :, :3, 3].transpose(2, 0, 1)
    return Screws(_axes(at), origins, at.links[..., :3, 3].transpose(2, 0, 1))


def _axes(at: Posture) -> Array:
    """The axes of all screws. Shape `(3, s, rows)`."""
    tree = at.tree
    axes = at.frames[tree.screw_nodes + 1, :, :3, 2].transpose(2, 0, 1)
    for index, node in enumerate(tree.by_quaternion):
        own = np.flatnonzero(tree.screw_nodes == node)
        axes[:, own] = _quaternion_axes(at, index, node)
    return axes


def twists(at: Posture, screws: Screws, link: int) -> Array:
    """Velocity of a link's origin and its angular velocity, per screw. Shape `(6, s, rows)`.

    Zero for screws that do not move the link.
    """
    tree = at.tree
    lever = screws.links[:, link, None] - screws.origins
    columns = np.empty((6, *screws.axes.shape[1:]))
    cross(screws.axes, lever, out=columns[:3])
    columns[3:] = screws.axes
    if not tree.screw_turns.all():
        slides = ~tree.screw_turns
        columns[:3, slides], columns[3:, slides] = screws.axes[:, slides], 0.0
    moves = tree.screw_moves[:, link]
    return columns if moves.all() else columns * moves[:, None]


def by_entry(tree: Tree, columns: Array) -> Array:
    """Columns of screws `(..., s)` as columns of `q`, `(..., dof)`."""
    return columns if tree.is_serial else columns @ tree.of_entries


def jacobian(at: Posture, link: int = 0) -> Array:
    """The geometric Jacobian of a link. Shape `(rows, 6, dof)`."""
    return by_entry(at.tree, twists(at, screws_of(at), link).transpose(2, 0, 1))


def configuration_bar(at: Posture, screws: Screws, poses_bar: Array) -> Array:
    """Cotangents of `q` from those of the links' poses `(m, rows, 4, 4)`. Shape `(rows, dof)`.

    A cotangent of a pose is a force and a moment about the link's origin. A screw takes the
    component, along its own axis, of what acts on the links that it moves.
    """
    tree, links = at.tree, at.links
    force = poses_bar[..., :3, 3].transpose(2, 0, 1)  # (3, m, rows)
    turn = poses_bar[..., :3, :3] @ np.swapaxes(links[..., :3, :3], -1, -2)
    flat = turn.reshape((*turn.shape[:2], 9))
    moment = (flat[..., [7, 2, 3]] - flat[..., [5, 6, 1]]).transpose(2, 0, 1)  # of its skew part
    moment = moment + cross(screws.links, force)
    force, moment = tree.screw_moves @ force, tree.screw_moves @ moment  # (3, s, rows)
    along = moment - cross(screws.origins, force)
    if not tree.screw_turns.all():
        along = np.where(tree.screw_turns[:, None], along, force)
    return by_entry(tree, np.einsum("ksr,ksr->rs", screws.axes, along))


def volume(jacobian: Array) -> Array:
    """`sqrt(det(J J^T))` of Jacobians `(rows, m, dof)`, the manipulability. Shape `(rows,)`."""
    triangle = np.linalg.qr(jacobian.swapaxes(1, 2), mode="r")
    return np.asarray(np.prod(np.abs(np.diagonal(triangle, axis1=1, axis2=2)), axis=1))


def hessian(at: Posture, screws: Screws, link: int = 0) -> Array:
    """The derivative of the geometric Jacobian of a link. Shape `(rows, 6, dof, dof)`.

    For screws `i` and `j`, `j` nearer the base: `dJ_i/dq_j = [w_j x c_i, w_j x w_i]`; for `j`
    nearer the link `[w_i x c_j, 0]`, with the columns `[c, w]` of the Jacobian.
    """
    tree = at.tree
    columns = twists(at, screws, link)
    linear, angular = columns[:3], columns[3:]
    nodes = tree.screw_nodes
    is_above = nodes[None, :] < nodes[:, None]  # j before i, (s, s)
    of_j = cross(angular[:, None], linear[:, :, None])  # w_j x c_i, (3, i, j, rows)
    change = np.zeros((6, *of_j.shape[1:]))
    change[:3] = np.where(is_above[..., None], of_j, of_j.swapaxes(1, 2))
    change[3:] = np.where(is_above[..., None], cross(angular[:, None], angular[:, :, None]), 0.0)
    for index, node in enumerate(tree.by_quaternion):
        own = np.flatnonzero(nodes == node)
        rates = _quaternion_rates(at, index, node)  # (3, i, j, rows)
        lever = (screws.links[:, link, None] - screws.origins[:, own[:1]])[:, None]
        moves = tree.screw_moves[own[0], link]
        linear_change = cross(angular[:, own][:, :, None], linear[:, own][:, None])
        linear_change += moves * cross(rates, np.broadcast_to(lever, rates.shape))
        change[:3, own[:, None], own] = linear_change
        change[3:, own[:, None], own] = moves * rates
    by_screws = change.transpose(3, 0, 1, 2)
    if tree.is_serial:
        return by_screws
    return tree.of_entries.T @ by_screws @ tree.of_entries


def cross(a: Array, b: Array, out: Array | None = None) -> Array:
    """Cross product along the first axis."""
    if out is None:
        out = np.empty(np.broadcast_shapes(a.shape, b.shape))
    for k in range(3):
        i, j = (k + 1) % 3, (k + 2) % 3
        np.multiply(a[i], b[j], out=out[k])
        out[k] -= a[j] * b[i]
    return out


def _local_frames(tree: Tree, q: Array) -> Array:
    """The frame of every node after its motion, in that of its parent. Shape `(n, rows, 4, 4)`."""
    rows, n = len(q), len(tree.first)
    values = (q[:, tree.first] * tree.multiplier + tree.offset).T  # (n, rows)
    features = np.zeros((n, rows, FEATURES))
    features[..., 0] = 1.0
    np.cos(values, out=features[..., 1])
    np.sin(values, out=features[..., 2])
    if tree.sliding.size:
        features[tree.sliding, :, 3] = values[tree.sliding]
    frames = (features @ tree.features).reshape((n, rows, 4, 4))
    for index, node in enumerate(tree.by_quaternion):
        rotation = rotation_of(_quaternion(tree, q, index))
        frames[node, :, :3, :3] = frames[node, :, :3, :3] @ rotation.transpose(2, 0, 1)
    return frames


def _quaternion(tree: Tree, q: Array, index: int) -> Array:
    """The entries of a quaternion. Shape `(4, rows)`."""
    first = tree.first[tree.by_quaternion[index]]
    return q[:, first : first + 4].T * tree.signs[index][:, None]


def _scale(quat: Array) -> Array:
    """`2 / |quat|^2`; zero for the zero quaternion."""
    squared = np.sum(quat * quat, axis=0)
    is_zero = squared <= _TINY
    return np.where(is_zero, 0.0, 2.0 / np.where(is_zero, 1.0, squared))


def rotation_of(quat: Array) -> Array:
    """Rotation matrices `(3, 3, rows)` of quaternions wxyz of any length `(4, rows)`."""
    (w, x, y, z), k = quat, _scale(quat)
    return np.array(
        [
            [1.0 - k * (y * y + z * z), k * (x * y - w * z), k * (x * z + w * y)],
            [k * (x * y + w * z), 1.0 - k * (x * x + z * z), k * (y * z - w * x)],
            [k * (x * z - w * y), k * (y * z + w * x), 1.0 - k * (x * x + y * y)],
        ]
    )


# Vector part of e_i times the conjugate of e_j, for the quaternion units e_0 = 1, i, j, k.
_UNITS = np.zeros((4, 4, 3))
for _i in range(3):
    _j, _k = (_i + 1) % 3, (_i + 2) % 3
    _UNITS[0, _i + 1, _i], _UNITS[_i + 1, 0, _i] = -1.0, 1.0
    _UNITS[_j + 1, _k + 1, _i], _UNITS[_k + 1, _j + 1, _i] = -1.0, 1.0


def _quaternion_axes(at: Posture, index: int, node: int) -> Array:
    """Angular velocity for the rate of every entry of a quaternion. Shape `(3, 4, rows)`."""
    quat = _quaternion(at.tree, at.q, index)
    own = np.einsum("ijk,jr->kir", _UNITS, quat) * _scale(quat)
    return np.einsum("rkc,cir->kir", _axes_before(at, quat, node), own)


def _quaternion_rates(at: Posture, index: int, node: int) -> Array:
    """The change of the axis of entry `i` for the rate of entry `j`. Shape `(3, i, j, rows)`.

    The axis is `a_i = k vec(e_i q*)` with `k = 2 / |q|^2`; its change is
    `k (vec(e_i e_j*) - q_j a_i)`.
    """
    quat = _quaternion(at.tree, at.q, index)
    units = np.einsum("rkc,ijc->kijr", _axes_before(at, quat, node), _UNITS)
    axes = _quaternion_axes(at, index, node)
    return _scale(quat) * (units - axes[:, :, None] * quat)


def _axes_before(at: Posture, quat: Array, node: int) -> Array:
    """Axes of a node before its turn, as columns. Shape `(rows, 3, 3)`."""
    return at.frames[node + 1, :, :3, :3] @ rotation_of(quat).transpose(2, 1, 0)
