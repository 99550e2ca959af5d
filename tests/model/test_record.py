"""A robot as JSON types, and what is no record of one."""

import json

import pytest

import fkarm
from fkarm import Robot


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
    with pytest.raises(fkarm.RobotError, match=r"at most 2.*Received: 3.*Update fkarm"):
        Robot.from_dict({**panda.to_dict(), "format": 3})
