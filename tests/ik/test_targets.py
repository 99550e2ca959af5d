"""Arguments of inverse kinematics in a wrong form: what to do about it."""

import numpy as np
import pytest

import fkarm

ARM = fkarm.robots.planar([1.0, 0.5])
POSE = np.eye(4)


def solved(target=POSE, **arguments):
    return fkarm.solve_ik(ARM, target, task=("x", "y"), **arguments)


TAKERS = {
    "solve_ik": solved,
    "follow_path": lambda target: fkarm.follow_path(ARM, target, [0.0, 0.0]),
    "InverseKinematics": lambda target: fkarm.layers.InverseKinematics(ARM).compute_output_shape(
        target.shape
    ),
    "IKRefinement": lambda target: fkarm.layers.IKRefinement(ARM).compute_output_shape(
        ((2,), target.shape)
    ),
    "pose_errors": lambda target: fkarm.learning.pose_errors(ARM, np.zeros((5, 2)), target),
}


@pytest.mark.parametrize("taker", TAKERS.values(), ids=TAKERS)
@pytest.mark.parametrize(
    ("shape", "hint"),
    [
        ((3,), r"make_transform\(numpy.eye\(3\), positions\); task='position'"),
        ((5, 3), r"make_transform\(numpy.eye\(3\), positions\); task='position'"),
        ((6,), r"pose_to_matrix\(pose, 'xyz_rpy'\), or 'xyz_rotvec'"),
        ((7,), r"pose_to_matrix\(pose, 'xyz_quat_wxyz'\), or 'xyz_quat_xyzw'"),
        ((9,), r"pose_to_matrix\(pose, 'xyz_rot6d'\)"),
        ((3, 3), r"make_transform\(rotation, position\)"),
        ((5, 3, 4), "Add the row 0, 0, 0, 1"),
        ((5, 16), r"reshape\(pose, \(-1, 4, 4\)\)"),
        ((5,), "See fkarm.geometry.pose_to_matrix"),
    ],
)
def test_a_target_in_another_form_names_the_conversion(taker, shape, hint):
    with pytest.raises(ValueError, match=rf"target_poses must have shape \(..., 4, 4\). .*{hint}"):
        taker(np.zeros(shape))


def test_the_conversions_that_are_named_make_targets():
    positions = np.array([[1.2, 0.3, 0.0], [0.0, 1.0, 0.0]])
    target = fkarm.geometry.make_transform(np.eye(3), positions)
    result = fkarm.solve_ik(ARM, target, task=("x", "y"))
    first, second = result.q.T
    reached = np.stack(
        [np.cos(first) + 0.5 * np.cos(first + second), np.sin(first) + 0.5 * np.sin(first + second)]
    ).T
    np.testing.assert_allclose(reached, positions[:, :2], atol=1e-3)


@pytest.mark.parametrize(
    "weights",
    [1.0, "ab", None, (1.0,), (1.0, 0.3, 1.0), {}, ("1", "2"), (1.0, None), (1.0, -1.0)],
)
def test_weights_of_another_form_are_refused(weights):
    with pytest.raises(ValueError, match=r"weights must be two finite numbers.*\(1.0, 0.3\)"):
        solved(weights=weights)


@pytest.mark.parametrize("name", ["position_tolerance", "orientation_tolerance"])
@pytest.mark.parametrize("tolerance", ["1 mm", None, (1e-3, 1e-2), np.nan, -1.0, {}])
def test_tolerances_of_another_form_are_refused(name, tolerance):
    with pytest.raises(ValueError, match=f"{name} must be a number of at least .* Received: "):
        solved(**{name: tolerance})
    errors = fkarm.learning.PoseErrors(np.zeros(2), np.zeros(2))
    with pytest.raises(ValueError, match=f"{name} must be a finite number >= 0. Received: "):
        errors.summary(**{name: tolerance})


def test_a_list_of_links_and_named_masks_are_refused():
    hint = r"\['tool'\]. For several links give target_poses={link: poses}"
    with pytest.raises(TypeError, match=hint):
        solved(link=["tool"])
    with pytest.raises(TypeError, match="joint_mask must be numbers in the robot's order"):
        solved(joint_mask={"joint_2": True, "joint_1": False}, q_init=[0.0, 0.0])


def test_targets_that_are_no_real_numbers_are_refused():
    with pytest.raises(TypeError, match="target_poses must be real numbers. Received: complex128"):
        solved(target=POSE.astype(complex))
