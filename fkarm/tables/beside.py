"""Preferred configurations in a file, row by row beside the targets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pyarrow as pa

from fkarm.errors import TableError
from fkarm.model import Robot
from fkarm.tables.chunks import cut
from fkarm.tables.columns import (
    check_columns,
    configuration_columns,
    joint_columns,
    moving_columns,
)
from fkarm.tables.files import READ_ROWS, Table, open_table

# In front of the names of joints, so that they differ from all columns of the targets.
_PREFIX = "q_ref:"


def open_references(robot: Robot, path: Path, link: str) -> tuple[Table, tuple[str, ...]]:
    """The table of a preferred configuration per row, and the joints that it names.

    Args:
        robot: The robot.
        path: A table with a column for every joint that moves the link, or a NPY file of
            configurations, `(n, dof)`.
        link: The link.
    Raises:
        OSError, TableError: As `open_table`, or if a column is missing.
    """
    every = joint_columns(robot)
    table = open_table(path, lambda shape: configuration_columns(str(path), robot, shape))
    check_columns(str(path), moving_columns(robot, link), table.names)
    return table, tuple(name for name in every if name in table.names)


def beside(
    table: Table, labels: tuple[Path, Path], other: Table, columns: Sequence[str]
) -> tuple[Table, list[str]]:
    """A table with some columns of another one, which has as many rows; and their names in it.

    Args:
        table: The table.
        labels: What errors call the two tables.
        other: The other table.
        columns: Columns of numbers of the other one.
    """

    def read(numbers: Sequence[str], kept: Sequence[str]) -> Iterator[Any]:
        own = [name for name in numbers if name not in names]
        both = (table.read(own, kept), other.read(columns, ()))
        for left, right in zip_longest(*(cut(rows, READ_ROWS) for rows in both)):
            if left is None or right is None or len(left) != len(right):
                raise TableError(
                    f"{labels[1]} must have a row for each row of {labels[0]}. Received: "
                    f"{'fewer' if right is None or len(left or ()) > len(right) else 'more'} rows."
                )
            wanted = [*numbers, *kept]
            found = dict(zip(left.column_names, left.columns, strict=True))
            found |= dict(zip(names, right.columns, strict=True))
            yield pa.table([found[name] for name in wanted], names=wanted)

    names = [f"{_PREFIX}{name}" for name in columns]
    return Table((*table.names, *names), table.rows, read), names
