"""What a descent needs of a problem: its errors, and the steps that reduce them.

`unrolled.py` has code for every joint; `loop/` has loops over the joints of any robot.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from fkarm._types import Tensor
from fkarm.ik.problem import Components, Terms
from fkarm.ik.residual import Line

# With more active entries all steps are Gauss-Newton steps: the second derivative takes too long to
# compile. So are all steps of loops.
MOST_NEWTON_ENTRIES = 12

# The second derivative along a change of the active entries. `(active, rows)` to `(rows,)`.
Curve = Callable[[Tensor], Tensor]


class Local(Protocol):
    """The errors at configurations, and their derivative."""

    @property
    def error(self) -> Line:
        """Weighted errors of the components that count."""

    def downhill(self) -> Tensor:
        """`J^T e`, `(active, rows)`."""


class Steps(Protocol):
    """Errors and steps of a problem. Shapes: `q (dof, rows)`, `targets (12 links, rows)`."""

    @property
    def components(self) -> Components:
        """The components of the errors that count."""

    @property
    def dof(self) -> int:
        """Number of entries of `q`."""

    @property
    def active(self) -> tuple[int, ...]:
        """Entries of `q` that the steps may change."""

    def errors(self, weights: Tensor, q: Tensor, targets: Tensor) -> Line:
        """The weighted errors, for one weight per component."""

    def damped(self, terms: Terms, q: Tensor, targets: Tensor) -> tuple[Tensor, Line]:
        """A damped least-squares step, see `damped_step.py`, and the weighted errors before it."""

    def linearise(self, terms: Terms, q: Tensor, targets: Tensor) -> Any:
        """A `Local`, which `change` takes."""

    def change(
        self,
        terms: Terms,
        local: Any,
        targets: Tensor,
        free: Tensor,
        downhill: Tensor,
        wish: Tensor,
        damping: Tensor,
        second_order: Tensor,
    ) -> tuple[Tensor, Curve]:
        """The change of the active entries that a tested step proposes.

        Args:
            terms: The values of the problem.
            local: The errors here.
            targets: The targets.
            free: 1 per active entry that may move, else 0, as `downhill` and `wish` have them.
            downhill: The direction of descent.
            wish: From here to the preferred posture.
            damping: That of the step, `(rows,)`.
            second_order: 1 for a Newton step, else 0, `(rows,)`.
        """
