"""What inverse kinematics returns, and why a target was not solved."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple, Protocol

import numpy as np


class IKReason(str, Enum):
    """Why the search for a target ended. Equal to its name as a string.

    `SOLVED`: every error is within its tolerance. `NAN`: the target is not finite. `STEPS`: the
    descent to `q` was still bringing the error down after `max_steps`. `LIMITS`: the descent to `q`
    came to rest with a joint at its limit. `OUT_OF_REACH`: it came to rest without one.
    `COLLISION`: every error is within its tolerance, but `q` is not clear.
    """

    SOLVED = "SOLVED"
    NAN = "NAN"
    LIMITS = "LIMITS"
    STEPS = "STEPS"
    OUT_OF_REACH = "OUT_OF_REACH"
    COLLISION = "COLLISION"

    __str__ = str.__str__  # NumPy compares arrays of strings with it.


REASON_DTYPE = np.dtype(f"<U{max(len(reason.value) for reason in IKReason)}")


class HasErrors(Protocol):
    """A result with errors of poses."""

    @property
    def position_error(self) -> np.ndarray:
        """Errors of positions, m."""

    @property
    def orientation_error(self) -> np.ndarray:
        """Errors of orientations, rad."""


class IKResult(NamedTuple):
    """What `solve_ik` returns. NumPy arrays; batch axes are those of the targets.

    Links that share no joint have searches of their own: `steps` and `start_index` are the largest
    of theirs, and `reason` is that of the links that are farthest from a solution.
    """

    q: np.ndarray  # configurations within the limits, the best effort if not converged, (..., dof)
    converged: np.ndarray  # whether every error is within its tolerance, and q is clear, (...)
    position_error: np.ndarray  # m, the largest of the links, of what the task counts, (...)
    orientation_error: np.ndarray  # rad, the largest of the links, of what the task counts, (...)
    steps: np.ndarray  # steps from the start that led to q, (...)
    start_index: np.ndarray  # number of that start; 0: q_init if given, -1: a closed form, (...)
    reason: np.ndarray  # strings, one of the names in `IKReason`, (...)
    clearance: np.ndarray  # m, the smallest distance that counts; NaN if not asked for, (...)

    def __str__(self) -> str:
        solved = self.converged
        lines = [f"{counted(solved.size, 'target')}, {int(solved.sum())} solved"]
        if solved.size:
            lines.append("  " + reasons_in_words(self.reason))
        lines += errors_in_lines(self, {"solved": solved, "not solved": ~solved})
        return "\n".join(lines + distance_in_lines(self.clearance))


def reasons_in_words(reason: np.ndarray) -> str:
    """How often every reason occurs."""
    names, counts = np.unique(reason, return_counts=True)
    pairs = zip(names.tolist(), counts.tolist(), strict=True)
    return ", ".join(f"{name} {count}" for name, count in pairs)


def counted(count: int, what: str) -> str:
    """A number with its noun."""
    return f"{count} {what}{'s' * (count != 1)}"


def errors_in_lines(result: HasErrors, groups: Mapping[str, np.ndarray]) -> list[str]:
    """A line with the largest errors for every group of rows that has errors."""
    return [
        f"  {name}: largest error "
        + largest_in_words(result.position_error[rows], result.orientation_error[rows])
        for name, rows in groups.items()
        if np.isfinite(result.position_error[rows]).any()
    ]


def distance_in_lines(clearance: np.ndarray) -> list[str]:
    """A line with the smallest distance, given in m; none if distances were not asked for."""
    if not np.isfinite(clearance).any():
        return []
    return [f"  bodies: smallest distance {np.nanmin(clearance) * 1e3:.3g} mm"]


def largest_in_words(position_error: np.ndarray, orientation_error: np.ndarray) -> str:
    """The largest errors, given in m and rad; NaN does not count."""
    errors = ((1e3 * position_error, "mm"), (orientation_error, "rad"))
    texts = [f"{np.nanmax(x):.3g} {unit}" for x, unit in errors if np.isfinite(x).any()]
    return ", ".join(texts) or "not known"


class IKSolutions(NamedTuple):
    """What `solve_ik_all` returns: one row per start. NumPy arrays."""

    q: np.ndarray  # configurations within the limits, (..., n, dof)
    is_solution: np.ndarray  # whether q solves the target, is clear and is new, (..., n)
    position_error: np.ndarray  # m, (..., n)
    orientation_error: np.ndarray  # rad, (..., n)
    steps: np.ndarray  # steps from the start, (..., n)
    clearance: np.ndarray  # m, the smallest distance that counts; NaN if not asked for, (..., n)

    def __str__(self) -> str:
        marked = self.is_solution
        targets, per_target = int(np.prod(marked.shape[:-1])), marked.sum(axis=-1)
        lines = [
            f"{counted(targets, 'target')}, {counted(int(marked.sum()), 'distinct solution')}"
            f" from {counted(marked.shape[-1], 'start')} per target"
        ]
        if targets > 1:
            lines.append(f"  per target: {per_target.min()} to {per_target.max()} solutions")
        lines += errors_in_lines(self, {"solutions": marked})
        return "\n".join(lines + distance_in_lines(self.clearance[marked]))
