"""Robots as trees: order, names, limits, changed copies, dicts, refusals."""

import json
import math

import numpy as np
import pytest
from oracles import rpy_matrix

import fkarm
from fkarm import Joint, Mimic, Robot


def link(name, parent, child, type="revolute", **more):
    return Joint(name, type, parent=parent, child=child, **more)


def test_from_joints_chains_links_from_the_base_to_the_tool():
    arm = Robot.from_joints([Joint("base"), Joint("elbow", child="forearm")], tool=(0, 0, 0.1))
    assert arm.link_names == ("base", "base_link", "forearm", "tool")
    assert (arm.root_link, arm.end_effector, arm.dof) == ("base", "tool", 2)
    assert arm.joint_names == ("base", "elbow")


def test_links_come_parents_first_and_siblings_in_the_given_order():
    robot = Robot([link("2", "a", "b"), link("3", "r", "c"), link("1", "r", "a")])
    assert robot.link_names == ("r", "c", "a", "b")
    assert robot.joint_names == ("3", "1", "2")


def test_the_default_end_effector_is_the_leaf_with_the_most_moving_joints():
    joints = [
        link("1", "r", "a"),
        link("2", "r", "b"),
        link("3", "b", "c", "fixed"),
        link("4", "b", "d"),
        link("5", "a", "e"),
    ]
    assert Robot(joints).end_effector == "e"
    assert Robot(joints, end_effector="c").end_effector == "c"


def test_dof_leaves_out_fixed_and_mimic_joints(every_joint):
    assert every_joint.dof == 3
    assert every_joint.joint_names == ("turn", "spin", "slide")
    np.testing.assert_array_equal(every_joint.lower_limits, [-2, -math.inf, -0.1])
    np.testing.assert_array_equal(every_joint.upper_limits, [1, math.inf, 0.4])
    assert every_joint.lower_limits.dtype == np.float64


def test_a_chain_of_mimics_resolves_to_one_coordinate(every_joint):
    echo = every_joint.coordinates["echo"]
    # follow = -0.5 turn + 0.2, echo = 0.1 follow + 0.01
    assert echo.index == 0
    np.testing.assert_allclose([echo.multiplier, echo.offset], [-0.05, 0.03])


def test_entries_say_what_q_is_made_of(free_robot, panda):
    assert panda.entries == ("angle",) * 7
    kinds = ("length",) * 3 + ("quaternion",) * 8 + ("length",) * 2 + ("angle",) * 2
    assert free_robot.entries == kinds
    assert free_robot.quaternions == (3, 7)
    assert panda.quaternions == ()
    assert free_robot.turns_freely
    assert not panda.turns_freely
    assert [joint.turns_freely for joint in free_robot.joints] == [True, True, False, False]


def test_limits_handed_out_cannot_change_the_robot(panda):
    panda.lower_limits[:] = 0
    assert panda.lower_limits[0] == -2.8973


def test_a_dict_is_json_and_gives_the_robot_back(every_joint, panda):
    for robot in (every_joint, panda, fkarm.robots.panda(gripper=True)):
        text = json.dumps(robot.to_dict(), allow_nan=False)
        assert Robot.from_dict(json.loads(text)) == robot


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"format": 0},
        {"format": "2"},
        {"format": 1},
        "panda",
        {"format": 1, "joints": [{"nme": "a"}], "end_effector": "", "name": "", "link_names": []},
    ],
    ids=["empty", "before the first", "no number", "bare", "text", "misspelt"],
)
def test_a_foreign_dict_is_refused(data):
    with pytest.raises(fkarm.RobotError, match="dict must"):
        Robot.from_dict(data)


def test_a_dict_of_a_newer_fkarm_is_refused_with_what_to_do(panda):
    with pytest.raises(fkarm.RobotError, match=r"at most 1.*Received: 2.*Update: pip install"):
        Robot.from_dict({**panda.to_dict(), "format": 2})


def test_print_shows_types_axes_and_limits_with_units(every_joint, panda):
    text = str(every_joint)
    for part in (
        "3 dof",
        "7 links",
        "end effector tip_1",
        "revolute about -y",
        "-114.592 to 57.2958 deg",
        "prismatic along (0, 0.6, 0.8)",
        "-100 to 400 mm",
        "unlimited",
        "bolt: fixed",
        "= -0.5 * turn + 0.2",
        "<- end effector",
    ):
        assert part in text, part
    assert repr(panda) == "Robot('panda', dof=7, links=11, end_effector='panda_hand')"


def test_print_indents_forks_only():
    chain = Robot.from_joints([Joint(f"j{i}") for i in range(50)])
    assert max(len(line) - len(line.lstrip()) for line in str(chain).splitlines()) == 2
    fork = str(fkarm.robots.panda(gripper=True))
    assert "\n  + panda_rightfinger" in fork
    assert "\n  panda_hand " in fork


def test_with_end_effector_and_tool(panda):
    assert panda.with_end_effector("panda_link4").end_effector == "panda_link4"
    tooled = panda.with_tool(xyz=(0, 0, 0.2), rpy=(0, 0.1, 0.2), name="gripper")
    assert tooled.end_effector == "gripper"
    assert set(tooled.link_names) - set(panda.link_names) == {"gripper"}
    frame = tooled.path_to("gripper")[-1].origin
    np.testing.assert_allclose(frame[:3, :3], rpy_matrix(0, 0.1, 0.2), atol=1e-15)
    np.testing.assert_allclose(frame[:3, 3], (0, 0, 0.2))
    assert panda.end_effector == "panda_hand"


def test_fixing_a_joint_fixes_its_mimics_too(every_joint):
    fixed = every_joint.with_fixed_joints({"turn": 0.4})
    assert fixed.joint_names == ("spin", "slide")
    assert not set(fixed.coordinates) & {"turn", "follow", "echo"}
    with pytest.raises(fkarm.UnknownJointError, match="must be one of: 'turn'"):
        every_joint.with_fixed_joints({"follow": 0.0})
    with pytest.raises(fkarm.RobotError, match="finite"):
        every_joint.with_fixed_joints({"turn": math.inf})


def test_a_sub_chain_is_a_robot_of_its_own(panda):
    arm = panda.sub_chain("panda_link2", "panda_link5")
    assert arm.link_names == tuple(f"panda_link{i}" for i in range(2, 6))
    assert arm.joint_names == tuple(f"panda_joint{i}" for i in range(3, 6))
    assert (arm.root_link, arm.end_effector) == ("panda_link2", "panda_link5")
    assert panda.sub_chain("panda_link1", "panda_link1").dof == 0


def test_a_sub_chain_that_is_none_is_refused(every_joint):
    with pytest.raises(fkarm.RobotError, match=r"to 'tip_2'.*q, link, base=\.\.\.\)"):
        every_joint.sub_chain("d", "tip_2")
    with pytest.raises(fkarm.RobotError, match="must mimic a joint between.*Received: 'turn'"):
        every_joint.sub_chain("a", "tip_1")
    with pytest.raises(fkarm.UnknownLinkError):
        every_joint.sub_chain("a", "nowhere")
    with pytest.raises(fkarm.UnknownLinkError):
        every_joint.sub_chain("nowhere", "a")


@pytest.mark.parametrize(
    ("joints", "message"),
    [
        ([], "at least one link"),
        ([link("1", "r", "a"), link("1", "a", "b")], "joint names must be unique.*'1'"),
        ([link("1", "r", "a"), link("2", "r", "a")], "'a' must have one parent.*'1' and '2'"),
        ([link("1", "r", "a"), link("2", "s", "b")], "one root link.*'r', 's'"),
        ([link("1", "b", "a"), link("2", "a", "b")], "cycle through '1', '2'"),
        ([link("0", "r", "x"), link("1", "b", "a"), link("2", "a", "b")], "cycle through '1'"),
        ([Joint("1", child="a")], "'1' must name its parent link"),
        ([link("1", "r", "a", mimic=Mimic("1"))], "must not mimic itself"),
        (
            [link("1", "r", "a", mimic=Mimic("2")), link("2", "a", "b", mimic=Mimic("1"))],
            "must not mimic itself",
        ),
        (
            [link("elbow", "r", "a"), link("2", "a", "b", mimic=Mimic("elbo"))],
            "Did you mean 'elbow'",
        ),
        (
            [link("1", "r", "a", "fixed"), link("2", "a", "b", mimic=Mimic("1"))],
            "must mimic a joint with one value. Received: the fixed joint '1'",
        ),
    ],
    ids=[
        "none",
        "twice",
        "two parents",
        "two roots",
        "cycle",
        "cycle beside a root",
        "no parent",
        "mimic itself",
        "mimic cycle",
        "mimic nothing",
        "mimic fixed",
    ],
)
def test_what_is_no_tree_is_refused(joints, message):
    with pytest.raises(fkarm.RobotError, match=message):
        Robot(joints)


def test_other_refusals(panda):
    with pytest.raises(fkarm.UnknownLinkError, match="Did you mean 'panda_hand'"):
        panda.with_end_effector("panda_hnd")
    with pytest.raises(fkarm.UnknownLinkError):
        Robot([link("1", "r", "a")], end_effector="b")
    with pytest.raises(fkarm.RobotError, match=r"must be fkarm\.Joint objects"):
        Robot.from_joints(["base"])
    with pytest.raises(fkarm.RobotError, match="link names must be unique"):
        Robot([], link_names=("a", "a"))
    with pytest.raises(fkarm.RobotError, match="must have one parent"):
        Robot([link("1", "r", "a"), link("2", "s", "a")])


def test_arguments_of_the_wrong_kind_are_refused(panda):
    for make, message in (
        (lambda: Robot(["a"]), "must be fkarm.Joint objects"),
        (lambda: panda.with_fixed_joints(["panda_joint1"]), "must be a dict"),
        (lambda: Robot.from_dict({**panda.to_dict(), "joints": ["a"]}), "as to_dict writes it"),
        (lambda: Robot.from_dh([(0, 0, 0, 0)], angle_unit=["deg"]), "angle_unit must be"),
    ):
        with pytest.raises(fkarm.RobotError, match=message):
            make()
    for link in (["panda_hand"], 5, None):
        with pytest.raises(fkarm.UnknownLinkError, match="link must be one of"):
            panda.check_link(link)


def test_a_second_tool_gets_a_name_of_its_own():
    arm = fkarm.robots.planar([1.0]).with_tool((0.1, 0, 0)).with_tool((0.1, 0, 0))
    assert arm.link_names[-3:] == ("tool", "tool_2", "tool_3")
    with pytest.raises(fkarm.RobotError, match="name must be new. Received: 'tool'"):
        arm.with_tool(name="tool")


def test_the_frames_of_a_joint_cannot_be_written_to(panda):
    with pytest.raises(ValueError, match="read-only"):
        panda.joints[0].origin[0, 3] = 1.0


def test_errors_are_the_builtins_they_refine(panda):
    with pytest.raises(KeyError):
        panda.check_link("x")
    with pytest.raises(ValueError, match="cycle"):
        Robot([link("1", "b", "a"), link("2", "a", "b")])
    with pytest.raises(fkarm.FkarmError):
        panda.check_link("x")


def test_a_long_list_of_names_is_cut_with_a_count():
    chain = Robot.from_joints([Joint(f"j{i}") for i in range(100)])
    with pytest.raises(fkarm.UnknownLinkError, match="and 61 more"):
        chain.check_link("zzz")


def test_a_chain_of_thousands_of_links_is_a_robot():
    chain = Robot.from_joints([Joint(f"j{i}") for i in range(5000)])
    assert chain.dof == 5000
    assert len(chain.path_to(chain.end_effector)) == 5000
    assert len(str(chain).splitlines()) == 5002
