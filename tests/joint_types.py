"""Robots that together have every type of joint, and configurations of them."""

import numpy as np
import pytest

EVERY_CASE = pytest.mark.in_test_all("every case")
ROBOTS = [
    "every_joint",
    "ball_and_plane",
    *(pytest.param(name, marks=EVERY_CASE) for name in ("three_joints", "free_robot")),
]
# Different for every entry of a pose, so that a sum tells them apart.
WEIGHTS = np.sin(np.arange(16.0)).reshape(4, 4)


def sample(robot, shape=(3,), dtype="float64"):
    return np.random.default_rng(5).uniform(-1, 1, (*shape, robot.dof)).astype(dtype)
