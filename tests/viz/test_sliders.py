"""Sliders show limits in degrees and millimetres, and start where joints have room."""

import numpy as np
import pytest

import fkarm
from fkarm.viz.sliders import resting, sliders_of


def joint(kind, **limits):
    return fkarm.Robot.from_joints([fkarm.Joint("j", kind, **limits)])


@pytest.mark.parametrize(
    ("robot", "symbol", "ends", "is_limited"),
    [
        (joint("revolute", lower=-np.pi / 2, upper=2 * np.pi), "°", (-90, 360), True),
        (joint("prismatic", lower=0.01, upper=0.2), "mm", (10, 200), True),
        (joint("continuous"), "°", (-180, 180), False),
        (joint("revolute", lower=0.0), "°", (0, 360), False),
        (joint("revolute", upper=np.pi), "°", (-180, 180), False),
        (joint("prismatic"), "mm", (-1000, 1000), False),
    ],
)
def test_a_slider_ranges_over_the_limits(robot, symbol, ends, is_limited):
    (slider,) = sliders_of(robot)
    assert (slider.label, slider.symbol, slider.is_limited) == ("j", symbol, is_limited)
    np.testing.assert_allclose((slider.lower, slider.upper), ends)


def test_joints_of_several_entries_have_a_slider_for_each(free_robot):
    labels = [slider.label for slider in sliders_of(free_robot)]
    assert labels[:7] == ["free x", "free y", "free z", "free qw", "free qx", "free qy", "free qz"]
    assert labels[7:] == [
        "ball qw", "ball qx", "ball qy", "ball qz", "flat x", "flat y", "flat turn", "hinge"
    ]  # fmt: skip
    assert resting(free_robot).tolist() == [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]


def test_a_robot_rests_near_zero_and_away_from_limits():
    robot = fkarm.Robot.from_joints(
        [
            fkarm.Joint("a", lower=-4.0, upper=0.0),
            fkarm.Joint("b", lower=-1.0, upper=3.0),
            fkarm.Joint("c", "continuous"),
        ]
    )
    np.testing.assert_allclose(resting(robot), [-1.0, 0.0, 0.0])
