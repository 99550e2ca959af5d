"""Files that commands write: whole or absent, and known to be writable before the work."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import keras

from fkarm.commands import Refused
from fkarm.version import __version__

Row = dict[str, Any]


def check_writable(option: str, path: Path) -> None:
    """Refuse a file that could not be written."""
    if path.is_dir():
        raise Refused(f"{option} must be a file. Received: {str(path)!r}, a folder.")
    try:
        with TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise Refused(
            f"{option} must be in a folder that exists and can be written. Received: "
            f"{str(path)!r}: {error.strerror}."
        ) from error


def write_whole(path: Path, write: Callable[[Path], Any]) -> None:
    """Let `write` make a file beside the path, then put it in its place.

    Raises:
        OSError: If it cannot be written; what stood at the path is still there.
    """
    unfinished = path.with_name(f".unfinished-{os.getpid()}-{path.name}")
    try:
        write(unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def write_json(path: Path, facts: dict[str, Any], rows: Sequence[Row]) -> None:
    """The table with what it is of; a number that is not finite becomes null.

    Raises:
        OSError: If it cannot be written.
    """
    versions = {"fkarm": __version__, "keras": keras.__version__}
    data = {
        **versions,
        "backend": keras.backend.backend(),
        "cores": os.cpu_count(),
        **facts,
        "rows": [{name: _finite(value) for name, value in row.items()} for row in rows],
    }
    text = json.dumps(data, indent=2, allow_nan=False) + "\n"
    write_whole(path, lambda file: file.write_text(text))


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
