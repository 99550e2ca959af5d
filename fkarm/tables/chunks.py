"""A table cut into chunks, and the results of finished chunks on disk."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.feather

from fkarm._files import write_whole
from fkarm.errors import TableError
from fkarm.tables.files import Table

_ABOUT = "about.json"


class Chunk(NamedTuple):
    """Consecutive rows of a table."""

    number: int  # from 0
    numbers: np.ndarray  # (rows, columns), float64; null is NaN
    kept: Any  # an Arrow table of the columns to copy


def chunks_of(
    table: Table, columns: Sequence[str], kept: Sequence[str], rows: int
) -> Iterator[Chunk]:
    """The chunks of a table, in order, of so many rows each; at least one, perhaps without rows.

    Args:
        table: The table.
        columns: Columns of numbers.
        kept: Columns to copy; those among the columns of numbers are copied as numbers.
        rows: Rows per chunk; the last chunk may have fewer.
    """
    others = [name for name in kept if name not in columns]
    for number, part in enumerate(cut(table.read(columns, others), rows)):
        arrays = [part.column(k).to_numpy() for k in range(len(columns))]
        numbers = np.stack(arrays, axis=-1) if arrays else np.empty((len(part), 0))
        yield Chunk(number, numbers.astype(np.float64), part.select(list(kept)))


def cut(tables: Iterable[Any], rows: int) -> Iterator[Any]:
    """The rows of some Arrow tables, so many at a time; at least one table."""
    waiting, is_first = None, True
    for table in tables:
        waiting = table if waiting is None else pa.concat_tables([waiting, table])
        while len(waiting) >= rows:
            yield waiting.slice(0, rows)
            waiting, is_first = waiting.slice(rows), False
    if waiting is not None and (is_first or len(waiting)):
        yield waiting


class Parts:
    """The results of finished chunks, one file each, in a folder beside the output.

    A file is whole or absent, so an interruption loses only the chunks that are running.

    Args:
        out: The output; the folder has its name and `.parts`.
        about: What decides the results, as JSON types.
        overwrite: Whether to delete the parts of another run.
    Raises:
        OSError: If the folder cannot be made.
        TableError: If it holds parts of another run.
    """

    def __init__(self, out: Path, about: dict[str, Any], overwrite: bool) -> None:
        self.folder = out.with_name(f"{out.name}.parts")
        file, text = self.folder / _ABOUT, json.dumps(about)
        if file.exists():
            before, now = json.loads(file.read_text()), json.loads(text)
            other = sorted(key for key in {*before, *now} if before.get(key) != now.get(key))
            if other and not overwrite:
                raise TableError(
                    f"{self.folder} must hold chunks of this run. Received: those of a run with "
                    f"another {', '.join(other)}. Delete the folder, or pass overwrite=True."
                )
            if other:
                self.remove()
        elif self.folder.exists() and any(self.folder.iterdir()):
            raise TableError(
                f"{self.folder} must be a folder for chunks. Received: a folder with other files. "
                "Choose another name for the output."
            )
        self.folder.mkdir(exist_ok=True)
        if not file.exists():
            write_whole(file, lambda path: path.write_text(text))

    def has(self, number: int) -> bool:
        """Whether a chunk is finished."""
        return self._file(number).exists()

    def write(self, number: int, table: Any) -> None:
        """Keep the results of a chunk, an Arrow table."""

        def write(path: Path) -> None:
            pa.feather.write_feather(table, str(path), compression="uncompressed")

        write_whole(self._file(number), write)

    def tables(self) -> Iterator[Any]:
        """The results of the chunks, in order, up to the first that is not finished."""
        for number in count():
            if not self.has(number):
                return
            yield pa.feather.read_table(str(self._file(number)), memory_map=True)

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder)

    def _file(self, number: int) -> Path:
        return self.folder / f"{number:08}.arrow"
