"""The steps of a problem in code for every joint: the fastest where there are few."""

from __future__ import annotations

from typing import NamedTuple

from keras import ops

from fkarm._types import Tensor
from fkarm.ik.curvature import Linearisation, error_hessian, linearise
from fkarm.ik.damped_step import damped_solve, squared_length, step
from fkarm.ik.linear import isolated_solution
from fkarm.ik.problem import Components, Planned, Terms
from fkarm.ik.residual import Line, weighted_errors
from fkarm.ik.steps import MOST_NEWTON_ENTRIES, Curve, Steps, Wish
from fkarm.kinematics.plan import Plan


class WithFrames(NamedTuple):
    """A problem whose plan has frames of tensors, so that other robots share its code."""

    plan: Plan
    components: Components

    @property
    def active(self) -> tuple[int, ...]:
        """Entries of `q` that move a link."""
        return self.plan.active


class Unrolled(Steps):
    """The steps of one problem."""

    def __init__(self, problem: Planned) -> None:
        super().__init__(problem.components, problem.plan.dof, problem.active)
        self.problem = problem

    def errors(self, weights: Tensor, q: Tensor, targets: Tensor) -> Line:
        return weighted_errors(self.problem, weights, q, targets)

    def damped(self, terms: Terms, q: Tensor, targets: Tensor) -> tuple[Tensor, Line]:
        return step(self.problem, terms, q, targets)

    def linearise(self, terms: Terms, q: Tensor, targets: Tensor) -> Linearisation:
        return linearise(self.problem, terms, q, targets)

    def change(
        self, terms: Terms, local: Linearisation, targets: Tensor, wish: Wish
    ) -> tuple[Tensor, Curve]:
        if len(self.active) > MOST_NEWTON_ENTRIES:
            return _gauss_newton(terms, local, wish)
        hessian = error_hessian(self.problem, terms, local, targets, wish.second_order)
        return _newton(terms, hessian, wish)


def _newton(terms: Terms, hessian: list[Line], wish: Wish) -> tuple[Tensor, Curve]:
    """The Newton step, from the lower triangle of the second derivative."""
    count, free, damping = len(hessian), wish.free, wish.damping
    mask, pull = ops.unstack(free, count, axis=0), terms.posture[0]
    matrix = [
        [mask[i] * mask[j] * each for j, each in enumerate(row)] for i, row in enumerate(hessian)
    ]
    own = ops.unstack(damping + 1.0 - free + pull * free, count, axis=0)
    lower = [[*row[:-1], row[-1] + added] for row, added in zip(matrix, own, strict=True)]
    change = isolated_solution(lower, ops.unstack(wish.downhill, count, axis=0), damping)

    def curve(made: Tensor) -> Tensor:
        entries = ops.unstack(made, count, axis=0)
        total = pull * ops.sum(ops.square(free * made), axis=0)
        for i, row in enumerate(matrix):
            across = 2.0 * sum(a * b for a, b in zip(row[:-1], entries, strict=False))
            total = total + entries[i] * (across + row[-1] * entries[i])
        return total

    return ops.stack(change), curve


def _gauss_newton(terms: Terms, local: Linearisation, wish: Wish) -> tuple[Tensor, Curve]:
    """The Gauss-Newton step."""
    pull, free, count = terms.posture[0], wish.free, wish.free.shape[0]
    rows = [row * free for row in local.jacobian]
    total = wish.damping + pull
    wished = pull / total * wish.posture  # the step of the posture alone
    left = [e - ops.sum(row * wished, axis=0) for row, e in zip(rows, local.error, strict=True)]
    jacobian = [list(ops.unstack(row, count, axis=0)) for row in rows]
    change = wished + ops.stack(damped_solve(jacobian, left, total))

    def curve(made: Tensor) -> Tensor:
        along = squared_length([ops.sum(row * made, axis=0) for row in rows])
        return along + pull * ops.sum(ops.square(free * made), axis=0)

    return change, curve
