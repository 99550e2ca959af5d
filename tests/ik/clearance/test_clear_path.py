"""Paths of poses that keep clear, by planar geometry."""

import numpy as np
import pytest
from autodiff import array
from ik.clearance.test_search import (
    LEAST,
    RADIUS,
    distance_of_two_arms,
    planar_arm,
    planar_distance,
    segments,
    to_segment,
    two_arms,
)

import fkarm
from fkarm.collision import Sphere

Q_START = np.array([0.6, 0.5, -0.9, 0.4])
BALL = 0.06


@pytest.fixture(scope="module")
def arm():
    return planar_arm()


@pytest.fixture(scope="module")
def poses(arm):
    """The tip goes straight by 0.4 m."""
    first = array(fkarm.forward_kinematics(arm, Q_START))
    poses = np.tile(first, (60, 1, 1))
    poses[:, 0, 3] -= np.linspace(0.0, 0.4, 60)
    return poses


@pytest.fixture(scope="module")
def usual(arm, poses):
    return fkarm.follow_path(arm, poses, Q_START, task="position")


@pytest.fixture(scope="module")
def ball(usual):
    """A ball that the third joint meets on the usual path, but not at its start."""
    elbow = segments(usual.q)[40, 1, 1]
    return Sphere(BALL, (*(elbow + np.array([-0.05, 0.04])), 0.0))


def ball_distance(q, ball):
    """Distance of the links from a ball."""
    centre = np.broadcast_to(np.array(ball.xyz)[:2], (len(q), 2))
    links = segments(q).swapaxes(0, 1)
    gaps = [to_segment(centre, link[:, 0], link[:, 1]) for link in links]
    return np.minimum.reduce(gaps) - RADIUS - BALL


def test_a_redundant_arm_moves_aside(arm, poses, usual, ball):
    assert ball_distance(usual.q, ball)[0] > 2 * LEAST
    assert ball_distance(usual.q, ball).min() < 0
    assert np.isnan(usual.clearance).all()
    found = fkarm.follow_path(arm, poses, Q_START, task="position", clearance=LEAST, obstacles=ball)
    distance = np.minimum(ball_distance(found.q, ball), planar_distance(found.q))
    assert found.converged.all()
    assert distance.min() >= LEAST
    np.testing.assert_allclose(found.clearance, distance, atol=1e-9)
    np.testing.assert_allclose(segments(found.q)[:, -1, 1], poses[:, :2, 3], atol=1e-3)
    before = np.cumsum(ball_distance(usual.q, ball) < LEAST) == 0
    np.testing.assert_array_equal(found.q[before], usual.q[before])
    steps = [np.abs(np.diff(path.q, axis=0)).max() for path in (usual, found)]
    assert steps[1] < 10 * steps[0]  # no jump to another posture


def test_several_paths_in_any_batch(arm, poses, ball):
    both = np.stack([poses, poses[::-1]])
    start = np.stack([Q_START, fkarm.follow_path(arm, poses, Q_START, task="position").q[-1]])
    given = dict(task="position", clearance=LEAST, obstacles=[ball])
    found = fkarm.follow_path(arm, both, start, **given)
    assert found.clearance.shape == (2, 60)
    alone = fkarm.follow_path(arm, poses, Q_START, **given)
    np.testing.assert_allclose(found.q[0], alone.q, atol=1e-9)
    assert (found.converged == (found.clearance >= LEAST)).all()


def test_where_it_cannot_be_clear_the_path_goes_on_and_says_so(arm, poses):
    few, wall = poses[::5], Sphere(0.1, poses[-1, :3, 3])
    found = fkarm.follow_path(arm, few, Q_START, task="position", clearance=LEAST, obstacles=wall)
    tips = segments(found.q)[:, -1, 1]
    np.testing.assert_allclose(tips, few[:, :2, 3], atol=1e-3)
    distance = np.linalg.norm(few[:, :2, 3] - poses[-1, :2, 3], axis=1) - 0.1 - RADIUS
    assert found.converged[distance > LEAST + 1e-3].all()
    assert not found.converged[distance < LEAST - 1e-3].any()  # to the tolerance
    assert (found.converged == (found.clearance >= LEAST)).all()
    assert 3 < found.converged.sum() < len(few) - 2


def test_arms_that_share_no_joint_keep_clear_of_each_other():
    robot, hands = two_arms(), ["left_hand", "right_hand"]
    start = np.array([-0.1, -0.88, -1.33, 0.4, -1.02, 0.66])
    paths = np.repeat(array(fkarm.forward_kinematics(robot, start, hands))[:, None], 20, axis=1)
    moves = np.array([[0.06, -0.19], [0.02, 0.2]])  # towards each other
    paths[..., :2, 3] += np.linspace(0, 1, 20)[:, None] * moves[:, None]
    goals = dict(zip(hands, paths, strict=True))
    usual = fkarm.follow_path(robot, goals, start, task="position")
    assert distance_of_two_arms(usual.q).min() < 0
    with fkarm.config.compilation("auto"):  # a search for both arms compiles for a minute
        found = fkarm.follow_path(robot, goals, start, task="position", clearance=LEAST)
    assert found.converged.all()
    np.testing.assert_allclose(found.clearance, distance_of_two_arms(found.q), atol=1e-9)
    assert found.clearance.min() >= LEAST
    reached = array(fkarm.forward_kinematics(robot, found.q, hands)).swapaxes(0, 1)
    np.testing.assert_allclose(reached[..., :2, 3], paths[..., :2, 3], atol=1e-3)


def test_obstacles_without_a_clearance_are_refused(arm, poses, ball):
    with pytest.raises(ValueError, match="obstacles must come with clearance"):
        fkarm.follow_path(arm, poses, Q_START, obstacles=ball)
    with pytest.raises(fkarm.RobotError, match="robot has no bodies"):
        fkarm.follow_path(arm.with_bodies([]), poses, Q_START, clearance=0.01)
