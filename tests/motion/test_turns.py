"""Limits of angular accelerations hold for quaternions, by SciPy's rotations."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import fkarm
from fkarm.motion.turns import with_shorter_turns

TIMES = np.linspace(0.0, 2.0, 41)


@pytest.fixture(scope="module")
def ball():
    return fkarm.Robot((fkarm.Joint("ball", "spherical", parent="base", child="ball_link"),))


def rates(quat_wxyz, times):
    """Lengths of angular velocities and of their changes per second."""
    turns, durations = Rotation.from_quat(np.roll(quat_wxyz, -1, axis=-1)), np.diff(times)[:, None]
    speeds = (turns[1:] * turns[:-1].inv()).as_rotvec() / durations
    changes = np.diff(speeds, axis=0) / (0.5 * (durations[1:] + durations[:-1]))
    return np.linalg.norm(speeds, axis=1), np.linalg.norm(changes, axis=1)


def swing(axis, size=1.2):
    """Poses that swing about an axis with 10.8 rad/s^2, and pass the half turn from the root."""
    axis = np.array(axis) / np.linalg.norm(axis)
    turns = Rotation.from_rotvec(size * np.sin(3 * TIMES)[:, None] * axis)
    poses = np.tile(np.eye(4), (len(TIMES), 1, 1))
    poses[:, :3, :3] = (turns * Rotation.from_rotvec(np.pi * axis)).as_matrix()
    return {"ball_link": poses}


@pytest.mark.parametrize(
    ("axis", "dtype", "fastest"),
    [((1, 0, 0), "float64", 2.0), ((1, -2, 0.5), "float32", 2.0), ((1, 4, -2), "float64", np.inf)],
)
def test_angular_accelerations_are_bounded(ball, axis, dtype, fastest):
    targets = {link: pose.astype(dtype) for link, pose in swing(axis).items()}
    path = fkarm.solve_path(ball, targets, TIMES, velocity_limits=fastest, acceleration_limits=6.0)
    speeds, changes = rates(path.q.astype(np.float64), TIMES)
    assert changes.max() <= 6.0
    assert changes.max() > 0.9 * 6.0  # more than a cube within the ball would allow
    assert np.median(changes) > 0.7 * 6.0
    assert speeds.max() <= fastest
    assert path.within_acceleration_limits.all()
    assert "ACCELERATION" in path.reason
    assert path.orientation_error.mean() < (0.2 if np.isinf(fastest) else 0.3)


def test_accelerations_that_are_allowed_cost_nothing(ball):
    path = fkarm.solve_path(ball, swing((1, 0, 0)), TIMES, acceleration_limits=13.0)
    assert path.converged.all()
    assert path.orientation_error.max() < 2e-3


def test_clips_are_searched_as_each_alone(ball):
    """Only the fast one is held back."""
    both = {"ball_link": np.stack([swing((1, 0, 0), size)["ball_link"] for size in (1.2, 0.3)])}
    start = np.tile([1.0, 0, 0, 0], (2, len(TIMES), 1))
    path = fkarm.solve_path(ball, both, TIMES, start, acceleration_limits=6.0)
    for k in range(2):
        targets = {"ball_link": both["ball_link"][k]}
        alone = fkarm.solve_path(ball, targets, TIMES, start[k], acceleration_limits=6.0)
        np.testing.assert_allclose(path.q[k], alone.q, atol=1e-9)


def test_a_first_turn_is_held(ball):
    q_start = np.array([0.6, 0.0, 0.8, 0.0])
    path = fkarm.solve_path(
        ball, swing((1, 0, 0)), TIMES, q_start, acceleration_limits=4.0, hold_start=True
    )
    np.testing.assert_allclose(path.q[0], q_start, atol=1e-12)
    assert rates(path.q, TIMES)[1].max() <= 4.0


@pytest.mark.parametrize("q_start", [[0.0, 0, 0, 0], [2.0, 0, 0, 0]])
def test_a_first_turn_of_another_length_is_that_of_length_one(ball, q_start):
    """The zero quaternion does not turn."""
    targets = swing((1, 0, 0))
    path = fkarm.solve_path(ball, targets, TIMES, q_start, hold_start=True)
    np.testing.assert_array_equal(path.q[0], [1.0, 0, 0, 0])
    np.testing.assert_allclose(np.linalg.norm(path.q, axis=-1), 1.0, atol=1e-12)


def test_a_floating_base_and_its_joints_keep_one_limit(walker, walk):
    times, q = walk
    links = ("body", "left_foot", "right_foot", "hand")
    stacked = np.array(fkarm.forward_kinematics(walker, q, links))
    stacked[::2, :, 1, 3] += 0.01  # shaken by 36 m/s^2
    targets = {link: stacked[:, k] for k, link in enumerate(links)}
    path = fkarm.solve_path(walker, targets, times, acceleration_limits=5.0)
    assert rates(path.q[:, 3:7], times)[1].max() <= 5.0
    plain = np.delete(path.q, range(3, 7), axis=1)
    changes = np.diff(plain, n=2, axis=0) / (times[1] - times[0]) ** 2
    assert np.abs(changes).max() <= 5.0 * (1 + 1e-9)
    assert path.within_acceleration_limits.all()
    assert path.position_error.mean() < 0.02


@pytest.mark.parametrize("is_held", [False, True])
def test_shorter_turns_are_in_proportion(is_held, rng):
    turns = Rotation.random(9, rng)
    q = np.roll(turns.as_quat(), 1, axis=-1)
    both = with_shorter_turns(np.stack([q, q]), np.array([4.0, 0.5]), is_held)
    got = Rotation.from_quat(np.roll(both[0], -1, axis=-1))
    np.testing.assert_allclose(
        (got[1:] * got[:-1].inv()).as_rotvec(),
        (turns[1:] * turns[:-1].inv()).as_rotvec() / 4.0,
        atol=1e-12,
    )
    np.testing.assert_array_equal(both[1], q)
    np.testing.assert_array_equal(both[0, 0 if is_held else 4], q[0 if is_held else 4])
