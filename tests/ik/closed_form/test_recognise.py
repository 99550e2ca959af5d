"""Which arms have a closed form, and what the others are told."""

from dataclasses import replace

import numpy as np
import pytest
from ik.closed_form.arms import (
    KR_6,
    PUMA_560,
    QUARTER,
    ROBOTS,
    check_solutions,
    draw,
    from_table,
    oblique,
)

import fkarm

KINDS = {
    "ur5e": ("three parallel axes", None),
    "puma_560": ("spherical wrist", None),
    "kr_6": ("spherical wrist", None),
    "panda": ("spherical shoulder", "panda_joint7"),
    "iiwa14": ("spherical wrist", "iiwa_joint_3"),
}


@pytest.mark.parametrize("name", ROBOTS)
def test_the_form_of_a_known_arm_is_recognised(name):
    form = fkarm.ik.closed_form(ROBOTS[name]())
    assert (form.kind, form.free) == KINDS[name]
    assert form.branches == 8
    assert max(form.residual) < 1e-14
    assert form.kind in repr(form)


def test_mounts_and_tools_make_no_difference():
    assert fkarm.ik.closed_form(oblique(fkarm.robots.ur5e())).kind == "three parallel axes"


def test_the_caller_may_choose_the_free_joint():
    form = fkarm.ik.closed_form(fkarm.robots.iiwa14(), free="iiwa_joint_7")
    assert (form.kind, form.free) == ("spherical shoulder", "iiwa_joint_7")


def test_a_held_joint_leaves_six():
    arm = fkarm.robots.panda().with_fixed_joints({"panda_joint7": 0.6})
    form = fkarm.ik.closed_form(arm)
    assert (form.kind, form.free) == ("spherical shoulder", None)


def test_equal_arguments_give_one_object():
    arm = fkarm.robots.ur5e()
    assert fkarm.ik.closed_form(arm) is fkarm.ik.closed_form(arm, arm.end_effector)


def test_a_rounded_quarter_turn_is_accepted_and_reported():
    rows = [(a, round(alpha, 4), d, theta) for a, alpha, d, theta in PUMA_560]
    form = fkarm.ik.closed_form(fkarm.Robot.from_dh(rows, "standard"))
    assert 1e-7 < form.residual[1] < 1e-4


def test_first_axes_may_be_parallel():
    rows = [(0.4, 0, 0.3, 0), (0.3, QUARTER, 0.1, 0), *KR_6[2:]]
    form = fkarm.ik.closed_form(fkarm.Robot.from_dh(rows, "standard"))
    assert form.kind == "spherical wrist"


def test_axes_that_miss_a_point_are_named():
    rows = [*PUMA_560[:4], (0.0003, -QUARTER, 0, 0), (0, 0, 0, 0)]
    arm = fkarm.Robot.from_dh(rows, "standard")
    with pytest.raises(
        fkarm.NoClosedFormError, match=r"'joint_6' miss a common point by 0\.\d+ mm"
    ):
        fkarm.ik.closed_form(arm)


def test_where_three_axes_meet_the_others_are_named():
    rows = [(0.1, 1.0, 0.2, 0), (0.2, 0.8, 0.1, 0), *KR_6[2:]]
    words = (
        r"'joint_4', 'joint_5', 'joint_6' meet in a point, but those of 'joint_1' and 'joint_2' "
        r"are 100 mm from meeting and 1 rad from parallel, those of 'joint_2' and "
        r"'joint_3' are 200 mm from meeting and 0.8 rad"
    )
    with pytest.raises(fkarm.NoClosedFormError, match=words):
        fkarm.ik.closed_form(fkarm.Robot.from_dh(rows, "standard"))


def test_three_axes_that_meet_in_the_middle_are_no_form():
    rows = [(0.1, 1.0, 0.2, 0), (0, QUARTER, 0, 0), (0, QUARTER, 0, 0), *[(0.1, 1.0, 0.2, 0)] * 3]
    with pytest.raises(fkarm.NoClosedFormError, match="meet in a point, but are not where a form"):
        fkarm.ik.closed_form(fkarm.Robot.from_dh(rows, "standard"))


def test_axes_that_are_nearly_parallel_are_named():
    rows = [(0.4, 0.001, 0.1, 0), (0.4, 0.5, 0.1, 0.2), *[(0.1, QUARTER, 0.2, 0)] * 4]
    arm = fkarm.Robot.from_dh(rows, "standard")
    with pytest.raises(fkarm.NoClosedFormError, match="no closed form that fkarm knows"):
        fkarm.ik.closed_form(arm)


@pytest.mark.parametrize("joint", ["panda_joint4", "panda_joint1"])
def test_a_free_joint_that_leaves_no_form_is_refused(joint):
    with pytest.raises(fkarm.NoClosedFormError, match=f"with '{joint}' given"):
        fkarm.ik.closed_form(fkarm.robots.panda(), free=joint)


@pytest.mark.parametrize("joint", ["iiwa_joint_1", "iiwa_joint_4"])
def test_a_form_that_cannot_find_random_solutions_is_no_form(joint):
    # Joint 4 alone sets the distance between shoulder and wrist.
    arm = fkarm.robots.iiwa14()
    try:
        form = fkarm.ik.closed_form(arm, free=joint)
    except fkarm.NoClosedFormError:
        assert joint == "iiwa_joint_4"
    else:
        assert form.free == joint == "iiwa_joint_1"


def test_the_number_of_joints_must_be_six_or_seven():
    arm = fkarm.robots.planar([1.0, 0.5])
    with pytest.raises(fkarm.NoClosedFormError, match=r"six joints.*Received: 2"):
        fkarm.ik.closed_form(arm)


def test_a_slide_is_named():
    rows = [*PUMA_560[:5], (0, 0, 0, 0)]
    types = ["revolute"] * 5 + ["prismatic"]
    arm = fkarm.Robot.from_dh(rows, "standard", joint_types=types, limits=[None] * 5 + [(0, 1)])
    with pytest.raises(fkarm.NoClosedFormError, match="6 joints, of which 'joint_6' slide"):
        fkarm.ik.closed_form(arm)


def test_joints_of_several_values_are_named(ball_and_plane):
    with pytest.raises(fkarm.NoClosedFormError, match=r"by one value.* the \w+ joint"):
        fkarm.ik.closed_form(ball_and_plane)


def mimicking(multiplier, offset=0.0, kind="revolute", leader="knob"):
    """A Puma whose third joint mimics a joint beside the arm, or another one of the arm."""
    arm = from_table(PUMA_560)
    third = replace(
        arm.joints[2], type=kind, mimic=fkarm.Mimic(leader, multiplier, offset), lower=-3, upper=3
    )
    knob = fkarm.Joint("knob", parent=arm.root_link, child="dial", lower=-3.0, upper=3.0)
    joints = [third if joint.name == third.name else joint for joint in arm.joints]
    return fkarm.Robot([*joints, knob], end_effector=arm.end_effector)


@pytest.mark.parametrize(("multiplier", "offset"), [(-1.0, 0.0), (1.0, 0.7)])
def test_a_joint_may_mimic_one_beside_the_arm(multiplier, offset):
    arm = mimicking(multiplier, offset)
    check_solutions(fkarm.ik.closed_form(arm), draw(arm, 30), 1e-12)


def test_joints_beside_the_arm_may_mimic_it():
    arm = fkarm.robots.ur5e()
    finger = fkarm.Joint(
        "finger", "prismatic", parent="tool0", child="tip", lower=0.0, upper=1.0,
        mimic=fkarm.Mimic("elbow_joint", 0.3),
    )  # fmt: skip
    assert fkarm.ik.closed_form(fkarm.Robot([*arm.joints, finger]), "tool0").branches == 8


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"multiplier": 2.0}, "2 times as far as 'knob'"),
        ({"multiplier": -1.0, "leader": "joint_2"}, "'joint_2', which the link follows 2 times"),
    ],
)
def test_mimics_that_leave_no_form_are_named(options, words):
    with pytest.raises(fkarm.NoClosedFormError, match=words):
        fkarm.ik.closed_form(mimicking(**options))


def test_slides_that_undo_each_other_are_named():
    there = fkarm.Joint("there", "prismatic", lower=0.0, upper=1.0)
    back = replace(there, name="back", mimic=fkarm.Mimic("there", -1.0))
    arm = fkarm.Robot.from_joints([there, back])
    with pytest.raises(fkarm.NoClosedFormError, match="'there', which mimics undo"):
        fkarm.ik.closed_form(arm)


def test_bad_arguments_are_named():
    arm = fkarm.robots.ur5e()
    with pytest.raises(TypeError, match="must be a fkarm.Robot"):
        fkarm.ik.closed_form("ur5e")
    with pytest.raises(fkarm.UnknownJointError, match="free must be one of"):
        fkarm.ik.closed_form(arm, free="elbow")
    with pytest.raises(fkarm.NoClosedFormError, match="free must be one of seven joints"):
        fkarm.ik.closed_form(arm, free="elbow_joint")
    with pytest.raises(fkarm.UnknownLinkError):
        fkarm.ik.closed_form(arm, "hand")


def test_no_closed_form_is_a_value_error():
    assert issubclass(fkarm.NoClosedFormError, (fkarm.FkarmError, ValueError))
    assert np.all([issubclass(fkarm.NoClosedFormError, kind) for kind in (ValueError,)])
