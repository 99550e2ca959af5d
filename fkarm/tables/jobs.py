"""What is computed for the rows of a table: functions of arrays that other processes can run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from fkarm.geometry.native import has_float64
from fkarm.model import Robot

# The answer of a row may differ by rounding between calls of other sizes. Therefore calls have as
# many rows as a block, which the size of the table decides, and a chunk is a number of blocks.
# Calls of the first size run in NumPy; compiling for the second takes as long as some tables.
BLOCK_ROWS = (1000, 8000)
FEW_ROWS = 200_000


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


def block_rows_of(rows: int) -> int:
    """Rows per block of a table with so many rows."""
    return BLOCK_ROWS[rows > FEW_ROWS]


def check_chunk_rows(rows: Any) -> None:
    """Raise ValueError unless chunks of so many rows consist of whole blocks."""
    size = BLOCK_ROWS[-1]
    if not isinstance(rows, int) or rows < 1 or rows % size:
        raise ValueError(f"chunk_rows must be a multiple of {size}. Received: {rows!r}.")


def blocks(rows: np.ndarray, size: int) -> Iterator[slice]:
    """The blocks of some rows; at least one, perhaps without rows."""
    for first in range(0, max(len(rows), 1), size):
        yield slice(first, first + size)
