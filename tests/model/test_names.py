"""Made-up names: a given name is never changed, and a made-up one is free."""

import numpy as np
import pytest

import fkarm
from fkarm import Joint, Robot
from fkarm.model.names import Names


def position(robot, link):
    return fkarm.forward_kinematics(robot, np.zeros(robot.dof), link)[:3, 3]


def world(bodies):
    return f"<mujoco><worldbody>{bodies}</worldbody></mujoco>"


def test_a_name_is_made_once():
    names = Names(["a", "a_2"])
    assert [names.make(wanted) for wanted in "aabb"] == ["a_3", "a_4", "b", "b_2"]


def test_a_body_keeps_the_name_that_would_be_made_up_for_another():
    robot = Robot.from_mjcf(
        world("""<body pos="0 0 .1"><joint name="yaw" axis="0 0 1"/>
        <body name="body_0" pos=".2 0 0"><joint name="h0" axis="0 1 0"/>
        <body name="body_1" pos=".3 0 0"><joint name="h1" axis="0 1 0"/></body></body></body>""")
    )
    np.testing.assert_allclose(position(robot, "body_1"), [0.5, 0, 0.1], atol=1e-15)
    np.testing.assert_allclose(position(robot, "body_0"), [0.2, 0, 0.1], atol=1e-15)
    assert robot.link_names == ("world", "body_1_2", "body_0", "body_1")
    assert robot.joint_names == ("yaw", "h0", "h1")


def test_a_site_keeps_the_name_that_would_be_made_up_for_another():
    robot = Robot.from_mjcf(
        world("""<body name="ee" pos="1 0 0"><joint name="j"/>
        <site name="ee" pos=".1 0 0"/><site name="ee_site" pos=".2 0 0"/><site pos=".3 0 0"/>
        <site name="site_2" pos=".4 0 0"/></body>""")
    )
    for link, x in (
        ("ee", 1.0),
        ("ee_site", 1.2),
        ("ee_site_2", 1.1),
        ("site_2_2", 1.3),
        ("site_2", 1.4),
    ):
        np.testing.assert_allclose(position(robot, link), [x, 0, 0], atol=1e-15)
    assumed = robot.report().assumed
    assert assumed == ("site 'ee' has the name of a body: its link is 'ee_site_2'",)


@pytest.mark.parametrize(
    ("bodies", "joints", "links"),
    [
        (
            "<body name='leg'><joint/><body name='b'><joint name='leg_joint_0'/></body></body>",
            ("leg_joint_0_2", "leg_joint_0"),
            ("leg", "b"),
        ),
        (
            "<body name='arm'><joint name='pan'/><joint name='tilt' axis='1 0 0'/>"
            "<body name='arm/pan' pos='0 0 1'/></body>",
            ("pan", "tilt"),
            ("arm/pan_2", "arm", "arm/pan"),
        ),
        (
            "<body name='b'><joint name='tip_fixed'/><site name='tip'/></body>",
            ("tip_fixed",),
            ("b", "tip"),
        ),
        (
            "<body name='b'><joint name='b_fixed' pos='1 0 0'/></body>",
            ("b_fixed",),
            ("b/b_fixed", "b"),
        ),
    ],
    ids=["joint", "link between joints", "joint of a site", "joint behind an anchor"],
)
def test_a_model_whose_names_look_made_up_is_read(bodies, joints, links):
    robot = Robot.from_mjcf(world(bodies))
    assert robot.joint_names == joints
    assert robot.link_names[1:] == links


def test_a_tool_takes_no_name_that_is_given():
    arm = Robot.from_joints([Joint("tool_joint", child="tool"), Joint("gripper_joint")])
    tooled = arm.with_tool((0, 0, 0.1))
    assert tooled.joint_names == ("tool_joint", "gripper_joint")
    assert (tooled.end_effector, tooled.joints[-1].name) == ("tool_2", "tool_2_joint")
    tooled = arm.with_tool((0, 0, 0.1), name="gripper")
    assert (tooled.end_effector, tooled.joints[-1].name) == ("gripper", "gripper_joint_2")
    np.testing.assert_allclose(position(tooled, "gripper"), [0, 0, 0.1])
    at_once = Robot.from_joints(arm.joints, tool=(0, 0, 0.1))
    assert at_once.link_names == ("base", "tool", "gripper_joint_link", "tool_2")


def test_links_of_joints_take_no_name_that_is_given():
    arm = Robot.from_joints(
        [Joint("a"), Joint("b", child="a_link"), Joint("base", xyz=(0, 0, 1))],
        base_link="base_link",
    )
    assert arm.link_names == ("base_link", "a_link_2", "a_link", "base_link_2")
    np.testing.assert_allclose(position(arm, "base_link_2"), [0, 0, 1])


def test_a_table_takes_no_name_that_is_given():
    rows = [(0, 0, 0.1, 0), (0.2, 0, 0, 0)]
    for names in (["wrist", "flange_joint"], ["tool_joint", "flange_joint_2"]):
        arm = Robot.from_dh(rows, joint_names=names, tool=(0, 0, 0.3))
        assert arm.joint_names == tuple(names)
        assert arm.link_names == ("base", "link_1", "link_2", "flange", "tool")
        np.testing.assert_allclose(position(arm, "tool"), [0.2, 0, 0.4])


def test_a_name_that_is_no_text_is_still_refused():
    for make in (
        lambda: Robot.from_joints([Joint("a", child=["b"])]),
        lambda: Robot.from_joints([Joint("a")], base_link=["b"]),
        lambda: Robot.from_dh([(0, 0, 0, 0)], joint_names=[["a"]]),
    ):
        with pytest.raises(
            fkarm.RobotError, match="must (name its|be a non-empty|be non-empty strings)"
        ):
            make()
