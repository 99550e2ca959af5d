"""From joints in any order to a tree, and what is none."""

import numpy as np
import pytest

import fkarm
from fkarm import Joint, Mimic, Robot


def link(name, parent, child, type="revolute", **more):
    return Joint(name, type, parent=parent, child=child, **more)


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


def test_a_chain_of_mimics_resolves_to_one_coordinate(every_joint):
    echo = every_joint.coordinates["echo"]
    # follow = -0.5 turn + 0.2, echo = 0.1 follow + 0.01
    assert echo.index == 0
    np.testing.assert_allclose([echo.multiplier, echo.offset], [-0.05, 0.03])


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


def test_a_chain_of_thousands_of_links_is_a_robot():
    chain = Robot.from_joints([Joint(f"j{i}") for i in range(5000)])
    assert chain.dof == 5000
    assert len(chain.path_to(chain.end_effector)) == 5000
    assert len(str(chain).splitlines()) == 5002
