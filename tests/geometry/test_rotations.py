"""Rotations against SciPy, near every singular point, and their gradients."""

import numpy as np
import pytest
from autodiff import array, check_gradient, dtype_of, gradient_of, jacobian_of, tensor
from oracles import random_rotations, rot, rpy_matrix
from scipy.spatial.transform import Rotation

from fkarm import geometry
from fkarm.geometry import rotations

# Zero, tiny, both sides of each threshold (0.05 rad^2, |v|^2 = 1e-3 s^2), near and at pi.
ANGLES = [0.0, 1e-12, 1e-7, 0.0632, 0.0633, 0.2236, 0.2237, 1.0, np.pi / 2, np.pi - 1e-6, np.pi]
AXES = np.array([[2, -1, 2], [1, 0, 0], [0, -1, 0], [0, 0, 1], [1e-3, 1, 0]], dtype=float)
AXES /= np.linalg.norm(AXES, axis=1, keepdims=True)
ROTVECS = np.array([angle * axis for angle in ANGLES for axis in AXES])

TO_MATRIX = {
    "rpy": (geometry.rpy_to_matrix, geometry.matrix_to_rpy),
    "ypr": (geometry.ypr_to_matrix, geometry.matrix_to_ypr),
    "quat_wxyz": (geometry.quat_wxyz_to_matrix, geometry.matrix_to_quat_wxyz),
    "quat_xyzw": (geometry.quat_xyzw_to_matrix, geometry.matrix_to_quat_xyzw),
    "rotvec": (geometry.so3_exp, geometry.so3_log),
    "rot6d": (geometry.rot6d_to_matrix, geometry.matrix_to_rot6d),
}


def scipy_matrices():
    return Rotation.from_rotvec(ROTVECS).as_matrix()


def test_so3_exp_matches_scipy_near_every_threshold():
    np.testing.assert_allclose(geometry.so3_exp(ROTVECS), scipy_matrices(), atol=1e-12)


def test_so3_log_matches_scipy_near_every_threshold():
    ours = array(geometry.so3_log(scipy_matrices()))
    theirs = Rotation.from_matrix(scipy_matrices()).as_rotvec()
    at_pi = np.linalg.norm(ROTVECS, axis=1) > np.pi - 1e-9  # there the axis has two signs
    np.testing.assert_allclose(ours[~at_pi], theirs[~at_pi], atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(ours[at_pi], axis=1), np.pi, atol=1e-12)
    np.testing.assert_allclose(geometry.so3_exp(ours), scipy_matrices(), atol=1e-12)


def test_so3_log_keeps_the_digits_of_a_tiny_rotation():
    rotvec = np.array([[3e-9, -4e-9, 1e-9]])
    np.testing.assert_allclose(geometry.so3_log(geometry.so3_exp(rotvec)), rotvec, rtol=1e-12)


def test_quaternions_match_scipy_in_both_orders():
    xyzw = Rotation.from_matrix(scipy_matrices()).as_quat()
    ours = array(geometry.matrix_to_quat_xyzw(scipy_matrices()))
    sign = np.sign(np.sum(ours * xyzw, axis=1, keepdims=True))  # q and -q are one rotation
    np.testing.assert_allclose(ours * sign, xyzw, atol=1e-12)
    assert (ours[:, 3] >= 0).all()
    wxyz = array(geometry.matrix_to_quat_wxyz(scipy_matrices()))
    np.testing.assert_array_equal(wxyz, ours[:, [3, 0, 1, 2]])
    np.testing.assert_allclose(geometry.quat_xyzw_to_matrix(xyzw), scipy_matrices(), atol=1e-12)


def test_a_quaternion_need_not_be_of_unit_length():
    quat = np.array([[0.5, -1.0, 2.0, 0.3]])
    np.testing.assert_allclose(
        geometry.quat_wxyz_to_matrix(7 * quat), geometry.quat_wxyz_to_matrix(quat), atol=1e-14
    )
    np.testing.assert_array_equal(geometry.quat_wxyz_to_matrix(np.zeros(4)), np.eye(3))


def test_rpy_means_fixed_axes_as_in_urdf(rng):
    rpy = rng.uniform(-3, 3, size=(20, 3))
    expected = np.stack([rpy_matrix(*each) for each in rpy])
    np.testing.assert_allclose(geometry.rpy_to_matrix(rpy), expected, atol=1e-12)
    scipy = Rotation.from_euler("xyz", rpy).as_matrix()
    np.testing.assert_allclose(geometry.rpy_to_matrix(rpy), scipy, atol=1e-12)


def test_rpy_of_a_matrix_matches_scipy(rng):
    matrices = random_rotations(rng, 200)
    expected = Rotation.from_matrix(matrices).as_euler("xyz")
    np.testing.assert_allclose(geometry.matrix_to_rpy(matrices), expected, atol=1e-12)
    np.testing.assert_array_equal(
        geometry.matrix_to_ypr(matrices), array(geometry.matrix_to_rpy(matrices))[:, ::-1]
    )


# The pole, a hair's breadth beside it, and both sides of the 0.01 rad threshold.
@pytest.mark.parametrize("off", [0.0, 1e-12, 1e-9, 1e-6, 1e-3, 0.00999, 0.01001], ids=str)
@pytest.mark.parametrize("side", [1, -1], ids=["up", "down"])
def test_rpy_gives_the_matrix_back_near_gimbal_lock(side, off, rng):
    angles = [(r, side * (np.pi / 2 - off), y) for r, y in rng.uniform(-np.pi, np.pi, (50, 2))]
    matrices = np.stack([rpy_matrix(*each) for each in angles])
    rpy = array(geometry.matrix_to_rpy(matrices))
    np.testing.assert_allclose(geometry.rpy_to_matrix(rpy), matrices, atol=1e-12)
    assert (np.abs(rpy) <= np.pi).all()
    jacobian = jacobian_of(geometry.matrix_to_rpy, matrices[0])
    assert np.isfinite(jacobian).all()


def test_yaw_is_zero_at_the_pole():
    pole = [[0.0, -0.5, 0.75**0.5], [0.0, 0.75**0.5, 0.5], [-1.0, 0.0, 0.0]]
    roll, pitch, yaw = array(geometry.matrix_to_rpy(np.array(pole)))
    assert yaw == 0.0
    np.testing.assert_allclose([roll, pitch], [-np.pi / 6, np.pi / 2], atol=1e-12)


def test_a_half_turn_is_plus_pi_for_a_negative_zero():
    half_turn = np.array([[1.0, 0, 0], [0, -1, 0], [0, -0.0, -1]])
    assert array(geometry.matrix_to_rpy(half_turn))[0] == np.pi


@pytest.mark.parametrize("name", TO_MATRIX)
def test_every_representation_gives_the_matrix_back(name, rng):
    to_matrix, from_matrix = TO_MATRIX[name]
    matrices = random_rotations(rng, 50).reshape(5, 10, 3, 3)
    np.testing.assert_allclose(to_matrix(from_matrix(matrices)), matrices, atol=1e-12)
    assert dtype_of(from_matrix(matrices.astype("float32"))) == "float32"
    assert dtype_of(from_matrix(matrices)) == "float64"
    assert from_matrix(matrices[:0]).shape[0] == 0


@pytest.mark.parametrize("name", TO_MATRIX)
def test_gradients_match_central_differences(name, rng):
    to_matrix, from_matrix = TO_MATRIX[name]
    matrix = random_rotations(rng, 1)[0]
    check_gradient(to_matrix, np.asarray(from_matrix(matrix)))
    # Along the group: the derivative off it is a matter of definition.
    check_gradient(
        lambda w: from_matrix(geometry.so3_exp(w) @ tensor(matrix)),
        np.array([0.1, -0.2, 0.3]),
    )


@pytest.mark.parametrize(
    "angle",
    [
        # On one side of each threshold; later on both.
        pytest.param(angle, marks=pytest.mark.in_test_all("every case"))
        if angle in (1e-7, 0.0632, 0.2236, np.pi - 1e-6)
        else angle
        for angle in ANGLES
    ],
    ids=str,
)
@pytest.mark.parametrize("name", TO_MATRIX)
def test_gradients_are_finite_at_singular_rotations(name, angle):
    to_matrix, from_matrix = TO_MATRIX[name]
    for axis in AXES:
        matrix = rot(axis, angle)
        assert np.isfinite(jacobian_of(from_matrix, matrix)).all()
        assert np.isfinite(jacobian_of(to_matrix, np.asarray(from_matrix(matrix)))).all()


@pytest.mark.parametrize("angle", [0.0, 1e-12, 0.2236, 0.2237, 3.0], ids=str)
def test_so3_exp_and_log_have_the_right_gradient_near_their_thresholds(angle):
    check_gradient(geometry.so3_exp, angle * AXES[0])
    check_gradient(lambda w: geometry.so3_log(geometry.so3_exp(w)), angle * AXES[0])


def test_rot6d_makes_any_two_vectors_a_rotation(rng):
    matrices = array(geometry.rot6d_to_matrix(rng.normal(size=(50, 6))))
    np.testing.assert_allclose(
        matrices @ np.swapaxes(matrices, 1, 2), np.broadcast_to(np.eye(3), (50, 3, 3)), atol=1e-12
    )
    np.testing.assert_allclose(np.linalg.det(matrices), 1.0, atol=1e-12)
    for degenerate in (np.zeros(6), np.array([1.0, 0, 0, 2, 0, 0])):
        assert np.isfinite(jacobian_of(geometry.rot6d_to_matrix, degenerate)).all()


@pytest.mark.parametrize("angle", ANGLES, ids=str)
def test_geodesic_distance_is_the_angle_and_has_a_finite_gradient(angle, rng):
    base = random_rotations(rng, 1)[0]
    for axis in AXES:
        other = rot(axis, angle) @ base
        assert abs(float(geometry.geodesic_distance(base, other)) - angle) < 1e-12
        gradient = jacobian_of(lambda m: geometry.geodesic_distance(base, m), other)
        assert np.isfinite(gradient).all()


def test_distances_are_zero_with_zero_gradient_at_an_exact_match(rng):
    matrix = random_rotations(rng, 1)[0]
    for distance in (geometry.geodesic_distance, geometry.chordal_distance):
        assert abs(float(distance(matrix, matrix))) < 1e-15
    np.testing.assert_array_equal(
        jacobian_of(lambda m: geometry.chordal_distance(matrix, m), matrix), np.zeros((3, 3))
    )


def test_chordal_distance_is_the_frobenius_norm(rng):
    a, b = random_rotations(rng, 20), random_rotations(rng, 20)
    expected = np.linalg.norm(a - b, axis=(1, 2))
    np.testing.assert_allclose(geometry.chordal_distance(a, b), expected, atol=1e-12)
    angle = array(geometry.geodesic_distance(a, b))
    np.testing.assert_allclose(2 * np.sqrt(2) * np.sin(angle / 2), expected, atol=1e-12)


def test_hat_and_vee_are_inverse_and_mean_the_cross_product(rng):
    w, x = rng.normal(size=(2, 5, 3))
    hat = array(geometry.hat(w))
    np.testing.assert_allclose(np.einsum("bij,bj->bi", hat, x), np.cross(w, x), atol=1e-14)
    np.testing.assert_allclose(geometry.vee(hat), w, atol=1e-14)


def test_whole_numbers_become_the_default_float():
    assert dtype_of(geometry.rpy_to_matrix([0, 0, 1])) == "float32"


def test_a_nan_stays_in_its_own_row():
    rotvec = np.array([[0.1, 0.2, 0.3], [np.nan, 0, 0]])
    for name, (_, from_matrix) in TO_MATRIX.items():
        rows = array(from_matrix(geometry.so3_exp(rotvec)))
        assert np.isfinite(rows[0]).all(), name
        assert np.isnan(rows[1]).any(), name


@pytest.mark.parametrize(
    ("function", "shape", "wanted"),
    [
        (geometry.so3_exp, (2, 4), r"\(\.\.\., 3\)"),
        (geometry.so3_log, (3, 4), r"\(\.\.\., 3, 3\)"),
        (geometry.quat_wxyz_to_matrix, (3,), r"\(\.\.\., 4\)"),
        (geometry.rot6d_to_matrix, (3, 5), r"\(\.\.\., 6\)"),
        (geometry.hat, (), r"\(\.\.\., 3\)"),
    ],
)
def test_a_wrong_shape_is_named_with_the_right_one(function, shape, wanted):
    with pytest.raises(ValueError, match=rf"must have shape {wanted}. Received: shape"):
        function(np.zeros(shape))


def test_wrap_angle_brings_angles_to_one_turn():
    angles = np.array([0.0, 4.0, -4.0, np.pi, -np.pi, 9.0])
    expected = np.array([0.0, 4 - 2 * np.pi, 2 * np.pi - 4, np.pi, np.pi, 9 - 2 * np.pi])
    np.testing.assert_allclose(rotations.wrap_angle(tensor(angles)), expected, atol=1e-15)


def test_a_pole_reached_by_rounding_is_a_pole():
    for dtype in ("float32", "float64"):
        tilt = np.array([0.7, np.pi / 2, 0.2], dtype)
        matrix = geometry.rpy_to_matrix(tilt)
        assert float(geometry.matrix_to_rpy(matrix)[2]) == 0.0
        gradient = gradient_of(geometry.matrix_to_rpy)(matrix)
        assert np.abs(array(gradient)).max() < 10
