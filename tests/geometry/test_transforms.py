"""Rigid transforms: group laws, exponential and logarithm, errors, representations."""

import numpy as np
import pytest
from autodiff import MODES, array, check_gradient, dtype_of, in_mode, jacobian_of, tensor
from oracles import pose, random_rotations, rot
from scipy.linalg import expm
from scipy.spatial.transform import Rotation

from fkarm import geometry


def random_poses(rng, count):
    return np.stack([pose(r, rng.normal(size=3)) for r in random_rotations(rng, count)])


def twist_matrix(twist):
    matrix = np.zeros((4, 4))
    matrix[:3, :3] = [[0, -twist[5], twist[4]], [twist[5], 0, -twist[3]], [-twist[4], twist[3], 0]]
    matrix[:3, 3] = twist[:3]
    return matrix


ANGLES = [0.0, 1e-12, 0.2236, 0.2237, 1.0, np.pi - 1e-6, np.pi]


@pytest.mark.parametrize("angle", ANGLES, ids=str)
def test_se3_exp_is_the_matrix_exponential_and_log_its_inverse(angle):
    axis = np.array([2, -1, 2]) / 3
    twist = np.concatenate([[0.3, -0.2, 0.5], angle * axis])
    transform = array(geometry.se3_exp(twist))
    np.testing.assert_allclose(transform, expm(twist_matrix(twist)), atol=1e-12)
    np.testing.assert_allclose(geometry.se3_exp(geometry.se3_log(transform)), transform, atol=1e-12)
    if angle < np.pi:
        np.testing.assert_allclose(geometry.se3_log(transform), twist, atol=2e-10)
    for function, at in ((geometry.se3_exp, twist), (geometry.se3_log, transform)):
        assert np.isfinite(jacobian_of(function, at)).all()


@pytest.mark.parametrize("angle", [0.0, 1e-9, 0.2236, 0.2237, 2.0], ids=str)
def test_se3_gradients_match_central_differences(angle):
    twist = np.array([0.3, -0.2, 0.5, 0.0, 0.6 * angle, 0.8 * angle])
    check_gradient(geometry.se3_exp, twist)
    check_gradient(lambda x: geometry.se3_log(geometry.se3_exp(x)), twist)


def test_composition_and_inverse_are_those_of_matrices(rng):
    a, b = random_poses(rng, 6).reshape(2, 3, 4, 4), random_poses(rng, 3)
    np.testing.assert_allclose(geometry.compose_transforms(a, b), a @ b, atol=1e-14)
    np.testing.assert_allclose(geometry.invert_transform(a), np.linalg.inv(a), atol=1e-14)


def test_points_are_carried_from_b_to_a(rng):
    transforms, points = random_poses(rng, 4), rng.normal(size=(4, 7, 3))
    expected = np.einsum("bij,bnj->bni", transforms[:, :3, :3], points) + transforms[:, None, :3, 3]
    np.testing.assert_allclose(geometry.transform_points(transforms, points), expected, atol=1e-14)
    with pytest.raises(ValueError, match="Add an axis"):
        geometry.transform_points(transforms, points[0, 0])


def test_pose_error_is_what_moves_current_to_target(rng):
    current, target = random_poses(rng, 10), random_poses(rng, 10)
    error = array(geometry.pose_error(current, target))
    np.testing.assert_allclose(error[:, :3], target[:, :3, 3] - current[:, :3, 3], atol=1e-14)
    turned = Rotation.from_rotvec(error[:, 3:]).as_matrix() @ current[:, :3, :3]
    np.testing.assert_allclose(turned, target[:, :3, :3], atol=1e-12)
    assert geometry.pose_error(current[0], target).shape == (10, 6)
    assert geometry.pose_error(current, target[0]).shape == (10, 6)


def test_pose_error_has_a_finite_gradient_at_a_match_and_a_half_turn():
    for angle in (0.0, np.pi):
        target = pose(rot((0, 0, 1), angle))
        jacobian = jacobian_of(lambda t, t_a=target: geometry.pose_error(t, t_a), np.eye(4))
        assert np.isfinite(jacobian).all()


def test_distances_of_poses(rng):
    a, b = random_poses(rng, 10), random_poses(rng, 10)
    np.testing.assert_allclose(
        geometry.position_distance(a, b),
        np.linalg.norm(a[:, :3, 3] - b[:, :3, 3], axis=1),
        atol=1e-14,
    )
    relative = Rotation.from_matrix(a[:, :3, :3].transpose(0, 2, 1) @ b[:, :3, :3])
    np.testing.assert_allclose(
        geometry.orientation_distance(a, b), relative.magnitude(), atol=1e-12
    )


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


@pytest.mark.parametrize("mode", MODES)
def test_geometry_runs_with_an_unknown_batch_and_zero_rows(mode):
    def everything(transform):
        return [
            geometry.matrix_to_pose(transform, name) for name in geometry.POSE_REPRESENTATIONS
        ] + [geometry.se3_log(transform), geometry.invert_transform(transform)]

    compiled = in_mode(everything, mode, (None, 4, 4), "float64")
    for count in (0, 3):
        for value in compiled(tensor(np.tile(np.eye(4), (count, 1, 1)))):
            assert value.shape[0] == count


def test_a_list_and_an_array_of_another_type_work_together():
    points = geometry.transform_points(np.eye(4), [[0.0, 0.0, 1.0]])
    np.testing.assert_array_equal(points, [[0, 0, 1]])
    single = np.eye(4, dtype="float32")
    assert dtype_of(geometry.pose_error(single, np.eye(4))) == "float64"
    assert float(geometry.position_distance(single, np.eye(4))) == 0.0
    assert float(geometry.orientation_distance(single, np.eye(4))) == 0.0
    np.testing.assert_array_equal(geometry.compose_transforms(single, np.eye(4)), np.eye(4))


def test_rotations_and_positions_broadcast():
    assert geometry.make_transform(np.eye(3), np.zeros((5, 3))).shape == (5, 4, 4)
    assert geometry.make_transform(np.zeros((2, 1, 3, 3)), np.zeros((5, 3))).shape == (2, 5, 4, 4)


def test_the_position_of_a_pose_in_any_representation(rng):
    poses = random_poses(rng, 3)
    for name in geometry.POSE_REPRESENTATIONS:
        position = geometry.pose_position(geometry.matrix_to_pose(poses, name), name)
        np.testing.assert_allclose(position, poses[:, :3, 3], atol=1e-15)


def test_vendor_orientations_are_their_makers_definitions(rng):
    a, b, c = angles = rng.uniform(-1.5, 1.5, size=3)
    kuka = rot((0, 0, 1), a) @ rot((0, 1, 0), b) @ rot((1, 0, 0), c)
    np.testing.assert_allclose(geometry.kuka_abc_to_matrix(angles), kuka, atol=1e-14)
    np.testing.assert_allclose(geometry.matrix_to_kuka_abc(kuka), angles, atol=1e-14)
    fanuc = rot((0, 0, 1), c) @ rot((0, 1, 0), b) @ rot((1, 0, 0), a)
    np.testing.assert_allclose(geometry.fanuc_wpr_to_matrix(angles), fanuc, atol=1e-14)
    np.testing.assert_allclose(geometry.matrix_to_fanuc_wpr(fanuc), angles, atol=1e-14)
    turned = rot(angles, np.linalg.norm(angles))
    np.testing.assert_allclose(geometry.ur_rotvec_to_matrix(angles), turned, atol=1e-14)
    np.testing.assert_allclose(geometry.matrix_to_ur_rotvec(turned), angles, atol=1e-14)
    q1, q2, q3, q4 = array(geometry.matrix_to_abb_quat(rot((0, 0, 1), 0.8)))
    np.testing.assert_allclose([q1, q2, q3, q4], [np.cos(0.4), 0, 0, np.sin(0.4)], atol=1e-14)
    np.testing.assert_allclose(
        geometry.abb_quat_to_matrix([q1, q2, q3, q4]), rot((0, 0, 1), 0.8), atol=1e-6
    )
