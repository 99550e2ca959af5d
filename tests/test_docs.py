"""The pages of docs/: their code runs."""

import re
from pathlib import Path

import pytest

from benchmarks import readme
from benchmarks.ik import promises

pytestmark = pytest.mark.in_test_all("document")

PAGES = sorted((Path(__file__).parent.parent / "docs").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_code_of_a_page_runs(page):
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL):
        exec(compile(block, page.name, "exec"), names)


def test_the_figures_of_inverse_kinematics_come_from_the_recorded_file():
    table = promises.table(readme.RESULTS / "ik_promises.json")
    assert table in (readme.ROOT / "docs" / "ik.md").read_text()
