"""`python -m fkarm inspect`: what it prints of a file, and of one that is refused."""

import json

import fkarm
from fkarm import Robot
from fkarm.__main__ import main

ODD = """<robot name="odd">
  <link name="a"><visual/><visual/></link><link name="b"/><link name="c"/><link name="d"/>
  <joint name="j" type="revolute">
    <parent link="a"/><child link="b"/><origin xyz="0 0 1" rpy="1.5708 0 3.14"/>
  </joint>
  <joint name="k" type="continuous">
    <parent link="b"/><child link="c"/><origin xyz="0 0 2"/><axis xyz="0 0 2"/>
    <limit lower="-1" upper="1"/>
  </joint>
  <joint name="l" type="revolute">
    <parent link="c"/><child link="d"/><origin xyz="0 0 120"/><axis xyz="0 0 1"/>
    <limit upper="180"/>
  </joint>
  <gazebo/><transmission/><transmission/>
</robot>"""


def test_the_command_prints_the_tree_and_the_report(tmp_path, capsys):
    path = tmp_path / "odd.urdf"
    path.write_text(ODD)
    assert main(["inspect", str(path)]) == 0
    out = capsys.readouterr().out
    assert "odd: 3 dof" in out
    assert "reach from a: at most 123.000 m" in out
    assert "suspicious:" in out
    assert main(["inspect", str(path), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["dof"] == 3
    assert data["reach_m"] == 123.0
    assert Robot.from_dict(data["robot"]).joint_names == ("j", "k", "l")


def test_the_command_fails_where_the_file_is_refused(tmp_path, capsys):
    path = tmp_path / "bad.urdf"
    path.write_text(ODD.replace('xyz="0 0 1"', 'xyz="0 1"', 1))
    assert main(["inspect", str(path)]) == 1
    assert "bad.urdf, line 3" in capsys.readouterr().err
    assert main(["inspect", str(tmp_path / "none.urdf")]) == 1


def test_the_command_takes_a_robot_by_name_as_train_does(capsys):
    assert main(["inspect", "ur5e", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert Robot.from_dict(data["robot"]) == fkarm.robots.ur5e()
    assert main(["inspect", "ur5f"]) == 1
    assert "Received: 'ur5f'. Did you mean 'ur5'" in capsys.readouterr().err
