import numpy as np
import pytest

import fkarm
from fkarm.viz.extras import new_figure
from tools import draw_conventions as drawings

pytestmark = pytest.mark.in_test_all("document")


@pytest.mark.parametrize("convention", ["standard", "modified"])
def test_the_row_that_is_drawn_is_that_of_fkarm(convention):
    ax = new_figure(3, 3).add_subplot(projection="3d")
    drawn = drawings.table_row(ax, convention == "standard")
    robot = fkarm.Robot.from_dh([drawings.ROW], convention, angle_unit="deg")
    pose = fkarm.forward_kinematics(robot, np.zeros(1))
    np.testing.assert_allclose(drawn, pose, atol=1e-12)


def test_every_picture_is_drawn(monkeypatch, tmp_path):
    monkeypatch.setattr(drawings, "FOLDER", tmp_path)
    drawings.main()
    names = sorted(path.stem for path in tmp_path.iterdir())
    assert names == sorted(drawings.PICTURES)
