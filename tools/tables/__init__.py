"""The tables of the documents, and how their cells are written."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.harness import RESULTS, Row

Report = dict[str, Any]


def read(name: str) -> Report:
    """A recorded file of `benchmarks/results`."""
    return json.loads((RESULTS / f"{name}.json").read_text())


def in_order(rows: list[Row], key: str) -> list[str]:
    """The values of a key, without repetitions."""
    return list(dict.fromkeys(row[key] for row in rows))


def table(header: list[str], rows: list[list[str]]) -> list[str]:
    """The lines of a table."""
    lines = [header, *rows]
    written = [f"| {' | '.join(cells)} |" for cells in lines]
    return [written[0], "|---" * len(header) + "|", *written[1:]]


def ratio_text(ratio: float) -> str:
    """A ratio in two digits or in whole numbers."""
    return f"{ratio:,.0f}x" if ratio >= 10 else f"{ratio:.2g}x"


def rounded(number: float) -> str:
    """Two significant digits, thousands marked."""
    return f"{float(f'{number:.2g}'):,.0f}"


def share_text(share: float) -> str:
    """A percentage that says 100 only of all."""
    return "100%" if share == 1.0 else f"{min(share, 0.9999):.2%}".replace(".00%", "%")


def machine(report: Report) -> str:
    """The processor and the framework of a run."""
    backend = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}[report["backend"]]
    package = report["versions"][report["backend"]]
    cpu = f"{report['cores']} cores of {report['processor']}"
    return f"{cpu if report['device'] == 'cpu' else report['device_name']}, {backend} {package}"
