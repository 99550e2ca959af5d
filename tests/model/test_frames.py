"""Constant transforms as users give them, and what is none."""

import math

import numpy as np
import pytest
from oracles import pose, rpy_matrix

import fkarm
from fkarm import Joint, Robot
from fkarm.model import frames


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
