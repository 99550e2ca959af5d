"""The branch of a closed form that is nearest to a configuration, for rows of targets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from fkarm._types import Tensor
from fkarm.geometry import native
from fkarm.ik.closed_form.arithmetic import library_of
from fkarm.ik.closed_form.branches import Structure, all_branches
from fkarm.ik.closed_form.limits import nearest_copy
from fkarm.kinematics.entries import Frame, entries_first, entries_last
from fkarm.kinematics.stage import Function, compiled

# Of a row without a solution within the bounds.
NONE = 1e30


class NearestBranch:
    """A function of targets and configurations to the nearest solution within bounds.

    The distance is the root of the squared weighted distances of all entries; or, from the middle
    of ranges, the largest of them: the least distance then leaves the most room to the bounds.

    Args:
        structure: The chain.
        moving: Entries of `q` that the closed form solves for, in the order of the chain.
        free: Entry of `q` whose value is given; None: there is none.
        dof: Number of entries of `q`.
        by_largest: Whether the largest distance of an entry counts.
    """

    def __init__(
        self,
        structure: Structure,
        moving: Sequence[int],
        free: int | None,
        dof: int,
        by_largest: bool,
    ) -> None:
        self._structure, self._moving, self._free, self._dof = structure, moving, free, dof
        self._by_largest = by_largest
        ranks = (1, 1, None) if free is None else (1, 1, 0, None)
        self.compiled: Function = compiled(self._of_tensors, ranks, from_rows=0)

    def in_numpy(self, targets: np.ndarray, near: np.ndarray, *others: np.ndarray) -> np.ndarray:
        """The same as `compiled`, on NumPy arrays."""
        with np.errstate(all="ignore"):
            lines = self._nearest(targets.T, near.T, *others)
        return np.stack(lines, axis=-1)

    def _of_tensors(self, targets: Tensor, near: Tensor, *others: Tensor) -> list[Tensor]:
        """The nearest solution and its distance.

        Args:
            targets: Columns of the rotation, then the origin. Shape `(rows, 12)`.
            near: Configurations. Shape `(rows, dof)`.
            *others: The values of the free joint, `(rows,)`, if there is one. Then lower bounds,
                upper bounds and weights of the entries, `(3 dof,)`.
        Returns:
            One tensor `(rows, dof + 1)`: `q`, with entries of `near` where the closed form has
            none, and the square of the distance; `NONE` where there is no solution.
        """
        lines = self._nearest(entries_first(targets), entries_first(near), *others)
        return [entries_last(ops.stack(lines))]

    def _nearest(self, targets: Any, near: Any, *others: Any) -> list[Any]:
        dof, library, values = self._dof, library_of(near), others[-1]
        free = None if self._free is None else others[0]
        typed = np if library is np else native
        columns = [(targets[k], targets[k + 1], targets[k + 2]) for k in (0, 3, 6, 9)]
        frame = Frame((columns[0], columns[1], columns[2]), columns[3])
        branches, is_solution = all_branches(self._structure, frame, free)
        q = [near[k] for k in range(dof)]
        distance = library.zeros_like(q[0])
        if self._free is not None:
            q[self._free] = free
            distance = _squared(values[2 * dof + self._free] * (free - near[self._free]))
        found = []
        slides = self._structure.chain.moving_slides
        for entry, slide, value in zip(self._moving, slides, branches, strict=True):
            low, high, weight = (values[k * dof + entry] for k in range(3))
            copy, fits = nearest_copy(value, slide, q[entry], low, high)
            is_solution = library.logical_and(is_solution, fits)
            step = _squared(weight * (copy - q[entry]))
            distance = typed.maximum(distance, step) if self._by_largest else distance + step
            found.append(copy)
        distance = library.where(is_solution, distance, NONE)
        axes = self._structure.solver.axes
        best = _least(library, axes, [distance, *(each + 0.0 * distance for each in found)])
        for entry, value in zip(self._moving, best[1:], strict=True):
            q[entry] = library.where(best[0] < NONE, value, q[entry])
        return [*q, best[0]]


def _least(library: Any, axes: int, lines: list[Any]) -> list[Any]:
    """The lines `(2, ..., rows)` at the branch where the first of them is least."""
    for _ in range(axes):
        is_first = lines[0][0] <= lines[0][1]
        lines = [library.where(is_first, line[0], line[1]) for line in lines]
    return lines


def _squared(x: Any) -> Any:
    return x * x
