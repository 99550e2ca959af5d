"""Small symmetric positive definite systems, unrolled over entries.

There is one system per row of the batch. Every entry is an array of rows, so that one
multiplication serves all rows. Library solvers loop over the rows and take ten times as long for
6 x 6 matrices.
"""

from __future__ import annotations

from collections.abc import Sequence

from keras import ops

from fkarm._types import Tensor
from fkarm.geometry.native import maximum
from fkarm.kinematics.stage import xla_barrier


def solve_symmetric(
    matrix: Sequence[Sequence[Tensor]], right: Sequence[Tensor], least_pivot: Tensor | None = None
) -> list[Tensor]:
    """`x` of `A x = b` by `A = L D L^T`.

    Args:
        matrix: Rows of `A`; only the lower triangle is read.
        right: Entries of `b`.
        least_pivot: None, or a positive lower bound of the pivots: entries of `D` are replaced by
            their absolute values, at least this. The matrix then is positive definite, so that `x`
            is a direction of descent if `b` is minus a gradient.
    Returns:
        Entries of `x`.
    """
    size = len(right)
    lower: list[list[Tensor]] = [[] for _ in range(size)]
    inverse_pivots: list[Tensor] = []
    scaled: list[list[Tensor]] = [[] for _ in range(size)]  # rows of L D
    for i in range(size):
        for j in range(i):
            entry = matrix[i][j]
            for k in range(j):
                entry = entry - scaled[i][k] * lower[j][k]
            scaled[i].append(entry)
            lower[i].append(entry * inverse_pivots[j])
        pivot = matrix[i][i]
        for k in range(i):
            pivot = pivot - scaled[i][k] * lower[i][k]
        if least_pivot is not None:
            pivot = maximum(ops.abs(pivot), least_pivot)
        inverse_pivots.append(1.0 / pivot)
    x = list(right)
    for i in range(size):
        for k in range(i):
            x[i] = x[i] - lower[i][k] * x[k]
    x = [entry * inverse for entry, inverse in zip(x, inverse_pivots, strict=True)]
    for i in reversed(range(size)):
        for k in range(i + 1, size):
            x[i] = x[i] - lower[k][i] * x[k]
    return x


def normal_matrix(rows: Sequence[Sequence[Tensor]], damping: Tensor) -> list[list[Tensor]]:
    """Lower triangle of `A A^T + damping I` for the rows of `A`."""
    found = []
    for i, row in enumerate(rows):
        line: list[Tensor] = [
            sum(a * b for a, b in zip(row, other, strict=True)) for other in rows[: i + 1]
        ]
        line[i] = line[i] + damping
        found.append(line)
    return found


def isolated_matrix(rows: Sequence[Sequence[Tensor]], damping: Tensor) -> list[list[Tensor]]:
    """`normal_matrix` behind an XLA barrier, so that XLA computes it once."""
    m, n = len(rows), len(rows[0])

    def build(flat: Tensor, damping: Tensor) -> Tensor:
        entries = list(ops.unstack(flat, m * n, axis=0))
        matrix = normal_matrix([entries[i * n : (i + 1) * n] for i in range(m)], damping)
        return ops.stack([each for line in matrix for each in line])

    flat = xla_barrier(build, ops.stack([each for row in rows for each in row]), damping)
    entries = iter(ops.unstack(flat, m * (m + 1) // 2, axis=0))
    return [[next(entries) for _ in range(i + 1)] for i in range(m)]


def isolated_solution(
    matrix: Sequence[Sequence[Tensor]], right: Sequence[Tensor], least_pivot: Tensor | None = None
) -> list[Tensor]:
    """`solve_symmetric` behind an XLA barrier, so that XLA computes it once."""
    size = len(right)

    def solve(flat: Tensor, *least: Tensor) -> Tensor:
        entries = iter(ops.unstack(flat, size * (size + 1) // 2 + size, axis=0))
        lower = [[next(entries) for _ in range(i + 1)] for i in range(size)]
        return ops.stack(solve_symmetric(lower, list(entries), *least))

    flat = ops.stack([*(each for line in matrix for each in line), *right])
    least = () if least_pivot is None else (least_pivot,)
    return list(ops.unstack(xla_barrier(solve, flat, *least), size, axis=0))
