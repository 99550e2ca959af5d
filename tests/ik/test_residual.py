"""The error of a pose and its derivative by the joints."""

import numpy as np
import pytest
from autodiff import array, tensor
from keras import ops
from scipy.spatial.transform import Rotation

import fkarm
from fkarm.ik.descent import target_entries
from fkarm.ik.problem import make_components, make_problem, make_terms, unpacked
from fkarm.ik.residual import Frame, error_and_jacobian, frames_of, rotation_vector, tilt


def frame(matrices):
    columns = [tuple(tensor(matrices[:, i, k]) for i in range(3)) for k in range(3)]
    return Frame(tuple(columns), (0.0, 0.0, 0.0))


@pytest.mark.parametrize("angle", [0.0, 1e-9, 1e-4, 0.3, 2.0, 2.9, 3.1, np.pi - 1e-6, np.pi])
def test_the_rotation_error_is_scipys_up_to_half_a_turn(angle, rng):
    start = Rotation.from_quat(rng.normal(size=(100, 4)))
    axis = rng.normal(size=(100, 3))
    axis[:6] = np.concatenate([np.eye(3), -np.eye(3)])
    turn = Rotation.from_rotvec(angle * axis / np.linalg.norm(axis, axis=1, keepdims=True))
    target = (turn * start).as_matrix()
    found = np.stack(rotation_vector(frame(target), frame(start.as_matrix())), axis=-1)
    again = Rotation.from_rotvec(found)
    np.testing.assert_allclose((again * turn.inv()).magnitude(), 0, atol=2e-7)
    np.testing.assert_allclose(np.linalg.norm(found, axis=-1), angle, atol=2e-7)


def test_the_jacobian_of_the_step_is_the_geometric_one(panda):
    problem = make_problem(panda, ("panda_hand",))
    q = fkarm.sample_configurations(panda, 5, seed=0)
    targets = fkarm.forward_kinematics(panda, q[::-1].copy(), "panda_hand")
    values = make_terms(problem, "float64", weights=(1.0, 1.0)).packed(1)
    terms = unpacked(problem.components, problem.robot.dof, tensor(values))
    entries = ops.transpose(target_entries(targets))
    found = error_and_jacobian(problem, terms, ops.transpose(q), entries)
    expected = array(fkarm.geometric_jacobian(panda, q, "panda_hand"))
    jacobian = np.array([[array(entry) for entry in row] for row in found.jacobian])
    np.testing.assert_allclose(jacobian.transpose(2, 0, 1), expected, atol=1e-13)
    here = fkarm.forward_kinematics(panda, q, "panda_hand")
    error = array(fkarm.geometry.pose_error(here, targets))
    np.testing.assert_allclose(np.stack(found.error, axis=-1), error, atol=1e-7)


def test_frames_come_in_columns():
    pose = np.arange(32.0).reshape(2, 4, 4)
    (found,) = frames_of(ops.transpose(target_entries(tensor(pose))), 1)
    np.testing.assert_array_equal(np.stack(found.origin, axis=-1), pose[:, :3, 3])
    np.testing.assert_array_equal(np.stack(found.axes[1], axis=-1), pose[:, :3, 1])


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_an_axis_that_points_the_other_way_is_half_a_turn_off_in_float64(axis):
    components = make_components((tuple(3 + k for k in range(3) if k != axis),), "target")
    half = Rotation.from_rotvec(np.pi * np.roll([0.0, 1.0, 0.0], axis)).as_matrix()
    half[:, axis] = -np.eye(3)[axis]  # without the rounding of the sine
    turn = tilt(components, frame(np.eye(3)[None]), frame(half[None]), axis)
    assert np.linalg.norm([array(each) for each in turn]) == pytest.approx(np.pi, rel=1e-15)
