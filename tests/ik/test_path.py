"""Paths: continuous, within tolerance, honest where they end."""

import numpy as np
import pytest
from autodiff import array

import fkarm
from fkarm.geometry import interpolate_transforms


@pytest.fixture(scope="module")
def start():
    return np.array([[0.0, -0.5, 0.0, -2.0, 0.0, 1.6, 0.8], [0.3, 0.2, -0.4, -1.5, 0.2, 1.8, 0.1]])


@pytest.fixture(scope="module")
def path(panda, start):
    first = array(fkarm.forward_kinematics(panda, start, "panda_hand"))
    last = first.copy()
    last[:, :3, 3] += [[0.1, 0.2, 0.05], [-0.1, -0.1, 0.1]]
    return array(interpolate_transforms(first, last, np.linspace(0, 1, 40)))


def test_a_path_is_followed_without_jumps(panda, start, path):
    found = fkarm.follow_path(panda, path, start, "panda_hand")
    assert found.q.shape == (2, 40, 7)
    assert found.converged.all()
    assert found.position_error.max() < 1e-6
    steps = np.abs(np.diff(found.q, axis=1)).max(axis=-1)
    assert (steps.max(axis=1) < 3 * np.median(steps, axis=1)).all()
    assert np.abs(found.q[:, 0] - start).max() < 1e-6


def test_one_path_and_one_start_for_all(panda, start, path):
    both = fkarm.follow_path(panda, path, start, "panda_hand")
    one = fkarm.follow_path(panda, path[0], start[0], "panda_hand")
    np.testing.assert_allclose(one.q, both.q[0], atol=1e-9)
    same = fkarm.follow_path(panda, np.stack([path[0]] * 2), start[0], "panda_hand")
    np.testing.assert_allclose(same.q, np.stack([one.q] * 2), atol=1e-9)


def test_a_path_that_leaves_the_workspace_says_where(panda, start, path):
    out = path[0].copy()
    out[20:, 0, 3] += np.linspace(0, 2, 20)
    found = fkarm.follow_path(panda, out, start[0], "panda_hand")
    assert found.converged[:21].all()
    assert not found.converged[-5:].any()
    assert np.isfinite(found.q).all()


def test_a_single_pose_is_no_path(panda, start, path):
    with pytest.raises(ValueError, match="axis|shape"):
        fkarm.follow_path(panda, path[0, 0], start[0], "panda_hand")
    with pytest.raises(ValueError, match="q_start must be finite, of shape"):
        fkarm.follow_path(panda, path, np.zeros(6), "panda_hand")
