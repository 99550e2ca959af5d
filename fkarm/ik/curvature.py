"""The second derivative of the squared error, in dense arrays with the rows innermost.

For entries `i` and `j` of one path, `i` nearer the root, with columns `[c, w]` of the Jacobian in
root axes, the position moves by `w_i x c_j` in second order and the orientation by half of
`w_i x w_j`. The square of a rotation vector has a second derivative of its own.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from keras import ops

from fkarm._types import Tensor
from fkarm.geometry.native import cos, maximum, sin
from fkarm.geometry.safe import is_negligible
from fkarm.ik.problem import Planned, Terms
from fkarm.ik.residual import (
    Line,
    chain_of,
    counted_errors,
    curvature_of_angle,
    directions,
    frames_of,
    have_fixed_directions,
    in_root,
    kept_chain,
)
from fkarm.kinematics.chain import link_frames, link_levers, link_twist
from fkarm.kinematics.entries import ZERO, Vector, cross, dot, mul, vec_add, vec_scale, vec_sub
from fkarm.kinematics.plan import Plan
from fkarm.kinematics.stage import xla_barrier


class Linearisation(NamedTuple):
    """Errors at a configuration, and the vectors that their first and second derivatives need."""

    error: Line  # weighted errors of the components that count
    jacobian: list[Tensor]  # weighted, one (active, rows) per component
    twists: Tensor  # linear and angular columns in root axes, (links, 2, 3, screws, rows)

    def downhill(self) -> Tensor:
        """`J^T e`, `(active, rows)`."""
        return sum(row * each for row, each in zip(self.jacobian, self.error, strict=True))


def linearise(problem: Planned, terms: Terms, q: Tensor, targets: Tensor) -> Linearisation:
    """Errors and their derivatives at `q (dof, rows)` for `targets (12 links, rows)`."""
    plan, size, links = problem.plan, problem.components.size, len(problem.components.rows)

    def run(kept: Tensor, targets: Tensor) -> Tensor:
        parts, chain = chain_of(plan, kept)
        frames = frames_of(targets, links)
        flat = list(counted_errors(problem.components, link_frames(plan, chain), frames))
        zeros = ops.zeros_like(flat[0])
        for index in range(links):
            levers = link_levers(plan, chain, index)
            twists = [
                link_twist(part, levers[part.node]) if part.node in levers else (ZERO, ZERO)
                for part in parts
            ]
            flat += [t[half][k] + zeros for half in (0, 1) for k in range(3) for t in twists]
        if not is_fixed:
            flat += [
                x + zeros
                for of in directions(problem.components, chain.links, frames)
                for v in of
                for x in v
            ]
        return ops.stack(flat)

    is_fixed = have_fixed_directions(problem.components)
    flat = xla_barrier(run, kept_chain(plan, q), targets)  # (errors + twists + directions, rows)
    parts = _parts(plan)
    end = size + 6 * links * len(parts)
    twists = ops.reshape(flat[size:end], (links, 2, 3, len(parts), -1))
    by_entry = _summed(problem, parts, twists, 3)  # (links, 2, 3, active, rows)
    jacobian = []
    for index, rows in enumerate(problem.components.rows):
        for row in rows:
            of_half = by_entry[index, row // 3]  # (3, active, rows)
            if is_fixed:
                jacobian.append(of_half[row % 3])
            else:
                place = end + 3 * len(jacobian)
                jacobian.append(sum(flat[place + k] * of_half[k] for k in range(3)))
    weights = ops.unstack(terms.weights, size, axis=0)
    return Linearisation(
        [w * each for w, each in zip(weights, ops.unstack(flat[:size], size, axis=0), strict=True)],
        [w * each for w, each in zip(weights, jacobian, strict=True)],
        twists,
    )


def error_hessian(
    problem: Planned, terms: Terms, local: Linearisation, targets: Tensor, second_order: Tensor
) -> list[Line]:
    """The second derivative of half the squared weighted error: its lower triangle, by rows.

    `second_order (rows,)` is the factor of the terms beyond `J^T J`: 1 or 0.
    """
    rows = len(local.jacobian)
    parts, order, active = _parts(problem.plan), _order(problem.plan), problem.active
    of_entry = [[k for k, (_, entry) in enumerate(parts) if entry == each] for each in active]

    def entry(i: int, j: int, left: list[Line], right: list[Line], jacobian: list[Line]) -> Tensor:
        total = sum(row[i] * row[j] for row in jacobian)
        for p in of_entry[i]:
            for q in of_entry[j]:
                for above, below in ((p, q), (q, p)):
                    for a, b in zip(left, right, strict=True):
                        total = total + mul(order[above][below], a[above] * b[below])
        return total

    def run(
        error: Tensor,
        twists: Tensor,
        targets: Tensor,
        jacobian: Tensor,
        second_order: Tensor,
        weights: Tensor,
    ) -> Tensor:
        inputs = (error, twists, targets, second_order, weights)
        pairs = xla_barrier(lambda *each: _pairs(problem, *each), *inputs)
        count = pairs.shape[1]
        left, right = (
            [ops.unstack(x, len(parts), axis=0) for x in ops.unstack(half, count, axis=0)]
            for half in (pairs[0], pairs[1])
        )
        lines = [ops.unstack(x, len(active), axis=0) for x in ops.unstack(jacobian, rows, axis=0)]
        found = [entry(i, j, left, right, lines) for i in range(len(active)) for j in range(i + 1)]
        return ops.stack(found)

    error, jacobian = ops.stack(local.error), ops.stack(local.jacobian)
    flat = xla_barrier(run, error, local.twists, targets, jacobian, second_order, terms.weights)
    entries = iter(ops.unstack(flat, len(active) * (len(active) + 1) // 2, axis=0))
    return [[next(entries) for _ in range(i + 1)] for i in range(len(active))]


def _pairs(
    problem: Planned,
    error: Tensor,
    twists: Tensor,
    targets: Tensor,
    second_order: Tensor,
    weights: Tensor,
) -> Tensor:
    """The terms of the second derivative beyond `J^T J`, as pairs of vectors `a` and `b`.

    Entry `(i, j)` is the sum of `a_i b_j` for `i` nearer the root. Shape
    `(2, pairs, screws, rows)`.
    """
    size, place = problem.components.size, 0
    scale = ops.unstack(weights, size, axis=0)
    pulls = [w * each for w, each in zip(scale, ops.unstack(error, size, axis=0), strict=True)]
    frames = frames_of(targets, len(problem.components.rows))
    first: list[Tensor] = []
    second: list[Tensor] = []
    for index, rows in enumerate(problem.components.rows):
        force: list[Tensor] = [0.0, 0.0, 0.0]
        moment: list[Tensor] = [0.0, 0.0, 0.0]
        for row in rows:
            (force if row < 3 else moment)[row % 3] = pulls[place]
            place += 1
        linear, angular = (_vector(twists[index, half]) for half in (0, 1))
        if any(row < 3 for row in rows):
            first += cross(
                angular, in_root(problem.components, frames[index], (force[0], force[1], force[2]))
            )
            second += linear
        axes = [row - 3 for row in rows if row >= 3]
        if axes:
            squared_weight = scale[place - 1] ** 2
            x, y, z = (each / squared_weight for each in moment)
            turn = in_root(problem.components, frames[index], (x, y, z))
            if len(axes) == 2:
                x, y, z = (float(k == 3 - sum(axes)) for k in range(3))
                a, b = _of_axis(
                    turn, in_root(problem.components, frames[index], (x, y, z)), angular
                )
            else:
                a, b = _of_turn(turn, angular, len(axes) == 3)
            first += [squared_weight * each for each in a]
            second += b
    zeros = ops.zeros_like(twists[0, 0, 0])
    first = [second_order * each for each in first]
    return ops.stack([ops.stack([x + zeros for x in each]) for each in (first, second)])


def _of_turn(error: Vector, angular: Vector, is_whole: bool) -> tuple[list[Tensor], list[Tensor]]:
    """The terms of half the squared angle. Rotations across the error change it less than along it.

    They are exact if all three components of the rotation vector count.
    """
    left, right = list(vec_scale(0.5, cross(angular, error))), list(angular)
    if is_whole:
        share, squared = curvature_of_angle(error)
        along = dot(error, angular)
        left = [a - share * squared * b for a, b in zip(left, right, strict=True)]
        left.append(share * along)
        right.append(along)
    return left, right


def _of_axis(error: Vector, axis: Vector, angular: Vector) -> tuple[list[Tensor], list[Tensor]]:
    """The terms of half the squared angle between two axes; `axis` is the target of the other one.

    With `m` the axis of the error, `l` the other axis and `p = m x l`, the second derivative is
    `(m w_i)(m w_j) + f cot f (p w_i)(p w_j) - f (l w_i)(p w_j)` for the angle `f`, `i` nearer the
    root. The Gauss-Newton terms contain `m` and `m x axis`.
    """
    squared = dot(error, error)
    is_small = is_negligible(squared * squared)
    angle = ops.sqrt(ops.where(is_small, 1.0, squared))
    sine, cosine = sin(angle), cos(angle)
    side = cross(vec_scale(1.0 / angle, error), axis)
    across = vec_add(vec_scale(cosine, side), vec_scale(sine, axis))
    other = vec_sub(vec_scale(cosine, axis), vec_scale(sine, side))
    p, q, r = (dot(v, angular) for v in (across, side, other))
    # At a half turn the second derivative has no bound.
    slope = angle * cosine / maximum(sine, 1e-3)
    left = [slope * p, -q, -angle * r]
    return [ops.where(is_small, ops.zeros_like(each), each) for each in left], [p, q, p]


def _vector(x: Tensor) -> Vector:
    return x[0], x[1], x[2]


def _parts(plan: Plan) -> list[tuple[int, int]]:
    """Node and entry of every screw, in the order of `screws`."""
    return [
        (index, entry) for index, node in enumerate(plan.nodes) for entry in node.motion.entries
    ]


def _order(plan: Plan) -> list[list[float]]:
    """1 where the first of two screws comes before the second; 0.5 within a quaternion."""
    nodes = np.array([node for node, _ in _parts(plan)])
    # A node with several screws turns by a quaternion.
    order = np.where(nodes[:, None] == nodes, 0.5, np.triu(np.ones((len(nodes), len(nodes))), 1))
    return [[float(each) for each in row] for row in order]


def _summed(problem: Planned, parts: list[tuple[int, int]], x: Tensor, axis: int) -> Tensor:
    """`x` with its axis of screws summed over the screws of every entry of `q`."""
    if [entry for _, entry in parts] == list(problem.active):
        return x
    each = ops.unstack(x, len(parts), axis=axis)
    return ops.stack(
        [
            sum(one for one, (_, entry) in zip(each, parts, strict=True) if entry == active)
            for active in problem.active
        ],
        axis=axis,
    )
