"""What inverse kinematics returns, and why a target was not solved."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

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
        count, solved = self.converged.size, self.converged
        lines = [f"{count} target{'s' * (count != 1)}, {int(solved.sum())} solved"]
        if count:
            lines.append("  " + reasons_in_words(self.reason))
        for which, name in ((solved, "solved"), (~solved, "not solved")):
            if np.isfinite(self.position_error[which]).any():
                errors = (self.position_error[which], self.orientation_error[which])
                lines.append(f"  {name}: largest error {largest_in_words(*errors)}")
        if np.isfinite(self.clearance).any():
            lines.append(f"  bodies: smallest distance {np.nanmin(self.clearance) * 1e3:.3g} mm")
        return "\n".join(lines)


def reasons_in_words(reason: np.ndarray) -> str:
    """How often every reason occurs."""
    names, counts = np.unique(reason, return_counts=True)
    pairs = zip(names.tolist(), counts.tolist(), strict=True)
    return ", ".join(f"{name} {count}" for name, count in pairs)


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
