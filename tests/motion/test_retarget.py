"""Retargeting recovers motions that are known, and keeps limits on those that are not."""

from importlib import metadata

import numpy as np
import pytest
from motion.clips import pybullet_clip, walk
from motion.test_proportions import BODY, HINGE, WALKER
from oracles import corpus_file, corpus_files, rot

import fkarm
from fkarm.motion import G1_BODY, SHADOW_HAND, KeyPoint

LENGTHS = (0.5, 0.4)


@pytest.fixture(scope="module")
def arm():
    joints = [
        fkarm.Joint("shoulder", axis="z", parent="base", child="upper", velocity=3.0, **HINGE),
        fkarm.Joint("elbow", axis="z", xyz=(0.5, 0, 0), parent="upper", child="lower",
                    velocity=3.0, **HINGE),
        fkarm.Joint("grip", "fixed", xyz=(0.4, 0, 0), parent="lower", child="hand"),
    ]  # fmt: skip
    return fkarm.Robot(joints, name="arm")


JOINTS = {"upper": "shoulder", "lower": "elbow", "hand": "wrist"}


def swing(lengths, frames=60, shift=(0, 0, 0)):
    """Two bones in a plane, in closed form: times, joint angles, points by name."""
    times = np.arange(frames) / 30
    q = np.stack([0.6 * np.sin(times), 0.5 + 0.4 * np.cos(1.5 * times)], axis=-1)
    angle = np.cumsum(q, axis=-1)
    bones = np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=-1)
    shoulder = np.zeros((frames, 3)) + shift
    elbow = shoulder + lengths[0] * bones[:, 0]
    return (
        times,
        q,
        {"shoulder": shoulder, "elbow": elbow, "wrist": elbow + lengths[1] * bones[:, 1]},
    )


@pytest.mark.parametrize("lengths", [LENGTHS, (0.25, 0.2), (0.6, 0.48)], ids=str)
def test_the_angles_of_another_arm_are_recovered(arm, lengths):
    times, q, points = swing(lengths, shift=(3, 2, 1))  # wherever the person stands
    path = fkarm.retarget(arm, points, JOINTS, times)
    assert path.links == ("lower", "hand")  # the shoulder stands still
    np.testing.assert_allclose(path.q, q, atol=0.01)
    assert path.converged.all()
    assert path.within_velocity_limits.all()


def test_points_may_be_an_array_with_indices_or_names(arm):
    times, q, points = swing(LENGTHS)
    array = np.stack(list(points.values()), axis=-2)  # (time, points, 3)
    by_index = fkarm.retarget(arm, array, {"upper": 0, "lower": 1, "hand": 2}, times)
    by_name = fkarm.retarget(arm, array, JOINTS, times, names=list(points))
    np.testing.assert_allclose(by_index.q, q, atol=0.01)
    np.testing.assert_array_equal(by_index.q, by_name.q)


def test_several_clips_at_once(arm):
    times, q, points = swing(LENGTHS)
    both = {name: np.stack([clip, 0.5 * clip]).astype("float32") for name, clip in points.items()}
    path = fkarm.retarget(arm, both, JOINTS, times)
    assert path.q.shape == (2, *q.shape)
    assert path.q.dtype == np.float32
    np.testing.assert_allclose(path.q, np.stack([q, q]), atol=0.01)


def test_no_frame_one_frame_and_no_clip(arm):
    times, q, points = swing(LENGTHS)
    for frames in (0, 1):
        few = {name: clip[:frames] for name, clip in points.items()}
        path = fkarm.retarget(arm, few, JOINTS, times[:frames])
        np.testing.assert_allclose(path.q, q[:frames], atol=0.01)
    none = {name: np.zeros((0, 60, 3)) for name in points}
    assert fkarm.retarget(arm, none, JOINTS, times).q.shape == (0, 60, 2)


@pytest.mark.parametrize("lost", [np.nan, np.inf])
def test_a_lost_point_is_bridged(arm, lost):
    times, q, points = swing(LENGTHS)
    points["elbow"][10:13] = lost
    path = fkarm.retarget(arm, points, JOINTS, times)
    assert set(np.flatnonzero(path.reason == "NAN")) == {10, 11, 12}
    np.testing.assert_allclose(path.q, q, atol=0.01)


def test_velocity_limits_hold_where_the_person_is_too_fast(arm):
    times, q, points = swing(LENGTHS)
    path = fkarm.retarget(arm, points, JOINTS, times / 20, velocity_limits=3.0)
    assert np.abs(np.diff(q, axis=0) * 30 * 20).max() > 10
    assert np.abs(np.diff(path.q, axis=0) * 30 * 20).max() <= 3.0 * (1 + 1e-6)
    assert path.within_velocity_limits.all()
    assert not path.converged.all()


def test_orientations_are_followed_where_there_are_poses(arm):
    """The hand turns about z; the point's own axes are turned by a quarter about x."""
    times, q, points = swing(LENGTHS)
    own = rot((1, 0, 0), np.pi / 2)
    poses = {name: np.tile(np.eye(4), (len(times), 1, 1)) for name in points}
    for name, clip in points.items():
        poses[name][:, :3, 3] = clip
    for k, angle in enumerate(q.sum(axis=-1)):
        poses["wrist"][k, :3, :3] = rot((0, 0, 1), angle) @ own
    places = {
        "upper": KeyPoint("shoulder", orientation_weight=0),
        "lower": KeyPoint("elbow", orientation_weight=0),
        "hand": KeyPoint("wrist", rpy=(np.pi / 2, 0, 0)),
    }
    path = fkarm.retarget(arm, poses, places, times)
    np.testing.assert_allclose(path.q, q, atol=0.01)
    assert np.nanmax(path.orientation_error[:, path.links.index("hand")]) < 0.01
    array = np.stack(list(poses.values()), axis=-3)  # (time, points, 4, 4)
    again = fkarm.retarget(arm, array, places, times, names=list(poses))
    np.testing.assert_array_equal(again.q, path.q)


def test_a_floating_body_is_recovered_from_a_person_of_twice_its_size():
    times = np.arange(40) / 30
    q = np.zeros((40, WALKER.dof))
    q[:, 0], q[:, 2] = 0.3 * times, 0.7 + 0.02 * np.sin(4 * times)
    q[:, 3], q[:, 6] = np.cos(0.3 * times), np.sin(0.3 * times)
    phase = 5 * times[:, None] + np.arange(6)
    q[:, 7:] = 0.4 * np.sin(phase) + [0, 0.6, 0, 0.6, 0, 0.6]
    links = list(BODY)
    places = np.asarray(fkarm.forward_kinematics(WALKER, q, links))[..., :3, 3]
    points = {BODY[link]: 2 * places[:, k] for k, link in enumerate(links)}
    path = fkarm.retarget(WALKER, points, BODY, times)
    assert path.position_error.max() < 5e-3
    found = np.asarray(fkarm.forward_kinematics(WALKER, path.q, links))[..., :3, 3]
    np.testing.assert_allclose(found, places, atol=5e-3)
    np.testing.assert_allclose(path.q[:, 7:], q[:, 7:], atol=0.05)


def test_what_retargeting_refuses(arm):
    times, _, points = swing(LENGTHS, frames=5)
    array = np.stack(list(points.values()), axis=-2)

    def refused(message, *arguments, error=ValueError, **options):
        with pytest.raises(error, match=message):
            fkarm.retarget(arm, *arguments, **options)

    refused("'upper_arm'", points, {"upper_arm": "elbow"}, times, error=fkarm.UnknownLinkError)
    swapped = {point: link for link, point in JOINTS.items()}
    refused(r"correspondence must be \{link: point\}.* Received: \{'shoulder': 'upper'\}, the oth",
            points, swapped, times, error=fkarm.UnknownLinkError)  # fmt: skip
    refused(r"correspondence must be a mapping \{link: point\}", points, {}, times, error=TypeError)
    refused(
        r"correspondence\['hand'\] must be the name", points, {"hand": 1.5}, times, error=TypeError
    )
    refused("A link must have a point once. Received: hand@wrist twice", points,
            {"hand": ["wrist", "wrist"]}, times)  # fmt: skip
    refused("The point of 'hand' in correspondence must be one of.*Did you mean 'wrist'", points,
            {**JOINTS, "hand": "writs"}, times)  # fmt: skip
    refused("must be an index from 0 to 2, because points has no names", array, JOINTS, times)
    refused(r"points\['wrist'\] must have one position or pose per time: shape \(..., 5, 3\)",
            {**points, "wrist": points["wrist"][:4]}, JOINTS, times)  # fmt: skip
    twice = {**points, "wrist": np.tile(points["wrist"], (2, 1, 1))}
    refused("All points must have one shape", twice, JOINTS, times)
    refused(r"points must have shape \(..., time, points, 3\)", array[..., :2], JOINTS, times)
    refused("names must be 3 different names", array, JOINTS, times, names=["a", "b"])
    refused("names must be left out", points, JOINTS, times, names=["a", "b", "c"])
    refused("scale must be finite and > 0", points, JOINTS, times, -1.0)
    refused("weights must be left out: each fkarm.motion.KeyPoint", points, JOINTS, times,
            weights=(1.0, 1.0))  # fmt: skip
    many = {name: np.stack([point] * 2) for name, point in points.items()}
    for contacts in (None, "auto"):
        refused(r"times must have shape \(5,\), or \(2, 5\)", many, JOINTS, np.stack([times] * 3),
                contacts=contacts)  # fmt: skip
    refused("base must be left out", points, JOINTS, times, base="upper")
    refused("times must have shape", points, JOINTS, 0.1)
    refused("times must increase", points, JOINTS, times[::-1])
    refused("must name a link that a joint moves.*'upper'", points, {"upper": "shoulder"}, times)
    with pytest.raises(ValueError, match="xyz must be three finite numbers"):
        KeyPoint("wrist", xyz=(0, 0))
    with pytest.raises(ValueError, match="^weight must be finite and > 0"):
        KeyPoint("wrist", weight=-1)


# ---- robots and clips of other packages

needs_robots = pytest.mark.skipif(not corpus_files(), reason="needs example-robot-data")


def g1():
    path = corpus_file("g1_29dof_rev_1_0.urdf")
    return fkarm.Robot.from_urdf(path).with_floating_base()


def check_follows(robot, path, times, limit, error):
    assert path.within_velocity_limits.all()
    lower, upper = robot.lower_limits[7:], robot.upper_limits[7:]
    assert ((path.q[:, 7:] >= lower - 1e-6) & (path.q[:, 7:] <= upper + 1e-6)).all()
    rates = np.diff(path.q[:, 7:], axis=0) / np.diff(times)[:, None]
    assert np.abs(rates).max() <= limit * (1 + 1e-6)
    assert np.nanmean(path.position_error) < error


@needs_robots
@pytest.mark.in_test_all("corpus")
def test_the_g1_walks_and_waves():
    times, points = walk()
    robot = g1()
    path = fkarm.retarget(robot, points, G1_BODY, times, velocity_limits=15.0, contacts="auto")
    assert path.converged.all()
    check_follows(robot, path, times, 15.0, 0.02)
    foot = np.asarray(fkarm.forward_kinematics(robot, path.q, "left_ankle_roll_link"))[:, :3, 3]
    assert np.linalg.norm(np.diff(foot[2:38], axis=0), axis=-1).sum() < 0.005  # it stands there
    assert path.q[:, 0].max() > 0.5 * points["pelvis"][:, 0].max()


@needs_robots
@pytest.mark.in_test_all("corpus")
@pytest.mark.parametrize("name", ["walk", "dance_a"])
def test_the_g1_follows_recorded_people(name):
    clip = pybullet_clip(name)
    if clip is None:
        pytest.skip("needs the clips of the PyPI package pybullet (zlib licence)")
    times, points = clip
    robot = g1()
    path = fkarm.retarget(robot, points, G1_BODY, times, velocity_limits=20.0)
    check_follows(robot, path, times, 20.0, 0.03)


@pytest.mark.in_test_all("corpus")
def test_a_hand_with_five_fingers_follows_points_in_any_frame():
    """Its own closing fist, 1.2 times as large, seen by a camera that turns."""
    try:
        files = metadata.files("gymnasium-robotics") or []
    except metadata.PackageNotFoundError:
        pytest.skip("needs gymnasium-robotics")
    path = next(f.locate() for f in files if f.parts[-2:] == ("hand", "reach.xml"))
    hand = fkarm.Robot.from_mjcf(path)
    wrist = {name: 0.0 for name in hand.joint_names if ":WR" in name}
    hand = hand.with_fixed_joints(wrist)
    correspondence = {f"robot0:{link}": key for link, key in SHADOW_HAND.items()}
    keys = [(link, key) for link, value in correspondence.items()
            for key in (value if isinstance(value, list) else [value])]  # fmt: skip
    times = np.linspace(0, 2, 40)
    bend = 0.5 - 0.5 * np.cos(np.pi * times / 2)[:, None]
    lower, upper = np.maximum(hand.lower_limits, 0), np.minimum(hand.upper_limits, 0.9)
    q = lower + 0.8 * bend * (upper - lower)
    points = {}
    for link, key in keys:
        name, xyz = (key.point, key.xyz) if isinstance(key, KeyPoint) else (key, (0, 0, 0))
        pose = np.asarray(fkarm.forward_kinematics(hand, q, link))
        place = pose[:, :3, :3] @ np.array(xyz) + pose[:, :3, 3]
        turns = np.stack([rot((1, 2, 3), angle) for angle in times])
        points[name] = 1.2 * (turns @ place[..., None])[..., 0] + [0.1, 0.2, 0.3]
    found = fkarm.retarget(hand, points, correspondence, times, position_tolerance=0.005)
    assert found.position_error.max() < 0.005
    assert found.converged.all()
