"""Many rows of joint configurations on their way to target poses, in one compiled loop."""

from __future__ import annotations

import keras
from keras import ops

from fkarm._types import Tensor
from fkarm.ik.step import Problem, step
from fkarm.kinematics.engine import Function, compiled, once
from fkarm.kinematics.entries import entries_first, entries_last

# Damping a unit of squared error, and the bound on a step, rad: what solved most of 20,000
# random Panda targets in 12 steps, of gains from 0.01 to 0.2 and bounds from 0.4 to 1.
GAIN = 0.05
LARGEST_STEP = 1.0


@once
def descent(problem: Problem) -> Function:
    """A compiled function of `q`, `targets` and `budget` to the best configurations met.

    `q` of shape `(rows, dof)` within the limits; `targets` `(rows, 12 links)`, of each link the
    columns of its rotation, then its origin; `budget` `(rows, 1)`, the steps each row may take.
    Returns configurations `(rows, dof)` and their squared weighted errors `(rows, 1)`.
    """

    def run(q: Tensor, targets: Tensor, budget: Tensor) -> tuple[Tensor, Tensor]:
        q, targets, budget = entries_first(q), entries_first(targets), budget[..., 0]

        def body(taken: Tensor, q: Tensor, best: Tensor, least: Tensor) -> tuple[Tensor, ...]:
            moved, squared = step(problem, q, targets, GAIN, LARGEST_STEP)
            is_better = squared < least
            best = ops.where(is_better, q, best)
            least = ops.where(is_better, squared, least)
            return taken + 1, ops.where(taken < budget, moved, q), best, least

        # One turn more than steps: the last only looks at where the last step led.
        limit = ops.max(budget, initial=0) + 1
        start = (ops.zeros((), q.dtype), q, q, ops.full_like(q[0], _most(q)))
        _, _, best, least = ops.while_loop(lambda taken, *_: taken < limit, body, start)
        return entries_last(best), least[..., None]

    return compiled(run, (1, 1, 1), from_rows=0)


@once
def refinement(problem: Problem, steps: int) -> Function:
    """A compiled, differentiable function of `q` and `targets` to `q` some steps later.

    Shapes `(..., dof)` and `(..., 12 links)`.
    """

    def run(q: Tensor, targets: Tensor) -> Tensor:
        q, targets = entries_first(q), entries_first(targets)
        for _ in range(steps):
            q, _ = step(problem, q, targets, GAIN, LARGEST_STEP)
        return entries_last(q)

    return compiled(run, (1, 1))


def target_entries(target: Tensor) -> Tensor:
    """The target of one link as the searches take it. `(..., 4, 4)` to `(..., 12)`."""
    columns = ops.swapaxes(target[..., :3, :], -1, -2)
    return ops.concatenate([columns[..., k, :] for k in range(4)], axis=-1)


def _most(q: Tensor) -> float:
    return {"float32": 3e38, "float64": 1e308}[keras.backend.standardize_dtype(q.dtype)]
