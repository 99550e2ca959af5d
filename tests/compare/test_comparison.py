"""compare_robots: finds what was put between two descriptions, and says no to different arms."""

import math
from dataclasses import replace

import numpy as np
import pytest
from autodiff import array
from oracles import pose, rpy_matrix

import fkarm
from fkarm import compare_robots

EVERY_CASE = pytest.mark.in_test_all("every case")
COMPILING = "`compare_robots` on more than one arm: JAX compiles long for each"
# Universal Robots' table for the UR5e, (a, alpha in degrees, d).
UR5E = [(0, 90, 162.5), (-425, 0, 0), (-392.2, 0, 0), (0, 90, 133.3), (0, -90, 99.7), (0, 0, 99.6)]
MIXED = [(0.1, 0.5, 0.3, 0.2), (-0.4, -1.2, 0.0, -0.7), (0.05, 1.3, 0.2, 0.0), (0, 0.3, -0.1, 1)]


def check(a, b, result):
    """The result says how b becomes a, at configurations the search did not see."""
    q = np.random.default_rng(99).uniform(-2, 2, size=(50, a.dof))
    tips_a = array(fkarm.forward_kinematics(a, q, a.end_effector))
    moved = result.senses * q + result.offsets
    tips_b = array(fkarm.forward_kinematics(b, moved, b.end_effector))
    np.testing.assert_allclose(result.base @ tips_b @ result.tool, tips_a, atol=1e-9)
    assert result.is_same()
    assert result.position_error_mm < 1e-6
    assert "the same arm" in str(result)


@pytest.mark.only_on("tensorflow", "torch", reason=COMPILING)
def test_a_table_in_mm_and_a_urdf_of_one_arm():
    rows = [(a, alpha, d, 10.0 * i) for i, (a, alpha, d) in enumerate(UR5E)]
    table = fkarm.Robot.from_dh(
        rows, angle_unit="deg", length_unit="mm", senses=[1, -1, 1, 1, -1, 1], tool=(0, 0, 150)
    )
    result = compare_robots(fkarm.robots.ur5e(), table)
    check(fkarm.robots.ur5e(), table, result)
    # Three parallel axes in a row turn one way: their senses and offsets are unique.
    np.testing.assert_array_equal(result.senses[1:4] * result.senses[2], [-1, 1, 1])


@EVERY_CASE
@pytest.mark.only_on("tensorflow", "torch", reason=COMPILING)
def test_a_seven_joint_arm_on_another_base_with_another_zero():
    rows = [(0, 0, 0.333), (0, -90, 0), (0, 90, 0.316), (0.0825, 90, 0), (-0.0825, -90, 0.384),
            (0, 90, 0), (0.088, 90, 0)]  # fmt: skip
    base = pose(rpy_matrix(0.1, 0.2, 0.3), (1, 2, 3))
    table = fkarm.Robot.from_dh(
        [(a, math.radians(alpha), d, 0.3) for a, alpha, d in rows],
        "modified", base=base, tool=(0.1, 0.2, 0.3),
    )  # fmt: skip
    check(fkarm.robots.panda(), table, compare_robots(fkarm.robots.panda(), table))


@pytest.mark.in_test_all("every case")  # the arms below are found again
def test_an_arm_is_itself_with_nothing_between(panda):
    result = compare_robots(panda, panda)
    np.testing.assert_array_equal(result.senses, 1)
    np.testing.assert_allclose(result.offsets, 0, atol=1e-6)
    np.testing.assert_allclose(result.base, np.eye(4), atol=1e-9)
    np.testing.assert_allclose(result.tool, np.eye(4), atol=1e-9)


@pytest.mark.only_on("tensorflow", "torch", reason=COMPILING)
@pytest.mark.parametrize("seed", [0, *(pytest.param(k, marks=EVERY_CASE) for k in (1, 2))])
def test_sliders_and_parallel_axes(seed):
    types = ["revolute", "prismatic", "revolute", "prismatic"]
    plain = fkarm.Robot.from_dh(MIXED, joint_types=types)
    shifted = [list(row) for row in MIXED]
    shifted[1][2] += 0.25
    shifted[2][3] += 0.4
    other = fkarm.Robot.from_dh(shifted, joint_types=types, senses=[-1, -1, 1, 1])
    check(plain, other, compare_robots(plain, other, seed=seed))


@EVERY_CASE
@pytest.mark.only_on("tensorflow", "torch", reason=COMPILING)
def test_arms_in_a_plane_are_told_by_their_tools_and_lengths():
    planar = fkarm.robots.planar([0.5, 0.3, 0.2])
    check(planar, planar.with_tool((0.1, 0.2, 0.3)),
          compare_robots(planar, planar.with_tool((0.1, 0.2, 0.3))))  # fmt: skip
    one = fkarm.robots.planar([0.5])
    check(one, fkarm.robots.planar([0.7]), compare_robots(one, fkarm.robots.planar([0.7])))


@pytest.mark.only_on("tensorflow", "torch", reason=COMPILING)
def test_different_arms_are_told_apart_with_what_is_left():
    a, b = fkarm.robots.planar([0.5, 0.3, 0.2]), fkarm.robots.planar([0.5, 0.31, 0.2])
    result = compare_robots(a, b)
    assert not result.is_same()
    assert 1 < result.position_error_mm < 100  # a centimetre of link length
    assert "different arms" in str(result)


@EVERY_CASE
@pytest.mark.only_on("tensorflow", "torch", reason=COMPILING)
def test_two_sizes_of_one_arm_are_different_arms():
    assert not compare_robots(fkarm.robots.iiwa7(), fkarm.robots.iiwa14()).is_same()


@EVERY_CASE
@pytest.mark.only_on("tensorflow", "torch", reason=COMPILING)
def test_a_small_difference_is_not_made_larger_than_it_is():
    rows = [(a, alpha, d, 0) for a, alpha, d in UR5E]
    exact = fkarm.Robot.from_dh(rows, angle_unit="deg", length_unit="mm")
    rows[1] = (-425.5, 0, 0, 0)
    other = fkarm.Robot.from_dh(rows, angle_unit="deg", length_unit="mm")
    result = compare_robots(exact, other)
    assert 0.05 < result.position_error_mm <= 0.5 + 1e-6
    assert not result.is_same()


def test_arms_that_cannot_be_compared_are_refused(panda, free_robot):
    with pytest.raises(TypeError, match="takes two fkarm.Robot"):
        compare_robots(panda, "panda")
    for a, b in (
        (panda, fkarm.robots.ur5()),
        (free_robot, free_robot),
        (fkarm.robots.planar([1.0]), fkarm.Robot.from_joints([fkarm.Joint("rail", "prismatic")])),
    ):
        with pytest.raises(fkarm.RobotError, match="Robots can be compared if both"):
            compare_robots(a, b)


@pytest.mark.only_on("tensorflow", "torch", reason=COMPILING)
def test_a_factor_of_a_thousand_asks_for_millimetres():
    pair = [fkarm.robots.planar([factor, 0.5 * factor]) for factor in (1.0, 1000.0)]
    found = fkarm.compare_robots(*pair, samples=5)
    assert found.length_ratio == pytest.approx(1e-3)
    assert "lengths differ 1000 times: is the second in millimetres?" in str(found)
    assert "is the first in millimetres?" in str(replace(found, length_ratio=1000.0))
    assert "millimetres" not in str(replace(found, length_ratio=2.0))
