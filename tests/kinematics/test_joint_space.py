"""What the entries of a configuration mean: ranges, whole turns, signs of quaternions."""

import math

import numpy as np
import pytest
from autodiff import array, tensor
from scipy.spatial.transform import Rotation

import fkarm
from fkarm import Joint, Mimic, Robot
from fkarm.kinematics import joint_space

TURN = 2 * math.pi
ARM = Robot.from_joints(
    [
        Joint("wide", axis="z", lower=-TURN, upper=TURN),
        Joint("narrow", axis="y", lower=-1.0, upper=0.5),
        Joint("rail", "prismatic", axis="x", lower=0.1, upper=0.4),
        Joint("wheel", "continuous", axis="z"),
        Joint("half", axis="x", lower=0.2),
    ]
)
# Each function takes arrays and tensors.
KINDS = pytest.mark.parametrize("given", [np.asarray, tensor], ids=["array", "tensor"])


def test_each_entry_has_its_kind(free_robot):
    kinds = joint_space.entry_kinds(free_robot)
    expected = ["length"] * 3 + ["quaternion"] * 8 + ["length"] * 2 + ["angle"] * 2
    assert list(kinds) == expected


def test_bounds_to_sample_between_are_finite(free_robot):
    lower, upper = joint_space.sampling_bounds(ARM)
    np.testing.assert_allclose(lower, [-TURN, -1, 0.1, -math.pi, 0.2])
    np.testing.assert_allclose(upper, [TURN, 0.5, 0.4, math.pi, 0.2 + TURN])
    lower, upper = joint_space.sampling_bounds(free_robot)
    np.testing.assert_allclose(upper, [1] * 13 + [math.pi, 2])
    np.testing.assert_allclose(lower, [-1] * 13 + [-math.pi, -1])


def test_a_number_of_single_precision_does_not_cross_a_limit_by_rounding(rng):
    lower = rng.uniform(-3, 0, size=1000)
    upper = rng.uniform(0, 3, size=1000)
    low, high = joint_space.representable_bounds(lower, upper, "float32")
    assert low.dtype == high.dtype == np.float32
    assert (low.astype(float) >= lower).all()
    assert (high.astype(float) <= upper).all()
    # The next number outwards is outside.
    infinity = np.float32(np.inf)
    assert (np.nextafter(low, -infinity).astype(float) < lower).all()
    assert (np.nextafter(high, infinity).astype(float) > upper).all()
    for one, other in zip(
        joint_space.representable_bounds(lower, upper, "float64"), (lower, upper), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_a_quaternion_has_no_limits(free_robot):
    assert list(joint_space.has_two_limits(ARM)) == [True, True, True, False, False]
    assert list(np.flatnonzero(joint_space.has_two_limits(free_robot))) == [14]


@KINDS
def test_values_near_a_limit_are_within_two_percent_of_the_range(given):
    lower, upper = np.array([-1.0, 10.0]), np.array([3.0, 11.0])
    depth, side = (
        given(np.array([[0.0], [1.0], [0.0], [0.5]])),
        given(np.array([[0.0], [0], [1], [1]])),
    )
    expected = [[-1, 10], [-0.92, 10.02], [3, 11], [2.96, 10.99]]
    found = joint_space.near_limit(given(lower), given(upper), given(depth), given(side))
    np.testing.assert_allclose(array(found), expected, rtol=1e-12)


def test_limits_that_leave_a_whole_turn_are_dropped():
    free = joint_space.without_wide_limits(ARM)
    assert list(np.isinf(free.upper_limits)) == [True, False, False, True, True]
    assert list(np.isinf(free.lower_limits)) == [True, False, False, True, False]
    assert free.joint_names == ARM.joint_names


def test_a_joint_that_another_mimics_keeps_its_limits():
    pair = Robot(
        [
            Joint("a", lower=-9, upper=9, parent="root", child="l"),
            Joint("b", lower=-9, upper=9, parent="l", child="m", mimic=Mimic("a", 0.5)),
        ]
    )
    assert joint_space.without_wide_limits(pair) == pair


def test_the_value_nearest_to_zero_is_within_the_limits(free_robot):
    np.testing.assert_array_equal(joint_space.nearest_to_zero(ARM), [0, 0, 0.1, 0, 0.2])
    expected = np.zeros(15)
    expected[[3, 7]] = 1.0
    np.testing.assert_array_equal(joint_space.nearest_to_zero(free_robot), expected)


@KINDS
def test_the_nearest_copy_is_a_whole_number_of_turns_away(given):
    lower, upper = ARM.lower_limits, ARM.upper_limits
    q = np.array([[-6.0, 0.4, 0.2, 0.3, 0.5], [7.0, -7.0, 0.2, 0.3, 0.5]])
    near = np.array([[6.1, 0.0, 9.0, 40.0, 12.0], [0.0, 0.0, 0.2, -0.3, -12.0]])
    found = array(joint_space.nearest_copy(ARM, given(q), given(near), given(lower), given(upper)))
    # Values outside their limits move inside by a turn.
    expected = q + TURN * np.array([[1, 0, 0, 6, 2], [-1, 1, 0, 0, 0]])
    np.testing.assert_allclose(found, expected, atol=1e-12)


@KINDS
def test_a_turn_that_moves_a_mimic_is_no_copy(given):
    pair = Robot(
        [
            Joint("a", parent="root", child="l"),
            Joint("b", parent="l", child="m", mimic=Mimic("a", 0.5)),
            Joint("c", parent="m", child="n"),
            Joint("d", parent="n", child="o", mimic=Mimic("c", 2.0)),
        ]
    )
    assert list(joint_space.repeats_by_turns(pair)) == [False, True]
    q, near, limit = (given(np.array(x)) for x in ([[-3.0, -3.0]], [[3.0, 3.0]], [np.inf] * 2))
    found = array(joint_space.nearest_copy(pair, q, near, -limit, limit))
    np.testing.assert_allclose(found, [[-3.0, TURN - 3.0]])


@KINDS
def test_quaternions_get_length_one_and_the_sign_of_the_reference(given, free_robot):
    q = fkarm.sample_configurations(free_robot, 5, seed=0)
    scaled = q.copy()
    scaled[:, 3:7] *= -3.0
    scaled[:, 7:11] *= 0.2
    found = joint_space.with_unit_quaternions(free_robot, given(scaled), given(q))
    np.testing.assert_allclose(array(found), q, atol=1e-15)
    still = np.zeros((1, 15))
    found = array(joint_space.with_unit_quaternions(free_robot, given(still), given(still)))
    np.testing.assert_array_equal(found[0, [3, 7]], 1.0)
    np.testing.assert_array_equal(found.sum(), 2.0)


def test_a_quaternion_of_length_one_keeps_its_bits(free_robot):
    q = fkarm.sample_configurations(free_robot, 50, seed=1, dtype="float32")
    np.testing.assert_array_equal(joint_space.with_unit_quaternions(free_robot, q, q), q)


def test_configurations_without_quaternions_stay_as_they_are():
    q = np.ones((2, 5))
    assert joint_space.with_unit_quaternions(ARM, q, -q) is q


@KINDS
def test_the_difference_is_the_short_way_round(given):
    a = given(np.array([3.0, 0.4, 0.3, 3.0, 6.0]))
    b = given(np.array([-3.0, -0.4, 0.1, -3.0, 0.5]))
    plain = [6.0, 0.8, 0.2, 6.0 - TURN, 5.5]
    np.testing.assert_allclose(array(joint_space.difference(ARM, a, b)), plain)
    by_turns = [6.0 - TURN, 0.8, 0.2, 6.0 - TURN, 5.5 - TURN]
    np.testing.assert_allclose(array(joint_space.difference(ARM, a, b, by_turns=True)), by_turns)


@KINDS
def test_the_difference_of_quaternions_ignores_their_signs(given, free_robot):
    q = fkarm.sample_configurations(free_robot, 2, seed=2)
    other = q.copy()
    other[:, 3:11] *= -1
    found = joint_space.difference(free_robot, given(q), given(other))
    np.testing.assert_allclose(array(found), 0.0, atol=1e-15)
    turn = Rotation.from_rotvec([0, 0, 0.2]) * Rotation.from_quat(np.roll(q[0, 3:7], -1))
    other[0, 3:7] = -np.roll(turn.as_quat(), 1)
    found = array(joint_space.difference(free_robot, given(q), given(other)))
    # The chord of quaternions a turn of 0.2 apart.
    np.testing.assert_allclose(np.linalg.norm(found[0, 3:7]), 2 * math.sin(0.05), rtol=1e-9)
