"""Symmetric systems whose unknowns of a frame meet those of the two frames before and after it.

The blocks of a frame are full; those between frames are diagonal, as smoothness makes them. Frames
are eliminated from both ends of the clip, two at a time, until two of them remain in the middle:
the time is linear in the number of frames. All arrays are NumPy, float64.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

Array = np.ndarray


class _System(NamedTuple):
    """The arguments of `solve_banded`, with the axis of time first."""

    diagonal: Array  # (time, clips, n, n)
    to_next: Array  # (time - 1, clips, n)
    to_second: Array  # (time - 2, clips, n)
    right: Array  # (time, clips, n)

    def with_even_time(self) -> _System:
        """With an empty frame at the end if the number of frames is odd."""
        if len(self.right) % 2 == 0:
            return self
        longer = _System(*(np.concatenate([x, np.zeros_like(x[:1])]) for x in self))
        longer.diagonal[-1] = np.eye(self.right.shape[-1])
        return longer

    def from_both_ends(self) -> _System:
        """The frames up to one behind the middle, and those of the reversed clips as more clips."""
        count = len(self.right) // 2 + 1
        return _System(
            *(
                np.concatenate([x[: count - k], x[::-1][: count - k]], axis=1)
                for x, k in zip(self, (0, 1, 2, 0), strict=True)
            )
        )


class _Eliminated(NamedTuple):
    """A system of which the last two frames remain."""

    diagonal: Array  # blocks of all frames without what was eliminated before, (time, clips, n, n)
    between: Array  # the block between the two that remain, (clips, n, n)
    right: Array  # (time, clips, n)
    inverses: Array  # of the blocks of eliminated frames, (time - 2, clips, n, n)
    products: Array  # of the inverses with the blocks to the next frame, (time - 2, clips, n, n)


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
    if time == 1:
        return np.linalg.solve(diagonal, right[..., None])[..., 0]
    whole = _System(*(x.swapaxes(0, 1) for x in (diagonal, to_next, to_second, right)))
    whole = whole.with_even_time()
    system = whole.from_both_ends()
    ends = _eliminated(system)
    before, after = np.split(_substituted(ends, system, _middle(whole, ends)), 2, axis=1)
    return np.concatenate([before[:-1], after[-2::-1]])[:time].swapaxes(0, 1)


def _eliminated(system: _System) -> _Eliminated:
    diagonal, right = system.diagonal.copy(), system.right[..., None].copy()
    count, clips, n = len(system.to_second), *diagonal.shape[1:3]
    inverses, products = np.empty((2, count, clips, n, n))
    between = np.zeros((clips, n, n))
    on_diagonal = between.reshape(clips, n * n)[:, :: n + 1]
    on_diagonal[...] = system.to_next[0]
    for k, (to_next, to_second) in enumerate(
        zip(system.to_next[1:], system.to_second[..., None], strict=True)
    ):
        inverse = np.linalg.inv(diagonal[k])
        # Without symmetry, rounding errors grow from frame to frame.
        inverses[k] = 0.5 * (inverse + inverse.swapaxes(1, 2))
        np.matmul(inverses[k], between, out=products[k])
        across = products[k].swapaxes(1, 2)
        diagonal[k + 1] -= across @ between
        diagonal[k + 2] -= inverses[k] * (to_second * to_second.swapaxes(1, 2))
        right[k + 1] -= across @ right[k]
        right[k + 2] -= to_second * (inverses[k] @ right[k])
        np.multiply(across, -to_second.swapaxes(1, 2), out=between)
        on_diagonal += to_next
    return _Eliminated(diagonal, between, right[..., 0], inverses, products)


def _middle(whole: _System, ends: _Eliminated) -> Array:
    """The solution of the two frames that remain, reduced from both ends.

    Shape `(2, 2 clips, n)`: for the second half of the clips in reversed order.
    """
    count, clips, n = whole.right.shape
    frames = slice(count // 2 - 1, count // 2 + 1)

    def both(x: Array, own: Array) -> Array:
        return x[-2:, :clips] + x[:-3:-1, clips:] - own[frames]

    blocks, right = both(ends.diagonal, whole.diagonal), both(ends.right, whole.right)
    between = ends.between[:clips] + ends.between[clips:].swapaxes(1, 2)
    between[:, range(n), range(n)] -= whole.to_next[frames.start]
    matrix = np.block([[blocks[0], between], [between.swapaxes(1, 2), blocks[1]]])
    solution = np.linalg.solve(matrix, np.concatenate(right, axis=-1)[..., None])[..., 0]
    first, second = solution[:, :n], solution[:, n:]
    return np.stack([np.concatenate([first, second]), np.concatenate([second, first])])


def _substituted(end: _Eliminated, system: _System, middle: Array) -> Array:
    """The solution of all frames, from that of the last two. Shape `(time, clips, n)`."""
    solution = np.concatenate([end.right[:-2], middle])[..., None]
    to_second = system.to_second[..., None]
    for k in reversed(range(len(to_second))):
        solution[k] -= to_second[k] * solution[k + 2]
        solution[k] = end.inverses[k] @ solution[k] - end.products[k] @ solution[k + 1]
    return solution[..., 0]
