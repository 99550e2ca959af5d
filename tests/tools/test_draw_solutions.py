"""The picture of the README shows eight different configurations that reach its target."""

import numpy as np
import pytest
from oracles import Pinocchio

import fkarm
from tools import draw_solutions

pytestmark = pytest.mark.in_test_all("document")


@pytest.fixture(scope="module")
def q():
    return draw_solutions.solutions(draw_solutions.make_target())


def test_eight_different_configurations_reach_the_target(q):
    pytest.importorskip("pinocchio")
    arm = Pinocchio(text=fkarm.robots.ur5e().to_urdf())
    assert len(q) == 8
    for row in q:
        values = dict(zip(fkarm.robots.ur5e().joint_names, row, strict=True))
        (reached,) = arm.poses(values, ["tool0"])
        np.testing.assert_allclose(reached, draw_solutions.make_target(), atol=2e-3)
    apart = np.abs(np.angle(np.exp(1j * (q[:, None] - q)))).max(axis=-1)
    assert apart[~np.eye(8, dtype=bool)].min() > 0.5


def test_the_centre_line_ends_at_the_target(q):
    for row in q:
        line = draw_solutions.centre_line(row)
        np.testing.assert_allclose(line[0], 0.0, atol=1e-12)
        np.testing.assert_allclose(line[-1], draw_solutions.make_target()[:3, 3], atol=1e-3)


def test_the_picture_is_written_and_small(q, tmp_path):
    path = tmp_path / "folder" / "picture.png"
    draw_solutions.draw(q, draw_solutions.make_target(), path)
    assert 50_000 < path.stat().st_size < 150_000
