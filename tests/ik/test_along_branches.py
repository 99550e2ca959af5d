"""Paths along the branches of a closed form: joints keep their course, and nothing jumps."""

import numpy as np
import pytest
from ik.closed_form import arms
from ik.test_by_closed_form import EVERY_METHOD, two_arms

import fkarm

STRAIGHT = np.array([0.3, -0.5, 0.8, 0.1, 0.0, 0.2])


def with_wrist():
    return arms.from_table(arms.PUMA_560, [(-2 * np.pi, 2 * np.pi)] * 6)


ARMS = {"three parallel axes": fkarm.robots.ur5e, "spherical wrist": with_wrist}


def poses(robot, q, link=None):
    """Poses by Pinocchio. Shapes `(..., dof)` to `(..., 4, 4)`."""
    flat = arms.poses(robot, q.reshape(-1, robot.dof), link)
    return flat.reshape((*q.shape[:-1], 4, 4))


def ways(start, end, count):
    """Straight lines in joint space."""
    share = np.linspace(0, 1, count)[:, None]
    return start[..., None, :] * (1 - share) + end[..., None, :] * share


def random_ways(robot, paths, count, seed=1):
    rng = np.random.default_rng(seed)
    start = rng.uniform(-3, 3, (paths, robot.dof))
    return ways(start, start + rng.uniform(-1.5, 1.5, start.shape), count)


@pytest.mark.parametrize("name", ARMS)
def test_joints_keep_their_course_through_singularities(name):
    robot = ARMS[name]()
    # Elbow and wrist change their sense on most of these ways.
    q = random_ways(robot, 16, 14)
    path = fkarm.follow_path(robot, poses(robot, q), q[:, 0], method="closed_form")
    assert path.converged.all()
    assert (np.abs(path.q - q).max(axis=(1, 2)) < 1e-6).mean() > 0.9


@EVERY_METHOD
def test_a_straight_wrist_does_not_jump(method):
    robot = with_wrist()
    end = np.add(STRAIGHT, [0.2, 0.2, -0.3, 0.0, 0.0, 0.0])
    q = ways(STRAIGHT, end, 12)  # singular at every pose
    path = fkarm.follow_path(robot, poses(robot, q), STRAIGHT, method=method)
    assert path.converged.all()
    assert np.abs(path.q - q).max() < 0.05
    through = ways(STRAIGHT - [0, 0, 0, 0, 0.3, 0], np.add(STRAIGHT, [0, 0, 0, 0, 0.3, 0]), 13)
    path = fkarm.follow_path(robot, poses(robot, through), through[0], method=method)
    assert path.converged.all()
    assert np.abs(path.q - through).max() < 0.05


@EVERY_METHOD
def test_poses_out_of_reach_are_descended_to_and_the_path_resumes(method):
    robot = fkarm.robots.ur5e()
    q = random_ways(robot, 2, 12)
    targets = poses(robot, q)
    targets[0, 5:8, 2, 3] += [1.5, 2.0, 1.5]
    path = fkarm.follow_path(robot, targets, q[:, 0], method=method)
    assert (~path.converged[0]).tolist() == [k in (5, 6, 7) for k in range(12)]
    assert path.converged[1].all()
    here = path.q[0, 4]
    for k in (5, 6, 7):
        alone = fkarm.follow_path(robot, targets[0, [k]], here, method="numeric")
        np.testing.assert_allclose(path.q[0, k], alone.q[0], atol=1e-6)
        here = path.q[0, k]


@EVERY_METHOD
def test_a_pose_of_nan_stays_in_its_row(method):
    robot = fkarm.robots.ur5e()
    q = random_ways(robot, 3, 8)
    targets = poses(robot, q)
    targets[1, 4] = np.nan
    path = fkarm.follow_path(robot, targets, q[:, 0], method=method)
    is_nan = np.isnan(path.position_error)
    assert np.argwhere(is_nan).tolist() == [[1, 4]]
    assert (path.converged == ~is_nan).all()
    np.testing.assert_array_equal(path.q[1, 4], path.q[1, 3])
    assert np.abs(np.diff(path.q, axis=1)).max() < 0.5


@EVERY_METHOD
def test_a_joint_turns_on_beyond_half_a_turn_and_stops_at_its_limit(method):
    robot = with_wrist()
    start = np.add(STRAIGHT, [0, 0, 0, 0, 0.7, -3.0])
    q = ways(start, np.add(start, [0, 0, 0, 0, 0, 8.0]), 41)
    targets = poses(robot, q)
    path = fkarm.follow_path(robot, targets, start, method=method)
    np.testing.assert_allclose(path.q, q, atol=1e-6)
    margin = fkarm.follow_path(robot, targets, start, method=method, limit_margin=2.0)
    ends = q[:, 5] > 2 * np.pi - 2.0
    np.testing.assert_allclose(margin.q[~ends], q[~ends], atol=1e-6)
    assert not margin.converged[ends].any()
    assert np.abs(margin.q).max() <= 2 * np.pi - 2.0
    assert np.abs(np.diff(margin.q, axis=0)).max() < 0.5


def test_of_seven_joints_one_must_be_held(panda):
    start = np.array([0.1, -0.5, 0.2, -2.0, 0.1, 1.6, 0.8])
    q = ways(start, np.add(start, [0.3, 0.2, 0.2, -0.3, 0.4, 0.3, 0.0]), 10)
    targets = poses(panda, q, "panda_hand")
    mask = np.arange(7) != 6
    asked = {"link": "panda_hand", "joint_mask": mask, "method": "closed_form"}
    held = fkarm.follow_path(panda, targets, start, **asked)
    np.testing.assert_allclose(held.q, q, atol=1e-6)
    with pytest.raises(
        fkarm.NoClosedFormError, match=r"six joints .* Received: seven. Hold 'panda"
    ):
        fkarm.follow_path(panda, targets, start, "panda_hand", method="closed_form")
    free = fkarm.follow_path(panda, targets, start, "panda_hand")
    assert free.converged.all()
    with pytest.raises(ValueError, match="method must be"):
        fkarm.follow_path(panda, targets, start, "panda_hand", method="fast")


def test_two_arms_follow_their_own_paths():
    left, right = (fkarm.robots.ur5e() for _ in range(2))
    robot = two_arms(left, right)
    q = random_ways(robot, 1, 6)[0]
    targets = {link: poses(robot, q, link) for link in ("left_tool0", "right_tool0")}
    path = fkarm.follow_path(robot, targets, q[0], method="closed_form")
    np.testing.assert_allclose(path.q, q, atol=1e-6)


def test_float32_meets_tight_tolerances():
    robot = fkarm.robots.ur5e()
    q = random_ways(robot, 8, 8)
    tight = {"position_tolerance": 2e-6, "orientation_tolerance": 2e-6}
    path = fkarm.follow_path(robot, poses(robot, q).astype("float32"), q[:, 0], **tight)
    assert path.q.dtype == np.float32
    assert path.converged.mean() > 0.95


@EVERY_METHOD
@pytest.mark.parametrize("batch", [(0, 5), (2, 0)])
def test_no_poses_have_no_configurations(method, batch):
    robot = fkarm.robots.ur5e()
    path = fkarm.follow_path(robot, np.zeros((*batch, 4, 4)), np.zeros(6), method=method)
    assert path.q.shape == (*batch, 6)
    assert path.converged.shape == batch
