"""The steps of a problem by loops over the robot's joints."""

from __future__ import annotations

from typing import NamedTuple

import keras
from keras import ops

from fkarm._types import Tensor
from fkarm.geometry.native import clip, maximum, minimum
from fkarm.ik.damped_step import GAIN, SMALLEST_DAMPING, squared_length
from fkarm.ik.loop.linear import damped_change
from fkarm.ik.loop.residual import error_and_jacobian, errors, targets_of
from fkarm.ik.problem import Components, Terms
from fkarm.ik.residual import Line
from fkarm.ik.steps import Curve
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


class Looped(NamedTuple):
    """`Steps` of all problems of a kind; all entries of `q` are active, but some move no link."""

    kind: Kind
    is_above: Tensor  # 1 where a node moves a link, else 0, (links, nodes)
    arrays: LoopArrays

    @property
    def components(self) -> Components:
        """The components of the errors that count."""
        return self.kind.components

    @property
    def dof(self) -> int:
        """Number of entries of `q`."""
        return self.kind.layout.dof

    @property
    def active(self) -> tuple[int, ...]:
        """Entries of `q` that the steps may change."""
        return tuple(range(self.dof))

    def errors(self, weights: Tensor, q: Tensor, targets: Tensor) -> Line:
        """The weighted errors, see `Steps`."""
        values = errors(self.components, self._nodes(q), targets_of(self.components, targets))
        weighted = weights[:, None] * values
        return list(ops.unstack(weighted, self.components.size, axis=0))

    def linearise(self, terms: Terms, q: Tensor, targets: Tensor) -> Linearisation:
        """The errors and their derivative, see `Steps`."""
        error, jacobian = error_and_jacobian(
            self.components, self._nodes(q), self.is_above, targets_of(self.components, targets)
        )
        weights = terms.weights[:, None]
        return Linearisation(weights * error, weights * jacobian)

    def damped(self, terms: Terms, q: Tensor, targets: Tensor) -> tuple[Tensor, Line]:
        """A damped least-squares step, see `Steps`."""
        local = self.linearise(terms, q, targets)
        lower, upper, longest = (x[:, None] for x in (terms.lower, terms.upper, terms.longest))
        slope = local.downhill()
        is_stuck = ops.logical_or(
            ops.logical_and(q >= upper, slope > 0), ops.logical_and(q <= lower, slope < 0)
        )
        free = ops.where(is_stuck, ops.zeros_like(slope), terms.free[:, None])
        least = SMALLEST_DAMPING[keras.backend.standardize_dtype(q.dtype)]
        damping = GAIN * minimum(squared_length(local.error), 1.0) + least
        change = damped_change(local.jacobian * free[:, None], local.errors, damping)
        share = 1.0 / maximum(ops.max(ops.abs(change) / longest, axis=0), 1.0)
        return clip(q + share * change, lower, upper), local.error

    def change(
        self,
        terms: Terms,
        local: Linearisation,
        targets: Tensor,
        free: Tensor,
        downhill: Tensor,
        wish: Tensor,
        damping: Tensor,
        second_order: Tensor,
    ) -> tuple[Tensor, Curve]:
        """A Gauss-Newton step."""
        pull = terms.posture[0]
        jacobian, total = local.jacobian * free[:, None], damping + pull
        wished = pull / total * wish  # the step of the posture alone
        left = local.errors - ops.sum(jacobian * wished[:, None], axis=0)
        change = wished + damped_change(jacobian, left, total)

        def curve(made: Tensor) -> Tensor:
            along = ops.sum(ops.square(ops.sum(jacobian * made[:, None], axis=0)), axis=0)
            return along + pull * ops.sum(ops.square(free * made), axis=0)

        return change, curve

    def _nodes(self, q: Tensor) -> Nodes:
        return nodes_at_entries(self.kind.layout, self.arrays, q)
