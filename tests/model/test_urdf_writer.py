"""A robot as URDF text that reads back to the same robot."""

import pytest

import fkarm
from fkarm import Joint, Robot


def test_urdf_text_reads_back_to_the_same_robot(every_joint, panda):
    for robot in (every_joint, panda, fkarm.robots.ur3(), fkarm.robots.planar([0.3, 0.1])):
        again = Robot.from_urdf(robot.to_urdf())
        assert again == robot
        assert again.end_effector == robot.end_effector
    odd_names = Robot.from_joints([Joint('a "b" <c> & d')], name="<&>")
    assert Robot.from_urdf(odd_names.to_urdf()) == odd_names


def test_several_masses_of_a_link_are_written_as_one():
    masses = (fkarm.Mass("tool", 1.0, (0, 0, 0.3)), fkarm.Mass("tool", 3.0, (0.4, 0, 0.1)))
    robot = Robot(fkarm.robots.planar([1.0]).joints, masses=masses)
    assert "masses of 1 links: 4 kg" in str(robot.report())
    (mass,) = Robot.from_urdf(robot.to_urdf()).masses
    assert (mass.link, mass.mass) == ("tool", 4.0)
    assert mass.xyz == pytest.approx((0.3, 0.0, 0.15))


def test_what_urdf_cannot_say_is_refused(free_robot):
    one_limit = Robot.from_joints([Joint("half", lower=0.5)])
    with pytest.raises(fkarm.RobotError, match="'half': URDF needs both limits or none"):
        one_limit.to_urdf()
    with pytest.raises(fkarm.RobotError, match="'ball': URDF has no spherical"):
        free_robot.to_urdf()


def test_an_end_effector_that_is_no_link_is_refused():
    text = fkarm.robots.planar([1.0]).to_urdf().replace('end_effector="tool"', 'end_effector="x"')
    with pytest.raises(fkarm.URDFError, match="link must be one of"):
        Robot.from_urdf(text)
