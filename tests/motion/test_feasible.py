"""The last pass keeps every limit, and moves no value farther than it must."""

import numpy as np
import pytest
from scipy.optimize import linprog

import fkarm
from fkarm.motion.feasible import with_short_steps, with_small_changes
from fkarm.motion.tangent import tangent_of


def test_steps_are_short_and_the_largest_change_is_the_smallest_possible(rng):
    robot = fkarm.robots.planar([1.0])
    tangent, time = tangent_of(robot), 12
    q, steps = rng.uniform(-1, 1, (1, time, 1)), rng.uniform(0.05, 0.3, (1, time - 1, 1))
    got = with_short_steps(tangent, q, steps, False)
    assert (np.abs(np.diff(got, axis=1)) <= steps).all()
    # Unknowns: the path, and the largest change.
    near = np.hstack([np.eye(time), -np.ones((time, 1))])
    slope = np.hstack([np.diff(np.eye(time), axis=0), np.zeros((time - 1, 1))])
    change = np.vstack([near, np.hstack([-np.eye(time), -np.ones((time, 1))])])
    bound = np.concatenate([q.ravel(), -q.ravel()])
    best = linprog(
        [*np.zeros(time), 1.0],
        np.vstack([change, slope, -slope]),
        np.concatenate([bound, steps.ravel(), steps.ravel()]),
        bounds=[(None, None)] * (time + 1),
    )
    np.testing.assert_allclose(np.abs(got - q).max(), best.fun, atol=1e-9)
    assert got.min() >= q.min()
    assert got.max() <= q.max()


def test_a_held_first_frame_stays(rng):
    robot = fkarm.robots.planar([1.0])
    q = rng.uniform(-1, 1, (2, 9, 1))
    steps = np.full((2, 8, 1), 0.1)
    got = with_short_steps(tangent_of(robot), q, steps, True)
    np.testing.assert_array_equal(got[:, 0], q[:, 0])
    assert (np.abs(np.diff(got, axis=1)) <= steps * (1 + 1e-12)).all()


def test_quaternions_turn_at_most_by_a_step(ball_and_plane, rng):
    from scipy.spatial.transform import Rotation

    tangent, time = tangent_of(ball_and_plane), 8
    q = np.zeros((1, time, 7))
    q[..., :4] = np.roll(Rotation.random(time, rng).as_quat(), 1, axis=1)
    steps = np.full((1, time - 1, tangent.size), np.inf)
    steps[..., :3] = 0.2
    got = with_short_steps(tangent, q, steps, False)
    turns = Rotation.from_quat(np.roll(got[0, :, :4], -1, axis=1))
    angles = (turns[1:] * turns[:-1].inv()).magnitude()
    assert angles.max() <= 0.2 + 1e-9
    assert angles.max() > 0.19


@pytest.mark.parametrize("is_held", [False, True])
def test_smaller_changes_are_in_proportion(is_held, rng):
    values = rng.uniform(-1, 1, (1, 6, 2))
    got = with_small_changes(values, np.array([[4.0, 0.5]]), is_held)
    np.testing.assert_allclose(np.diff(got[..., 0]), np.diff(values[..., 0]) / 4.0)
    np.testing.assert_allclose(got[..., 1], values[..., 1])
    if is_held:
        np.testing.assert_array_equal(got[:, 0], values[:, 0])
