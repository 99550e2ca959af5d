"""The README's code runs, and the links of all documents lead somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import fkarm

pytestmark = pytest.mark.in_test_all("document")

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize(
    "block",
    BLOCKS,
    ids=[
        "loss in task space",
        "tour",
        "inverse kinematics",
        "learned",
        "in Keras",
        "side questions",
    ],
)
def test_the_code_of_the_readme_runs(block, capsys):
    exec(compile(block, "README.md", "exec"), {})


def test_every_link_in_the_documents_leads_somewhere():
    for document in ROOT.glob("**/*.md"):
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
