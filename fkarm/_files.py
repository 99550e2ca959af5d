"""Files that are whole or absent."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

UNFINISHED = ".unfinished-"


def write_whole(path: Path, write: Callable[[Path], Any]) -> None:
    """Let `write` make a file in the same folder, then move it to the path.

    Args:
        path: Where the file goes. A file that is already there is replaced.
        write: Takes a path with the same ending and writes the file there.
    Raises:
        OSError: If the file cannot be written. A file that is already there is unchanged.
    """
    unfinished = path.with_name(f"{UNFINISHED}{os.getpid()}-{path.name}")
    try:
        write(unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
