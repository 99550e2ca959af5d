"""Descents of many rows of joint configurations to target poses, in one compiled loop."""

from __future__ import annotations

import keras
from keras import ops

from fkarm._types import Tensor
from fkarm.ik.compiled_steps import compiled_steps
from fkarm.ik.damped_step import excess, squared_length, step
from fkarm.ik.problem import Problem, unpacked
from fkarm.ik.steps import Steps
from fkarm.ik.tested_step import DescentState, initial_state, tested_step
from fkarm.ik.unrolled import Unrolled
from fkarm.kinematics.entries import entries_first, entries_last
from fkarm.kinematics.stage import Function, compiled, once

# The functions below take q (rows, dof), targets (rows, 12 links), and values for all rows.
#
# `targets` holds, per link, the columns of its rotation, then its origin; the values are
# `Terms.packed`. The descents return configurations and `outcome (rows, 4)`: the squared weighted
# error, the largest squared ratio of an error to its tolerance (1 or less is a solution), the
# number of steps, and 1 where no further step brings the error down, else 0.


@once
def damped_descent(problem: Problem, has_geometry: bool) -> Function:
    """A compiled function of `q`, `targets` and values to the best configurations and the outcome.

    It makes all steps without a test. The best configuration of every row is returned. The arrays
    of a geometry, if there is one, come before the values.
    """
    return compiled_steps(_damped, problem, (1, 1, None), has_geometry)


@once
def tested_descent(problem: Problem, has_geometry: bool) -> Function:
    """A compiled function of `q`, `targets`, references and values to local minima and the outcome.

    References are the postures that `posture_weight` pulls to, `(rows, dof)`. The loop ends when no
    row gains any more. A geometry is given as to `damped_descent`.
    """
    return compiled_steps(_tested, problem, (1, 1, 1, None), has_geometry)


def _damped(steps: Steps, q: Tensor, targets: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    q, targets = entries_first(q), entries_first(targets)
    terms = unpacked(steps.components, steps.dof, values)

    def body(
        taken: Tensor, q: Tensor, best: Tensor, least: Tensor, ratio: Tensor
    ) -> tuple[Tensor, ...]:
        moved, error = steps.damped(terms, q, targets)
        squared = squared_length(error)
        is_better = squared < least
        best = ops.where(is_better, q, best)
        least = ops.where(is_better, squared, least)
        ratio = ops.where(is_better, excess(steps.components, terms, error), ratio)
        return taken + 1, moved, best, least, ratio

    # One iteration more than steps: the last one evaluates the last step.
    limit = terms.steps[0] + 1
    most = ops.full_like(q[0], _largest(q))
    start = (ops.zeros((), q.dtype), q, q, most, most)
    _, _, best, least, ratio = ops.while_loop(lambda taken, *_: taken < limit, body, start)
    taken = terms.steps[0] + ops.zeros_like(least)
    outcome = [least, ratio, taken, ops.zeros_like(least)]
    return entries_last(best), ops.stack(outcome, axis=-1)


def _tested(
    steps: Steps, q: Tensor, targets: Tensor, reference: Tensor, values: Tensor
) -> tuple[Tensor, Tensor]:
    q, targets, reference = (entries_first(each) for each in (q, targets, reference))
    terms = unpacked(steps.components, steps.dof, values)
    limit = terms.steps[0]

    def is_moving(taken: Tensor, used: Tensor, *state: Tensor) -> Tensor:
        return ops.logical_and(taken < limit, ops.logical_not(ops.all(state[-1])))

    def body(taken: Tensor, used: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        before = DescentState(*state)
        after = tested_step(steps, terms, before, targets, reference, taken < 1).state
        used = ops.where(before.is_done, used, used + 1)
        return taken + 1, used, *after

    start = initial_state(q)
    counts = (ops.zeros((), q.dtype), ops.zeros_like(start.damping))
    _, used, q, *_, is_done = ops.while_loop(is_moving, body, (*counts, *start))
    error = steps.errors(terms.weights, q, targets)
    at_rest = ops.cast(is_done, q.dtype)
    outcome = [squared_length(error), excess(steps.components, terms, error), used, at_rest]
    return entries_last(q), ops.stack(outcome, axis=-1)


@once
def refinement(problem: Problem, steps: int) -> Function:
    """A compiled, differentiable function of `q`, `targets`, references and values to new `q`.

    Shapes `(..., dof)`, `(..., 12 links)`, `(..., dof)`, and the vector of values.
    """

    def run(q: Tensor, targets: Tensor, reference: Tensor, values: Tensor) -> Tensor:
        q, targets, reference = (entries_first(each) for each in (q, targets, reference))
        terms, state = unpacked(problem.components, problem.robot.dof, values), initial_state(q)
        for number in range(steps):
            is_first = ops.convert_to_tensor(number == 0, "bool")
            before = state.q
            made = tested_step(Unrolled(problem), terms, state, targets, reference, is_first)
            state = made.state
            # A step below rounding moves nothing, but it has the derivative of the solution.
            slope = made.after - ops.stop_gradient(made.after)
            still = before + slope - (before - ops.stop_gradient(before))
            is_still = ops.all(ops.equal(state.q, before), axis=0)
            state = state._replace(
                q=ops.where(ops.logical_and(made.is_settled, is_still), still, state.q)
            )
        return entries_last(state.q)

    return compiled(run, (1, 1, 1, None))


@once
def implicit_step(problem: Problem) -> Function:
    """A compiled, differentiable function of `q`, `targets` and values to `q` one step later."""

    def run(q: Tensor, targets: Tensor, values: Tensor) -> Tensor:
        terms = unpacked(problem.components, problem.robot.dof, values)
        return entries_last(step(problem, terms, entries_first(q), entries_first(targets))[0])

    return compiled(run, (1, 1, None))


def target_entries(target: Tensor) -> Tensor:
    """The target of one link in the form of the descents. `(..., 4, 4)` to `(..., 12)`."""
    columns = ops.swapaxes(target[..., :3, :], -1, -2)
    return ops.concatenate([columns[..., k, :] for k in range(4)], axis=-1)


def _largest(q: Tensor) -> float:
    return {"float32": 3e38, "float64": 1e308}[keras.backend.standardize_dtype(q.dtype)]
