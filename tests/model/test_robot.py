"""Robots: joints and limits, changed copies, refusals."""

import math
import pickle

import numpy as np
import pytest
from oracles import rpy_matrix

import fkarm
from fkarm import Joint, Robot


def link(name, parent, child, type="revolute", **more):
    return Joint(name, type, parent=parent, child=child, **more)


def test_dof_leaves_out_fixed_and_mimic_joints(every_joint):
    assert every_joint.dof == 3
    assert every_joint.joint_names == ("turn", "spin", "slide")
    np.testing.assert_array_equal(every_joint.lower_limits, [-2, -math.inf, -0.1])
    np.testing.assert_array_equal(every_joint.upper_limits, [1, math.inf, 0.4])
    assert every_joint.lower_limits.dtype == np.float64


def test_entries_say_what_q_is_made_of(free_robot, panda):
    assert panda.entries == ("angle",) * 7
    kinds = ("length",) * 3 + ("quaternion",) * 8 + ("length",) * 2 + ("angle",) * 2
    assert free_robot.entries == kinds
    assert free_robot.quaternions == (3, 7)
    assert panda.quaternions == ()
    assert free_robot.turns_freely
    assert not panda.turns_freely
    assert [joint.turns_freely for joint in free_robot.joints] == [True, True, False, False]


def test_limits_handed_out_cannot_change_the_robot(panda):
    panda.lower_limits[:] = 0
    assert panda.lower_limits[0] == -2.8973


def test_with_end_effector_and_tool(panda):
    assert panda.with_end_effector("panda_link4").end_effector == "panda_link4"
    tooled = panda.with_tool(xyz=(0, 0, 0.2), rpy=(0, 0.1, 0.2), name="gripper")
    assert tooled.end_effector == "gripper"
    assert set(tooled.link_names) - set(panda.link_names) == {"gripper"}
    frame = tooled.path_to("gripper")[-1].origin
    np.testing.assert_allclose(frame[:3, :3], rpy_matrix(0, 0.1, 0.2), atol=1e-15)
    np.testing.assert_allclose(frame[:3, 3], (0, 0, 0.2))
    assert panda.end_effector == "panda_hand"


def test_fixing_a_joint_fixes_its_mimics_too(every_joint):
    fixed = every_joint.with_fixed_joints({"turn": 0.4})
    assert fixed.joint_names == ("spin", "slide")
    assert not set(fixed.coordinates) & {"turn", "follow", "echo"}
    with pytest.raises(fkarm.UnknownJointError, match="must be one of: 'turn'"):
        every_joint.with_fixed_joints({"follow": 0.0})
    with pytest.raises(fkarm.RobotError, match="finite"):
        every_joint.with_fixed_joints({"turn": math.inf})


def test_a_floating_base_moves_the_whole_robot(panda):
    free = panda.with_floating_base()
    assert (free.root_link, free.dof) == ("world", panda.dof + 7)
    assert free.joint_names == ("floating_base", *panda.joint_names)
    q = np.linspace(-0.5, 0.5, 7)
    moved = fkarm.forward_kinematics(free, np.concatenate([[1, 2, 3, 0, 0, 0, 2], q]), "panda_hand")
    turned = np.diag([-1.0, -1.0, 1.0, 1.0])  # half a turn about z
    turned[:3, 3] = 1, 2, 3
    still = fkarm.forward_kinematics(panda, q, "panda_hand")
    np.testing.assert_allclose(moved, turned @ np.asarray(still), atol=1e-12)
    with pytest.raises(fkarm.RobotError, match="world must be a new name.*'panda_hand'"):
        panda.with_floating_base("panda_hand")
    with pytest.raises(fkarm.RobotError, match="floating_base"):
        free.with_floating_base("universe")


def test_other_refusals(panda):
    with pytest.raises(fkarm.UnknownLinkError, match="Did you mean 'panda_hand'"):
        panda.with_end_effector("panda_hnd")
    with pytest.raises(fkarm.UnknownLinkError):
        Robot([link("1", "r", "a")], end_effector="b")
    with pytest.raises(fkarm.RobotError, match=r"must be fkarm\.Joint objects"):
        Robot.from_joints(["base"])
    with pytest.raises(fkarm.RobotError, match="link names must be unique"):
        Robot([], link_names=("a", "a"))
    with pytest.raises(fkarm.RobotError, match="must have one parent"):
        Robot([link("1", "r", "a"), link("2", "s", "a")])


def test_arguments_of_the_wrong_kind_are_refused(panda):
    for make, message in (
        (lambda: Robot(["a"]), "must be fkarm.Joint objects"),
        (lambda: panda.with_fixed_joints(["panda_joint1"]), "must be a dict"),
        (lambda: Robot.from_dict({**panda.to_dict(), "joints": ["a"]}), "as to_dict writes it"),
        (lambda: Robot.from_dh([(0, 0, 0, 0)], angle_unit=["deg"]), "angle_unit must be"),
    ):
        with pytest.raises(fkarm.RobotError, match=message):
            make()
    for link in (["panda_hand"], 5, None):
        with pytest.raises(fkarm.UnknownLinkError, match="link must be one of"):
            panda.check_link(link)


def test_errors_are_the_builtins_they_refine(panda):
    with pytest.raises(KeyError):
        panda.check_link("x")
    with pytest.raises(ValueError, match="cycle"):
        Robot([link("1", "b", "a"), link("2", "a", "b")])
    with pytest.raises(fkarm.FkarmError):
        panda.check_link("x")


def test_q_has_seven_four_and_three_entries(free_robot):
    assert free_robot.dof == 7 + 4 + 3 + 1
    assert free_robot.joint_names == ("free", "ball", "flat", "hinge")
    first = [free_robot.coordinates[name].index for name in free_robot.joint_names]
    assert first == [0, 7, 11, 14]
    assert free_robot.upper_limits[3] == 1.0
    assert "floating, q[0:7]" in str(free_robot)
    assert "planar in the plane normal to" in str(free_robot)


def test_they_can_be_fixed_and_written_down(free_robot):
    q = fkarm.sample_configurations(free_robot, (), seed=0)
    fixed = free_robot.with_fixed_joints({"free": q[:7], "ball": 2 * q[7:11], "flat": q[11:14]})
    assert fixed.joint_names == ("hinge",)
    np.testing.assert_allclose(
        fkarm.forward_kinematics(fixed, q[14:], "tip"),
        fkarm.forward_kinematics(free_robot, q, "tip"),
        atol=1e-14,
    )
    assert fkarm.Robot.from_dict(free_robot.to_dict()) == free_robot
    with pytest.raises(fkarm.RobotError, match="'free' must be 7 finite numbers"):
        free_robot.with_fixed_joints({"free": 0.0})
    with pytest.raises(fkarm.RobotError, match="quaternion must not be zero"):
        free_robot.with_fixed_joints({"ball": np.zeros(4)})


def test_a_hash_is_remembered_but_does_not_leave_the_process(free_robot):
    """Texts have other hashes in another process."""
    again = pickle.loads(pickle.dumps(free_robot))
    assert hash(again) == hash(free_robot)
    assert again == free_robot
    assert b"_hash" in pickle.dumps(vars(free_robot))
    assert b"_hash" not in pickle.dumps(free_robot)
