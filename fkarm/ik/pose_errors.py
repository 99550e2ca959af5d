"""Pose errors of configurations, in float64."""

from __future__ import annotations

import numpy as np
from keras import ops

from fkarm._types import Tensor
from fkarm.ik import in_numpy
from fkarm.ik.batch import run_in_chunks
from fkarm.ik.compiled_steps import compiled_steps
from fkarm.ik.damped_step import squared_length
from fkarm.ik.problem import Problem
from fkarm.ik.request import Request
from fkarm.ik.steps import Steps
from fkarm.kinematics.entries import entries_first
from fkarm.kinematics.stage import Function, once

# NumPy computes this many times more errors than descents: it takes three times as long as compiled
# code, but errors are a small part of a search.
ERRORS_PER_DESCENT = 8


def errors_of(request: Request, rows: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Errors of configurations `(rows, count, dof)` for the targets of some rows.

    Returns:
        Of each link the length of its position error, m, and of its orientation error, rad, of what
        counts of them; NaN for targets that are not finite. Shape `(rows, count, links, 2)`.
    """
    count = q.shape[1]
    flat = q.reshape(-1, q.shape[-1]).astype(np.float64)
    if request.runs_in_numpy(len(flat) // ERRORS_PER_DESCENT):
        errors = in_numpy.pose_errors(request.problem, flat, request.targets_of(rows, count))
    else:
        entries = np.repeat(request.entries[rows].astype(np.float64), count, axis=0)
        geometry = [x.astype(np.float64) for x in request.geometries_of(rows, count)]
        function = _errors(request.problem, bool(geometry))
        errors = run_in_chunks(function, flat, entries, *geometry)[0]
    errors = errors.reshape(*q.shape[:2], len(request.problem.links), 2)
    errors[~request.is_finite[rows]] = np.nan
    return errors


def is_solved(request: Request, errors: np.ndarray) -> np.ndarray:
    """Whether all errors are within their tolerances. `(..., links, 2)` to `(...)`."""
    return np.asarray((errors <= request.tolerances).all(axis=(-1, -2)))


@once
def _errors(problem: Problem, has_geometry: bool) -> Function:
    return compiled_steps(_lengths, problem, (1, 1), has_geometry)


def _lengths(steps: Steps, q: Tensor, targets: Tensor) -> list[Tensor]:
    q, targets = entries_first(q), entries_first(targets)
    weights = ops.ones((steps.components.size,), q.dtype)
    error = steps.errors(weights, q, targets)
    zeros = ops.zeros_like(error[0])
    halves = [squared_length([error[k] for k in half]) + zeros for half in steps.components.halves]
    return [ops.sqrt(ops.stack(halves, axis=-1))]
