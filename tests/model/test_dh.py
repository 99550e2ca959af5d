"""Denavit-Hartenberg tables against the plain product of their matrices."""

import math

import numpy as np
import pytest
from oracles import dh_product, pose, rpy_matrix

import fkarm

ROWS = [
    (0.1, 0.5, 0.3, 0.2),
    (-0.4, -1.2, 0.0, -0.7),
    (0.05, math.pi / 2, 0.2, 0.0),
    (0.0, 0.3, -0.1, 1.1),
]


def tip(robot, q):
    return np.asarray(fkarm.forward_kinematics(robot, q, robot.end_effector))


@pytest.mark.parametrize("convention", ["standard", "modified"])
def test_the_tip_is_the_product_of_the_table(convention, rng):
    types = ["revolute", "prismatic", "continuous", "prismatic"]
    robot = fkarm.Robot.from_dh(ROWS, convention, joint_types=types)
    assert robot.dof == 4
    for q in rng.uniform(-1, 1, size=(5, 4)):
        expected = dh_product(ROWS, q, convention, prismatic=(1, 3))
        np.testing.assert_allclose(tip(robot, q), expected, atol=1e-14)


def test_modified_link_frames_are_the_frames_of_the_table(rng):
    robot = fkarm.Robot.from_dh(ROWS, "modified")
    q = rng.uniform(-1, 1, size=4)
    for i in range(1, 5):
        expected = dh_product(ROWS[:i], q[:i], "modified")
        link_pose = fkarm.forward_kinematics(robot, q, f"link_{i}")
        np.testing.assert_allclose(link_pose, expected, atol=1e-14)


def test_degrees_and_millimetres(rng):
    in_si = fkarm.Robot.from_dh(
        ROWS, tool=((0, 0, 0.1), (0, 0.2, 0)), base=(0.5, 0, 0), limits=[(-1, 1)] * 4
    )
    scaled = [(1e3 * a, math.degrees(al), 1e3 * d, math.degrees(th)) for a, al, d, th in ROWS]
    turn = math.degrees(1)
    robot = fkarm.Robot.from_dh(
        scaled,
        angle_unit="deg",
        length_unit="mm",
        tool={"xyz": (0, 0, 100), "rpy": (0, math.degrees(0.2), 0)},
        base=(500, 0, 0),
        limits=[(-turn, turn)] * 4,
    )
    q = rng.uniform(-1, 1, size=(5, 4))
    np.testing.assert_allclose(tip(robot, q), tip(in_si, q), atol=1e-14)
    np.testing.assert_allclose(robot.upper_limits, 1.0)


def test_base_and_tool_stand_at_the_ends(rng):
    base, tool = pose(rpy_matrix(0.1, 0.2, 0.3), (1, 2, 3)), pose(rpy_matrix(1, 0, 0), (0, 0, 0.4))
    for convention in ("standard", "modified"):
        robot = fkarm.Robot.from_dh(ROWS, convention, base=base, tool=tool)
        q = rng.uniform(-1, 1, size=4)
        expected = base @ dh_product(ROWS, q, convention) @ tool
        np.testing.assert_allclose(tip(robot, q), expected, atol=1e-14)
        assert robot.end_effector == "tool"


def test_rows_may_name_their_columns():
    by_name = [dict(zip(("a", "alpha", "d", "theta"), row, strict=True)) for row in ROWS]
    del by_name[3]["a"]
    robot = fkarm.Robot.from_dh(by_name, joint_names=list("abcd"), joint_types="continuous")
    assert robot.joint_names == tuple("abcd")
    np.testing.assert_allclose(
        tip(robot, np.zeros(4)), tip(fkarm.Robot.from_dh(ROWS), np.zeros(4)), atol=1e-15
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rows": [(0, 0, 0)]}, r"rows\[0\] = \(a, alpha, d, theta\) must be 4"),
        ({"rows": [(0, 0, 0, 0), (0, 0, math.nan, 0)]}, r"rows\[1\].*finite"),
        ({"rows": [(0, 0, "d", 0)]}, r"rows\[0\]"),
        ({"rows": [{"alfa": 1}]}, "Did you mean 'alpha'"),
        ({"rows": []}, "at least one row"),
        ({"rows": None}, "rows must be a list"),
        ({"senses": -1}, "senses must be a list"),
        ({"joint_names": "abcd"}, "joint_names must be a list"),
        ({"convention": "craig"}, "convention must be one of: 'standard', 'modified'"),
        ({"angle_unit": "degree"}, "angle_unit must be one of"),
        ({"length_unit": "cm"}, "length_unit must be one of"),
        ({"joint_types": ["revolute"]}, "joint_types must have one entry per row, 4"),
        ({"joint_types": "prismatik"}, "Did you mean 'prismatic'"),
        ({"limits": [1, 2, 3, 4]}, r"limits\[0\] must be \(lower, upper\)"),
        ({"limits": [(1, -1)] * 4}, "lower must not exceed upper"),
        ({"joint_names": ["a"]}, "joint_names must have one entry"),
        ({"tool": (1, 2)}, "tool must be"),
        ({"base": "x"}, "base must be"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_bad_table_is_refused(arguments, message):
    with pytest.raises(fkarm.RobotError, match=message):
        fkarm.Robot.from_dh(**{"rows": ROWS, **arguments})


def test_an_infinite_limit_of_a_row_is_none_in_every_unit():
    robot = fkarm.Robot.from_dh(
        ROWS,
        angle_unit="deg",
        length_unit="mm",
        joint_types=["revolute", "prismatic", "continuous", "revolute"],
        limits=[(-math.inf, math.inf), (-500, math.inf), (-math.inf, math.inf), None],
    )
    np.testing.assert_array_equal(robot.lower_limits, [-math.inf, -0.5, -math.inf, -math.inf])
    np.testing.assert_array_equal(robot.upper_limits, [math.inf] * 4)


def test_a_sense_of_minus_one_turns_the_joint_round(rng):
    q = rng.uniform(-1, 1, size=(5, 4))
    types = ["revolute", "prismatic", "continuous", "revolute"]
    for convention in ("standard", "modified"):
        plain = fkarm.Robot.from_dh(ROWS, convention, joint_types=types)
        turned = fkarm.Robot.from_dh(ROWS, convention, joint_types=types, senses=[1, -1, -1, 1])
        np.testing.assert_allclose(tip(turned, q * [1, -1, -1, 1]), tip(plain, q), atol=1e-14)
    with pytest.raises(fkarm.RobotError, match=r"senses\[0\] must be 1 or -1"):
        fkarm.Robot.from_dh(ROWS, senses=[2, 1, 1, 1])
