"""The report: what was read, assumed, ignored, and what looks wrong."""

import json
import math

import numpy as np

import fkarm
from fkarm import Joint, Robot
from fkarm.model.report import reach_below

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


def test_the_report_lists_what_was_assumed_ignored_and_odd():
    report = Robot.from_urdf(ODD).report()
    text = str(report)
    for part in (
        "4 links, 3 joints: 1 continuous, 2 revolute",
        "no <axis>: it is x: j",
        "no limits given: unlimited: j",
        "only the upper limit given: the other is 0: l",
        "<transmission>: 2",
        "<visual> in <link>: 2",
        "not of unit length; normalised: k",
        "limits of a continuous joint do not bind; ignored: k",
        "rpy 1.5708 looks like a rounded multiple of 45 degrees",
        "in millimetres?",
        "in degrees?",
    ):
        assert part in text, part
    assert json.loads(json.dumps(report.to_dict()))["assumed"]


def test_a_rounded_angle_is_told_with_the_error_it_causes():
    (line,) = (x for x in Robot.from_urdf(ODD).report().suspicious if "3.14 " in x)
    error = math.pi - 3.14
    assert f"off by {error:.2g} rad" in line
    assert f"{1e3 * error * 122:.2g} mm at the tip" in line


def test_angles_in_degrees_are_suspicious():
    (line,) = Robot.from_joints([Joint("a", rpy=(90, 0, 0))]).report().suspicious
    assert "'a': rpy (90, 0, 0) rad is large: is it in degrees?" in line


def test_a_misspelt_element_is_noticed():
    text = ODD.replace('<axis xyz="0 0 1"/>', '<axes xyz="0 0 1"/>')
    text = text.replace('<limit upper="180"/>', '<limit uper="180"/>')
    report = Robot.from_urdf(text).report()
    assert any(
        "<limit> has an attribute 'uper', which is ignored: l" in x for x in report.suspicious
    )
    assert any("<axes> is ignored; is it meant to be <axis>?: l" in x for x in report.suspicious)


def test_a_clean_robot_has_a_clean_report(panda):
    report = panda.report()
    assert report.suspicious == ()
    assert report.assumed == ()
    assert "suspicious: nothing" in str(report)


def test_a_joint_that_cannot_move_and_a_slider_in_millimetres_are_suspicious():
    robot = Robot.from_joints(
        [Joint("stuck", lower=1, upper=1), Joint("rail", "prismatic", lower=0, upper=400)]
    )
    first, second = robot.report().suspicious
    assert "'stuck': both limits are 1: the joint cannot move" in first
    assert "'rail': limits 0 to 400 m are wide" in second


def test_reach_is_an_upper_bound(panda, every_joint):
    q = fkarm.sample_configurations(panda, 2000, seed=0)
    poses = fkarm.forward_kinematics(panda, q, panda.link_names)
    far = np.linalg.norm(poses[..., :3, 3], axis=-1).max()
    reach = reach_below(panda.joints)[panda.root_link]
    assert far <= reach <= 2 * far
    rail = Robot.from_joints([Joint("rail", "prismatic", xyz=(1, 0, 0), lower=-2, upper=1)])
    assert reach_below(rail.joints)["base"] == 3.0
    endless = Robot.from_joints([Joint("rail", "prismatic")])
    assert math.isinf(reach_below(endless.joints)["base"])
