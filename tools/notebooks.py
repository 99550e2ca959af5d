"""`python -m tools.notebooks`: the tutorials as notebooks in `build/notebooks`, run by `--run`."""

from __future__ import annotations

import argparse
import re
import time
from pathlib import Path
from typing import Any

import jupytext
from nbformat.v4 import new_markdown_cell

ROOT = Path(__file__).parents[1]
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.md"))
ELSEWHERE = (
    "To run this notebook elsewhere, such as on a hosted service, upload the wheel that "
    "`make dist` writes in a clone, and first run "
    "`%pip install fkarm-*.whl viser trimesh pycollada`."
)
LINK = re.compile(r"\[([^]]+)\]\([^)]+\)")


def notebook(page: Path) -> Any:
    """A tutorial as a notebook; its links, which lead to other pages, become plain text."""
    made = jupytext.reads(page.read_text(), "md")
    made.cells.insert(1, new_markdown_cell(ELSEWHERE))
    for cell in made.cells:
        cell.pop("id", None)  # a random number
        if cell.cell_type == "markdown":
            cell.source = LINK.sub(r"\1", cell.source)
    made.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    made.nbformat_minor = 4
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", action="store_true", help="run them, and keep what they print")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "notebooks", help="folder")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for page in TUTORIALS:
        made, start = notebook(page), time.monotonic()
        if options.run:
            from nbclient import NotebookClient

            NotebookClient(made, resources={"metadata": {"path": options.out}}).execute()
        path = options.out / f"{page.stem}.ipynb"
        path.write_text(jupytext.writes(made, "ipynb"))
        print(f"{path}: {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
