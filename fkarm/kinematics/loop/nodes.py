"""The nodes of a loop at configurations: how far they turn and slide, and one iteration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from fkarm._types import Tensor
from fkarm.kinematics.chain import placed
from fkarm.kinematics.entries import Frame, Vector, entries_first
from fkarm.kinematics.loop.arrays import Layout, LoopArrays
from fkarm.kinematics.motions import Prismatic, Revolute, Turn, ball_turns, quaternion_axes
from fkarm.kinematics.stage import sincos

NO_TURN: Turn = (0.0, 1.0)


class Nodes(NamedTuple):
    """`n` nodes at configurations with one batch axis, innermost."""

    layout: Layout
    arrays: LoopArrays
    q: Tensor  # (dof, rows)
    sine: Tensor  # of the turns, (n, rows)
    cosine: Tensor
    slide: Tensor  # (n, rows)

    @property
    def size(self) -> int:
        """Number of nodes."""
        size: int = self.arrays.parents.shape[0]
        return size

    @property
    def sums(self) -> int:
        """Number of rows that `LoopArrays.sums` names.

        The entries of q, three per quaternion for moments, and one that is not read.
        """
        return self.layout.dof + 3 * self.layout.balls + 1

    def moved(self, k: Tensor, before: Frame) -> Frame:
        """The frame after node `k`, from that of its parent."""
        frame = placed(before, frame_of(self.arrays.origins[k]))
        frame = Revolute.move(frame, (), (self.sine[k], self.cosine[k]))
        if not self.layout.slides:
            return frame
        return Prismatic.move(frame, (self.slide[k],), NO_TURN)

    def with_balls(self, sums: Tensor) -> Tensor:
        """Sums by entry of q from those by node, in which quaternions have sums of their own.

        Shapes `(self.sums, ..., rows)` to `(dof, ..., rows)`.
        """
        dof, total = self.layout.dof, sums[: self.layout.dof]
        for k in range(self.layout.balls):
            x, y, z = (sums[dof + 3 * k + axis] for axis in range(3))
            own = ops.stack([a * x + b * y + c * z for a, b, c in self._ball_axes(k)])
            entries = self.arrays.ball_entries[k]
            # Mimics have the same entries.
            total = _replaced(total, entries[0], ops.take(total, entries, axis=0) + own)
        return total

    def _ball_axes(self, k: int) -> list[Vector]:
        """Angular velocity for the rate of every entry of a quaternion."""
        signs = ops.unstack(self.arrays.ball_signs[k], 4, axis=0)
        axes = quaternion_axes(_quaternion(self.arrays, self.q, k))
        return [(s * x, s * y, s * z) for s, (x, y, z) in zip(signs, axes, strict=True)]


def nodes_at(layout: Layout, arrays: Sequence[Tensor], q: Tensor) -> Nodes:
    """The nodes at configurations `q (..., dof)`; `arrays` are those of `LoopArrays`."""
    return nodes_at_entries(layout, arrays, _by_entry(q, layout.dof))


def nodes_at_entries(layout: Layout, arrays: Sequence[Tensor], by_entry: Tensor) -> Nodes:
    """The nodes at configurations `(dof, rows)`."""
    loop = LoopArrays(*arrays)
    values = ops.take(by_entry, loop.entries, axis=0) * _with_rows(loop.multipliers)
    values = values + _with_rows(loop.offsets)
    slide = values
    if layout.slides:
        slide, values = (values * share[:, None] for share in (1.0 - loop.turns, loop.turns))
    sine, cosine = sincos(values)
    for k in range(layout.balls):
        turns = ball_turns(_quaternion(loop, by_entry, k))
        sine = _replaced(sine, loop.ball_nodes[k], ops.stack([turn[0] for turn in turns]))
        cosine = _replaced(cosine, loop.ball_nodes[k], ops.stack([turn[1] for turn in turns]))
    return Nodes(layout, loop, by_entry, sine, cosine, slide)


def link_frames(arrays: LoopArrays) -> Frame:
    """The constant frames of the links, entries `(m, 1)` or `(m, rows)`."""
    frames = arrays.link_frames
    frames = frames[..., None] if len(frames.shape) == 2 else frames
    return frame_of(ops.swapaxes(frames, 0, 1))


def frame_of(columns: Tensor) -> Frame:
    """A frame from its columns along the first axis, `(12, ...)`."""
    e = ops.unstack(columns, 12, axis=0)
    return Frame((three(e[:3]), three(e[3:6]), three(e[6:9])), three(e[9:]))


def three(entries: Sequence[Tensor]) -> Vector:
    """A vector from three entries."""
    x, y, z = entries
    return x, y, z


def along_first_axis(vectors: Sequence[Vector]) -> Tensor:
    """The entries of vectors along a new first axis."""
    return ops.stack([entry for vector in vectors for entry in vector])


def _by_entry(q: Tensor, dof: int) -> Tensor:
    """`q (..., dof)` with one batch axis, innermost; one row of zeros if no joint moves."""
    if dof == 0:
        return ops.reshape(ops.sum(q, axis=-1), (1, -1))
    return entries_first(ops.reshape(q, (-1, dof)))


def _with_rows(x: Tensor) -> Tensor:
    return x[:, None] if len(x.shape) == 1 else x


def _replaced(whole: Tensor, first: Any, own: Tensor) -> Tensor:
    """`whole (n, ...)` with other rows from `first` on."""
    if isinstance(first, np.integer):  # by operations that TensorFlow differentiates
        return ops.concatenate([whole[:first], own, whole[first + own.shape[0] :]])
    return ops.slice_update(whole, (first, *[0] * (len(whole.shape) - 1)), own)


def _quaternion(arrays: LoopArrays, by_entry: Tensor, k: int) -> list[Tensor]:
    values = ops.take(by_entry, arrays.ball_entries[k], axis=0) * arrays.ball_signs[k][:, None]
    return list(ops.unstack(values, 4, axis=0))
