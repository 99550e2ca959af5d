"""Which pairs of links count."""

import numpy as np
import pytest
from autodiff import array
from collision import models

import fkarm
from fkarm import Body
from fkarm.collision import pairs


def chain(radius=0.05, **bodies):
    """Five links in a row, 1 m apart, joined by turns of at most +-limit."""
    joints = [
        fkarm.Joint(f"joint_{k}", xyz=(float(k > 0), 0, 0), lower=-3.1, upper=3.1,
                    parent=f"link_{k}", child=f"link_{k + 1}")
        for k in range(4)
    ]  # fmt: skip
    robot = fkarm.Robot(joints)
    links = bodies.get("links", robot.link_names)
    return robot.with_bodies([Body(link, "sphere", radius, xyz=(0.5, 0, 0)) for link in links])


def test_neighbours_do_not_count_and_others_do():
    robot = chain()
    assert pairs(robot) == tuple(
        (f"link_{a}", f"link_{b}") for a in range(5) for b in range(a + 2, 5)
    )
    reasons = pairs(robot, reasons=True)
    assert reasons["link_0", "link_1"] == "neighbours at joint joint_0"
    assert len(reasons) == 4


def test_links_that_a_fixed_joint_joins_do_not_count():
    robot = chain().with_fixed_joints({"joint_2": 0.0})
    reasons = pairs(robot, reasons=True)
    assert reasons["link_2", "link_3"] == "no joint moves them against each other"
    assert reasons["link_2", "link_4"] == "neighbours at joint joint_3"  # through the weld


def test_exclusions_keep_their_reasons_and_may_be_in_any_order():
    robot = chain().with_exclusions(
        [("link_3", "link_0"), fkarm.Exclusion("link_1", "link_4", "SRDF: Never")]
    )
    reasons = pairs(robot, reasons=True)
    assert reasons["link_0", "link_3"] == "excluded"
    assert reasons["link_1", "link_4"] == "SRDF: Never"
    assert ("link_0", "link_3") not in pairs(robot)
    assert ("link_0", "link_3") in pairs(robot.with_exclusions([]))


def test_pairs_that_overlap_in_every_posture_are_an_error_that_names_them():
    robot = chain(radius=1.2, links=("link_0", "link_2"))
    with pytest.raises(
        fkarm.RobotError,
        match="link_0 and link_2 overlap in every posture: exclude the pair or shrink the bodies",
    ):
        pairs(robot)
    assert "overlap in every posture" in pairs(robot, reasons=True)["link_0", "link_2"]
    excluded = robot.with_exclusions([*robot.exclusions, ("link_0", "link_2")])
    assert pairs(excluded) == ()


def test_pairs_that_are_never_near_do_not_count():
    robot = models.panda(spheres=True)
    reasons = pairs(robot, reasons=True)
    far = {pair for pair, reason in reasons.items() if "never nearer" in reason}
    assert ("panda_link0", "panda_link2") in far
    assert ("panda_link0", "panda_hand") in pairs(robot)
    q = fkarm.sample_configurations(robot, 5000, seed=99)
    least = np.min(array(fkarm.collision.pair_distances(robot, q, sorted(far))), axis=0)
    assert (least > 0).all()


def test_a_floating_base_counts_against_the_world():
    robot = models.forked()
    robot = robot.with_bodies([*robot.bodies, Body("world", "sphere", 0.3)])
    assert ("world", "trunk") in pairs(robot)
    assert pairs(robot, reasons=True)["trunk", "right"] == "neighbours at joint ball"


def test_joints_without_limits_are_sampled_too():
    slide = fkarm.Joint("slide", "prismatic", (1, 0, 0), parent="a", child="b")
    turn = fkarm.Joint("turn", "continuous", (0, 0, 1), parent="b", child="c", upper=np.inf)
    robot = fkarm.Robot([slide, turn])
    robot = robot.with_bodies([Body("a", "sphere", 0.1), Body("c", "sphere", 0.1)])
    assert pairs(robot) == (("a", "c"),)


def test_a_robot_without_bodies_is_refused():
    with pytest.raises(fkarm.RobotError, match="robot has no bodies: .* robot.with_bodies"):
        pairs(fkarm.robots.planar([1.0]).with_bodies([]))
