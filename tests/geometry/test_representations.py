"""The numbers that a pose is written as, their units and their rates."""

import numpy as np
import pytest
from autodiff import array
from oracles import pose, random_rotations
from scipy.spatial.transform import Rotation

from fkarm import geometry
from fkarm.geometry import pose_rate, se3_exp


def random_poses(rng, count):
    return np.stack([pose(r, rng.normal(size=3)) for r in random_rotations(rng, count)])


@pytest.fixture
def ends(rng):
    rotations = Rotation.from_quat(rng.normal(size=(2, 4))).as_matrix()
    return [
        pose(rotation, position)
        for rotation, position in zip(rotations, rng.normal(size=(2, 3)), strict=True)
    ]


@pytest.mark.parametrize("name", geometry.FULL_POSE_REPRESENTATIONS)
def test_a_pose_survives_each_representation(name, rng):
    poses = random_poses(rng, 8).reshape(2, 4, 4, 4)
    numbers = geometry.matrix_to_pose(poses, name)
    assert tuple(numbers.shape) == (2, 4, *geometry.pose_shape(name))
    np.testing.assert_allclose(geometry.pose_to_matrix(numbers, name), poses, atol=1e-12)


def test_units_scale_positions_and_angles_only(rng):
    poses = random_poses(rng, 5)
    metres = array(geometry.matrix_to_pose(poses, "xyz_rpy"))
    scaled = array(geometry.matrix_to_pose(poses, "xyz_rpy", 180 / np.pi, 1e3))
    np.testing.assert_allclose(scaled[:, :3], 1e3 * metres[:, :3])
    np.testing.assert_allclose(scaled[:, 3:], np.degrees(metres[:, 3:]))
    quats = array(geometry.matrix_to_pose(poses, "xyz_quat_wxyz", 180 / np.pi))
    np.testing.assert_allclose(np.linalg.norm(quats[:, 3:], axis=1), 1.0)
    matrix = array(geometry.matrix_to_pose(poses, "matrix", length_scale=1e3))
    np.testing.assert_allclose(matrix[:, :3, 3], 1e3 * poses[:, :3, 3])
    np.testing.assert_array_equal(matrix[:, 3], np.tile([0, 0, 0, 1], (5, 1)))


def test_unknown_representations_are_refused_with_those_there_are():
    with pytest.raises(ValueError, match="Did you mean 'xyz_rpy'"):
        geometry.matrix_to_pose(np.eye(4), "xyz_rpi")
    with pytest.raises(ValueError, match=r"must be one of.*Received: 'position'"):
        geometry.pose_to_matrix(np.zeros(3), "position")
    with pytest.raises(ValueError, match="must be one of"):
        geometry.pose_shape("nothing")
    with pytest.raises(ValueError, match=r"pose must have shape \(\.\.\., 7\)"):
        geometry.pose_to_matrix(np.zeros(6), "xyz_quat_wxyz")


def test_the_position_of_a_pose_in_any_representation(rng):
    poses = random_poses(rng, 3)
    for name in geometry.POSE_REPRESENTATIONS:
        position = geometry.pose_position(geometry.matrix_to_pose(poses, name), name)
        np.testing.assert_allclose(position, poses[:, :3, 3], atol=1e-15)


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
