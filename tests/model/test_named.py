"""Joint values by name: to a configuration and back."""

import math
from collections import namedtuple
from decimal import Decimal

import numpy as np
import pytest
from tables import Frame, structured

import fkarm

ARM = fkarm.Robot.from_joints(
    [
        fkarm.Joint("shoulder", axis="z"),
        fkarm.Joint("rail", "prismatic", axis="x", lower=0, upper=1),
        fkarm.Joint("elbow", axis="z", xyz=(1, 0, 0)),
        fkarm.Joint("follower", axis="z", mimic=fkarm.Mimic("elbow")),
        fkarm.Joint("bolt", "fixed"),
    ]
)


COLUMNS = {"elbow": [0.3, 0.6], "shoulder": [0.1, 0.4], "rail": [0.2, 0.5]}
EXPECTED = [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]


@pytest.mark.parametrize("values", [COLUMNS, Frame(**COLUMNS), structured(**COLUMNS)])
def test_values_are_put_in_the_order_of_the_joints(values):
    np.testing.assert_array_equal(ARM.configuration(values), EXPECTED)


def test_a_data_frame_and_its_rows_are_taken():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(COLUMNS)
    np.testing.assert_array_equal(ARM.configuration(frame), EXPECTED)
    np.testing.assert_array_equal(ARM.configuration(frame.iloc[1]), EXPECTED[1])
    np.testing.assert_array_equal(
        ARM.configuration(pandas.DataFrame(ARM.by_name(EXPECTED))), EXPECTED
    )
    with pytest.raises(TypeError, match="without names. Received: DataFrame with 'elbow'"):
        fkarm.forward_kinematics(ARM, frame)


def test_one_record_and_one_named_tuple_are_taken():
    np.testing.assert_array_equal(ARM.configuration(structured(**COLUMNS)[1]), EXPECTED[1])
    row = namedtuple("Row", COLUMNS)(0.3, 0.1, 0.2)
    np.testing.assert_array_equal(ARM.configuration(row), EXPECTED[0])


def test_units_are_those_of_the_arguments():
    values = {"shoulder": 180, "rail": 250, "elbow": [0, -90]}
    found = ARM.configuration(values, angle_unit="deg", length_unit="mm")
    expected = [[math.pi, 0.25, 0], [math.pi, 0.25, -math.pi / 2]]
    np.testing.assert_allclose(found, expected, atol=1e-15)
    back = ARM.by_name(found, angle_unit="deg", length_unit="mm")
    np.testing.assert_allclose(back["elbow"], [0, -90], atol=1e-13)
    np.testing.assert_allclose(back["rail"], [250, 250], atol=1e-13)


def test_what_is_not_named_has_the_default():
    found = ARM.configuration({"elbow": 0.5}, default=0.25)
    np.testing.assert_array_equal(found, [0.25, 0.25, 0.5])
    found = ARM.configuration({"elbow": 90}, default=[90, 0.1, 45], angle_unit="deg")
    np.testing.assert_allclose(found, [math.pi / 2, 0.1, math.pi / 2], atol=1e-15)
    np.testing.assert_array_equal(ARM.configuration({}, default=EXPECTED), EXPECTED)


def test_joints_of_several_entries_have_an_axis_for_them(free_robot):
    rng = np.random.default_rng(0)
    q = rng.normal(size=(4, free_robot.dof))
    named = free_robot.by_name(q)
    assert {name: value.shape for name, value in named.items()} == {
        "free": (4, 7),
        "ball": (4, 4),
        "flat": (4, 3),
        "hinge": (4,),
    }
    np.testing.assert_array_equal(free_robot.configuration(named), q)
    named = {"hinge": 90, "flat": [1000, 2000, 180], "free": [0, 0, 500, 1, 0, 0, 0]}
    named["ball"] = [1, 0, 0, 0]
    found = free_robot.configuration(named, angle_unit="deg", length_unit="mm")
    expected = [0, 0, 0.5, 1, 0, 0, 0, 1, 0, 0, 0, 1, 2, math.pi, math.pi / 2]
    np.testing.assert_allclose(found, expected, atol=1e-15)


def test_values_back_keep_single_precision_and_nan_stays():
    assert ARM.by_name(np.zeros((2, 3), "float32"))["rail"].dtype == np.float32
    assert np.isnan(ARM.configuration({**COLUMNS, "elbow": math.nan})[:, 2]).all()


def test_no_rows_and_no_joints():
    empty = {name: [] for name in COLUMNS}
    assert ARM.configuration(empty).shape == (0, 3)
    still = ARM.with_fixed_joints({"shoulder": 0, "rail": 0, "elbow": 0})
    assert still.configuration({}).shape == (0,)


@pytest.mark.parametrize(
    "value", [Decimal("0.5"), np.longdouble("0.5"), np.array([0.5], object)[0], 0.5]
)
def test_every_kind_of_real_number_is_taken(value):
    np.testing.assert_array_equal(ARM.configuration({"elbow": value}, default=0.0), [0, 0, 0.5])


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ([0.1, 0.2, 0.3], TypeError, "values must have names: .* Received: list"),
        ({"elbw": 0.0}, fkarm.UnknownJointError, "Received: 'elbw'. Did you mean 'elbow'"),
        ({**COLUMNS, "time": 0.0}, fkarm.UnknownJointError, "'time'. Leave it out: values"),
        ({"follower": 0.0}, fkarm.UnknownJointError, "It follows 'elbow': leave it out"),
        ({0: 0.0, 1: 0.0, 2: 0.0}, TypeError, "names of joints. Received: the name 0"),
        ({"elbow": 0.0}, ValueError, "no value for 'shoulder', 'rail'. Give default=0.0"),
        ({**COLUMNS, "elbow": "0.3"}, TypeError, "value of joint 'elbow' must be real numbers"),
        ({**COLUMNS, "elbow": 0.3j}, TypeError, "must be real numbers. Received: complex128"),
        ({**COLUMNS, "elbow": [None, 1.0]}, TypeError, "must be real numbers. Received: object"),
        ({**COLUMNS, "elbow": [[0.1], [0.2, 0.3]]}, TypeError, "numbers in one shape. Received"),
        ({**COLUMNS, "elbow": [0.1] * 3}, ValueError, "one batch shape.*'elbow' of \\(3,\\)"),
    ],
)
def test_bad_values_are_refused(values, error, message):
    with pytest.raises(error, match=message):
        ARM.configuration(values)


def test_a_name_that_comes_twice_is_refused():
    frame = Frame(**COLUMNS)
    frame.columns.append("elbow")
    with pytest.raises(ValueError, match="named once. Received: 'elbow' twice"):
        ARM.configuration(frame)


def test_bad_defaults_and_units_are_refused(free_robot):
    with pytest.raises(ValueError, match="a configuration for a floating joint. .* 'free'"):
        free_robot.configuration({"hinge": 0.0}, default=0.0)
    with pytest.raises(ValueError, match="a number or of shape \\(..., 3\\). Received: shape \\(2"):
        ARM.configuration({}, default=[0.0, 0.0])
    with pytest.raises(ValueError, match="joint 'ball' must have shape \\(..., 4\\)"):
        free_robot.configuration({"ball": [0, 0, 0]}, default=np.zeros(free_robot.dof))
    for function in (ARM.configuration, lambda _, **units: ARM.by_name(EXPECTED, **units)):
        with pytest.raises(ValueError, match="angle_unit must be one of"):
            function(COLUMNS, angle_unit="grad")
        with pytest.raises(ValueError, match="length_unit must be one of"):
            function(COLUMNS, length_unit="inch")


def test_what_has_names_or_another_size_has_no_names_to_be_given():
    with pytest.raises(TypeError, match="q must be numbers in the robot's order"):
        ARM.by_name(COLUMNS)
    with pytest.raises(ValueError, match="q must have shape \\(..., 3\\). Received: shape \\(2,"):
        ARM.by_name([0.0, 0.0])
