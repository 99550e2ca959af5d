"""Spheres and excluded pairs from files."""

import json
import sys

import pytest

import fkarm
from fkarm import Body, Exclusion, Joint, Robot

SPHERES = """
collision_spheres:
  base:
    - center: [0.0, 0.1, 0.2]
      radius: 0.05
    - {center: [0, 0, 0], radius: -10.0}
  tool:
    - {center: [0, 0, 1], radius: 0.1}
  attached_object: [{center: [0, 0, 0], radius: -10}]
self_collision_ignore: {base: [elbow_link, tool], elbow_link: [base], tool: [attached_object]}
"""
EXPECTED = (
    Body("base", "sphere", 0.05, xyz=(0, 0.1, 0.2)),
    Body("tool", "sphere", 0.1, xyz=(0, 0, 1)),
)


@pytest.fixture
def arm():
    return Robot.from_joints([Joint("elbow")], tool=(0.1, 0, 0))


def write(folder, text, name="spheres.yml"):
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("wrap", [0, 1, 2], ids=["alone", "kinematics", "robot_cfg"])
def test_published_spheres_are_read_and_those_switched_off_are_not(arm, tmp_path, wrap):
    text = SPHERES
    for name in ("kinematics", "robot_cfg")[:wrap]:
        text = f"{name}:\n" + "\n".join(f"  {line}" for line in text.splitlines())
    path = write(tmp_path, text)
    robot = arm.with_bodies(path)
    assert robot.bodies == EXPECTED
    assert arm.with_bodies(str(path)).bodies == EXPECTED
    report = robot.report()
    assert f"bodies from {path}" in report.read
    assert "spheres with a negative radius, which are switched off: 2" in report.read


def test_links_alone_and_another_file_beside_it(arm, tmp_path):
    write(tmp_path, "base: [{center: [0, 0.1, 0.2], radius: 0.05}]\n", "only.yaml")
    path = write(tmp_path, "robot_cfg: {kinematics: {collision_spheres: only.yaml}}")
    assert arm.with_bodies(path).bodies == EXPECTED[:1]


def test_centers_and_radii_in_json(arm, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    table = {body.link: {"centers": [body.xyz], "radii": [body.radius]} for body in EXPECTED}
    assert arm.with_bodies(write(tmp_path, json.dumps(table), "s.json")).bodies == EXPECTED


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "the file must be YAML. Received"),
        ("", "must hold .*Received: None"),
        ("[1, 2]", "must hold .*Received: \\[1, 2\\]"),
        ("collision_spheres: {}", "must hold"),
        ("base: 3", "'base': spheres must be a list of center and radius.*Received: 3"),
        ("base: [{center: [0, 0, 0]}]", "'base': spheres must be a list"),
        ("base: {centers: [[0, 0, 0]], radii: []}", "as many centers as radii"),
        ("base: [{center: [0, 0, 0], radius: 0}]", "sphere 0 of 'base': .*radius must be positive"),
        ("base: [{center: [0, 0], radius: 1}]", "sphere 0 of 'base': .*3 finite numbers"),
        ("base: [{center: [0, 0, 0], radius: x}]", "sphere 0 of 'base': .*finite number"),
        ("3: [{center: [0, 0, 0], radius: 1}]", "sphere 0 of 3: A body's link must be"),
    ],
)
def test_files_that_are_none_of_spheres_are_refused(arm, tmp_path, text, message):
    with pytest.raises(fkarm.RobotError, match=message):
        arm.with_bodies(write(tmp_path, text))


def test_what_is_missing_is_named(arm, tmp_path, monkeypatch):
    with pytest.raises(fkarm.MissingFileError, match="spheres file must exist"):
        arm.with_bodies(tmp_path / "none.yml")
    with pytest.raises(fkarm.UnknownLinkError, match="'arm'"):
        arm.with_bodies(write(tmp_path, "arm: [{center: [0, 0, 0], radius: 1}]"))
    with pytest.raises(fkarm.RobotError, match="the file must be JSON"):
        arm.with_bodies(write(tmp_path, "{", "s.json"))
    monkeypatch.setitem(sys.modules, "yaml", None)
    command = r"Install it: pip install pyyaml trimesh pycollada \(the extra 'bodies'"
    with pytest.raises(fkarm.RobotError, match=command):
        arm.with_bodies(write(tmp_path, SPHERES))


def test_ignored_pairs_of_a_file_of_spheres(arm, tmp_path):
    robot = arm.with_exclusions(write(tmp_path, SPHERES))
    pairs = {frozenset((pair.link_1, pair.link_2)) for pair in robot.exclusions}
    assert pairs == {frozenset(("base", "elbow_link")), frozenset(("base", "tool"))}
    assert {pair.reason for pair in robot.exclusions} == {"self_collision_ignore"}
    assert "of links that the robot does not have: 1" in robot.report().ignored[-1]
    with pytest.raises(fkarm.RobotError, match="must hold self_collision_ignore"):
        arm.with_exclusions(write(tmp_path, "base: []"))


def test_pairs_and_reasons_of_an_srdf(arm, tmp_path):
    text = """<robot name="arm"><group name="g"/>
      <disable_collisions link1="base" link2="elbow_link" reason="Adjacent"/>
      <disable_collisions link1="elbow_link" link2="base" reason="Never"/>
      <disable_collisions link1="base" link2="finger" reason="Never"/></robot>"""
    robot = arm.with_exclusions(write(tmp_path, text, "arm.srdf"))
    assert robot.exclusions == (Exclusion("base", "elbow_link", "Adjacent"),)
    assert "1 excluded pairs of links: 1 Adjacent" in robot.report().read
    assert "of links that the robot does not have: 1" in robot.report().ignored[-1]


def test_links_that_an_srdf_disables_by_default(arm, tmp_path):
    text = """<robot name="arm"><disable_default_collisions link="base"/>
      <enable_collisions link1="tool" link2="base"/></robot>"""
    robot = arm.with_exclusions(write(tmp_path, text, "arm.srdf"))
    assert robot.exclusions == (Exclusion("base", "elbow_link", "disabled by default"),)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("<robot><disable_collisions link1='a'/></robot>", fkarm.URDFError, "'link2'"),
        ("<mujoco/>", fkarm.URDFError, "outermost element must be <robot>"),
        (
            "<robot><disable_collisions link1='bse' link2='tool'/></robot>",
            fkarm.UnknownLinkError,
            "Did you mean 'base'",
        ),
    ],
)
def test_an_srdf_that_is_none_is_refused(arm, tmp_path, text, error, message):
    with pytest.raises(error, match=message):
        arm.with_exclusions(write(tmp_path, text, "arm.srdf"))
    with pytest.raises(fkarm.MissingFileError, match="SRDF file must exist"):
        arm.with_exclusions(tmp_path / "none.srdf")


def test_the_report_says_which_bodies_were_added(arm):
    own = arm.with_bodies(EXPECTED)
    more = own.with_bodies([*own.bodies, Body("tool", "sphere", 0.3)])
    assert "bodies that with_bodies was given: 2" in own.report().read
    assert "bodies that with_bodies was given: 1" in more.report().read
