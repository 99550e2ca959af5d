"""The import of Keras, without the lines that TensorFlow writes whenever it starts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fkarm.commands import Refused

# TensorFlow's variable: "0" shows everything, "1" hides information, "2" hides warnings as well.
LEVEL = "TF_CPP_MIN_LOG_LEVEL"


def import_keras() -> None:
    """Import Keras and its backend; TensorFlow's information stays hidden, warnings do not.

    The level of the log hides what follows the import, but not what TensorFlow writes before it
    reads the level. A level that the user sets is respected, and `"0"` shows every line.

    Raises:
        Refused: If Keras or the library of its backend is not installed.
    """
    if "keras" in sys.modules:
        return
    level = os.environ.setdefault(LEVEL, "1")
    try:
        if level == "0":
            _import()
        else:
            with _filtered_errors():
                _import()
    except ModuleNotFoundError as error:
        raise Refused(f"This command needs Keras: {error}") from error


def _import() -> None:
    import keras

    if keras.backend.backend() == "tensorflow":  # it looks for a GPU, and says if there is none
        sys.modules["tensorflow"].config.list_physical_devices()


@contextmanager
def _filtered_errors() -> Iterator[None]:
    """Send what the process writes as errors through `start_up_lines.py`.

    That is another process: if this one is aborted, the reason is still printed.
    """
    script = Path(__file__).with_name("start_up_lines.py")
    sys.stderr.flush()
    before = os.dup(2)
    to_read, to_write = os.pipe()
    child = subprocess.Popen(
        [sys.executable, "-S", "-E", str(script)], stdin=to_read, stdout=before
    )
    os.dup2(to_write, 2)
    for end in (to_read, to_write):
        os.close(end)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(before, 2)  # which closes the pipe, so that the child ends
        os.close(before)
        child.wait()
