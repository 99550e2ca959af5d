"""Joints: frames, axes, limits, refusals."""

import math

import numpy as np
import pytest
from oracles import pose, rot, rpy_matrix

import fkarm
from fkarm import Joint, Mimic, Robot
from fkarm.model import frames


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


@pytest.mark.parametrize(
    "value",
    [
        (0.1, 0.2, 0.3),
        {"xyz": (0.1, 0.2, 0.3)},
        [(0.1, 0.2, 0.3), (0, 0, 0)],
        pose(position=(0.1, 0.2, 0.3)),
    ],
    ids=["position", "dict", "pair", "matrix"],
)
def test_a_constant_transform_may_be_given_in_four_ways(value):
    np.testing.assert_array_equal(frames.frame_from(value, "tool"), pose(position=(0.1, 0.2, 0.3)))
    scaled = frames.frame_from(value, "tool", length_scale=1e-3)
    np.testing.assert_allclose(scaled[:3, 3], [1e-4, 2e-4, 3e-4])


@pytest.mark.parametrize(
    "value",
    ["abc", (1, 2), 2 * np.eye(4), np.diag([1.0, 1, -1, 1]), (0, 0, math.nan), {"x": 1}],
    ids=["text", "two", "scaled", "mirrored", "nan", "key"],
)
def test_what_is_no_transform_is_refused(value):
    with pytest.raises(fkarm.RobotError, match="tool"):
        frames.frame_from(value, "tool")


ROUNDED = rpy_matrix(0.1, 0.2, 0.3).round(4)


def test_a_rounded_rotation_is_refused_with_its_error_and_a_call_that_mends_it():
    off = np.abs(ROUNDED.T @ ROUNDED - np.eye(3)).max()
    assert 5e-5 < off < 2e-4
    message = rf"must be orthonormal.*off by {off:.2g}\. Is it rounded.*rot6d_to_matrix"
    rounded = pose(ROUNDED, (0, 0, 0.1))
    for make in (
        lambda: Robot.from_joints([Joint("a")], tool=rounded),
        lambda: Robot.from_dh([(0, 0, 0, 0)], tool=rounded),
        lambda: Robot.from_dh([(0, 0, 0, 0)], base=rounded),
    ):
        with pytest.raises(fkarm.RobotError, match=message):
            make()
    geometry = fkarm.geometry
    mended = geometry.rot6d_to_matrix(geometry.matrix_to_rot6d(ROUNDED))
    tool = geometry.make_transform(mended, rounded[:3, 3])
    frame = Robot.from_joints([Joint("a")], tool=tool).joints[-1].origin
    np.testing.assert_allclose(frame[:3, :3], rpy_matrix(0.1, 0.2, 0.3), atol=2e-4)


def test_a_matrix_where_three_numbers_belong_is_told_the_call_that_gives_them():
    off = np.abs(ROUNDED.T @ ROUNDED - np.eye(3)).max()
    arm = fkarm.robots.planar([1.0])
    angles = rf"rpy=fkarm\.geometry\.matrix_to_rpy\(R\); R is off orthonormal by {off:.2g}"
    for make, message in (
        (lambda: Joint("a", rpy=ROUNDED), angles),
        (lambda: Joint("a", rpy=np.eye(3)), r"matrix_to_rpy\(R\)\.$"),
        (lambda: arm.with_tool((0, 0, 1), ROUNDED), f"rpy of tool.*{angles}"),
        (lambda: arm.with_tool(pose()), r"xyz of tool.*xyz=T\[:3, 3\]"),
        (lambda: Robot.from_joints([Joint("a")], tool=((0, 0, 1), ROUNDED)), angles),
        (lambda: Robot.from_joints([Joint("a")], tool=ROUNDED), f"rigid 4 x 4.*{angles}"),
        (lambda: Robot.from_joints([Joint("a")], tool=pose(position=(1, 0, 0)).T), "transposed"),
        (lambda: Robot.from_joints([Joint("a")], tool=pose(2 * np.eye(3))), "scales"),
        (lambda: Robot.from_joints([Joint("a")], tool=pose(np.diag([1, 1, -1]))), "mirrors"),
    ):
        with pytest.raises(fkarm.RobotError, match=f"(?s){message}"):
            make()
    rpy = fkarm.geometry.matrix_to_rpy(rpy_matrix(0.1, 0.2, 0.3))
    np.testing.assert_allclose(Joint("a", rpy=rpy).rpy, (0.1, 0.2, 0.3), atol=1e-12)
