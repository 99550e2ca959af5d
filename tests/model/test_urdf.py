"""The URDF reader: what it reads, and what it refuses, by place and name."""

import io
import math

import numpy as np
import pytest

import fkarm
from fkarm import Robot

ARM = """<?xml version="1.0"?>
<robot name="two">
  <link name="a"/><link name="b"><visual><geometry><box size="1 1 1"/></geometry></visual></link>
  <link name="c"/>
  <joint name="j" type="revolute">
    <parent link="a"/><child link="b"/>
    <origin xyz="1 2 3" rpy="0 0 1.5707963267948966"/><axis xyz="0 0 2"/>
    <limit lower="-1" upper="2.5e0" effort="1" velocity="1"/>
  </joint>
  <joint name="k" type="prismatic">
    <parent link="b"/><child link="c"/><mimic joint="j" multiplier="-2" offset=".5"/>
  </joint>
  <transmission name="t"><joint name="j"/></transmission>
  <gazebo><sensor:ray/></gazebo>
</robot>
"""


def arm(old="", new=""):
    assert old in ARM
    return ARM.replace(old, new)


def check_is_the_arm(robot):
    assert (robot.name, robot.link_names, robot.joint_names) == ("two", ("a", "b", "c"), ("j",))
    j, k = robot.joints
    assert (j.lower, j.upper, j.axis) == (-1.0, 2.5, (0.0, 0.0, 1.0))
    assert (k.axis, k.xyz, k.rpy) == ((1.0, 0.0, 0.0), (0.0,) * 3, (0.0,) * 3)
    assert k.mimic == fkarm.Mimic("j", -2.0, 0.5)


@pytest.mark.parametrize(
    "text",
    [
        ARM,
        "\n\n" + ARM,
        "\ufeff" + ARM,
        ARM.replace("\n", "\r\n"),
        ARM.replace('"1.0"', '"1.0" encoding="UTF-16"'),
        ARM.encode(),
        b"\xef\xbb\xbf" + ARM.encode(),
        ARM.encode("utf-16"),
        ARM.replace('"1.0"', '"1.0" encoding="ISO-8859-1"').encode("latin-1"),
    ],
    ids=[
        "text",
        "leading lines",
        "bom",
        "crlf",
        "declared otherwise",
        "bytes",
        "utf-8 bom",
        "utf-16",
        "latin-1",
    ],
)
def test_text_and_bytes_in_any_encoding(text):
    check_is_the_arm(Robot.from_urdf(text))


def test_paths_and_open_files(tmp_path):
    path = tmp_path / "arm.urdf"
    path.write_text(ARM)
    check_is_the_arm(Robot.from_urdf(path))
    check_is_the_arm(Robot.from_urdf(str(path)))
    check_is_the_arm(Robot.from_urdf(io.StringIO(ARM)))
    with path.open("rb") as file:
        check_is_the_arm(Robot.from_urdf(file))


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("", (-math.inf, math.inf)),
        ("<limit effort='1'/>", (-math.inf, math.inf)),
        ("<limit upper='1'/>", (0.0, 1.0)),
        ("<limit lower='-1'/>", (-1.0, 0.0)),
    ],
    ids=["none", "no bounds", "upper only", "lower only"],
)
def test_missing_limits_mean_what_the_format_says(limit, expected):
    robot = Robot.from_urdf(arm('<limit lower="-1" upper="2.5e0" effort="1" velocity="1"/>', limit))
    assert (robot.lower_limits[0], robot.upper_limits[0]) == expected


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("<limit lower='-inf' upper='inf'/>", (-math.inf, math.inf)),
        ("<limit lower='-INF' upper='+Infinity'/>", (-math.inf, math.inf)),
        ("<limit lower='-1' upper=' inf '/>", (-1.0, math.inf)),
        ("<limit lower='-inf'/>", (-math.inf, 0.0)),
    ],
    ids=["both", "spellings", "upper", "lower alone"],
)
def test_an_infinite_limit_is_none(limit, expected):
    old = '<limit lower="-1" upper="2.5e0" effort="1" velocity="1"/>'
    robot = Robot.from_urdf(arm(old, limit))
    assert (robot.lower_limits[0], robot.upper_limits[0]) == expected
    endless = arm(old, "<limit lower='-inf' upper='inf'/>").replace("revolute", "continuous")
    assert not any("limit" in line for line in Robot.from_urdf(endless).report().suspicious)
    assert not any("limit" in line for line in Robot.from_urdf(endless).report().assumed)


def test_limits_of_a_continuous_joint_do_not_bind():
    robot = Robot.from_urdf(arm('type="revolute"', 'type="continuous"'))
    assert np.isinf(robot.lower_limits).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<robot", "must be well-formed XML"),
        (ARM[:200], "must be well-formed XML"),
        ("<a/>", "outermost element must be <robot>"),
        ("<mujoco/>", "Use from_mjcf"),
        ("<robot name='r'/>", "at least one <link>"),
        (arm('<link name="c"/>', "<link/>"), "<link> must have the attribute 'name'"),
        (arm('type="revolute"', ""), "line 5, <joint> 'j'.*must have the attribute 'type'"),
        (arm('type="revolute"', 'type="hinge"'), "joint type must be one of.*'hinge'"),
        (arm('type="revolute"', 'type="spherical"'), "joint type must be one of.*'spherical'"),
        (arm('name="j" type', "type"), "<joint> must have the attribute 'name'"),
        (arm('<parent link="a"/>', ""), "joint must have a <parent"),
        (arm('<parent link="a"/>', "<parent/>"), "<parent> must have the attribute 'link'"),
        (arm('<child link="b"/>', '<child link="z"/>'), "child must be a <link>.*'z'"),
        (arm('<axis xyz="0 0 2"', '<axis xzy="0 0 2"'), "<axis> takes xyz. Received: xzy"),
        (arm('rpy="0 0', 'quat_xyzw="0 0'), "<origin> takes rpy, xyz. Received: quat_xyzw"),
        (arm("1 2 3", "1 2"), "must be 3 finite numbers. Received: '1 2'"),
        (arm("1 2 3", "1,2,3"), "must be 3 finite numbers"),
        (arm("1 2 3", "1 two 3"), "must be 3 finite numbers"),
        (arm("1 2 3", "1 nan 3"), "must be 3 finite numbers"),
        (arm("1 2 3", "1 2_0 3"), "must be 3 finite numbers"),
        (arm("1 2 3", "1 2 1e999"), "must be 3 finite numbers.*1e999"),
        (arm('lower="-1"', 'lower="nan"'), "must be a finite number"),
        (arm('lower="-1"', 'lower="9"'), "lower must not exceed upper"),
        (arm('lower="-1"', 'lower="inf"'), "line 5.*lower limit must be a finite number, or -inf"),
        (arm('lower="-1"', 'lower="-1e999"'), "must be a finite number. Received: '-1e999'"),
        (arm("1 2 3", "1 2 inf"), "must be 3 finite numbers.*inf"),
        (arm('multiplier="-2"', 'multiplier="inf"'), "must be a finite number.*inf"),
        (arm("0 0 2", "0 0 0"), "axis must not be zero"),
        (arm('multiplier="-2"', 'multiplier="x"'), "<mimic multiplier=...>"),
        (arm('<mimic joint="j"', '<mimic joint="jj"'), "mimic must be one of"),
        (arm('<mimic joint="j"', '<mimic joint="k"'), "must not mimic itself"),
        (arm('name="k"', 'name="j"'), "joint names must be unique"),
        (arm('<link name="c"/>', '<link name="c"/><link name="c"/>'), "link names must be unique"),
        (arm('<link name="c"/>', '<link name="c"/><link name="d"/>'), "one root link.*'a', 'd'"),
        (arm("<axis", "<axis xyz='1 0 0'/><axis"), "at most one <axis>"),
        (arm("1 2 3", "${x} 2 3"), "xacro must be expanded"),
        (arm('<link name="c"/>', '<link name="c"/><xacro:arm/>'), "xacro must be expanded"),
        ("<!DOCTYPE robot [<!ENTITY a 'b'>]>" + ARM[22:], "must not have a document type"),
        ("", "source must be a path"),
        (b"\xff\xfe\x00", "must be well-formed|must be in the encoding"),
        (b"", "must be well-formed"),
        (b'<?xml version="1.0" encoding="klingon"?><robot/>', "must be in the encoding|unknown"),
        (17, "source must be a path"),
    ],
    ids=lambda value: str(value)[-40:],
)
def test_a_bad_file_is_refused(text, message):
    with pytest.raises(fkarm.URDFError, match=message):
        Robot.from_urdf(text)


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no such file") as caught:
        Robot.from_urdf(tmp_path / "arm.urdf")
    assert isinstance(caught.value, fkarm.FkarmError)
    assert isinstance(caught.value, fkarm.URDFError)


def test_a_folder_and_an_odd_reader_are_refused(tmp_path):
    with pytest.raises(fkarm.URDFError, match="must be readable"):
        Robot.from_urdf(tmp_path)

    class Reader:
        def read(self):
            return None

    with pytest.raises(fkarm.URDFError, match="must give text or bytes"):
        Robot.from_urdf(Reader())


def test_messages_name_the_file_and_the_line(tmp_path):
    path = tmp_path / "arm.urdf"
    path.write_text(arm("1 2 3", "1 2"))
    with pytest.raises(fkarm.URDFError, match=r"arm\.urdf, line 5, <joint> 'j'"):
        Robot.from_urdf(path)


def test_deep_nesting_and_long_attributes_do_not_hurt():
    deep = "<x>" * 20_000 + "</x>" * 20_000
    long = f'<note text="{"y" * 1_000_000}"/>'
    check_is_the_arm(Robot.from_urdf(arm("<gazebo>", f"{deep}{long}<gazebo>")))


LAUGHS = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
ATTACKS = {
    "billion laughs": f'<!DOCTYPE robot [<!ENTITY l0 "ha">{LAUGHS}]><robot name="&l9;"/>',
    "external entity": '<!DOCTYPE robot [<!ENTITY f SYSTEM "file:///etc/hostname">]>'
    "<robot><link name='&f;'/></robot>",
    "external DTD": '<!DOCTYPE robot SYSTEM "http://example.invalid/r.dtd"><robot/>',
    "parameter entity": '<!DOCTYPE robot [<!ENTITY % p SYSTEM "file:///etc/hostname"> %p;]>'
    "<robot/>",
    "bare": "<!DOCTYPE robot><robot><link name='a'/></robot>",
}


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS)
def test_a_document_type_is_refused_unread(text):
    for source in (text, text.encode(), text.encode("utf-16")):
        with pytest.raises(fkarm.URDFError, match="must not have a document type"):
            Robot.from_urdf(source)


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02\xff" * 100,
        b"\x7fELF\x02\x01\x01" + bytes(64),
        b"PK\x03\x04<robot/>",
        b"\xff" * 9,
    ],
    ids=["noise", "elf", "zip", "ones"],
)
def test_a_binary_file_is_refused(data, tmp_path):
    path = tmp_path / "arm.urdf"
    path.write_bytes(data)
    with pytest.raises(fkarm.URDFError, match=r"arm\.urdf"):
        Robot.from_urdf(path)


def tree_text(parents):
    links = "".join(f'<link name="l{i}"/>' for i in range(len(parents) + 1))
    joints = "".join(
        f'<joint name="j{i}" type="revolute"><parent link="l{parent}"/><child link="l{i + 1}"/>'
        '<axis xyz="0 0 1"/></joint>'
        for i, parent in enumerate(parents)
    )
    return f'<robot name="large">{links}{joints}</robot>'


def test_large_trees_are_read():
    assert Robot.from_urdf(tree_text([0] * 2000)).dof == 2000
    chain = Robot.from_urdf(tree_text(range(5000)))
    assert len(chain.path_to("l5000")) == 5000
    loop = tree_text([*range(1, 3000), 1])
    with pytest.raises(fkarm.URDFError, match="one parent|tree|cycle"):
        Robot.from_urdf(loop)


def test_a_huge_attribute_is_read():
    text = f'<robot name="{"x" * 50_000_000}"><link name="a"/></robot>'
    assert len(Robot.from_urdf(text).name) == 50_000_000
