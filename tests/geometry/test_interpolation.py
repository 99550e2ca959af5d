"""Poses on the way from one to another."""

import numpy as np
import pytest
from autodiff import array
from oracles import pose
from scipy.spatial.transform import Rotation, Slerp

from fkarm.geometry import interpolate_transforms, pose_rate, se3_exp


@pytest.fixture
def ends(rng):
    rotations = Rotation.from_quat(rng.normal(size=(2, 4))).as_matrix()
    return [
        pose(rotation, position)
        for rotation, position in zip(rotations, rng.normal(size=(2, 3)), strict=True)
    ]


def test_a_straight_way_is_a_line_and_a_steady_turn(ends):
    share = np.linspace(0, 1, 7)
    found = array(interpolate_transforms(*ends, share))
    assert found.shape == (7, 4, 4)
    turn = Slerp([0, 1], Rotation.from_matrix([end[:3, :3] for end in ends]))(share)
    np.testing.assert_allclose(found[:, :3, :3], turn.as_matrix(), atol=1e-12)
    line = ends[0][:3, 3] + share[:, None] * (ends[1][:3, 3] - ends[0][:3, 3])
    np.testing.assert_allclose(found[:, :3, 3], line, atol=1e-12)


def test_a_screw_has_one_body_twist_all_along(ends):
    found = array(interpolate_transforms(*ends, np.linspace(0, 1, 6), motion="screw"))
    np.testing.assert_allclose(found[0], ends[0], atol=1e-12)
    np.testing.assert_allclose(found[-1], ends[1], atol=1e-12)
    steps = np.linalg.inv(found[:-1]) @ found[1:]
    np.testing.assert_allclose(steps, np.stack([steps[0]] * 5), atol=1e-12)


def test_batches_broadcast_and_bad_input_is_refused(ends):
    many = np.stack([ends, ends[::-1]])  # (2, 2, 4, 4)
    found = interpolate_transforms(many, ends[0], [0.0, 0.25, 1.0])
    assert tuple(found.shape) == (2, 2, 3, 4, 4)
    np.testing.assert_allclose(found[1, 0, 2], ends[0], atol=1e-12)
    with pytest.raises(ValueError, match="motion must be one of"):
        interpolate_transforms(*ends, [0.5], motion="spiral")
    with pytest.raises(ValueError, match="share must be a vector"):
        interpolate_transforms(*ends, 0.5)


def test_the_rate_of_a_pose_is_that_of_its_numbers(ends, rng):
    """Along `exp(t twist)` in root axes, by differences."""
    linear, angular = rng.normal(size=(2, 3))
    step = 1e-6

    def moved(t):
        turn = array(se3_exp(np.concatenate([np.zeros(3), t * angular])))[:3, :3]
        return pose(turn @ ends[0][:3, :3], ends[0][:3, 3] + t * linear)

    expected = (moved(step) - moved(-step)) / (2 * step)
    rate = pose_rate(ends[0], np.concatenate([linear, angular]), "matrix")
    np.testing.assert_allclose(rate, expected, atol=1e-8)
    with pytest.raises(ValueError, match="twist must have shape"):
        pose_rate(ends[0], np.zeros(5), "matrix")
    with pytest.raises(ValueError, match="representation"):
        pose_rate(ends[0], np.zeros(6), "euler")
