"""The README's numbers are those of the recorded files. Its code runs in test_docs.py."""

import re
import subprocess
import sys
from pathlib import Path

import limits
import pytest

import fkarm
from benchmarks import readme

pytestmark = pytest.mark.in_test_all("document")

README = (Path(__file__).parent.parent / "README.md").read_text()


@pytest.mark.parametrize("name", readme.TABLES)
def test_the_numbers_of_the_readme_come_from_the_recorded_files(name):
    assert readme.TABLES[name]() in README


def test_what_other_backends_cannot_do_is_what_the_tests_leave_out():
    assert f"begin -->\n{limits.table()}\n<!-- backends:end" in README


def test_every_link_in_the_documents_leads_somewhere():
    root = Path(readme.__file__).parent.parent
    for document in root.glob("**/*.md"):
        if ".venv" in document.parts:
            continue
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document}: {target}"


def test_learning_primers_and_viz_are_imported_when_first_used():
    code = (
        "import sys, fkarm; assert 'fkarm.learning' not in sys.modules; "
        "fkarm.learning.pose_stream; assert 'fkarm.primers' not in sys.modules; "
        "fkarm.primers.detach; assert 'fkarm.viz' not in sys.modules; fkarm.viz.draw_robot"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)
    with pytest.raises(AttributeError, match="no attribute 'lerning'"):
        _ = fkarm.lerning
