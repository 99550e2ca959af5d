"""From a file to a file: chunks, those that are finished, and the whole."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pyarrow as pa

from fkarm._checks import check_choice
from fkarm._files import write_whole
from fkarm.errors import TableError, unknown_name
from fkarm.model import Robot
from fkarm.tables.chunks import Chunk, Parts, chunks_of
from fkarm.tables.engines import ENGINES
from fkarm.tables.files import Table, check_can_hold, column_of, format_of, write_table
from fkarm.tables.jobs import Job, check_chunk_rows
from fkarm.tables.summary import TableSummary, Tally
from fkarm.version import __version__

CHUNK_ROWS = 64_000
Progress = Callable[[int, int], Any]
Hints = Callable[[np.ndarray], list[str]]


def run(  # noqa: D417 - most arguments are those of forward_table
    job: Job,
    table: Table,
    columns: Sequence[str],
    hints: Hints,
    source: Path,
    out: Path,
    others: Sequence[Path] = (),
    *,
    keep: Sequence[str],
    chunk_rows: int,
    engine: str,
    overwrite: bool,
    progress: Progress | None,
) -> TableSummary:
    """Compute a job for the columns of a table, and write the results.

    Args:
        job: What to compute.
        table: The open source.
        columns: The columns that the job reads.
        hints: What to warn of, from the numbers of the first chunk.
        source: The source; `out` and the rest are arguments of `forward_table`.
        others: Further files that are read.
    """
    began = time.perf_counter()
    check_choice("engine", engine, ENGINES)
    sources = (source, *others)
    _check_out(sources, out, overwrite)
    check_chunk_rows(chunk_rows)
    results = _as_table(job(np.empty((0, len(columns)))))  # raises for options that are wrong
    _check_kept(source, table, keep, results.column_names)
    chunks = chunks_of(table, columns, keep, chunk_rows)
    first = next(chunks)
    check_can_hold(out, pa.unify_schemas([first.kept.schema, results.schema]))
    for hint in hints(first.numbers):
        warnings.warn(f"{source}: {hint}", stacklevel=3)
    about = {
        "version": [__version__, keras.backend.backend()],
        **_facts(job),
        "source": [[path.stat().st_size, path.stat().st_mtime_ns] for path in sources],
        "columns": [list(columns), list(keep)],
        "chunk_rows": chunk_rows,
    }
    parts = Parts(out, about, overwrite)
    counter = _Counter(table.rows, progress)
    waiting = _unfinished(chain([first], chunks), parts, counter)
    for chunk, result in ENGINES[engine](job, waiting):
        new = _as_table(result)
        columns_of_part = [*chunk.kept.columns, *new.columns]
        parts.write(chunk.number, pa.table(columns_of_part, [*keep, *new.column_names]))
        counter.add(chunk)
    tally = Tally(job.error_columns)
    tables = tally.passing(parts.tables(), results.column_names[0])
    head = next(tables)
    write_whole(
        out, lambda path: write_table(path, head.schema, chain([head], tables), counter.done)
    )
    parts.remove()
    seconds = time.perf_counter() - began
    return TableSummary(
        out, tally.rows, dict(tally.reasons), tally.largest, seconds, counter.resumed
    )


class _Counter:
    """Counts the rows that are done, and tells `progress`."""

    def __init__(self, rows: int, progress: Progress | None) -> None:
        self.done = self.resumed = 0
        self._rows, self._progress = rows, progress

    def add(self, chunk: Chunk) -> None:
        """Count the rows of a chunk."""
        self.done += len(chunk.numbers)
        if self._progress is not None:
            self._progress(self.done, self._rows)


def _unfinished(chunks: Iterator[Chunk], parts: Parts, counter: _Counter) -> Iterator[Chunk]:
    """The chunks that no earlier run finished; the others are counted."""
    for chunk in chunks:
        if parts.has(chunk.number):
            counter.resumed += len(chunk.numbers)
            counter.add(chunk)
        else:
            yield chunk


def _as_table(result: dict[str, np.ndarray]) -> Any:
    return pa.table({name: column_of(values) for name, values in result.items()})


def _facts(job: Any) -> dict[str, Any]:
    """The fields of a job as JSON types."""
    values = {each.name: getattr(job, each.name) for each in fields(job)}
    text = json.dumps({"job": type(job).__name__, **values}, default=_plain)
    facts: dict[str, Any] = json.loads(text)
    return facts


def _plain(value: Any) -> Any:
    """What JSON writes of a value that it does not know."""
    if isinstance(value, Robot):
        return value.to_dict()
    if is_dataclass(value):  # an obstacle
        return {each.name: getattr(value, each.name) for each in fields(value)}
    return np.asarray(value).tolist()


def _check_out(sources: Sequence[Path], out: Path, overwrite: bool) -> None:
    format_of(out)
    if out.exists() and any(out.samefile(source) for source in sources):
        raise TableError(f"out must be another file than source. Received: {str(out)!r} twice.")
    if out.exists() and not overwrite:
        raise FileExistsError(
            f"out must not exist. Received: {str(out)!r}, which does. Choose another name, or "
            "overwrite=True."
        )


def _check_kept(source: Path, table: Table, keep: Sequence[str], results: Sequence[str]) -> None:
    for name in keep:
        if name not in table.names:
            raise TableError(unknown_name(f"A column to keep from {source}", name, table.names))
        if name in results or list(keep).count(name) > 1:
            raise TableError(
                f"A column to keep from {source} must not have the name of another column of the "
                f"output. Received: {name!r}. Rename it there, or do not keep it."
            )
