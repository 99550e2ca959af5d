"""Files that commands write: whole or absent, and checked before the work begins."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from fkarm._files import write_whole
from fkarm.commands import Refused
from fkarm.version import __version__

Row = dict[str, Any]


def check_writable(option: str, path: Path) -> None:
    """Raise `Refused` if the value of an option is a file that cannot be written."""
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


def write_json(path: Path, facts: dict[str, Any], rows: Sequence[Row]) -> None:
    """Write a table and the facts about it; numbers that are not finite become null.

    Args:
        path: Where the file goes.
        facts: What the table is about: the network, its training.
        rows: The rows of `fkarm.learning.evaluate_ik`.
    Raises:
        OSError: If it cannot be written.
    """
    import keras

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
