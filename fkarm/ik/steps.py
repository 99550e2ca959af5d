"""What a descent needs of a problem: its errors, and the steps that reduce them.

`unrolled.py` has code for every joint; `loop/` has loops over the joints of any robot.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

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


class Wish(NamedTuple):
    """What a tested step is made of, beside the errors. Shapes `(active, rows)` and `(rows,)`."""

    free: Tensor  # 1 per active entry that may move, else 0, as the next two have them
    downhill: Tensor  # the direction of descent
    posture: Tensor  # from here to the preferred posture
    damping: Tensor  # (rows,)
    second_order: Tensor  # 1 for a Newton step, else 0, (rows,)


class Steps(ABC):
    """Errors and steps of a problem. Shapes: `q (dof, rows)`, `targets (12 links, rows)`.

    Args:
        components: The components of the errors that count.
        dof: Number of entries of `q`.
        active: Entries of `q` that the steps may change.
    """

    def __init__(self, components: Components, dof: int, active: tuple[int, ...]) -> None:
        self.components, self.dof, self.active = components, dof, active

    @abstractmethod
    def errors(self, weights: Tensor, q: Tensor, targets: Tensor) -> Line:
        """The weighted errors, for one weight per component."""

    @abstractmethod
    def damped(self, terms: Terms, q: Tensor, targets: Tensor) -> tuple[Tensor, Line]:
        """A damped least-squares step, see `damped_step.py`, and the weighted errors before it."""

    @abstractmethod
    def linearise(self, terms: Terms, q: Tensor, targets: Tensor) -> Any:
        """A `Local`, which `change` takes."""

    @abstractmethod
    def change(self, terms: Terms, local: Any, targets: Tensor, wish: Wish) -> tuple[Tensor, Curve]:
        """The change of the active entries that a tested step proposes."""
