"""Tables of a small arm, in blocks and chunks of a few rows."""

import numpy as np
import pytest

import fkarm

BLOCKS = (4, 8)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """A chunk has at least eight rows."""
    monkeypatch.setattr("fkarm.tables.jobs.BLOCK_ROWS", BLOCKS)


@pytest.fixture(scope="session")
def arm():
    return fkarm.robots.ur5e()


@pytest.fixture(scope="session")
def q(arm):
    return fkarm.sample_configurations(arm, 30, seed=3)


@pytest.fixture(scope="session")
def poses(arm, q):
    return np.asarray(fkarm.forward_kinematics(arm, q))
