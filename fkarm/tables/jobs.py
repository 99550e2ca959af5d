"""What is computed for the rows of a table: functions of arrays that other processes can run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from fkarm.geometry.native import has_float64
from fkarm.model import Robot

# Rows per call. The answer of a row may differ by rounding between calls of other sizes, so chunks
# of any size are cut at multiples of this number, counted from the first row of the table.
BLOCK_ROWS = 8192


class Job(Protocol):
    """A dataclass that computes the rows of a table; a block does not depend on the others."""

    @property
    def robot(self) -> Robot:
        """The robot."""

    @property
    def error_columns(self) -> tuple[str, ...]:
        """The result columns that hold errors."""

    def __call__(self, numbers: np.ndarray) -> dict[str, np.ndarray]:
        """The result columns of rows `(n, columns)`, float64, whose first row begins a block."""


def in_dtype(array: np.ndarray) -> np.ndarray:
    """In float64, or in float32 where the backend has no other type."""
    return array if has_float64() else array.astype(np.float32)


def blocks(rows: np.ndarray) -> Iterator[slice]:
    """The blocks of some rows; at least one, perhaps without rows."""
    for first in range(0, max(len(rows), 1), BLOCK_ROWS):
        yield slice(first, first + BLOCK_ROWS)
