"""The search tries every start before it gives up, whatever the number of targets."""

import numpy as np
import pytest

import fkarm
from fkarm.ik.search import Search


@pytest.mark.parametrize("count", [1, 7, 30])
def test_all_starts_are_tried_for_targets_out_of_reach(count, monkeypatch):
    arm = fkarm.robots.planar([0.4, 0.3])
    far = np.tile(np.eye(4), (count, 1, 1))
    far[:, 0, 3] = 1.0 + np.arange(count)
    tried = []
    drawn = Search._starts

    def counted(search, rows, first, number):
        tried.extend(range(first, first + number))
        return drawn(search, rows, first, number)

    monkeypatch.setattr(Search, "_starts", counted)
    fkarm.solve_ik(arm, far, task="position", starts=90, max_steps=3)
    assert tried == list(range(90))
