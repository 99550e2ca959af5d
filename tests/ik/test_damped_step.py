"""The damped step: limits, and joints that they stop."""

import numpy as np
from autodiff import array, tensor
from keras import ops

import fkarm
from fkarm.ik.damped_step import squared_length, step
from fkarm.ik.descent import target_entries
from fkarm.ik.problem import make_problem, make_terms, unpacked


def terms_of(problem, **values):
    packed = make_terms(problem, "float64", **values).packed(1)
    return unpacked(problem.components, problem.robot.dof, tensor(packed))


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
