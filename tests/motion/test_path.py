"""Paths are the optimum that other solvers find, and keep every limit in every frame."""

import numpy as np
import pytest
from autodiff import array
from scipy.optimize import minimize
from scipy.spatial.transform import Rotation

import fkarm

LINKS = ("body", "left_foot", "right_foot", "hand")


def poses_of(robot, q, links=LINKS):
    stacked = array(fkarm.forward_kinematics(robot, q, links))
    return {link: stacked[..., k, :, :] for k, link in enumerate(links)}


def steps_of(robot, path):
    """Speeds of every step, quaternions as angular velocity, by SciPy."""
    q = path.q.astype(np.float64)
    durations = np.diff(path.times)[..., None]
    speeds = np.abs(np.diff(q, axis=-2)) / durations
    for first in robot.quaternions:
        part = slice(first, first + 4)
        turns = Rotation.from_quat(np.roll(q[:, part], -1, axis=-1))
        speeds[:, part] = (turns[1:] * turns[:-1].inv()).magnitude()[:, None] / durations
    return speeds


@pytest.fixture
def noisy(walker, walk, rng):
    times, q = walk
    targets = poses_of(walker, q)
    for pose in targets.values():
        pose[:, :3, 3] += rng.normal(0, 0.004, (len(times), 3))
    return times, q, targets


def test_the_path_of_a_rail_is_the_optimum_that_scipy_finds(rail):
    times = np.array([0.0, 0.1, 0.25, 0.3, 0.5, 0.6, 0.7, 1.5])
    target = np.array([0.0, 0.1, 0.5, 0.6, 0.2, 0.1, 0.9, 1.4])
    most, weights = 1.5, (0.05, 0.01)
    path = fkarm.solve_path(
        rail, {"rail_link": target[:, None] * [1.0, 0, 0]}, times, np.zeros(1), most,
        velocity_weight=weights[0], acceleration_weight=weights[1], posture_weight=0.0,
    )  # fmt: skip
    durations = np.diff(times)

    def cost(x):
        speed = np.diff(x) / durations
        change = np.diff(speed) / (0.5 * (durations[1:] + durations[:-1]))
        squares = ((x - target) ** 2, (weights[0] * speed) ** 2, (weights[1] * change) ** 2)
        return sum(s.sum() for s in squares)

    slope = np.diff(np.eye(len(times)), axis=0)
    best = minimize(
        cost,
        np.zeros(len(times)),
        method="SLSQP",
        bounds=[(-1.0, 1.0)] * len(times),
        constraints={
            "type": "ineq",
            "fun": lambda x: np.concatenate(
                [most * durations - slope @ x, most * durations + slope @ x]
            ),
        },
        options={"ftol": 1e-14, "maxiter": 500},
    )
    np.testing.assert_allclose(path.q[:, 0], best.x, atol=2e-4)
    assert path.within_velocity_limits.all()
    assert {"VELOCITY", "LIMITS"} <= set(path.reason.tolist())


def test_reachable_targets_are_reached(walker, walk):
    times, q = walk
    path = fkarm.solve_path(walker, poses_of(walker, q), times)
    assert path.converged.all()
    assert path.within_velocity_limits.all()
    assert set(path.reason.tolist()) == {"SOLVED"}
    got = poses_of(walker, path.q)
    for link, pose in poses_of(walker, q).items():
        np.testing.assert_allclose(got[link][..., :3, 3], pose[..., :3, 3], atol=1e-3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("share", [1.0, 0.2])
def test_limits_hold_in_every_frame_whatever_the_targets_ask_for(walker, noisy, dtype, share):
    times, _, targets = noisy
    most = np.full(walker.dof, share * 2.0)
    path = fkarm.solve_path(
        walker,
        {link: pose.astype(dtype) for link, pose in targets.items()},
        times,
        velocity_limits=most,
    )
    assert path.q.dtype == dtype
    assert (steps_of(walker, path) <= most * (1 + 1e-12)).all()
    assert path.within_velocity_limits.all()
    assert (path.q >= walker.lower_limits).all()
    assert (path.q <= walker.upper_limits).all()


def test_the_limits_of_the_robot_hold_unless_they_are_switched_off(rail):
    from dataclasses import replace

    slow = replace(
        rail, joints=tuple(replace(j, velocity=0.5) if j.name == "rail" else j for j in rail.joints)
    )
    times = np.linspace(0, 1, 11)
    targets = {"rail_link": np.where(times < 0.5, -0.5, 0.5)[:, None] * [1.0, 0, 0]}
    fast = fkarm.solve_path(slow, targets, times, velocity_limits=False)
    assert np.abs(np.diff(fast.q[:, 0])).max() > 0.1
    path = fkarm.solve_path(slow, targets, times)
    assert np.abs(np.diff(path.q[:, 0])).max() <= 0.05
    assert np.abs(np.diff(path.q[:, 0])).max() > 0.0499


@pytest.mark.parametrize("hold", [False, True])
def test_accelerations_are_bounded(rail, hold):
    times = np.linspace(0, 2, 41)
    targets = {"rail_link": np.where(times < 1, -0.5, 0.5)[:, None] * [1.0, 0, 0]}
    path = fkarm.solve_path(rail, targets, times, np.array([-0.6]), 1.2, 4.0, hold_start=hold)
    speed = np.diff(path.q[:, 0]) / np.diff(times)
    change = np.abs(np.diff(speed) / np.diff(times)[1:])
    assert np.abs(speed).max() <= 1.2
    assert change.max() <= 4.0
    assert change.max() > 3.9
    assert path.within_acceleration_limits.all()
    if hold:
        assert path.q[0, 0] == -0.6


def test_feet_in_contact_stand_still(walker, noisy):
    times, _, targets = noisy
    frames = np.arange(len(times))
    contacts = {"left_foot": (frames > 10) & (frames < 20)}
    stands = {**targets, "left_foot": targets["left_foot"].copy()}
    stands["left_foot"][11:20] = targets["left_foot"][15]
    stands["left_foot"][11:20, :3, 3] += np.random.default_rng(0).normal(0, 0.01, (9, 3))
    weights = {"body": np.where(contacts["left_foot"], 0.1, 1.0)}
    free, path = (
        fkarm.solve_path(walker, stands, times, contacts=each, frame_weights=weights)
        for each in (None, contacts)
    )
    moved = [
        np.linalg.norm(np.diff(poses_of(walker, p.q)["left_foot"][11:20, :3, 3], axis=0), axis=1)
        for p in (free, path)
    ]
    assert moved[1].max() < 5e-4
    assert moved[1].max() < 0.1 * moved[0].max()
    np.testing.assert_allclose(path.slip[12:20], moved[1], atol=1e-12)
    assert np.isnan(path.slip[:12]).all()


def test_a_contact_needs_no_target(walker, walk):
    times, q = walk
    targets = poses_of(walker, q, ("body", "hand"))
    contacts = {"right_foot": np.arange(len(times)) < 5}
    path = fkarm.solve_path(walker, targets, times, q[0], contacts=contacts)
    feet = poses_of(walker, path.q, ("right_foot", "body"))["right_foot"]
    assert np.abs(np.diff(feet[:5, :3, 3], axis=0)).max() < 2e-3
    assert path.links == ("body", "hand", "right_foot")
    assert np.isnan(path.position_error[5:, 2]).all()


def test_a_batch_of_clips_is_solved_as_each_alone(walker, noisy):
    times, _, targets = noisy
    both = {link: np.stack([pose, pose[::-1]])[:, None] for link, pose in targets.items()}
    path = fkarm.solve_path(walker, both, times, velocity_limits=1.0)
    assert path.q.shape == (2, 1, len(times), walker.dof)
    alone = fkarm.solve_path(
        walker, {link: pose[::-1] for link, pose in targets.items()}, times, velocity_limits=1.0
    )
    np.testing.assert_allclose(path.q[1, 0], alone.q, atol=1e-9)
    np.testing.assert_array_equal(path.reason[1, 0], alone.reason)


@pytest.mark.parametrize("count", [0, 1, 2])
@pytest.mark.parametrize("limit", [None, 20.0])
def test_few_frames(walker, walk, count, limit):
    times, q = walk
    targets = poses_of(walker, q[:count])
    centres = array(fkarm.center_of_mass(walker, q[:count]))
    path = fkarm.solve_path(
        walker, targets, times[:count], acceleration_limits=limit, center_of_mass=centres
    )
    assert path.q.shape == (count, walker.dof)
    assert path.converged.all()
    assert path.within_velocity_limits.shape == (count,)


def test_no_clips(walker):
    path = fkarm.solve_path(walker, {"hand": np.zeros((0, 3, 4, 4))}, np.arange(3.0))
    assert path.q.shape == (0, 3, walker.dof)


def test_nan_reaches_its_own_neighbourhood_only_and_is_said(walker, walk):
    times, q = walk
    targets = poses_of(walker, q)
    whole = fkarm.solve_path(walker, targets, times)
    broken = {link: pose.copy() for link, pose in targets.items()}
    broken["hand"][20:23] = np.nan
    path = fkarm.solve_path(walker, broken, times)
    assert (path.reason[20:23] == "NAN").all()
    assert not path.converged[20:23].any()
    assert np.delete(path.converged, range(20, 23)).all()
    assert np.isfinite(path.q).all()
    assert np.isnan(path.position_error[20:23, 3]).all()
    assert np.isfinite(path.position_error[20:23, :3]).all()
    np.testing.assert_allclose(path.q[:12], whole.q[:12], atol=1e-3)
    # The gap is filled smoothly.
    np.testing.assert_allclose(path.q[20:23], whole.q[20:23], atol=0.02)


def test_nothing_but_nan_leaves_the_start(walker, walk):
    times, q = walk
    targets = {"hand": np.full((len(times), 4, 4), np.inf)}
    path = fkarm.solve_path(walker, targets, times, q[0])
    np.testing.assert_allclose(path.q, np.repeat(q[:1], len(times), 0), atol=1e-6)
    assert set(path.reason.tolist()) == {"NAN"}
    assert "not known" in str(path)


def test_the_start_may_be_far_away_or_turned(walker, walk):
    times, q = walk
    far = np.eye(4)
    far[:3, :3] = Rotation.from_rotvec([0, 0, 3.0]).as_matrix()
    far[:3, 3] = [1e4, -2e4, 50.0]
    targets = {link: far @ pose for link, pose in poses_of(walker, q).items()}
    path = fkarm.solve_path(walker, targets, times)
    assert path.converged.all()
    np.testing.assert_allclose(path.q[:, 7:], q[:, 7:], atol=5e-3)


def test_quaternions_keep_their_sign_through_a_whole_turn(walker):
    times = np.linspace(0, 3, 61)
    q = np.zeros((61, walker.dof))
    q[:, 3], q[:, 6] = np.cos(np.pi * times / 1.5), np.sin(np.pi * times / 1.5)  # two turns
    q[:, 8] = q[:, 10] = 0.5
    path = fkarm.solve_path(walker, poses_of(walker, q), times, velocity_limits=4.5)
    assert path.converged.all()
    cosines = np.sum(path.q[1:, 3:7] * path.q[:-1, 3:7], axis=1)
    assert cosines.min() > 0.9
    np.testing.assert_allclose(np.linalg.norm(path.q[:, 3:7], axis=1), 1.0, atol=1e-12)


@pytest.mark.parametrize("task", ["pose", "position"])
def test_targets_may_be_in_the_frame_of_a_link_that_moves(walker, walk, task):
    times, q = walk
    poses = poses_of(walker, q)
    to_foot = np.linalg.inv(poses["right_foot"])
    targets = {link: to_foot @ poses[link] for link in ("left_foot", "hand")}
    path = fkarm.solve_path(walker, targets, times, q[0], base="right_foot", task=task)
    assert path.converged.all()
    got = poses_of(walker, path.q)
    for k, (link, target) in enumerate(targets.items()):
        in_foot = np.linalg.inv(got["right_foot"]) @ got[link]
        distance = np.linalg.norm((in_foot - target)[:, :3, 3], axis=-1)
        assert distance.max() < 1e-3
        np.testing.assert_allclose(path.position_error[:, k], distance, atol=1e-9)
    np.testing.assert_array_equal(path.q[:, :7], np.repeat(q[:1, :7], len(times), 0))


def test_a_search_in_the_frame_of_a_link_starts_at_a_solution(walker, walk, monkeypatch):
    times, q = walk
    poses = poses_of(walker, q[:1])
    target = np.linalg.inv(poses["right_foot"]) @ poses["left_foot"]
    found = []
    monkeypatch.setattr(
        "fkarm.motion.starts.solve_ik",
        lambda *given, **options: found.append(fkarm.solve_ik(*given, **options)) or found[0],
    )
    fkarm.solve_path(walker, {"left_foot": target}, times[:1], base="right_foot")
    got = poses_of(walker, found[0].q)
    in_foot = np.linalg.inv(got["right_foot"]) @ got["left_foot"]
    np.testing.assert_allclose(in_foot[:, :3, 3], target[:, :3, 3], atol=1e-3)


def test_targets_may_be_in_the_frame_of_a_link_that_stands(walker, walk):
    times, q = walk
    table = fkarm.Joint(
        "to_table", "fixed", xyz=(1.0, 2.0, 0.5), rpy=(0.1, 0.2, 2.0), parent="world", child="table"
    )
    robot = fkarm.Robot((*walker.joints, table))
    T_world_table = np.eye(4)
    T_world_table[:3, :3] = Rotation.from_euler("xyz", (0.1, 0.2, 2.0)).as_matrix()
    T_world_table[:3, 3] = 1.0, 2.0, 0.5
    poses = poses_of(walker, q)
    stands = {"left_foot": np.arange(len(times)) < 5}
    targets = {link: np.linalg.inv(T_world_table) @ pose for link, pose in poses.items()}
    for options in ({}, {"contacts": stands}):
        path = fkarm.solve_path(robot, targets, times, q[0], base="table", **options)
        in_world = fkarm.solve_path(robot, poses, times, q[0], **options)
        np.testing.assert_allclose(path.q, in_world.q, atol=2e-3)
        assert (path.converged == in_world.converged).all()


def test_positions_leave_the_orientation_free(walker, walk):
    times, q = walk
    targets = {link: pose[:, :3, 3] for link, pose in poses_of(walker, q).items()}
    path = fkarm.solve_path(walker, targets, times, q[0])
    assert path.converged.all()
    assert np.isnan(path.orientation_error).all()


def test_a_direction_leaves_the_turn_about_it_free():
    joints = [fkarm.Joint(f"j{k}", axis=axis, xyz=(0, 0, 0.3)) for k, axis in enumerate("zyxzyz")]
    arm = fkarm.Robot.from_joints(joints)
    times, q = np.linspace(0, 1, 21), np.zeros((21, 6))
    q[:, 1], q[:, 3] = 0.5 + 0.3 * times, 0.4 * times
    poses = array(fkarm.forward_kinematics(arm, q))
    spun = poses.copy()
    spun[:, :3, :3] = poses[:, :3, :3] @ Rotation.from_rotvec([0, 0, 1.0]).as_matrix()
    path = fkarm.solve_path(
        arm, {"j5_link": spun}, times, q[0], task=("x", "y", "z", "rx", "ry"), frame="target"
    )
    assert path.converged.all()
    got = array(fkarm.forward_kinematics(arm, path.q))
    np.testing.assert_allclose(got[:, :3, 2], spun[:, :3, 2], atol=1e-2)
    assert np.abs(path.q[:, 5]).max() < 0.3  # the last joint did not turn by 1 rad


def test_a_frame_of_weight_zero_does_not_count(walker, walk):
    times, q = walk
    targets = poses_of(walker, q)
    targets["hand"][10, :3, 3] += 1.0
    bad = fkarm.solve_path(walker, targets, times)
    assert not bad.converged[10]
    weights = {"hand": np.where(np.arange(len(times)) == 10, 0.0, 1.0)}
    path = fkarm.solve_path(walker, targets, times, frame_weights=weights)
    assert path.converged.all()
    assert path.position_error[10, 3] > 0.5


def test_the_centre_of_mass_goes_to_its_targets(walker, walk):
    times, q = walk
    centres = array(fkarm.center_of_mass(walker, q))
    wanted = centres + np.array([0.0, 0.02, 0.0])
    wanted[:, 2] = np.nan
    feet = poses_of(walker, q, ("left_foot", "right_foot"))
    targets = {link: pose[:, :3, 3] for link, pose in feet.items()}
    path = fkarm.solve_path(walker, targets, times, q[0], center_of_mass=wanted)
    got = array(fkarm.center_of_mass(walker, path.q))
    np.testing.assert_allclose(got[:, :2], wanted[:, :2], atol=1e-3)
    assert path.converged.all()
    np.testing.assert_allclose(
        path.center_of_mass_error, np.linalg.norm((got - wanted)[:, :2], axis=1), atol=1e-12
    )


def test_held_joints_keep_their_value(walker, walk):
    times, q = walk
    mask = np.ones(walker.dof, bool)
    mask[8] = False
    path = fkarm.solve_path(walker, poses_of(walker, q), times, q[0], joint_mask=mask)
    np.testing.assert_array_equal(path.q[:, 8], q[0, 8])
    assert (np.ptp(path.q[:, 7]) > 0.1).all()


def test_a_whole_path_may_be_the_start(walker, walk):
    times, q = walk
    path = fkarm.solve_path(walker, poses_of(walker, q), times, q)
    assert path.converged.all()
    np.testing.assert_allclose(path.q, q, atol=0.01)


def test_jerk_is_less_than_half_of_that_frame_by_frame(walker, noisy):
    times, q, targets = noisy
    path = fkarm.solve_path(walker, targets, times, q[0])
    alone = fkarm.follow_path(walker, targets, q[0]).q
    jerks = [np.square(np.diff(each[:, 7:], n=3, axis=0)).mean() ** 0.5 for each in (path.q, alone)]
    assert jerks[0] < 0.5 * jerks[1]


def test_long_paths_are_solved_as_short_ones_are(walker):
    times = np.linspace(0, 4, 201)
    q = np.zeros((201, walker.dof))
    q[:, 0], q[:, 3], q[:, 8], q[:, 10] = 0.3 * times, 1.0, 0.6, 0.6
    q[:, 7], q[:, 9] = 0.4 * np.sin(3 * times), -0.4 * np.sin(3 * times)
    path = fkarm.solve_path(walker, poses_of(walker, q), times)
    assert path.converged.all()
    np.testing.assert_allclose(path.q[:, 7:], q[:, 7:], atol=0.01)


def test_a_path_says_what_it_is(walker, noisy):
    times, _, targets = noisy
    stands = {"left_foot": np.arange(len(times)) < 4}
    text = str(fkarm.solve_path(walker, targets, times, velocity_limits=1.0, contacts=stands))
    assert text.startswith("46 frames, ")
    for words in ("within velocity limits: 46 of 46", "hand: largest error", "slip"):
        assert words in text
    assert str(fkarm.solve_path(walker, {"hand": np.zeros((0, 3))}, [])).startswith("0 frames")
