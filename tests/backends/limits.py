"""What backends other than TensorFlow cannot do: the README's table, from the tests' marks.

A mark is `@pytest.mark.only_on("tensorflow", reason="...")`; `conftest.py` skips by it.
"""

import ast
from pathlib import Path

TESTS = Path(__file__).parents[1]
SUITES = ("geometry", "kinematics", "compare", "layers", "losses", "metrics", "ik")
BACKENDS = {"jax": "JAX", "torch": "PyTorch"}


def marked(path):
    """For each marked test of a file its name, the backends it runs on, and the reason."""
    module = ast.parse(path.read_text())
    constants = {
        node.targets[0].id: node.value.value
        for node in module.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
    }
    for test in (node for node in module.body if isinstance(node, ast.FunctionDef)):
        for mark in test.decorator_list:
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.only_on":
                (reason,) = (each.value for each in mark.keywords if each.arg == "reason")
                given = constants[reason.id] if isinstance(reason, ast.Name) else reason.value
                yield test.name, {each.value for each in mark.args}, given


def table():
    """A row for each reason, with the tests that it leaves out."""
    rows = {}
    for suite in SUITES:
        for path in sorted((TESTS / suite).glob("test_*.py")):
            for test, backends, reason in marked(path):
                without = tuple(name for each, name in BACKENDS.items() if each not in backends)
                rows.setdefault((reason, without), []).append(f"`{suite}/{path.name}`: `{test}`")
    lines = ["| what | not on | tests left out there |", "|---|---|---|"]
    for (reason, without), tests in rows.items():
        lines.append(f"| {reason} | {', '.join(without)} | {'<br>'.join(tests)} |")
    return "\n".join(lines)
