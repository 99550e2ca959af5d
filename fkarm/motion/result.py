"""What `solve_path` returns, and why a frame falls short."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

import numpy as np

from fkarm.ik.result import counted, distance_in_lines, largest_in_words, reasons_in_words


class PathReason(str, Enum):
    """Why a frame of a path is as it is. Equal to its name as a string.

    `SOLVED`: every error is within its tolerance. `NAN`: a target of the frame is not finite.
    `COLLISION`: bodies are as near to each other or to an obstacle as they may be, or nearer.
    `VELOCITY`, `ACCELERATION`: a joint moves as fast, or changes its speed as fast, as it may, to
    the frame or from it. `LIMITS`: a joint is at its limit. `STEPS`: the solution was still getting
    better after `max_steps`. `OUT_OF_REACH`: none of these; the targets cannot be reached together
    with those of other links, contacts and frames.
    """

    SOLVED = "SOLVED"
    NAN = "NAN"
    COLLISION = "COLLISION"
    VELOCITY = "VELOCITY"
    ACCELERATION = "ACCELERATION"
    LIMITS = "LIMITS"
    STEPS = "STEPS"
    OUT_OF_REACH = "OUT_OF_REACH"

    __str__ = str.__str__  # NumPy compares arrays of strings with it.


REASON_DTYPE = np.dtype(f"<U{max(len(reason.value) for reason in PathReason)}")


class SolvedPath(NamedTuple):
    """What `solve_path` returns. NumPy arrays; errors are judged in float64.

    A step leads from the frame before to the frame where it ends; the first frame has none.
    """

    q: np.ndarray  # configurations within the limits, (..., time, dof)
    converged: np.ndarray  # whether every error is within its tolerance, (..., time)
    within_velocity_limits: np.ndarray  # of the step that ends there, (..., time)
    within_acceleration_limits: np.ndarray  # of the change of speed at the frame, (..., time)
    position_error: np.ndarray  # m, NaN where there is no target, (..., time, links)
    orientation_error: np.ndarray  # rad, likewise, (..., time, links)
    slip: np.ndarray  # of contacts: how far a link moved since the frame before, m, (..., time)
    center_of_mass_error: np.ndarray  # m, NaN where there is no target, (..., time)
    clearance: np.ndarray  # m, the smallest distance that counts; NaN if not asked for, (..., time)
    reason: np.ndarray  # strings, one of the names in `PathReason`, (..., time)
    links: tuple[str, ...]  # the links of the errors' last axis
    times: np.ndarray  # s, (..., time)

    def __str__(self) -> str:
        frames = self.converged.size
        lines = [f"{counted(frames, 'frame')}, {int(self.converged.sum())} converged"]
        if not frames:
            return lines[0]
        lines.append("  " + reasons_in_words(self.reason))
        for name, within in (
            ("velocity", self.within_velocity_limits),
            ("acceleration", self.within_acceleration_limits),
        ):
            lines.append(f"  within {name} limits: {int(within.sum())} of {frames} frames")
        for k, link in enumerate(self.links):
            errors = (self.position_error[..., k], self.orientation_error[..., k])
            lines.append(f"  {link}: largest error {largest_in_words(*errors)}")
        if np.isfinite(self.slip).any():
            lines.append(f"  contacts: largest slip {np.nanmax(self.slip) * 1e3:.3g} mm per step")
        return "\n".join(lines + distance_in_lines(self.clearance))
