"""Symmetric systems whose unknowns of a frame meet those of the two frames before and after it.

The blocks of a frame are full; those between frames are diagonal, as smoothness makes them. Two
frames at a time make a block tridiagonal system, which is eliminated from the first frame to the
last: the time is linear in the number of frames. All arrays are NumPy, float64.
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def solve_banded(diagonal: Array, to_next: Array, to_second: Array, right: Array) -> Array:
    """The solution of a positive definite system.

    Args:
        diagonal: Blocks of the frames. Shape `(clips, time, n, n)`.
        to_next: Diagonals of the blocks between a frame and the next one. Shape
            `(clips, time - 1, n)`.
        to_second: Those between a frame and the second one after it. Shape `(clips, time - 2, n)`.
        right: Right-hand sides. Shape `(clips, time, n)`.
    Returns:
        Shape `(clips, time, n)`.
    """
    time = right.shape[1]
    blocks, values, between = _in_pairs(diagonal, to_next, to_second, right)
    inverses = np.empty_like(blocks)
    for k in range(len(blocks)):
        if k:
            blocks[k] -= _reduced(inverses[k - 1], *between[k - 1])
            before = (inverses[k - 1] @ values[k - 1][..., None])[..., 0]
            values[k] -= _to_next_pair(before, *between[k - 1])
        inverses[k] = np.linalg.inv(blocks[k])
    solution = values
    for k in reversed(range(len(blocks))):
        if k + 1 < len(blocks):
            values[k] -= _from_next_pair(solution[k + 1], *between[k])
        solution[k] = (inverses[k] @ values[k][..., None])[..., 0]
    pairs, clips, size = solution.shape
    by_frame = solution.reshape(pairs, clips, 2, size // 2).transpose(1, 0, 2, 3)
    return by_frame.reshape(clips, 2 * pairs, size // 2)[:, :time]


def _in_pairs(
    diagonal: Array, to_next: Array, to_second: Array, right: Array
) -> tuple[Array, Array, Array]:
    """Blocks of pairs of frames, their right-hand sides, and what couples a pair to the next.

    Shapes `(pairs, clips, 2n, 2n)`, `(pairs, clips, 2n)` and `(pairs, 3, clips, n)`. The couplings
    are those of the first frames, of the second frame with the first one, and of the second ones.
    """
    diagonal, to_next, to_second, right = (
        x.swapaxes(0, 1) for x in (diagonal, to_next, to_second, right)
    )
    time, clips, n = right.shape
    pairs, entries = -(-time // 2), np.arange(n)
    blocks = np.zeros((pairs, clips, 2 * n, 2 * n))
    values = np.zeros((pairs, clips, 2 * n))
    between = np.zeros((pairs, 3, clips, n))
    blocks[:, :, :n, :n], values[:, :, :n] = diagonal[::2], right[::2]
    blocks[: time // 2, :, n:, n:], values[: time // 2, :, n:] = diagonal[1::2], right[1::2]
    if time % 2:  # an empty frame fills the last pair
        blocks[-1, :, entries + n, entries + n] = 1.0
    within = to_next[::2]
    blocks[: len(within), :, entries, entries + n] = within
    blocks[: len(within), :, entries + n, entries] = within
    for index, coupling in enumerate((to_second[::2], to_next[1::2], to_second[1::2])):
        between[: len(coupling), index] = coupling
    return blocks, values, between


def _reduced(inverse: Array, first: Array, cross: Array, second: Array) -> Array:
    """`E^T S E`, of the inverse `S` of a pair and its coupling `E` to the next pair."""
    n = first.shape[-1]
    columns = np.empty_like(inverse)
    np.multiply(inverse[..., :n], first[:, None], out=columns[..., :n])
    columns[..., :n] += inverse[..., n:] * cross[:, None]
    np.multiply(inverse[..., n:], second[:, None], out=columns[..., n:])
    rows = np.empty_like(inverse)
    np.multiply(columns[:, :n], first[..., None], out=rows[:, :n])
    rows[:, :n] += columns[:, n:] * cross[..., None]
    np.multiply(columns[:, n:], second[..., None], out=rows[:, n:])
    return rows


def _to_next_pair(values: Array, first: Array, cross: Array, second: Array) -> Array:
    """`E^T x`."""
    n = first.shape[-1]
    above, below = values[:, :n], values[:, n:]
    return np.concatenate([first * above + cross * below, second * below], axis=-1)


def _from_next_pair(values: Array, first: Array, cross: Array, second: Array) -> Array:
    """`E x`."""
    n = first.shape[-1]
    above, below = values[:, :n], values[:, n:]
    return np.concatenate([first * above, cross * above + second * below], axis=-1)
