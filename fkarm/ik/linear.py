"""Small symmetric positive definite systems, unrolled over entries.

A system a row of the batch: each entry is an array of rows, so that one multiplication serves
them all. Library solvers loop over the rows, and cost ten times as much for matrices of 6 x 6.
"""

from __future__ import annotations

from collections.abc import Sequence

from fkarm._types import Tensor


def solve_symmetric(matrix: Sequence[Sequence[Tensor]], right: Sequence[Tensor]) -> list[Tensor]:
    """`x` of `A x = b` by `A = L D L^T`.

    Args:
        matrix: Rows of `A`; only the lower triangle is read.
        right: Entries of `b`.
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
        line = [sum(a * b for a, b in zip(row, other, strict=True)) for other in rows[: i + 1]]
        line[i] = line[i] + damping
        found.append(line)
    return found
