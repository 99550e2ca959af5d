"""The steps of a problem by loops over the robot's joints."""

from __future__ import annotations

from typing import NamedTuple

import keras
from keras import ops

from fkarm._types import Tensor
from fkarm.geometry.native import minimum
from fkarm.ik.damped_step import GAIN, SMALLEST_DAMPING, movable, moved, squared_length
from fkarm.ik.loop.linear import damped_change
from fkarm.ik.loop.residual import error_and_jacobian, errors, targets_of
from fkarm.ik.problem import Components, Terms
from fkarm.ik.residual import Line
from fkarm.ik.steps import Curve, Steps, Wish
from fkarm.kinematics.loop import Layout, LoopArrays
from fkarm.kinematics.loop.nodes import Nodes, nodes_at_entries


class Kind(NamedTuple):
    """What the compiled code of the steps depends on, beside the shapes of its arrays."""

    components: Components
    layout: Layout


class Linearisation(NamedTuple):
    """Weighted errors, and their negative derivative by the entries of `q`."""

    errors: Tensor  # (components, rows)
    jacobian: Tensor  # (dof, components, rows)

    @property
    def error(self) -> Line:
        """Weighted errors of the components that count."""
        return list(ops.unstack(self.errors, self.errors.shape[0], axis=0))

    def downhill(self) -> Tensor:
        """`J^T e`, `(dof, rows)`."""
        return ops.sum(self.jacobian * self.errors[None], axis=1)


class Looped(Steps):
    """The steps of all problems of a kind; all entries are active, but some move no link.

    Args:
        kind: The kind.
        is_above: 1 where a node moves a link, else 0. Shape `(links, nodes)`.
        arrays: The robot.
    """

    def __init__(self, kind: Kind, is_above: Tensor, arrays: LoopArrays) -> None:
        dof = kind.layout.dof
        super().__init__(kind.components, dof, tuple(range(dof)))
        self.kind, self.is_above, self.arrays = kind, is_above, arrays

    def errors(self, weights: Tensor, q: Tensor, targets: Tensor) -> Line:
        values = errors(self.components, self._nodes(q), targets_of(self.components, targets))
        weighted = weights[:, None] * values
        return list(ops.unstack(weighted, self.components.size, axis=0))

    def linearise(self, terms: Terms, q: Tensor, targets: Tensor) -> Linearisation:
        error, jacobian = error_and_jacobian(
            self.components, self._nodes(q), self.is_above, targets_of(self.components, targets)
        )
        weights = terms.weights[:, None]
        return Linearisation(weights * error, weights * jacobian)

    def damped(self, terms: Terms, q: Tensor, targets: Tensor) -> tuple[Tensor, Line]:
        local = self.linearise(terms, q, targets)
        lower, upper, longest = (x[:, None] for x in (terms.lower, terms.upper, terms.longest))
        slope = local.downhill()
        free = movable(q, slope, lower, upper, terms.free[:, None])
        least = SMALLEST_DAMPING[keras.backend.standardize_dtype(q.dtype)]
        damping = GAIN * minimum(squared_length(local.error), 1.0) + least
        change = damped_change(local.jacobian * free[:, None], local.errors, damping)
        return moved(q, change, lower, upper, longest), local.error

    def change(
        self, terms: Terms, local: Linearisation, targets: Tensor, wish: Wish
    ) -> tuple[Tensor, Curve]:
        """A Gauss-Newton step."""
        pull, free = terms.posture[0], wish.free
        jacobian, total = local.jacobian * free[:, None], wish.damping + pull
        wished = pull / total * wish.posture  # the step of the posture alone
        left = local.errors - ops.sum(jacobian * wished[:, None], axis=0)
        change = wished + damped_change(jacobian, left, total)

        def curve(made: Tensor) -> Tensor:
            along = ops.sum(ops.square(ops.sum(jacobian * made[:, None], axis=0)), axis=0)
            return along + pull * ops.sum(ops.square(free * made), axis=0)

        return change, curve

    def _nodes(self, q: Tensor) -> Nodes:
        return nodes_at_entries(self.kind.layout, self.arrays, q)
