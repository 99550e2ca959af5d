"""Redundant arms move away from singularities while their links keep their poses."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

import fkarm
from fkarm.ik import raise_manipulability
from fkarm.ik.self_motion import _uphill

LENGTHS = (0.5, 0.4, 0.3)


def measure_of(robot, q, *arguments):
    return np.asarray(fkarm.manipulability(robot, q, *arguments))


def best_of_three_links(target):
    """The largest manipulability of three links whose tip is at `target`, by the first angle."""

    def measure(first):
        x, y = target - LENGTHS[0] * np.array([np.cos(first), np.sin(first)])
        cosine = (x * x + y * y - LENGTHS[1] ** 2 - LENGTHS[2] ** 2) / (2 * LENGTHS[1] * LENGTHS[2])
        if abs(cosine) > 1:
            return 0.0
        bend = np.arccos(cosine)
        second = np.arctan2(y, x) - np.arctan2(
            LENGTHS[2] * np.sin(bend), LENGTHS[1] + LENGTHS[2] * np.cos(bend)
        )
        angles = first, second, second + bend
        ends = (
            np.array([[np.cos(angle), np.sin(angle)] for angle in angles])
            * np.array(LENGTHS)[:, None]
        )
        levers = np.cumsum(ends[::-1], axis=0)[::-1]
        jacobian = np.stack([-levers[:, 1], levers[:, 0]])
        return np.sqrt(np.linalg.det(jacobian @ jacobian.T))

    grid = np.linspace(-np.pi, np.pi, 400)
    start = max(grid, key=measure)
    found = minimize_scalar(lambda a: -measure(a), bounds=(start - 0.05, start + 0.05))
    return -found.fun


def test_three_links_in_a_plane_reach_the_best_posture():
    arm, q = fkarm.robots.planar(list(LENGTHS)), np.array([0.5, 0.2, 2.5])
    target = fkarm.forward_kinematics(arm, q)
    better = raise_manipulability(arm, target, q, task=("x", "y"), steps=60)
    assert bool(better.converged)
    best = best_of_three_links(np.asarray(target)[:2, 3])
    assert measure_of(arm, q, None, ("x", "y")) < 0.8 * best
    assert measure_of(arm, better.q, None, ("x", "y")) == pytest.approx(best, rel=1e-6)


def test_the_panda_keeps_its_poses_and_limits(panda):
    q = fkarm.sample_configurations(panda, (3, 4), seed=0)
    targets = np.asarray(fkarm.forward_kinematics(panda, q))
    better = raise_manipulability(panda, targets, q)
    assert better.q.shape == (3, 4, 7)
    assert better.converged.all()
    reached = np.asarray(fkarm.forward_kinematics(panda, better.q))
    np.testing.assert_allclose(reached[..., :3, 3], targets[..., :3, 3], atol=1e-3)
    assert (better.q >= panda.lower_limits).all()
    assert (better.q <= panda.upper_limits).all()
    before, after = measure_of(panda, q), measure_of(panda, better.q)
    assert (after >= before * (1 - 1e-6)).all()
    assert np.median(after / before) > 1.2


def test_a_step_is_a_self_motion_that_raises_the_measure(panda):
    q = fkarm.sample_configurations(panda, 20, seed=2)
    uphill = _uphill(panda, q, "panda_hand", None, tuple(range(6)), None)
    jacobian = np.asarray(fkarm.geometric_jacobian(panda, q, "panda_hand"))
    np.testing.assert_allclose(jacobian @ uphill[..., None], 0.0, atol=1e-9)
    rise = measure_of(panda, q + 1e-5 * uphill) - measure_of(panda, q - 1e-5 * uphill)
    assert (rise > 0).all()


def test_arms_without_self_motion_keep_their_solutions():
    arm, q = fkarm.robots.planar([0.4, 0.3]), np.array([[0.2, 0.8], [0.1, -0.5]])
    targets = fkarm.forward_kinematics(arm, q)
    same = raise_manipulability(arm, targets, q, task=("x", "y"))
    np.testing.assert_allclose(same.q, q, atol=1e-6)


def test_held_joints_and_misses_stay(panda):
    q = fkarm.sample_configurations(panda, 3, seed=1)
    targets = np.array(fkarm.forward_kinematics(panda, q))
    targets[1, :3, 3] = 5.0  # out of reach
    mask = [True] * 6 + [False]
    better = raise_manipulability(panda, targets, q, joint_mask=mask, steps=3)
    assert better.converged.tolist() == [True, False, True]
    np.testing.assert_array_equal(better.q[:, 6], q[:, 6])
    assert np.isfinite(better.q).all()
    none = raise_manipulability(panda, targets[:0], q[:0])
    assert none.q.shape == (0, 7)


def test_what_is_refused(panda):
    with pytest.raises(TypeError, match="target_poses must be poses of one link"):
        raise_manipulability(panda, {"panda_hand": np.eye(4)}, np.zeros(7))
    with pytest.raises(ValueError, match="steps must be a whole number >= 1"):
        raise_manipulability(panda, np.eye(4), np.zeros(7), steps=0)
