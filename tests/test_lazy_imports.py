"""What `import fkarm` imports, and what it leaves until it is used."""

import subprocess
import sys

import pytest

import fkarm

pytestmark = pytest.mark.in_test_all("process")


def test_learning_primers_and_viz_are_imported_when_first_used():
    code = (
        "import sys, fkarm; assert 'fkarm.learning' not in sys.modules; "
        "fkarm.learning.pose_stream; assert 'fkarm.primers' not in sys.modules; "
        "fkarm.primers.detach; assert 'fkarm.viz' not in sys.modules; fkarm.viz.draw_robot"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)
    with pytest.raises(AttributeError, match="no attribute 'lerning'"):
        _ = fkarm.lerning
