import numpy as np
import pytest

import fkarm
from fkarm.kinematics.loop import arrays


@pytest.fixture
def looped(monkeypatch):
    """All robots are computed by loops, and all calls by compiled code."""
    monkeypatch.setattr(arrays, "MOST_UNROLLED_IN_CHAIN", 0)
    monkeypatch.setattr(arrays, "MOST_UNROLLED_IN_TREE", 0)
    fkarm.config.clear()
    with fkarm.config.compilation("graph"):
        yield
    fkarm.config.clear()


def chain(joints, seed=0, first="revolute"):
    """A chain of joints with oblique axes; every fifth one slides."""
    rng = np.random.default_rng(seed)
    return fkarm.Robot.from_joints(
        [
            fkarm.Joint(
                f"joint_{k}",
                first if k == 0 else "prismatic" if k % 5 == 4 else "revolute",
                axis=rng.normal(size=3),
                xyz=rng.normal(0, 0.2, 3),
                rpy=rng.normal(size=3),
                lower=-2,
                upper=2,
            )
            for k in range(joints)
        ],
        tool=(0.1, 0.0, 0.2),
        name=f"chain_{joints}",
    )


@pytest.fixture(scope="session")
def make_chain():
    return chain
