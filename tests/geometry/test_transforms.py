"""Rigid transforms: group laws, exponential and logarithm, errors, interpolation."""

import numpy as np
import pytest
from autodiff import MODES, array, check_gradient, dtype_of, in_mode, jacobian_of, tensor
from oracles import pose, random_rotations, rot
from scipy.linalg import expm
from scipy.spatial.transform import Rotation, Slerp

from fkarm import geometry
from fkarm.geometry import interpolate_transforms


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
