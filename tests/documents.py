"""The Python code of the README and of the pages of docs/, as programs."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
BACKEND = re.compile(r'^os\.environ\["KERAS_BACKEND"\] = "(\w+)"', re.MULTILINE)
PEER = re.compile(r"^import (pytorch_kinematics|pyroki|roboticstoolbox)\b", re.MULTILINE)


class Program(NamedTuple):
    """Code blocks of a page that run one after the other, and the backend that they choose."""

    page: str
    backend: str
    code: str

    @property
    def peer(self):
        """The other library that the program runs beside fkarm, or None."""
        found = PEER.search(self.code)
        return found and found[1]

    def run(self, folder):
        """Run the program in a fresh process, in an empty folder; fail with its last lines.

        A program with a peer that is not installed is skipped.
        """
        if self.peer and find_spec(self.peer) is None:
            pytest.skip(f"{self.peer}, which {self.page} compares fkarm with, is not installed")
        file = folder / "program.py"  # a name that shadows no module
        file.write_text(self.code)
        command = [sys.executable, "-W", "error::UserWarning", file.name]
        run(command, folder, PYTHONPATH=str(ROOT), KERAS_BACKEND=self.backend)


def run(command, folder, **environment):
    """Run a command in a folder; fail with its last lines."""
    environment = {**os.environ, **environment}
    done = subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr[-3000:] or done.stdout[-3000:]


def programs():
    """All programs. The blocks of a page are one; a block that chooses a backend begins another."""
    for page in (ROOT / "README.md", *PAGES):
        parts = []
        for block in BLOCK.findall(page.read_text()):
            if parts and not BACKEND.search(block):
                parts[-1] += f"\n{block}"
            else:
                parts.append(block)
        for code in parts:
            backend = BACKEND.search(code)
            yield Program(page.stem, backend[1] if backend else "tensorflow", code)
