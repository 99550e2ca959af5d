"""Bodies, masses, velocity limits and excluded pairs of a URDF."""

import math
from dataclasses import replace

import numpy as np
import pytest

import fkarm
from fkarm import Body, Exclusion, Mass, Robot


def link(inside="", more=""):
    return f"""<robot name="r"><link name="a">{inside}</link><link name="b"/>
      <joint name="j" type="revolute"><parent link="a"/><child link="b"/>
      <limit lower="-1" upper="1" {more}/></joint></robot>"""


def collision(shape, origin=""):
    return f"<collision>{origin}<geometry>{shape}</geometry></collision>"


ORIGIN = '<origin xyz="1 2 3" rpy="0.1 0.2 0.3"/>'


def test_round_shapes_become_bodies_where_they_are():
    text = link(
        collision('<sphere radius="0.1"/>', '<origin xyz="1 2 3"/>')
        + collision('<cylinder radius="0.2" length="0.5"/>', ORIGIN)
        + collision('<capsule radius="0.2" length="0.6"/>')
    )
    robot = Robot.from_urdf(text)
    assert robot.bodies == (
        Body("a", "sphere", 0.1, xyz=(1, 2, 3)),
        Body("a", "capsule", 0.2, 0.5, (1, 2, 3), (0.1, 0.2, 0.3)),
        Body("a", "capsule", 0.2, 0.6),
    )
    assert robot.report().read[1:] == (
        "3 bodies on 1 links: 2 capsule, 1 sphere",
        "bodies of link 'a': 1 from <sphere>; 1 from <cylinder>, up to 200 mm beyond it; "
        "1 from <capsule>",
    )


def test_a_box_becomes_a_few_bodies_and_the_report_says_how_far_they_reach():
    robot = Robot.from_urdf(link(collision('<box size="0.04 0.02 0.1"/>', ORIGIN)))
    assert {body.link for body in robot.bodies} == {"a"}
    assert "2 from <box>, up to 7.32 mm beyond it" in robot.report().read[2]


def test_a_cylinder_with_a_sphere_at_both_ends_is_a_capsule():
    shapes = '<sphere radius=".1"/>', '<cylinder radius=".1" length=".4"/>', '<sphere radius=".1"/>'
    places = '<origin xyz="0 0.2 0"/>', '<origin rpy="1.5707963267948966 0 0"/>'
    places = (*places, '<origin xyz="0 -0.2 0"/>')
    text = "".join(map(collision, shapes, places))
    (capsule,) = Robot.from_urdf(link(text)).bodies
    assert (capsule.shape, capsule.radius, capsule.length) == ("capsule", 0.1, 0.4)
    assert "1 from <cylinder> with caps" in Robot.from_urdf(link(text)).report().read[2]
    assert "beyond" not in Robot.from_urdf(link(text)).report().read[2]
    elsewhere = text.replace("0 -0.2 0", "0 -0.21 0")
    assert len(Robot.from_urdf(link(elsewhere)).bodies) == 3


def test_meshes_and_foreign_shapes_are_not_read_and_the_report_names_them():
    text = collision('<mesh filename="$(find x)/a.stl"/>') + collision("<torus/>")
    text += collision('<box size="0 0 0"/>') + "<visual/><collision/>"
    robot = Robot.from_urdf(link(text))
    assert robot.bodies == ()
    report = robot.report()
    assert "meshes in <collision>, not read: 1, of a" in report.ignored
    assert "<torus> in <collision>: 1" in report.ignored
    assert "<box> without volume; ignored: a" in report.suspicious


def test_masses_and_centres_of_mass():
    text = f'<inertial>{ORIGIN}<mass value="2.5"/><inertia ixx="1"/></inertial>'
    robot = Robot.from_urdf(link(text))
    assert robot.masses == (Mass("a", 2.5, (1, 2, 3)),)
    assert "masses of 1 links: 2.5 kg" in robot.report().read
    assert Robot.from_urdf(link('<inertial><mass value="0"/></inertial>')).masses == ()
    assert Robot.from_urdf(link("<inertial/>")).masses == ()
    negative = Robot.from_urdf(link('<inertial><mass value="-1"/></inertial>'))
    assert negative.masses == ()
    assert "<mass> is negative; ignored: a" in negative.report().suspicious


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        ('velocity="2.5"', 2.5),
        ("", math.inf),
        ('velocity="0"', math.inf),
        ('velocity="inf"', math.inf),
        ('effort="3"', math.inf),
    ],
)
def test_velocity_limits(attribute, expected):
    robot = Robot.from_urdf(link("", attribute))
    assert robot.velocity_limits == [expected]
    is_noted = 'velocity="0" in <limit>: no velocity limit: j' in robot.report().assumed
    assert is_noted == (attribute == 'velocity="0"')


def test_continuous_joints_have_velocity_limits_and_floating_ones_have_none():
    text = link("", 'velocity="2"')
    endless = Robot.from_urdf(text.replace("revolute", "continuous"))
    np.testing.assert_array_equal(endless.velocity_limits, [2.0])
    free = Robot.from_urdf(text.replace("revolute", "floating"))
    assert np.isinf(free.velocity_limits).all()
    assert any("velocity limits of a floating joint" in x for x in free.report().suspicious)
    fixed = Robot.from_urdf(text.replace("revolute", "fixed"))
    assert not any("velocity" in line for line in fixed.report().suspicious)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (link(collision("<sphere/>")), r"line 1, <collision>: <sphere> must have .* 'radius'"),
        (link(collision('<sphere radius="-1"/>')), "sizes of <sphere> must not be negative"),
        (link(collision('<box size="1 2"/>')), "<box size=...> must be 3 finite numbers"),
        (link(collision('<box size="1 1 1"/>', ORIGIN * 2)), "at most one <origin> may stand"),
        (link(f"<inertial>{'<mass/>' * 2}</inertial>"), "at most one <mass> may stand"),
        (link('<inertial><mass value="x"/></inertial>'), "<mass value=...> must be a finite"),
        (link("<inertial><mass/></inertial>"), "<mass> must have the attribute 'value'"),
        (link("", 'velocity="fast"'), "<limit velocity=...> must be a finite number"),
        (link("", 'velocity="-1"'), "velocity must be positive, or inf"),
    ],
)
def test_solids_that_cannot_be_read_are_refused_by_name(text, message):
    with pytest.raises(fkarm.URDFError, match=message):
        Robot.from_urdf(text)


def test_urdf_text_keeps_bodies_masses_exclusions_and_velocities(every_joint):
    robot = replace(
        every_joint,
        joints=tuple(
            replace(joint, velocity=0.1 + i) if len(joint.entries) == 1 else joint
            for i, joint in enumerate(every_joint.joints)
        ),
    )
    first, second, *_ = robot.link_names
    robot = replace(
        robot,
        bodies=(
            Body(first, "sphere", 0.1, xyz=(1, 2, 3)),
            Body(first, "capsule", 0.2, 0.5, (1, 2, 3), (0.1, 0.2, 0.3)),
            Body(second, "capsule", 0.3, 0.1),
        ),
        masses=(Mass(first, 2.0, (0.1, 0, 0)), Mass(second, 0.1)),
        exclusions=(Exclusion(first, second, 'too "close"'),),
    )
    again = Robot.from_urdf(robot.to_urdf())
    assert again.joints == robot.joints
    np.testing.assert_array_equal(again.velocity_limits, robot.velocity_limits)
    assert again.bodies == robot.bodies
    assert again.masses == robot.masses
    assert again.exclusions == robot.exclusions
    assert '1 excluded pairs of links: 1 too "close"' in again.report().read


def test_bodies_are_in_the_order_of_the_links():
    sphere = collision('<sphere radius="1"/>')
    backwards = f"""<robot name="r"><link name="b">{sphere}</link><link name="a">{sphere}</link>
      <joint name="j" type="fixed"><parent link="a"/><child link="b"/></joint></robot>"""
    assert [body.link for body in Robot.from_urdf(backwards).bodies] == ["a", "b"]


@pytest.mark.parametrize(
    ("element", "message"),
    [
        ('<disable_collisions link1="a"/>', "<disable_collisions> must have the attribute 'link2'"),
        ('<disable_collisions link1="a" link2="a"/>', "must name two links"),
        ('<disable_collisions link1="a" link2="c"/>', "'c'"),
    ],
)
def test_pairs_that_are_none_are_refused(element, message):
    text = link().replace("</robot>", f"<fkarm>{element}</fkarm></robot>")
    with pytest.raises(fkarm.URDFError, match=message):
        Robot.from_urdf(text)


def test_pinocchio_reads_the_bodies_that_are_written():
    pinocchio = pytest.importorskip("pinocchio")
    bodies = [Body("b", "capsule", 0.2, 0.5, (1, 2, 3)), Body("a", "sphere", 0.1)]
    text = Robot.from_urdf(link()).with_bodies(bodies).to_urdf()
    model = pinocchio.buildModelFromXML(text)
    kind = pinocchio.GeometryType.COLLISION
    shapes = pinocchio.buildGeomFromUrdfString(model, text, kind).geometryObjects
    names = sorted(type(shape.geometry).__name__ for shape in shapes)
    assert names == ["Cylinder", "Sphere", "Sphere", "Sphere"]
