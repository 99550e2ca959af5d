"""What is in a table that was written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.compute as pc

from fkarm.ik import IKReason
from fkarm.tables.files import REASON

COMPUTED = "COMPUTED"


class TableSummary(NamedTuple):
    """What is in a table that was written; `print` shows it in a few lines."""

    path: Path
    rows: int
    reasons: dict[str, int]  # rows by their `reason`; of poses: `COMPUTED` or `NAN`
    largest_errors: dict[str, float]  # of solved rows, by the column of the error
    seconds: float  # of this call
    resumed: int  # rows that an earlier call had finished

    @property
    def solved(self) -> int:
        """How many rows are solved; of poses: how many are computed."""
        return self.reasons.get(IKReason.SOLVED.value, self.reasons.get(COMPUTED, 0))

    def __str__(self) -> str:
        share = f" ({self.solved / self.rows:.2%})" if self.rows else ""
        lines = [f"{self.path}: {self.rows} rows, {self.solved} solved{share}"]
        others = [f"{n} {reason}" for reason, n in sorted(self.reasons.items())]
        lines.append(", ".join(others))
        errors = self.largest_errors.items()
        lines += [f"largest {name} of solved rows: {error:.3g}" for name, error in errors]
        rate = (self.rows - self.resumed) / max(self.seconds, 1e-9)
        resumed = f", {self.resumed} rows from an earlier run" if self.resumed else ""
        lines.append(f"{self.seconds:.1f} s, {rate:.0f} rows per second{resumed}")
        return "\n".join(line for line in lines if line)


class Tally:
    """Counts rows by their reason, and finds the largest errors of solved rows.

    Args:
        error_columns: The columns of the errors.
    """

    def __init__(self, error_columns: Sequence[str]) -> None:
        self.rows, self.reasons = 0, Counter[str]()
        self.largest = dict.fromkeys(error_columns, 0.0)

    def passing(self, tables: Iterable[Any], first: str) -> Iterator[Any]:
        """The same tables, each counted; `first` is null in rows that hold NaN."""
        for table in tables:
            self.rows += len(table)
            if REASON in table.column_names:
                counts = pc.value_counts(table[REASON]).to_pylist()
                self.reasons.update({each["values"]: each["counts"] for each in counts})
            else:
                empty = table[first].null_count
                self.reasons += Counter({COMPUTED: len(table) - empty, IKReason.NAN.value: empty})
            for name, largest in self.largest.items():
                found = pc.max(table.filter(table["solved"])[name]).as_py()
                self.largest[name] = max(largest, found or 0.0)
            yield table
