"""The error of a configuration, and its derivative by the joints.

Entries are arrays with the rows of the batch, `(rows,)`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from keras import ops

from fkarm._types import Tensor
from fkarm.geometry.native import arctan2, maximum
from fkarm.geometry.safe import is_negligible
from fkarm.ik.problem import Components, Planned, Terms
from fkarm.kinematics.chain import (
    Chain,
    Screw,
    chain_frames,
    link_frames,
    link_twists,
    screws,
)
from fkarm.kinematics.entries import ZERO, Frame, Vector, combine, cross, dot, vec_sub
from fkarm.kinematics.plan import Plan
from fkarm.kinematics.stage import sincos, xla_barrier

Line = list[Tensor]


class ErrorAndJacobian(NamedTuple):
    """Weighted errors, and their negative derivative by the active entries."""

    error: Line  # per component that counts
    jacobian: list[Line]  # per component, one value per active entry


def frames_of(stacked: Tensor, links: int) -> list[Frame]:
    """Frames from arrays `(12 links, rows)`: the axes x, y, z, then the origin."""
    entries = list(ops.unstack(stacked, 12 * links, axis=0))
    vectors = [(entries[k], entries[k + 1], entries[k + 2]) for k in range(0, 12 * links, 3)]
    return [
        Frame((vectors[k], vectors[k + 1], vectors[k + 2]), vectors[k + 3])
        for k in range(0, 4 * links, 4)
    ]


def error_and_jacobian(
    problem: Planned, terms: Terms, q: Tensor, targets: Tensor
) -> ErrorAndJacobian:
    """Weighted errors and Jacobian at `q (dof, rows)` for `targets (12 links, rows)`."""
    size, active = problem.components.size, problem.active

    plan = problem.plan

    def run(kept: Tensor, targets: Tensor) -> Tensor:
        frames = frames_of(targets, len(problem.components.rows))
        parts, chain = chain_of(plan, kept)
        jacobian = []
        for index, rows in enumerate(problem.components.rows):
            twists = link_twists(plan, parts, chain, index)
            for row, along in zip(
                rows, directions(problem.components, chain.links, frames)[index], strict=True
            ):
                jacobian += [dot(along, twists[k][row // 3]) for k in active]
        error = counted_errors(problem.components, link_frames(plan, chain), frames)
        zeros = ops.zeros_like(error[0])
        return ops.stack([*error, *(each + zeros for each in jacobian)])

    stacked = xla_barrier(run, kept_chain(plan, q), targets)
    flat = list(ops.unstack(stacked, size * (1 + len(active)), axis=0))
    rows = [flat[size + i * len(active) :][: len(active)] for i in range(size)]
    weights = ops.unstack(terms.weights, size, axis=0)
    return ErrorAndJacobian(
        [weight * each for weight, each in zip(weights, flat[:size], strict=True)],
        [[weight * each for each in row] for weight, row in zip(weights, rows, strict=True)],
    )


def kept_chain(plan: Plan, q: Tensor) -> Tensor:
    """What derivatives need of the chain at `q (dof, rows)`, computed once; see `chain_of`.

    Without this barrier every derivative would contain the code of the chain: XLA would compile for
    twice as long.
    """

    def run(q: Tensor) -> Tensor:
        entries = list(ops.unstack(q, plan.dof, axis=0))
        chain = chain_frames(plan, entries, sincos)
        vectors = [screw.axis for screw in screws(plan, entries, chain)]
        vectors += [frame.origin for frame in chain.after]
        vectors += [vector for frame in chain.links for vector in (*frame.axes, frame.origin)]
        zeros = ops.zeros_like(entries[0])
        return ops.stack([each + zeros for vector in vectors for each in vector])

    return xla_barrier(run, q)


def chain_of(plan: Plan, kept: Tensor) -> tuple[list[Screw], Chain]:
    """The screws, and the chain with the origins of its nodes and the frames of its links."""
    flat = ops.unstack(kept, kept.shape[0], axis=0)
    vectors: Iterator[Vector] = (
        (flat[k], flat[k + 1], flat[k + 2]) for k in range(0, len(flat), 3)
    )
    parts = [
        Screw(index, entry, multiplier, next(vectors), motion.kind.turns)
        for index, (_, _, motion) in enumerate(plan.nodes)
        for entry, multiplier in zip(motion.entries, motion.multipliers, strict=True)
    ]
    after = [Frame((ZERO, ZERO, ZERO), next(vectors)) for _ in plan.nodes]
    links = [
        Frame((next(vectors), next(vectors), next(vectors)), next(vectors)) for _ in plan.links
    ]
    return parts, Chain([], after, links)


def weighted_errors(problem: Planned, weights: Tensor, q: Tensor, targets: Tensor) -> Line:
    """The components of the errors that count, times their weights."""
    links, size = len(problem.components.rows), problem.components.size

    def placed(q: Tensor) -> Tensor:
        plan = problem.plan
        chain = chain_frames(plan, list(ops.unstack(q, plan.dof, axis=0)), sincos)
        vectors = [v for f in link_frames(plan, chain) for v in (*f.axes, f.origin)]
        zeros = ops.zeros_like(q[0])
        return ops.stack([x + zeros for vector in vectors for x in vector])

    def run(frames: Tensor, targets: Tensor) -> Tensor:
        of_links = frames_of(frames, links)
        return ops.stack(counted_errors(problem.components, of_links, frames_of(targets, links)))

    flat = ops.unstack(xla_barrier(run, xla_barrier(placed, q), targets), size, axis=0)
    scale = ops.unstack(weights, size, axis=0)
    return [weight * each for weight, each in zip(scale, flat, strict=True)]


def counted_errors(components: Components, links: list[Frame], targets: list[Frame]) -> Line:
    """The components of the errors that count, in the axes of the components."""
    error: Line = []
    for frame, target, rows in zip(links, targets, components.rows, strict=True):
        turning = [row - 3 for row in rows if row >= 3]
        position = in_axes(components, target, vec_sub(target.origin, frame.origin))
        if len(turning) == 2:
            orientation = tilt(components, target, frame, 3 - sum(turning))
        elif turning:
            orientation = in_axes(components, target, rotation_vector(target, frame))
        error += [position[row] if row < 3 else orientation[row - 3] for row in rows]
    return error


def directions(
    components: Components, links: list[Frame], targets: list[Frame]
) -> list[list[Vector]]:
    """Per component that counts, the axis in root axes along or about which motion reduces it."""
    axes_of_links = []
    for frame, target, rows in zip(links, targets, components.rows, strict=True):
        axes = target.axes if components.frame == "target" else _ROOT_AXES
        along = [axes[row % 3] for row in rows]
        if sum(row >= 3 for row in rows) == 1:
            along[-1] = _share_of_turn(rotation_vector(target, frame), along[-1])
        axes_of_links.append(along)
    return axes_of_links


def have_fixed_directions(components: Components) -> bool:
    """Whether all `directions` are axes of the root link."""
    alone = any(sum(row >= 3 for row in rows) == 1 for rows in components.rows)
    return components.frame == "root" and not alone


_ROOT_AXES = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


def _share_of_turn(error: Vector, axis: Vector) -> Vector:
    """The derivative of a rotation vector's component along `axis`: a row of `J_r^-1`.

    `u + u x e / 2 + a (e (u . e) - u |e|^2)`, with `a = (1 - t cot t) / |e|^2` for `t = |e| / 2`.
    """
    share, squared = curvature_of_angle(error)
    half, along = cross(axis, error), dot(axis, error)
    x, y, z = (
        u + 0.5 * h + share * (e * along - u * squared)
        for u, h, e in zip(axis, half, error, strict=True)
    )
    return x, y, z


def curvature_of_angle(error: Vector) -> tuple[Tensor, Tensor]:
    """`(1 - t cot t) / |e|^2` for `t = |e| / 2 <= pi / 2`, and `|e|^2`, of a rotation vector.

    It sums the poles of the cotangent, those beyond the first as a series. It avoids a sine, which
    compilers would compute again for every product with it.
    """
    squared = dot(error, error)
    x = 0.25 * squared
    series = _BEYOND[-1]
    for coefficient in reversed(_BEYOND[:-1]):
        series = coefficient + x * series
    return 0.5 * (1.0 / (math.pi**2 - x) + series), squared


# Sum over n = 2, 3, ... of 1 / (n pi)^(2 k + 2): the series of 1 / (n^2 pi^2 - x).
_BEYOND = [math.pi**2 / 6 - 1, math.pi**4 / 90 - 1]
_BEYOND += [sum(n ** -(2.0 * k + 2) for n in range(2, 500)) for k in range(2, 12)]
_BEYOND = [value / math.pi ** (2 * k + 2) for k, value in enumerate(_BEYOND)]


def in_axes(components: Components, target: Frame, vector: Vector) -> Vector:
    """A vector in root axes, expressed in the axes of the components."""
    if components.frame == "root":
        return vector
    x, y, z = target.axes
    return dot(x, vector), dot(y, vector), dot(z, vector)


def in_root(components: Components, target: Frame, vector: Vector) -> Vector:
    """A vector in the axes of the components, expressed in root axes."""
    return vector if components.frame == "root" else combine(target.axes, vector)


def tilt(components: Components, target: Frame, frame: Frame, axis: int) -> Vector:
    """The smallest rotation after which only a rotation about one axis remains as the error.

    In the target's axes it brings the link's own axis to that of the target. In root axes it brings
    the root's axis, after the rotation from target to link, back to its original direction.
    """
    if components.frame == "root":
        source, other = frame.axes, target.axes
        n = [sum(s[i] * o[axis] for s, o in zip(source, other, strict=True)) for i in range(3)]
    else:
        n = [dot(column, frame.axes[axis]) for column in target.axes]
    a, b = (axis + 1) % 3, (axis + 2) % 3
    squared = n[a] * n[a] + n[b] * n[b]
    is_zero = is_negligible(squared)
    sine = ops.sqrt(ops.where(is_zero, 1.0, squared))
    ratio = ops.where(is_zero, 1.0, arctan2(ops.where(is_zero, 0.0, sine), n[axis]) / sine)
    # At a half turn all perpendicular axes are equally good.
    is_opposite = ops.logical_and(is_zero, n[axis] < 0)
    turn: list[Tensor] = [ops.zeros_like(squared)] * 3
    half_turn = math.pi + ops.zeros_like(squared)  # Keras rounds numbers to float32 on PyTorch
    turn[a] = ops.where(is_opposite, half_turn, ratio * n[b])
    turn[b] = ops.where(is_opposite, 0.0, -ratio * n[a])
    return turn[0], turn[1], turn[2]


def rotation_vector(target: Frame, frame: Frame) -> Vector:
    """`log(R_target R^T)`, valid up to half a turn."""
    turn = [
        [sum(t[i] * c[j] for t, c in zip(target.axes, frame.axes, strict=True)) for j in range(3)]
        for i in range(3)
    ]
    sine = [
        0.5 * (turn[(k + 2) % 3][(k + 1) % 3] - turn[(k + 1) % 3][(k + 2) % 3]) for k in range(3)
    ]
    cosine = 0.5 * (turn[0][0] + turn[1][1] + turn[2][2] - 1.0)
    squared = sum(s * s for s in sine)
    is_zero = is_negligible(squared)
    length = ops.sqrt(ops.where(is_zero, 1.0, squared))
    angle = arctan2(ops.where(is_zero, 0.0, length), cosine)
    ratio = ops.where(is_zero, 1.0, angle / length)
    # Near half a turn the sine loses the axis, which is the largest column of R + R^T - 2 cos I.
    versine = 1.0 - cosine
    outer = [[0.5 * (turn[i][j] + turn[j][i]) for j in range(3)] for i in range(3)]
    diagonal = [outer[k][k] - cosine for k in range(3)]
    largest = maximum(maximum(diagonal[0], diagonal[1]), diagonal[2])
    column = [
        ops.where(
            diagonal[0] == largest,
            diagonal[0] if i == 0 else outer[i][0],
            ops.where(
                diagonal[1] == largest,
                diagonal[1] if i == 1 else outer[i][1],
                diagonal[2] if i == 2 else outer[i][2],
            ),
        )
        for i in range(3)
    ]
    norm = ops.sqrt(maximum(largest * versine, 1e-12))
    along = sum(s * c for s, c in zip(sine, column, strict=True))
    factor = ops.where(along < 0, -angle, angle) / norm
    is_far = cosine < -0.95
    x, y, z = (ops.where(is_far, factor * c, ratio * s) for s, c in zip(sine, column, strict=True))
    return x, y, z
