"""Errors of configurations and their derivative by the joints, in NumPy.

The compiled counterpart is `fkarm.ik.residual`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fkarm.config import cached
from fkarm.ik.problem import Problem, Terms
from fkarm.kinematics.in_numpy import Array, Posture, posture, screws_in_base, twists
from fkarm.kinematics.tree import Tree, tree_of

_TINY = float(np.finfo(np.float64).tiny)


class Structure(NamedTuple):
    """What the arrays of a problem look like."""

    problem: Problem
    tree: Tree
    active: Array  # entries of q that move a link, (a,)
    of_active: Array | None  # multipliers of the screws by active entry, (s, a); None: identity
    halves: list[list[int]]  # indices of the errors of every link's position and orientation
    links_at: list[slice]  # components of every link's error


class Local(NamedTuple):
    """Errors at configurations, with what their derivatives need; `m` components that count."""

    error: Array  # weighted, (rows, m)
    jacobian: Array  # negative derivative of the error by the active entries, (rows, m, a)
    columns: list[Array]  # geometric Jacobian of every link by screws, (6, s, rows)

    def of(self, rows: Array) -> Local:
        """Errors and first derivatives of some rows."""
        return self._replace(error=self.error[rows], jacobian=self.jacobian[rows])


@cached(256)
def structure_of(problem: Problem) -> Structure:
    """The structure of a problem, which is made once."""
    tree = tree_of(problem.robot, problem.links, problem.base)
    active = np.array(problem.active, int)
    of_active = tree.of_entries[:, active]
    is_identity = of_active.shape == (len(active),) * 2 and np.array_equal(
        of_active, np.eye(len(active))
    )
    ends = np.cumsum([0, *map(len, problem.components.rows)])
    return Structure(
        problem,
        tree,
        active,
        None if is_identity else of_active,
        problem.components.halves,
        [slice(*pair) for pair in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)],
    )


def errors_at(of: Structure, at: Posture, targets: Array) -> Array:
    """The components of the errors that count, for targets `(rows, links, 4, 4)`.

    Shape `(rows, m)`.
    """
    errors = []
    for index, rows in enumerate(of.problem.components.rows):
        target, frame = targets[:, index], at.links[index]
        error = np.zeros((len(target), 6))
        if rows[0] < 3:
            error[:, :3] = in_axes(of.problem, target, target[:, :3, 3] - frame[:, :3, 3])
        turning = [row - 3 for row in rows if row >= 3]
        if len(turning) == 2:
            error[:, 3:] = tilt(of.problem, target, frame, 3 - sum(turning))
        elif turning:
            error[:, 3:] = in_axes(of.problem, target, rotation_vector(target, frame))
        errors.append(error if len(rows) == 6 else error[:, rows])
    return errors[0] if len(errors) == 1 else np.concatenate(errors, axis=1)


def weighted_errors(of: Structure, terms: Terms, at: Posture, targets: Array) -> Array:
    """The errors that are minimised. Shape `(rows, m)`."""
    return errors_at(of, at, targets) * terms.weights


def linearise(of: Structure, terms: Terms, q: Array, targets: Array) -> Local:
    """Weighted errors and their derivative at `q (rows, dof)`."""
    at = posture(of.tree, q)
    return derivatives(of, terms, at, weighted_errors(of, terms, at, targets), targets)


def derivatives(of: Structure, terms: Terms, at: Posture, error: Array, targets: Array) -> Local:
    """Weighted errors, which are known, and their derivative."""
    screws = screws_in_base(at)
    columns = [twists(at, screws, index) for index in range(len(of.problem.links))]
    blocks = [
        _link_rows(of, at, targets, columns[index], index, rows)
        for index, rows in enumerate(of.problem.components.rows)
    ]
    jacobian = blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=1)
    if of.of_active is not None:
        jacobian = jacobian @ of.of_active
    return Local(error, jacobian * terms.weights[:, None], columns)


def _link_rows(
    of: Structure, at: Posture, targets: Array, columns: Array, index: int, rows: tuple[int, ...]
) -> Array:
    """The rows of one link's Jacobian that count. Shape `(rows, k, s)`."""
    jacobian = columns.transpose(2, 0, 1)  # (rows, 6, s)
    target = targets[:, index]
    is_single = sum(row >= 3 for row in rows) == 1
    single = None
    if is_single:
        error = rotation_vector(target, at.links[index])
        axes = target[:, :3, :3] if of.problem.components.frame == "target" else np.eye(3)[None]
        along = share_of_turn(error, np.broadcast_to(axes[..., rows[-1] - 3], error.shape))
        single = np.einsum("ri,ris->rs", along, jacobian[:, 3:])
    if of.problem.components.frame == "target":
        halves = jacobian.reshape((len(jacobian), 2, 3, -1))
        turned = np.swapaxes(target[:, None, :3, :3], -1, -2) @ halves
        jacobian = turned.reshape(jacobian.shape)
    if len(rows) < 6:
        jacobian = jacobian[:, list(rows)]
    if single is not None:
        jacobian = jacobian.copy()
        jacobian[:, -1] = single
    return jacobian


def squared_length(vectors: Array) -> Array:
    """Squared lengths of vectors `(rows, n)`. Shape `(rows,)`."""
    return np.vecdot(vectors, vectors)


def in_axes(problem: Problem, target: Array, vector: Array) -> Array:
    """Vectors in root axes `(rows, 3)`, expressed in the axes of the problem."""
    if problem.components.frame == "root":
        return vector
    return np.einsum("rij,ri->rj", target[:, :3, :3], vector)


def in_root(problem: Problem, target: Array, vector: Array) -> Array:
    """Vectors in the axes of the problem, expressed in root axes."""
    if problem.components.frame == "root":
        return vector
    return np.einsum("rij,rj->ri", target[:, :3, :3], vector)


def rotation_vector(target: Array, frame: Array) -> Array:
    """`log(R_target R^T)`, valid up to half a turn, of poses `(rows, 4, 4)`. Shape `(rows, 3)`."""
    turn = target[:, :3, :3] @ frame[:, :3, :3].swapaxes(1, 2)
    flat = turn.reshape(len(turn), 9)
    sine = 0.5 * (flat[:, [7, 2, 3]] - flat[:, [5, 6, 1]])
    cosine = 0.5 * (flat[:, 0] + flat[:, 4] + flat[:, 8] - 1.0)
    length = np.sqrt(squared_length(sine))
    angle = np.arctan2(length, cosine)
    vector = (angle / np.maximum(length, _TINY))[:, None] * sine
    is_far = cosine < -0.95
    if is_far.any():
        vector[is_far] = _near_half_turn(turn[is_far], sine[is_far], cosine[is_far], angle[is_far])
    return vector


def _near_half_turn(turn: Array, sine: Array, cosine: Array, angle: Array) -> Array:
    """Rotation vectors where the sine loses the axis: the largest column of `R + R^T - 2 cos I`."""
    outer = 0.5 * (turn + turn.swapaxes(1, 2)) - cosine[:, None, None] * np.eye(3)
    diagonal = outer[:, range(3), range(3)]
    rows, largest = np.arange(len(turn)), diagonal.argmax(axis=1)
    column = outer[rows, :, largest]
    norm = np.sqrt(np.maximum(diagonal[rows, largest] * (1.0 - cosine), 1e-12))
    along = np.einsum("ri,ri->r", sine, column)
    return (np.where(along < 0, -angle, angle) / norm)[:, None] * column


def tilt(problem: Problem, target: Array, frame: Array, axis: int) -> Array:
    """The smallest rotation after which only a rotation about one axis remains as the error.

    In the axes of the problem, see `fkarm.ik.residual.tilt`. Shape `(rows, 3)`.
    """
    if problem.components.frame == "root":
        n = np.einsum("rij,rj->ri", frame[:, :3, :3], target[:, axis, :3])
    else:
        n = np.einsum("rij,ri->rj", target[:, :3, :3], frame[:, :3, axis])
    a, b = (axis + 1) % 3, (axis + 2) % 3
    squared = n[:, a] ** 2 + n[:, b] ** 2
    is_zero = squared <= _TINY
    sine = np.sqrt(np.where(is_zero, 1.0, squared))
    angle = np.arctan2(np.where(is_zero, 0.0, sine), n[:, axis])
    ratio = np.where(is_zero, 1.0, angle / sine)
    # At a half turn all perpendicular axes are equally good.
    is_opposite = is_zero & (n[:, axis] < 0)
    turn = np.zeros_like(n)
    turn[:, a] = np.where(is_opposite, np.pi, ratio * n[:, b])
    turn[:, b] = np.where(is_opposite, 0.0, -ratio * n[:, a])
    return turn


def share_of_turn(error: Array, axis: Array) -> Array:
    """The derivative of a rotation vector's component along `axis`. Shapes `(rows, 3)`."""
    share, squared = curvature_of_angle(error)
    along = np.einsum("ri,ri->r", error, axis)
    half = 0.5 * np.cross(axis, error)
    return axis + half + share[:, None] * (error * along[:, None] - axis * squared[:, None])


def curvature_of_angle(error: Array) -> tuple[Array, Array]:
    """`(1 - t cot t) / |e|^2` for `t = |e| / 2 <= pi / 2`, and `|e|^2`, of rotation vectors."""
    squared = squared_length(error)
    half = 0.5 * np.sqrt(squared)
    is_small = half < 1e-3
    t = np.where(is_small, 1.0, half)
    exact = (1.0 - t / np.tan(t)) / np.where(is_small, 1.0, squared)
    return np.where(is_small, 1.0 / 12.0 + squared / 720.0, exact), squared
