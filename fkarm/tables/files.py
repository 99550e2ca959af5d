"""CSV, Parquet and NPY files as streams of named columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fkarm.errors import TableError, how_to_install
from fkarm.ik.result import REASON_DTYPE

try:
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"fkarm.tables needs pyarrow. Install it: {how_to_install('tables')}.", name=error.name
    ) from error

# The only column of texts that a NPY file can hold.
REASON = "reason"
# Rows that are read at a time.
READ_ROWS = 65_536
# What names the columns of an array without names, from the shape of one of its rows.
Unnamed = Callable[[tuple[int, ...]], Sequence[str]]


class Table(NamedTuple):
    """A file of rows with named columns, open for reading."""

    names: tuple[str, ...]
    rows: int  # of a CSV file: its lines, which are at least as many
    # Columns of numbers (float64), then columns as they are: no rows, then some rows at a time.
    read: Callable[[Sequence[str], Sequence[str]], Iterator[Any]]


def format_of(path: Path) -> str:
    """`".csv"`, `".parquet"` or `".npy"`, or TableError."""
    if path.suffix not in _OPENERS:
        raise TableError(
            f"A table must be a file that ends in {', '.join(_OPENERS)}. Received: {str(path)!r}."
        )
    return path.suffix


def open_table(path: Path, unnamed: Unnamed) -> Table:
    """Open a file.

    Args:
        path: A CSV file with a header, a Parquet file or a NPY file. Of a NPY file the first axis
            is the rows; its columns are the fields of a structured array, or else numbers.
        unnamed: Names the columns of an array without names.
    Raises:
        OSError: If there is no such file, or it cannot be read.
        TableError: If the file is of another kind, or names a column twice.
    """
    opener = _OPENERS[format_of(path)]
    with _explained(path):
        table = opener(path, unnamed)
    twice = sorted({name for name in table.names if table.names.count(name) > 1})
    if twice:
        raise TableError(f"{path} must name each column once. Received: {twice[0]!r} twice.")
    return table


def write_table(path: Path, schema: Any, tables: Iterable[Any], rows: int) -> None:
    """Write Arrow tables of one schema, one after the other, as a file.

    Args:
        path: Where the file goes; its ending chooses the format. NPY: a structured array.
        schema: The Arrow schema.
        tables: The tables.
        rows: How many rows they have together.
    Raises:
        OSError: If the file cannot be written.
        TableError: If a NPY file should hold a column that is not of numbers.
    """
    if path.suffix == ".npy":
        _write_npy(path, schema, tables, rows)
        return
    is_csv = path.suffix == ".csv"
    writer = pa.csv.CSVWriter if is_csv else pa.parquet.ParquetWriter
    with writer(path, schema) as file:
        for table in tables:
            file.write_table(table)


def check_can_hold(path: Path, schema: Any) -> None:
    """Raise TableError if a file of that name cannot hold columns of these types."""
    if path.suffix == ".npy":
        _structure(path, schema)


def column_of(values: np.ndarray) -> Any:
    """An Arrow column of numbers or texts; NaN becomes null, which CSV shows as an empty cell."""
    return pa.array(values, from_pandas=True)


def _open_csv(path: Path, unnamed: Unnamed) -> Table:
    with pa.csv.open_csv(path) as reader:
        raw = {name.strip(): name for name in reader.schema.names}
        names = tuple(name.strip() for name in reader.schema.names)

    def read(numbers: Sequence[str], kept: Sequence[str]) -> Iterator[Any]:
        types = [(raw[name], pa.float64()) for name in numbers]
        # The first lines would decide otherwise: 12 is a number there, and A12 later an error.
        types += [(raw[name], pa.string()) for name in kept]
        convert = pa.csv.ConvertOptions(
            column_types=dict(types), include_columns=[name for name, _ in types]
        )
        with _explained(path), pa.csv.open_csv(path, convert_options=convert) as batches:
            yield batches.schema.empty_table().rename_columns([*numbers, *kept])
            for batch in batches:
                yield pa.table(batch.columns, names=[*numbers, *kept])

    return Table(names, _lines(path), read)


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(partial(file.read, 1 << 20), b""))


def _open_parquet(path: Path, unnamed: Unnamed) -> Table:
    with pa.parquet.ParquetFile(path) as file:
        names, rows = tuple(file.schema_arrow.names), file.metadata.num_rows

    def read(numbers: Sequence[str], kept: Sequence[str]) -> Iterator[Any]:
        wanted = [*numbers, *kept]
        with _explained(path), pa.parquet.ParquetFile(path) as file:
            batches = file.iter_batches(READ_ROWS, columns=wanted)
            for whole in chain(
                [file.schema_arrow.empty_table()], (pa.table(batch) for batch in batches)
            ):
                columns = [_as_numbers(path, name, whole[name]) for name in numbers]
                yield pa.table([*columns, *(whole[name] for name in kept)], names=wanted)

    return Table(names, rows, read)


def _as_numbers(path: Path, name: str, column: Any) -> Any:
    is_number = pa.types.is_floating, pa.types.is_integer, pa.types.is_decimal, pa.types.is_null
    if not any(is_kind(column.type) for is_kind in is_number):
        raise TableError(
            f"Column {name!r} of {path} must hold numbers. Received: the type {column.type}."
        )
    return column.cast(pa.float64(), safe=False)


def _open_npy(path: Path, unnamed: Unnamed) -> Table:
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    if array.ndim == 0 or (array.dtype.names and array.ndim > 1):
        raise TableError(
            f"{path} must hold one row per entry of its first axis. Received: shape {array.shape}."
        )
    names = tuple(array.dtype.names or unnamed(array.shape[1:]))
    kinds = {array.dtype[k].kind for k in range(len(names))} if array.dtype.names else None
    if not (kinds or {array.dtype.kind}) <= set("fiub" if kinds is None else "fiubUS"):
        raise TableError(f"{path} must hold real numbers. Received: the type {array.dtype}.")
    return Table(names, len(array), partial(_read_npy, path, array, names))


def _read_npy(
    path: Path,
    array: np.ndarray,
    names: tuple[str, ...],
    numbers: Sequence[str],
    kept: Sequence[str],
) -> Iterator[Any]:
    for first in range(-READ_ROWS, len(array), READ_ROWS):
        rows = array[max(first, 0) : first + READ_ROWS]
        if array.dtype.names is None:
            flat = rows.reshape(len(rows), len(names))
            columns = {name: flat[:, k] for k, name in enumerate(names)}
        else:
            columns = {name: rows[name] for name in names}
        found = [_as_numbers(path, name, pa.array(np.array(columns[name]))) for name in numbers]
        found += [pa.array(np.array(columns[name])) for name in kept]
        yield pa.table(found, names=[*numbers, *kept])


def _write_npy(path: Path, schema: Any, tables: Iterable[Any], rows: int) -> None:
    structure = _structure(path, schema)
    if not rows:  # a file without rows cannot be mapped
        np.save(path, np.empty(0, structure))
        return
    array = np.lib.format.open_memmap(path, "w+", structure, (rows,))
    first = 0
    for table in tables:
        for name in schema.names:
            values = table[name].to_numpy()
            array[name][first : first + len(table)] = values
        first += len(table)
    array.flush()


def _structure(path: Path, schema: Any) -> np.dtype:
    fields: list[tuple[str, Any]] = []
    for field in schema:
        if field.name == REASON:
            fields.append((field.name, REASON_DTYPE))
        elif pa.types.is_boolean(field.type):
            fields.append((field.name, "?"))
        elif pa.types.is_floating(field.type) or pa.types.is_integer(field.type):
            fields.append((field.name, field.type.to_pandas_dtype()))
        else:
            raise TableError(
                f"A NPY file must hold numbers only. Received: column {field.name!r} of the type "
                f"{field.type} for {path}. Write CSV or Parquet, or do not keep the column."
            )
    return np.dtype(fields)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn errors of readers into errors that name the file."""
    try:
        yield
    except (TableError, OSError):
        raise
    except (pa.ArrowException, ValueError, EOFError) as error:
        raise TableError(f"{path} must be a {path.suffix} file. Received: {error}.") from error


_OPENERS = {".csv": _open_csv, ".parquet": _open_parquet, ".npy": _open_npy}
