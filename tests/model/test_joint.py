"""Joints: axes, frames, limits, refusals."""

import math

import numpy as np
import pytest
from oracles import pose, rot, rpy_matrix

import fkarm
from fkarm import Joint, Mimic


@pytest.mark.parametrize(
    ("given", "axis"),
    [
        ("x", (1, 0, 0)),
        ("-y", (0, -1, 0)),
        ("+z", (0, 0, 1)),
        ((0, 0, -3), (0, 0, -1)),
        ((1e-200, 0, 1e-200), (0.5**0.5, 0, 0.5**0.5)),
        ([3, 0, 4], (0.6, 0, 0.8)),
    ],
    ids=str,
)
def test_an_axis_is_a_letter_or_a_vector_of_any_length(given, axis):
    np.testing.assert_allclose(Joint("a", axis=given).axis, axis, atol=1e-15)


def test_multiples_of_ninety_degrees_are_exact():
    joint = Joint("a", rpy=(math.pi / 2, -math.pi / 2, math.pi))
    assert set(np.abs(joint.origin[:3, :3]).ravel()) == {0.0, 1.0}


def test_the_frame_of_a_joint_moves_about_its_axis(rng):
    axis, xyz, rpy = rng.normal(size=(3, 3))
    origin = pose(rpy_matrix(*rpy), xyz)
    turned = Joint("a", axis=axis, xyz=xyz, rpy=rpy).frame_at(0.7)
    np.testing.assert_allclose(turned, origin @ pose(rot(axis, 0.7)), atol=1e-14)
    slid = Joint("a", "prismatic", axis=axis, xyz=xyz, rpy=rpy).frame_at(0.7)
    step = 0.7 * axis / np.linalg.norm(axis)
    np.testing.assert_allclose(slid, origin @ pose(position=step), atol=1e-14)


def test_a_joint_fixed_at_a_value_keeps_its_frame(rng):
    for pitch in (0.3, math.pi / 2, -math.pi / 2):
        joint = Joint("a", axis=rng.normal(size=3), xyz=(1, 2, 3), rpy=(0.4, pitch, 0.2))
        for value in (0.0, -2.5):
            fixed = joint.fixed_at(value)
            assert fixed.is_fixed
            np.testing.assert_allclose(fixed.origin, joint.frame_at(value), atol=1e-14)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": ""}, "non-empty string"),
        ({"type": "revolut"}, "Did you mean 'revolute'"),
        ({"axis": "w"}, "axis must be 'x', 'y' or 'z'"),
        ({"axis": (0, 0, 0)}, "axis must not be zero"),
        ({"axis": (0, 1)}, "axis must be 3 finite numbers"),
        ({"xyz": (0, math.nan, 0)}, "xyz must be 3 finite numbers"),
        ({"rpy": ("a", 0, 0)}, "rpy must be 3 finite numbers"),
        ({"lower": math.nan}, "lower limit must be a finite number, or -inf"),
        ({"upper": "far"}, "upper limit must be a finite number, or inf"),
        ({"lower": math.inf}, "lower limit must be a finite number"),
        ({"upper": -math.inf}, "upper limit must be a finite number"),
        ({"mimic": "b"}, "mimic must be a fkarm.Mimic"),
        ({"lower": 2, "upper": 1}, "lower must not exceed upper"),
        ({"type": "continuous", "lower": -1}, "continuous joint has no limits"),
        ({"type": "fixed", "mimic": Mimic("b")}, "must have one value. Received: type 'fixed'"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_bad_joint_is_refused_by_name(arguments, message):
    with pytest.raises(fkarm.RobotError, match=message):
        Joint(**{"name": "elbow", **arguments})


def test_a_bad_mimic_or_value_is_refused():
    with pytest.raises(fkarm.RobotError, match="mimic multiplier must be a finite"):
        Mimic("a", multiplier=math.inf)
    with pytest.raises(fkarm.RobotError, match="value of joint 'a'"):
        Joint("a").fixed_at(math.nan)


def test_the_frames_of_a_joint_cannot_be_written_to(panda):
    with pytest.raises(ValueError, match="read-only"):
        panda.joints[0].origin[0, 3] = 1.0
