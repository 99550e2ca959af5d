"""Feet that stand on the floor stand still for the robot."""

import numpy as np
import pytest
from motion.clips import walk
from motion.test_proportions import WALKER

import fkarm
from fkarm.motion import KeyPoint
from fkarm.motion.contacts import standing_links
from fkarm.motion.correspondence import read_correspondence

SOLE = (0.0, 0.0, -0.02)
LEGS = {
    "trunk": "pelvis",
    **{f"{side}_thigh": f"{side}_hip" for side in ("left", "right")},
    **{f"{side}_shank": f"{side}_knee" for side in ("left", "right")},
    **{f"{side}_foot": KeyPoint(f"{side}_ankle", xyz=SOLE) for side in ("left", "right")},
}
TIMES, POINTS = walk(80)
# The formula of the walk: a foot stands for six tenths of a cycle of 1.1 s.
SHIFTS = {"left": 0.0, "right": 0.5}
STANDS = {f"{side}_foot": (TIMES / 1.1 + shift) % 1.0 < 0.6 for side, shift in SHIFTS.items()}


def standing(points, times=TIMES):
    pairs = read_correspondence(WALKER, LEGS)
    return standing_links(pairs, np.stack([points[p.key.point] for p in pairs], axis=-2), times)


def test_feet_that_stand_are_recognised():
    found = standing(POINTS)
    assert set(found) == set(STANDS)
    for foot, flags in STANDS.items():
        assert (found[foot] != flags).sum() <= 2


def test_clips_stand_on_floors_and_at_times_of_their_own():
    """The second clip is slower, on an upper floor, and lacks a foot for some frames."""
    up = {name: point + np.array([0, 0, 3.0]) for name, point in POINTS.items()}
    up["left_ankle"][10:13] = np.nan
    both = {name: np.stack([point, up[name]]) for name, point in POINTS.items()}
    found = standing(both, np.stack([TIMES, 1.1 * TIMES]))
    for foot, flags in standing(POINTS).items():
        np.testing.assert_array_equal(found[foot][0], flags)
    alone = standing(up, 1.1 * TIMES)
    np.testing.assert_array_equal(found["left_foot"][1], alone["left_foot"])
    assert not alone["left_foot"][10:13].any()
    assert alone["left_foot"][20:30].all()


def test_short_gaps_are_filled():
    shaken = {name: point.copy() for name, point in POINTS.items()}
    shaken["left_ankle"][20, 0] += 0.03  # within two frames of 1/60 s, faster than 0.2 m/s
    np.testing.assert_array_equal(standing(shaken)["left_foot"], standing(POINTS)["left_foot"])


@pytest.mark.parametrize("count", [0, 1])
def test_contacts_of_few_frames(count):
    points = {name: point[:count] for name, point in POINTS.items()}
    path = fkarm.retarget(WALKER, points, LEGS, TIMES[:count], contacts="auto")
    assert path.q.shape == (count, WALKER.dof)


def test_feet_slide_without_contacts_only():
    slides = {}
    for name, contacts in (("none", None), ("auto", "auto"), ("given", STANDS)):
        path = fkarm.retarget(WALKER, POINTS, LEGS, TIMES, contacts=contacts)
        poses = np.asarray(fkarm.forward_kinematics(WALKER, path.q, list(STANDS)))
        soles = poses[..., :3, :3] @ np.array(SOLE) + poses[..., :3, 3]
        slides[name] = max(
            np.linalg.norm(np.diff(soles[first:last, k], axis=0), axis=-1).sum()
            for k, (first, last) in enumerate([(2, 38), (35, 70)])
        )
        foot = path.links.index("left_foot@left_ankle")
        assert np.nanmax(path.position_error[:, foot]) < 0.05
        assert "left_foot" not in path.links  # whose pose would stand: a leg could not turn
    assert slides["none"] > 0.02
    assert slides["auto"] < 0.003
    assert slides["given"] < 0.003


def test_a_point_that_cannot_move_holds_no_link():
    """The shoulder of an arm stands; its link turns."""
    arm = fkarm.robots.planar([0.4, 0.3])
    times = np.arange(20) / 20
    bend = 0.2 + 0.8 * times
    elbow = 0.4 * np.stack([np.cos(bend), np.sin(bend), 0 * bend], axis=-1)
    points = {"shoulder": 0 * elbow, "elbow": elbow, "hand": 1.75 * elbow}
    joints = {"link_1": "shoulder", "link_2": "elbow", "tool": "hand"}
    path = fkarm.retarget(
        arm, points, joints, times, contacts={"link_1": np.ones(len(times), bool)}
    )
    np.testing.assert_allclose(path.q[:, 0], bend, atol=0.01)


def test_other_words_are_refused():
    with pytest.raises(ValueError, match=r"contacts must be 'auto', or a mapping.*'always'"):
        fkarm.retarget(WALKER, POINTS, LEGS, TIMES, contacts="always")
    with pytest.raises(TypeError, match="contacts must be a mapping"):
        fkarm.retarget(WALKER, POINTS, LEGS, TIMES, contacts=[True])
