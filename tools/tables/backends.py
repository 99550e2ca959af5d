"""What backends other than TensorFlow cannot do, from the marks of the tests.

A mark is `@pytest.mark.only_on("tensorflow", reason="...")`; `tests/conftest.py` skips by it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import ROOT
from tools.tables import table

SUITES = (
    "calibration",
    "geometry",
    "kinematics",
    "collision",
    "compare",
    "layers",
    "losses",
    "metrics",
    "ik",
)
BACKENDS = {"jax": "JAX", "torch": "PyTorch"}


def limits_table() -> str:
    """A row for each reason, with the tests that it leaves out."""
    rows: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for suite in SUITES:
        for path in sorted((ROOT / "tests" / suite).rglob("test_*.py")):
            name = path.relative_to(ROOT / "tests")
            for test, backends, reason in marked(path):
                without = tuple(shown for each, shown in BACKENDS.items() if each not in backends)
                rows.setdefault((reason, without), []).append(f"`{name}`: `{test}`")
    cells = [
        [reason, ", ".join(without), "<br>".join(tests)]
        for (reason, without), tests in rows.items()
    ]
    return "\n".join(table(["what", "not on", "tests left out there"], cells))


def marked(path: Path) -> Iterator[tuple[str, set[str], str]]:
    """For each marked test of a file its name, the backends that it runs on, and the reason."""
    module = ast.parse(path.read_text())
    constants = {
        node.targets[0].id: node.value.value
        for node in module.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
    }
    marks = [
        (node.name, mark)
        for node in module.body
        if isinstance(node, ast.FunctionDef)
        for mark in node.decorator_list
    ]
    marks += [
        ("all", node.value)
        for node in module.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"
    ]
    for name, mark in marks:
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.only_on":
            (reason,) = (each.value for each in mark.keywords if each.arg == "reason")
            given = constants[reason.id] if isinstance(reason, ast.Name) else reason.value
            yield name, {each.value for each in mark.args}, given
