"""The pieces of a step: small systems, the rotation error, the table of starts."""

import numpy as np
import pytest
from autodiff import COMPILED, array, in_mode, tensor
from keras import ops
from scipy.spatial.transform import Rotation

import fkarm
from fkarm.ik.damped_step import squared_length, step
from fkarm.ik.descent import target_entries
from fkarm.ik.linear import normal_matrix, solve_symmetric
from fkarm.ik.problem import make_problem, make_terms, unpacked
from fkarm.ik.residual import Frame, frames_of, linearised, rotation_vector
from fkarm.ik.starts import StartTable, low_discrepancy


def terms_of(problem, **values):
    packed = make_terms(problem, "float64", **values).packed(1)
    return unpacked(problem, tensor(packed))


@pytest.mark.parametrize("size", [1, 2, 6, 12])
def test_small_systems_are_numpys(size, rng):
    rows = rng.normal(size=(size, size + 2, 50))
    right = rng.normal(size=(size, 50))
    matrix = normal_matrix([[tensor(x) for x in row] for row in rows], tensor(0.1, "float64"))
    found = solve_symmetric(matrix, [tensor(x) for x in right])
    dense = np.einsum("ikr,jkr->rij", rows, rows) + 0.1 * np.eye(size)
    expected = np.linalg.solve(dense, right.T[..., None])[..., 0]
    np.testing.assert_allclose(np.stack(found, axis=-1), expected, rtol=1e-8, atol=1e-10)


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
    terms = terms_of(problem, weights=(1.0, 1.0))
    entries = ops.transpose(target_entries(targets))
    found = linearised(problem, terms, ops.transpose(q), entries)
    expected = array(fkarm.geometric_jacobian(panda, q, "panda_hand"))
    jacobian = np.array([[array(entry) for entry in row] for row in found.jacobian])
    np.testing.assert_allclose(jacobian.transpose(2, 0, 1), expected, atol=1e-13)
    here = fkarm.forward_kinematics(panda, q, "panda_hand")
    error = array(fkarm.geometry.pose_error(here, targets))
    np.testing.assert_allclose(np.stack(found.error, axis=-1), error, atol=1e-7)


def test_a_step_stays_within_limits_and_lets_go_of_them(panda):
    problem = make_problem(panda, ("panda_hand",))
    q = fkarm.sample_configurations(panda, 2000, seed=0)
    at_limit = q.copy()
    at_limit[:, 3] = panda.upper_limits[3]
    targets = fkarm.forward_kinematics(panda, q, "panda_hand")
    entries = ops.transpose(target_entries(targets))
    terms = terms_of(problem)
    moved, error = step(problem, terms, ops.transpose(at_limit), entries)
    moved = array(moved).T
    assert ((moved >= panda.lower_limits) & (moved <= panda.upper_limits)).all()
    assert (moved[:, 3] < panda.upper_limits[3]).mean() > 0.5
    assert np.abs(moved - at_limit).max() <= 1.0 + 1e-12
    _, after = step(problem, terms, tensor(moved.T), entries)
    assert np.median(squared_length(after)) < 0.5 * np.median(squared_length(error))


def test_the_table_finds_the_nearest_pose_of_each_part(panda):
    problem = make_problem(panda, ("panda_hand",))
    table = StartTable(problem, size=300)
    targets = fkarm.forward_kinematics(panda, fkarm.sample_configurations(panda, 40), "panda_hand")
    compiled = in_mode(lambda poses: table.nearest(poses[:, None], 5)[0], COMPILED)(targets)
    targets = array(targets)
    found, _ = table.nearest(targets[:, None], 5)
    poses = array(fkarm.forward_kinematics(panda, table.q, "panda_hand"))
    apart = np.linalg.norm(targets[:, None, :3, 3] - poses[None, :, :3, 3], axis=-1) ** 2
    difference = targets[:, None, :3, :3] - poses[None, :, :3, :3]
    cost = apart + 0.09 / 2 * np.sum(np.square(difference), axis=(-1, -2))
    best = cost.reshape(40, 5, 60).argmin(axis=-1) + 60 * np.arange(5)
    np.testing.assert_array_equal(found, best)
    np.testing.assert_array_equal(array(compiled), best)


def test_starts_fill_the_limits_evenly(panda):
    q = low_discrepancy(panda, 1000, 0)
    share = (q - panda.lower_limits) / (panda.upper_limits - panda.lower_limits)
    assert ((share >= 0) & (share <= 1)).all()
    for column in share.T:
        counts = np.histogram(column, bins=10, range=(0, 1))[0]
        assert counts.min() > 85
    assert np.abs(q - low_discrepancy(panda, 1000, 1)).max() > 0.1


def test_frames_come_in_columns():
    pose = np.arange(32.0).reshape(2, 4, 4)
    (found,) = frames_of(ops.transpose(target_entries(tensor(pose))), 1)
    np.testing.assert_array_equal(np.stack(found.origin, axis=-1), pose[:, :3, 3])
    np.testing.assert_array_equal(np.stack(found.axes[1], axis=-1), pose[:, :3, 1])


def test_a_joint_that_a_limit_stops_takes_no_part(panda):
    """The step of dense NumPy, with the columns of stopped joints out of it."""
    problem = make_problem(panda, ("panda_hand",))
    q = fkarm.sample_configurations(panda, 300, seed=0)
    start = fkarm.sample_configurations(panda, 300, seed=1)
    start[:, 3] = panda.upper_limits[3]
    start[:, 1] = panda.lower_limits[1]
    targets = fkarm.forward_kinematics(panda, q, "panda_hand")
    entries = ops.transpose(target_entries(targets))
    moved, _ = step(problem, terms_of(problem, weights=(1.0, 1.0)), ops.transpose(start), entries)
    here = fkarm.forward_kinematics(panda, start, "panda_hand")
    errors = array(fkarm.geometry.pose_error(here, targets))
    jacobians = array(fkarm.geometric_jacobian(panda, start, "panda_hand"))
    stopped = 0
    for row, (error, jacobian) in enumerate(zip(errors, jacobians, strict=True)):
        downhill = jacobian.T @ error
        stuck = ((start[row] >= panda.upper_limits) & (downhill > 0)) | (
            (start[row] <= panda.lower_limits) & (downhill < 0)
        )
        stopped += stuck.sum()
        free = jacobian * ~stuck
        damping = 0.05 * min(error @ error, 1.0) + 1e-13
        change = free.T @ np.linalg.solve(free @ free.T + damping * np.eye(6), error)
        change *= min(1.0, 1.0 / np.abs(change).max())
        expected = np.clip(start[row] + change, panda.lower_limits, panda.upper_limits)
        np.testing.assert_allclose(array(moved)[:, row], expected, atol=1e-6)
    assert stopped > 100
