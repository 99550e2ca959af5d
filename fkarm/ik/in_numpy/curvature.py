"""The second derivative of the squared error, in NumPy.

The compiled counterpart is `fkarm.ik.curvature`, which has the formulas.
"""

from __future__ import annotations

import numpy as np

from fkarm.ik.in_numpy.residual import (
    Local,
    Structure,
    curvature_of_angle,
    in_root,
    squared_length,
)
from fkarm.ik.problem import Terms
from fkarm.kinematics.in_numpy import Array, cross


def second_order_terms(of: Structure, terms: Terms, local: Local, targets: Array) -> Array:
    """The terms of the second derivative beyond `J^T J`. Shape `(rows, a, a)`."""
    tree = of.tree
    nodes = tree.screw_nodes
    order = (nodes[:, None] < nodes) + 0.5 * (nodes[:, None] == nodes)  # of two screws of a path
    pulls = local.error * terms.weights
    total = np.zeros((len(pulls), len(nodes), len(nodes)))
    for index, rows in enumerate(of.problem.components.rows):
        part = of.links_at[index]
        force = np.zeros((len(pulls), 6))
        force[:, rows] = pulls[:, part]
        target, columns = targets[:, index], local.columns[index]
        linear, angular = columns[:3], columns[3:]  # (3, s, rows)
        if rows[0] < 3:
            pull = in_root(of.problem, target, force[:, :3]).T[:, None]
            total += _products(cross(angular, pull), linear)
        axes = [row - 3 for row in rows if row >= 3]
        if axes:
            squared_weight = terms.weights[part][-1] ** 2
            turn = in_root(of.problem, target, force[:, 3:] / squared_weight)
            if len(axes) == 2:
                unit = np.broadcast_to(np.eye(3)[3 - sum(axes)], turn.shape)
                of_axis = _of_axis(turn, in_root(of.problem, target, unit), angular)
                total += squared_weight * of_axis
            else:
                total += squared_weight * _of_turn(turn, angular, len(axes) == 3)
    ordered = order * total
    by_screws = ordered + ordered.swapaxes(1, 2)
    if of.of_active is None:
        return by_screws
    return of.of_active.T @ by_screws @ of.of_active


def _products(a: Array, b: Array) -> Array:
    """`a_i . b_j` of vectors `(3, s, rows)`. Shape `(rows, s, s)`."""
    return a.transpose(2, 1, 0) @ b.transpose(2, 0, 1)


def _of_turn(error: Array, angular: Array, is_whole: bool) -> Array:
    """The terms of half the squared angle."""
    e = error.T[:, None]
    left = 0.5 * cross(angular, np.broadcast_to(e, angular.shape))
    if not is_whole:
        return _products(left, angular)
    share, squared = curvature_of_angle(error)
    along = np.sum(angular * e, axis=0).T  # (rows, s)
    across = _products(left - share * squared * angular, angular)
    return across + share[:, None, None] * along[:, :, None] * along[:, None]


def _of_axis(error: Array, axis: Array, angular: Array) -> Array:
    """The terms of half the squared angle between two axes; `axis` is the target of the other."""
    squared = squared_length(error)
    is_small = squared * squared <= np.finfo(np.float64).tiny
    angle = np.sqrt(np.where(is_small, 1.0, squared))[:, None]
    sine, cosine = np.sin(angle), np.cos(angle)
    side = np.cross(error / angle, axis)
    across = cosine * side + sine * axis
    other = cosine * axis - sine * side
    p, q, r = (np.einsum("ri,isr->rs", vector, angular) for vector in (across, side, other))
    # At a half turn the second derivative has no bound.
    slope = angle * cosine / np.maximum(sine, 1e-3)
    terms = [(slope * p, p), (-q, q), (-angle * r, p)]
    total = sum(left[:, :, None] * right[:, None] for left, right in terms)
    return np.where(is_small[:, None, None], 0.0, total)
