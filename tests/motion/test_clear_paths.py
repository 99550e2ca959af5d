"""Paths whose bodies keep clear of each other and of obstacles, as plain geometry sees it."""

import numpy as np
import pytest

import fkarm
from fkarm import Body
from fkarm.collision import HalfSpace, Sphere
from fkarm.motion import PathReason

LEAST = 0.02
TIMES = np.linspace(0.0, 2.0, 41)
LENGTHS = (0.4, 0.3, 0.2)


@pytest.fixture(scope="module")
def arm():
    """A planar arm with a ball at its tip and one at each joint."""
    arm = fkarm.robots.planar(list(LENGTHS))
    links = [link for link in arm.link_names if link != arm.root_link]
    return arm.with_bodies([Body(link, "sphere", 0.04) for link in links])


@pytest.fixture(scope="module")
def swing(arm):
    """A path whose tip passes through the origin's neighbourhood, and its targets."""
    q = np.stack([0.3 + 0.5 * TIMES, 0.8 + 0.3 * np.sin(TIMES), 0.6 + 0 * TIMES], axis=-1)
    poses = np.asarray(fkarm.forward_kinematics(arm, q), float)
    return q, poses[:, :3, 3]


def points(q):
    """Positions of the joints and of the tip. Shape `(..., 4, 2)`."""
    angle = np.cumsum(q, axis=-1)
    steps = np.stack([np.cos(angle), np.sin(angle)], axis=-1) * np.array(LENGTHS)[:, None]
    return np.concatenate([0 * steps[..., :1, :], np.cumsum(steps, axis=-2)], axis=-2)


@pytest.fixture(scope="module")
def usual(arm, swing):
    """The path without clearance."""
    q, places = swing
    return fkarm.solve_path(arm, {"tool": places}, TIMES, q[0])


@pytest.fixture(scope="module")
def ball(usual):
    """A ball that the last joint touches on this path, away from where the tip goes."""
    return Sphere(0.05, (*(points(usual.q)[20, 2] + np.array([-0.04, -0.07])), 0.0))


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_path_starts_clear_of_obstacles(side):
    """Of the two elbows that reach a point one is in the way."""
    arm = fkarm.robots.planar([0.4, 0.3])
    arm = arm.with_bodies([fkarm.Body("link_2", "sphere", 0.04)])
    x, y = 0.45, 0.2
    opening = np.arccos((0.4**2 + x**2 + y**2 - 0.3**2) / (2 * 0.4 * np.hypot(x, y)))
    first = np.arctan2(y, x) + side * opening
    ball = Sphere(0.05, (0.4 * np.cos(first), 0.4 * np.sin(first), 0.0))
    targets = {"tool": np.tile([x, y, 0.0], (3, 1))}
    path = fkarm.solve_path(arm, targets, TIMES[:3], clearance=LEAST, obstacles=ball)
    assert path.converged.all()
    np.testing.assert_allclose(path.q[:, 0], np.arctan2(y, x) - side * opening, atol=1e-3)


def test_a_path_goes_around_an_obstacle(arm, swing, usual, ball):
    q, places = swing
    kept = fkarm.solve_path(arm, {"tool": places}, TIMES, q[0], clearance=LEAST, obstacles=ball)

    def distance(path):
        apart = points(path.q)[:, 1:] - np.array(ball.xyz)[:2]
        return np.linalg.norm(apart, axis=-1).min(axis=-1) - 0.04 - 0.05

    assert distance(usual).min() < 0
    assert np.isnan(usual.clearance).all()
    assert distance(kept).min() >= LEAST
    assert kept.clearance.min() <= distance(kept).min() + 1e-9
    assert kept.converged.all()
    assert "bodies: smallest distance 2" in str(kept)


def test_a_frame_that_cannot_be_clear_says_so(arm, swing):
    q, places = swing
    wall = HalfSpace((0, -1, 0), -0.5)  # y < 0.5 is free, and some targets lie behind
    path = fkarm.solve_path(arm, {"tool": places}, TIMES, q[0], clearance=LEAST, obstacles=wall)
    height = points(path.q)[:, 1:, 1].max(axis=-1)
    np.testing.assert_allclose(path.clearance, 0.5 - height - 0.04, atol=1e-9)
    is_behind = places[:, 1] > 0.5
    assert is_behind.any()
    assert not path.converged[is_behind].any()
    assert path.clearance.min() > LEAST - 5e-3  # bodies count more than targets
    held = path.clearance[~path.converged]
    assert held.max() > LEAST  # clear frames, which the wall keeps from their targets
    assert (path.reason[~path.converged] == PathReason.COLLISION).all()
    assert path.within_velocity_limits.all()


def test_two_clips_in_one_call_are_both_clear(arm, swing, ball):
    q, places = swing
    both = np.stack([places, places[::-1]])
    path = fkarm.solve_path(
        arm, {"tool": both}, TIMES, q[[0, -1]], clearance=LEAST, obstacles=[ball]
    )
    apart = np.linalg.norm(points(path.q)[..., 1:, :] - np.array(ball.xyz)[:2], axis=-1)
    assert path.clearance.shape == (2, 41)
    assert path.converged.all()
    assert apart.min() >= LEAST + 0.04 + 0.05
    np.testing.assert_allclose(points(path.q)[..., 3, :], both[..., :2], atol=1e-3)


def test_clearance_needs_bodies_and_obstacles_need_clearance(arm, swing):
    q, places = swing
    with pytest.raises(fkarm.RobotError, match="robot has no bodies"):
        fkarm.solve_path(arm.with_bodies([]), {"tool": places}, TIMES, q[0], clearance=0.0)
    with pytest.raises(ValueError, match="obstacles must come with clearance"):
        fkarm.solve_path(arm, {"tool": places}, TIMES, q[0], obstacles=Sphere(0.1))
