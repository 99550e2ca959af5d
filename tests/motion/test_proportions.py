"""A person's proportions become those of the robot, directions stay."""

import numpy as np
import pytest
from oracles import rot

import fkarm
from fkarm.motion import KeyPoint
from fkarm.motion.correspondence import read_correspondence, with_places
from fkarm.motion.proportions import Skeleton

HINGE = {"lower": -2.0, "upper": 2.0}


def make_walker():
    """A floating trunk with two legs of two bones, and an arm of two bones."""
    joints = [fkarm.Joint("free", "floating", parent="world", child="trunk")]
    for side, y in (("left", 0.1), ("right", -0.1)):
        joints += [
            fkarm.Joint(f"{side}_hip", axis="y", xyz=(0, y, 0), parent="trunk",
                        child=f"{side}_thigh", **HINGE),
            fkarm.Joint(f"{side}_knee", axis="y", xyz=(0, 0, -0.4), parent=f"{side}_thigh",
                        child=f"{side}_shank", **HINGE),
            fkarm.Joint(f"{side}_sole", "fixed", xyz=(0, 0, -0.3), parent=f"{side}_shank",
                        child=f"{side}_foot"),
        ]  # fmt: skip
    joints += [
        fkarm.Joint("shoulder", axis="y", xyz=(0, 0, 0.5), parent="trunk", child="upper", **HINGE),
        fkarm.Joint("elbow", axis="y", xyz=(0.2, 0, 0), parent="upper", child="lower", **HINGE),
        fkarm.Joint("grip", "fixed", xyz=(0.3, 0, 0), parent="lower", child="hand"),
    ]
    return fkarm.Robot(joints, name="walker")


WALKER = make_walker()
BODY = {
    "trunk": "pelvis", "upper": "shoulder", "lower": "elbow", "hand": "hand",
    **{f"{side}_{link}": f"{side}_{point}" for side in ("left", "right")
       for link, point in (("thigh", "hip"), ("shank", "knee"), ("foot", "ankle"))},
}  # fmt: skip


def scaled_by(skeleton, points, scale):
    return skeleton.scaled(points, scale)[0]


def skeleton_of(robot, correspondence):
    pairs = read_correspondence(robot, correspondence)
    return Skeleton(with_places(robot, pairs), pairs), [pair.key.point for pair in pairs]


def person(rng, frames=20, legs=2.0, arm=0.5, hips=1.5, trunk=3.0):
    """A person whose bones are as many times longer than the walker's, in random directions."""

    def bone(length):
        vector = rng.normal(size=(frames, 3))
        return length * vector / np.linalg.norm(vector, axis=-1, keepdims=True)

    points = {"pelvis": rng.normal(size=(frames, 3))}
    for side in ("left", "right"):
        points[f"{side}_hip"] = points["pelvis"] + bone(0.1 * hips)
        points[f"{side}_knee"] = points[f"{side}_hip"] + bone(0.4 * legs)
        points[f"{side}_ankle"] = points[f"{side}_knee"] + bone(0.3 * legs)
    points["shoulder"] = points["pelvis"] + bone(0.5 * trunk)
    points["elbow"] = points["shoulder"] + bone(0.2 * arm)
    points["hand"] = points["elbow"] + bone(0.3 * arm)
    return points


def test_every_limb_has_its_own_ratio_and_keeps_its_directions(rng):
    skeleton, names = skeleton_of(WALKER, BODY)
    points = person(rng)
    scaled = scaled_by(skeleton, np.stack([points[name] for name in names], axis=-2), "auto")
    robot = dict(zip(names, np.moveaxis(scaled, -2, 0), strict=True))
    np.testing.assert_allclose(robot["pelvis"], points["pelvis"] / 2.0)  # as the legs
    bones = {"hip": ("pelvis", 1.5), "knee": ("hip", 2.0), "ankle": ("knee", 2.0)}
    for end, (start, ratio) in bones.items():
        for side in ("left_", "right_"):
            start_name = start if start == "pelvis" else side + start
            bone = points[side + end] - points[start_name]
            np.testing.assert_allclose(robot[side + end] - robot[start_name], bone / ratio)
    for end, start, ratio in (("shoulder", "pelvis", 3), ("elbow", "shoulder", 0.5)):
        bone = points[end] - points[start]
        np.testing.assert_allclose(robot[end] - robot[start], bone / ratio)


def test_the_ratio_of_a_limb_is_that_of_its_whole_length(rng):
    """Thigh and shank of other proportions: a foot that stands still does so when scaled."""
    skeleton, names = skeleton_of(WALKER, BODY)
    points = person(rng)
    for side in ("left", "right"):
        points[f"{side}_hip"] = points["pelvis"] + [0, 0.1, 0]
        points[f"{side}_knee"] = points[f"{side}_hip"] + [0, 0, -0.3]
        points[f"{side}_ankle"] = points[f"{side}_knee"] + [0, 0, -0.8]
    scaled = scaled_by(skeleton, np.stack([points[name] for name in names], axis=-2), "auto")
    robot = dict(zip(names, np.moveaxis(scaled, -2, 0), strict=True))
    ratio = (0.4 + 0.3) / (0.3 + 0.8)
    foot = robot["left_ankle"] - robot["left_hip"]
    np.testing.assert_allclose(foot, np.tile([0, 0, -1.1 * ratio], (20, 1)))
    np.testing.assert_allclose(robot["pelvis"], ratio * points["pelvis"])


def test_bones_of_an_arm_that_is_fixed_have_their_own_ratios(rng):
    arm = fkarm.robots.planar([0.4, 0.3])
    skeleton, names = skeleton_of(arm, {"link_1": "a", "link_2": "b", "tool": "c"})
    bones = rng.normal(size=(5, 2, 3))
    bones /= np.linalg.norm(bones, axis=-1, keepdims=True)
    person = np.concatenate([np.zeros((5, 1, 3)), np.cumsum(bones * [[0.31], [0.27]], axis=1)], 1)
    expected = np.concatenate([np.zeros((5, 1, 3)), np.cumsum(bones * [[0.4], [0.3]], axis=1)], 1)
    np.testing.assert_allclose(scaled_by(skeleton, person, "auto"), expected, atol=1e-12)
    assert names == ["a", "b", "c"]


def test_the_largest_lengths_count_where_a_joint_bends_a_bone():
    """From shoulder to hand, 0.7 m at most; the person's arm is 1.4 m long, and seldom straight."""
    skeleton, _ = skeleton_of(fkarm.robots.planar([0.4, 0.3]), {"link_1": "a", "tool": "b"})
    bend = np.linspace(0.0, 2.5, 200)
    person = np.zeros((200, 2, 3))
    person[:, 1, 0], person[:, 1, 1] = 0.8 + 0.6 * np.cos(bend), 0.6 * np.sin(bend)
    scaled = scaled_by(skeleton, person, "auto")
    np.testing.assert_allclose(scaled[:, 1], 0.5 * person[:, 1], rtol=0.01, atol=1e-12)


def test_clips_of_several_people_have_their_own_scale(rng):
    skeleton, names = skeleton_of(WALKER, BODY)
    both = [person(rng, legs=legs) for legs in (2.0, 1.0)]
    points = np.stack([np.stack([each[name] for name in names], axis=-2) for each in both])
    scaled = scaled_by(skeleton, points, "auto")
    for k, legs in enumerate((2.0, 1.0)):
        np.testing.assert_allclose(scaled[k, :, names.index("pelvis")], both[k]["pelvis"] / legs)
        np.testing.assert_allclose(scaled[k], scaled_by(skeleton, points[k], "auto"))
    assert scaled_by(skeleton, points.astype("float32"), "auto").dtype == np.float32


def test_a_number_or_a_mapping_states_the_scale(rng):
    skeleton, names = skeleton_of(WALKER, BODY)
    points = np.stack([value for _, value in sorted(person(rng).items())], axis=-2)
    np.testing.assert_allclose(scaled_by(skeleton, points, 0.7), 0.7 * points)
    body = np.stack([person(rng)[name] for name in names], axis=-2)
    auto, stated = (
        scaled_by(skeleton, body, scale) for scale in ("auto", {"trunk": 1.0, "hand": 2.0})
    )
    k, elbow = names.index("hand"), names.index("elbow")
    np.testing.assert_allclose(stated[:, names.index("pelvis")], body[:, names.index("pelvis")])
    np.testing.assert_allclose(stated[:, k] - stated[:, elbow], 2 * (body[:, k] - body[:, elbow]))
    shoulder = names.index("shoulder")
    np.testing.assert_allclose(
        stated[:, elbow] - stated[:, shoulder], auto[:, elbow] - auto[:, shoulder]
    )


def test_an_unknown_point_is_unknown_in_its_frame_only(rng):
    skeleton, names = skeleton_of(WALKER, BODY)
    points = np.stack([person(rng)[name] for name in names], axis=-2)
    whole = scaled_by(skeleton, points, 1.0)
    points[3, names.index("left_knee")] = np.nan
    lost = np.isnan(scaled_by(skeleton, points, "auto")).any(axis=-1)
    rows, columns = np.nonzero(lost)
    assert set(rows) == {3}
    assert {names[k] for k in columns} == {"left_knee", "left_ankle"}
    assert np.isfinite(whole).all()


def test_a_fixed_robot_takes_points_in_any_frame(rng):
    """A palm with two knuckles: wherever the person's hand is and however it is turned."""
    joints = []
    for name, y in (("one", 0.04), ("two", -0.04)):
        joints += [
            fkarm.Joint(f"{name}_bend", axis="y", xyz=(0.1, y, 0), parent="palm", child=name,
                        **HINGE),
            fkarm.Joint(f"{name}_end", "fixed", xyz=(0.05, 0, 0), parent=name, child=f"{name}_tip"),
        ]  # fmt: skip
    hand = fkarm.Robot(joints, name="hand")
    pairs = {name: name for name in ("palm", "one", "one_tip", "two", "two_tip")}
    skeleton, names = skeleton_of(hand, pairs)
    q = rng.uniform(-1, 1, size=(8, 2))
    poses = np.asarray(fkarm.forward_kinematics(hand, q, names))[..., :3, 3]
    turns = np.stack([rot(rng.normal(size=3), angle) for angle in rng.uniform(-3, 3, 8)])
    seen = 1.3 * np.einsum("tij,tkj->tki", turns, poses) + rng.normal(size=(8, 1, 3))
    found, turn = skeleton.scaled(seen, "auto")
    np.testing.assert_allclose(found, poses, atol=1e-12)
    np.testing.assert_allclose(turn, np.swapaxes(turns, 1, 2), atol=1e-12)
    seen[2, names.index("two")] = np.nan  # one knuckle alone does not tell the axes
    found, turn = skeleton.scaled(seen, "auto")
    lost = np.isnan(turn).any(axis=(1, 2))
    np.testing.assert_array_equal(np.flatnonzero(lost), [2])
    np.testing.assert_allclose(found[~lost], poses[~lost], atol=1e-12)


def test_a_scale_that_lengths_cannot_tell_is_refused(rng):
    skeleton, names = skeleton_of(WALKER, BODY)
    points = np.stack([person(rng)[name] for name in names], axis=-2)
    with pytest.raises(ValueError, match="scale must be 'auto', a number > 0, or a mapping"):
        scaled_by(skeleton, points, "tall")
    with pytest.raises(ValueError, match="scale must be finite and > 0. Received: -1.0"):
        scaled_by(skeleton, points, -1.0)
    with pytest.raises(ValueError, match=r"scale\['hand'\] must be finite and > 0"):
        scaled_by(skeleton, points, {"hand": 0.0})
    with pytest.raises(ValueError, match="A link of scale must be one of.*'handle'"):
        scaled_by(skeleton, points, {"handle": 1.0})
    points[:, names.index("hand")] = points[:, names.index("elbow")] = np.nan
    with pytest.raises(
        ValueError, match=r"\['shoulder', 'elbow', 'hand'\] must be known and apart"
    ):
        scaled_by(skeleton, points, "auto")
    apart, _ = skeleton_of(WALKER, {"left_foot": "a", "right_foot": "b"})
    with pytest.raises(ValueError, match="join its links to one tree.*such as the pelvis"):
        apart.scaled(points[:, :2], "auto")


def test_places_on_links(rng):
    pairs = {
        "trunk": KeyPoint("pelvis", xyz=(0, 0, 0.1)),
        "hand": ["wrist", KeyPoint("tip", xyz=(0.1, 0, 0))],
    }
    skeleton, names = skeleton_of(WALKER, pairs)
    assert [pair.place for pair in skeleton.pairs] == ["trunk@pelvis", "hand@wrist", "hand@tip"]
    points = np.zeros((4, 3, 3))
    points[:, 1, 0], points[:, 2, 0] = 1.0, 1.2
    scaled = scaled_by(skeleton, points, "auto")
    np.testing.assert_allclose(scaled[0, 2] - scaled[0, 1], [0.1, 0, 0])  # within a link
    assert names == ["pelvis", "wrist", "tip"]
