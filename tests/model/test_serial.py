"""Joints one behind the other, and tools at the end."""

import pytest

import fkarm
from fkarm import Joint, Robot


def test_from_joints_chains_links_from_the_base_to_the_tool():
    arm = Robot.from_joints([Joint("base"), Joint("elbow", child="forearm")], tool=(0, 0, 0.1))
    assert arm.link_names == ("base", "base_link", "forearm", "tool")
    assert (arm.root_link, arm.end_effector, arm.dof) == ("base", "tool", 2)
    assert arm.joint_names == ("base", "elbow")


def test_a_second_tool_gets_a_name_of_its_own():
    arm = fkarm.robots.planar([1.0]).with_tool((0.1, 0, 0)).with_tool((0.1, 0, 0))
    assert arm.link_names[-3:] == ("tool", "tool_2", "tool_3")
    with pytest.raises(fkarm.RobotError, match="name must be new. Received: 'tool'"):
        arm.with_tool(name="tool")
