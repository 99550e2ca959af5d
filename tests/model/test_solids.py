"""Bodies, masses, exclusions and velocity limits of a robot."""

import math

import numpy as np
import pytest

import fkarm
from fkarm import Body, Exclusion, Joint, Mass, Robot


@pytest.fixture
def arm():
    return Robot.from_joints(
        [
            Joint("shoulder", velocity=2.0),
            Joint("rail", "prismatic", xyz=(1, 0, 0), velocity=0.5),
            Joint("ball", "spherical"),
        ],
        tool=(0.1, 0, 0),
    )


def test_a_robot_carries_bodies_masses_and_exclusions_through_its_dict(arm):
    bodies = (Body("tool", "sphere", 0.1), Body("rail_link", "capsule", 0.1, 0.3, (0, 0, 1)))
    robot = arm.with_bodies(bodies).with_exclusions([("tool", "rail_link")])
    assert robot.bodies == bodies
    assert arm.with_bodies(bodies[0]).bodies == bodies[:1]
    assert robot.exclusions == (Exclusion("tool", "rail_link", "excluded"),)
    masses = (Mass("tool", 2, (0, 0, 0.1)),)
    robot = Robot(robot.joints, masses=masses, bodies=bodies, exclusions=robot.exclusions)
    again = Robot.from_dict(robot.to_dict())
    assert again == robot
    assert (again.bodies, again.masses) == (bodies, masses)
    assert again.exclusions == robot.exclusions


def test_a_chain_of_a_robot_keeps_the_solids_of_its_links(arm):
    bodies = [Body(link, "sphere", 0.1) for link in arm.link_names]
    robot = arm.with_bodies(bodies).with_exclusions([("base", "rail_link"), ("base", "tool")])
    chain = robot.sub_chain("base", "rail_link")
    assert {body.link for body in chain.bodies} == {"base", "shoulder_link", "rail_link"}
    assert chain.exclusions == (Exclusion("base", "rail_link"),)


def test_velocity_limits_are_in_the_order_of_q(arm):
    np.testing.assert_array_equal(arm.velocity_limits, [2.0, 0.5, *[math.inf] * 4])
    again = Robot.from_dict(arm.to_dict())
    np.testing.assert_array_equal(again.velocity_limits, arm.velocity_limits)


def test_a_dict_of_the_first_format_opens(arm):
    data = arm.to_dict()
    for name in ("bodies", "masses", "exclusions"):
        del data[name]
    joints = [{k: v for k, v in joint.items() if k != "velocity"} for joint in data["joints"]]
    robot = Robot.from_dict({**data, "joints": joints, "format": 1})
    assert robot.bodies == ()
    assert np.isinf(robot.velocity_limits).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Body("", "sphere", 1.0), "A body's link must be a non-empty string. Received: ''"),
        (lambda: Body("a", "sfere", 1.0), "Did you mean 'sphere'"),
        (lambda: Body("a", "sphere", 0), "radius must be positive, m. Received: 0"),
        (lambda: Body("a", "sphere", "x"), "radius must be a finite number. Received"),
        (lambda: Body("a", "sphere", 1, 1), "length must be 0 for a sphere"),
        (lambda: Body("a", "capsule", 1, -1), "at least 0 for a capsule, m. Received: .*-1"),
        (lambda: Body("a", "sphere", 1, xyz=(1, 2)), "xyz must be 3 finite numbers"),
        (lambda: Mass("a", 0), "mass must be positive, kg. Received: 0"),
        (lambda: Exclusion("a", "a"), "must name two links. Received: 'a' twice"),
        (lambda: Joint("a", velocity=0), "velocity must be positive, or inf for no limit"),
        (lambda: Joint("a", velocity=math.nan), "velocity limit must be a finite number"),
        (lambda: Joint("a", "planar", velocity=1), "only a joint with one value has a velocity"),
    ],
)
def test_what_is_no_solid_is_refused(make, message):
    with pytest.raises(fkarm.RobotError, match=message):
        make()


def test_solids_on_unknown_links_are_refused(arm):
    with pytest.raises(fkarm.UnknownLinkError, match="'tol'"):
        arm.with_bodies([Body("tol", "sphere", 1)])
    with pytest.raises(fkarm.UnknownLinkError, match="'tol'"):
        arm.with_exclusions([("tool", "tol")])
    with pytest.raises(fkarm.RobotError, match="bodies must be fkarm.Body objects. Received: 3"):
        arm.with_bodies([3])
    with pytest.raises(fkarm.RobotError, match="bodies must be fkarm.Body objects. Received: None"):
        arm.with_bodies(None)
    with pytest.raises(fkarm.RobotError, match="fkarm.Exclusion objects. Received: None"):
        arm.with_exclusions(None)
