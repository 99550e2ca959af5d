"""What stands for a robot on the command line, and values that are refused."""

import argparse
import os
from threading import Thread

import pytest

import fkarm
from fkarm.commands import Refused
from fkarm.commands.arguments import PACKAGED, choice, read_robot


@pytest.mark.parametrize("name", PACKAGED)
def test_robots_have_names(name):
    assert read_robot(name) == getattr(fkarm.robots, name)()


def test_a_robot_is_read_from_a_pipe(urdf, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    Thread(target=lambda: pipe.write_bytes(urdf.read_bytes())).start()
    assert read_robot(str(pipe)) == fkarm.Robot.from_urdf(urdf)


def test_a_misspelt_robot_is_answered_with_the_nearest_spelling(tmp_path):
    said = (
        "path of a URDF file, or it must be one of: 'panda', .*Received: 'pandda'. Did you mean 'p"
    )
    with pytest.raises(Refused, match=said):
        read_robot("pandda")
    with pytest.raises(Refused, match="must be the path of a URDF file.*none.urdf'.$"):
        read_robot(str(tmp_path / "none.urdf"))
    with pytest.raises(Refused, match="must be the path of a URDF file"):
        read_robot(str(tmp_path))


def test_a_misspelt_choice_is_answered_with_the_nearest_spelling():
    read = choice("regressor", "flow")
    assert read("flow") == "flow"
    said = "one of: 'regressor', 'flow'. Received: 'regresor'. Did you mean 'regressor'?"
    with pytest.raises(argparse.ArgumentTypeError, match=said):
        read("regresor")
