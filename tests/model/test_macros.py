"""xacro: files with macros are expanded where xacrodoc is installed, and refused where not."""

import math
import sys

import pytest

import fkarm
from fkarm import Robot

# What xacro defines while Python 3.10 imports it.
pytestmark = pytest.mark.filterwarnings("ignore:private variables, such as:DeprecationWarning")

XACRO = 'xmlns:xacro="http://www.ros.org/wiki/xacro"'
SEGMENT = f"""<robot {XACRO}>
  <xacro:property name="degree" value="${{pi / 180}}"/>
  <xacro:macro name="segment" params="number length">
    <link name="link_${{number}}"/>
    <joint name="joint_${{number}}" type="revolute">
      <parent link="link_${{number - 1}}"/><child link="link_${{number}}"/>
      <origin xyz="${{length}} 0 0"/><axis xyz="0 0 1"/>
      <limit lower="${{-90 * degree}}" upper="${{170 * degree}}" effort="1" velocity="1"/>
    </joint>
  </xacro:macro>
</robot>"""
ARGUMENT = '<xacro:arg name="reach" default="0.6"/>'
ARM = f"""<?xml version="1.0"?>
<robot name="arm" {XACRO}>
  {ARGUMENT}
  <xacro:include filename="parts/segment.xacro"/>
  <link name="link_0"/>
  <xacro:segment number="1" length="0.5"/>
  <xacro:segment number="2" length="${{$(arg reach) / 2}}"/>
</robot>"""


def folder(path, arm=ARM, segment=SEGMENT):
    """A folder with a file of macros and another one that calls them; the path of the latter."""
    (path / "parts").mkdir(parents=True)
    (path / "parts" / "segment.xacro").write_text(segment)
    (path / "arm.urdf.xacro").write_text(arm)
    return path / "arm.urdf.xacro"


def test_a_file_of_macros_is_expanded_with_the_files_that_it_includes(tmp_path):
    for source in (folder(tmp_path), str(tmp_path / "arm.urdf.xacro")):
        robot = Robot.from_urdf(source)
        assert (robot.name, robot.joint_names) == ("arm", ("joint_1", "joint_2"))
        assert [joint.xyz for joint in robot.joints] == [(0.5, 0.0, 0.0), (0.3, 0.0, 0.0)]
        assert robot.lower_limits.tolist() == pytest.approx([-math.pi / 2] * 2)
        assert robot.upper_limits.tolist() == pytest.approx([math.radians(170)] * 2)


@pytest.mark.parametrize("described", [True, False], ids=["package.xml", "folder"])
def test_a_package_is_the_one_that_holds_the_file(described, tmp_path):
    """Two copies of a package, as in two workspaces, are not mixed up."""
    for copy, length in (("first", 0.5), ("second", 0.7)):
        top = tmp_path / copy / ("any" if described else "my_arm")
        arm = ARM.replace('"parts/', '"$(find my_arm)/parts/')
        path = folder(top, arm, SEGMENT.replace('"${length} 0 0"', f'"{length} 0 0"'))
        if described:
            (top / "package.xml").write_text("<package><name>my_arm</name></package>")
        assert Robot.from_urdf(path).joints[0].xyz == (length, 0.0, 0.0)


def test_a_call_inside_a_joint_is_a_macro(tmp_path):
    bounds = '<limit lower="-1" upper="2" effort="1" velocity="1"/>'
    macro = f'<xacro:macro name="bounds" params="">{bounds}</xacro:macro>'
    plain = fkarm.robots.planar([0.5]).to_urdf()
    start, end = plain.index("<limit"), plain.index("/>", plain.index("<limit")) + 2
    text = plain[:start] + "<xacro:bounds/>" + plain[end:]
    path = tmp_path / "arm.urdf"
    path.write_text(text.replace("<robot", f"<robot {XACRO}").replace("<link", f"{macro}<link", 1))
    assert Robot.from_urdf(path).upper_limits.tolist() == [2.0]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (ARGUMENT, "", r"(?s)must be able to expand.*argument reach.*xacro FILE name:=value"),
        ("parts/", "$(find nowhere)/", r"must be able to expand.*nowhere.*ROS_PACKAGE_PATH"),
        ('length="0.5"', "", r"must be able to expand.*length"),
        ('"0.5"', '"x"', r"xacro, expanded, line \d+, <joint> 'joint_1': .*'x 0 0'"),
    ],
    ids=["argument", "package", "parameter", "value"],
)
def test_what_cannot_be_expanded_is_refused(old, new, message, tmp_path):
    assert old in ARM
    with pytest.raises(fkarm.URDFError, match=message):
        Robot.from_urdf(folder(tmp_path, ARM.replace(old, new, 1)))


def test_a_file_that_only_defines_macros_is_refused(tmp_path):
    folder(tmp_path)
    with pytest.raises(fkarm.URDFError, match="at least one <link>.*only define macros"):
        Robot.from_urdf(tmp_path / "parts" / "segment.xacro")


def test_a_text_with_macros_is_refused():
    with pytest.raises(fkarm.URDFError, match="macros in a text. Give the path of the file"):
        Robot.from_urdf(ARM)


@pytest.mark.parametrize("missing", ["xacro", "xacrodoc"])
def test_without_xacrodoc_the_message_has_the_command(missing, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    expected = r"line 3, <xacro:arg> 'reach': .*xacro FILE > robot\.urdf.*pip install xacrodoc"
    with pytest.raises(fkarm.URDFError, match=expected):
        Robot.from_urdf(folder(tmp_path))
