"""The tested step: where it comes to rest."""

import numpy as np
import pytest
from autodiff import array
from scipy.optimize import minimize

import fkarm


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("reach", [1.0, 3.0])
def test_out_of_reach_a_refinement_comes_to_rest_at_the_nearest_pose(dtype, reach):
    arm = fkarm.robots.planar([0.4, 0.3, 0.2])
    layer = fkarm.layers.IKRefinement(arm, arm.end_effector, 3, task="position", dtype=dtype)
    target = np.eye(4)[None]
    target[0, 0, 3] = reach
    q = np.array([[0.5, 0.5, 0.5]], dtype)
    for _ in range(8):
        q = array(layer((q, target.astype(dtype))))
    after = array(layer((q, target.astype(dtype))))
    assert np.abs(after - q).max() <= (1e-9 if dtype == "float64" else 1e-6)
    np.testing.assert_allclose(q, 0.0, atol=1e-6 if dtype == "float64" else 1e-3)


def test_a_path_out_of_reach_ends_at_the_least_error():
    """The least of three methods of SciPy, each from many starts."""
    arm = fkarm.robots.planar([0.4, 0.3, 0.2])
    target = np.eye(4)
    target[:2, :2], target[0, 3] = [[0, -1], [1, 0]], 1.0

    def cost(q):
        a, b, c = np.cumsum(q)
        x = 0.4 * np.cos(a) + 0.3 * np.cos(b) + 0.2 * np.cos(c)
        y = 0.4 * np.sin(a) + 0.3 * np.sin(b) + 0.2 * np.sin(c)
        return (1 - x) ** 2 + y**2 + 0.09 * (np.pi / 2 - c) ** 2

    starts = np.random.default_rng(0).uniform(-1, 1, size=(5, 3))
    least = min(minimize(cost, start).fun for start in starts)
    found = fkarm.follow_path(arm, target[None], np.array([0.5, 0.5, 0.5]))
    assert cost(found.q[0]) <= least + 1e-9
    assert not found.converged[0]
