"""Forward kinematics against closed forms, Pinocchio and the readable reference."""

from importlib.resources import files

import keras
import numpy as np
import pytest
from autodiff import MODES, array, check_gradient, dtype_of, in_mode, tensor
from keras import ops
from oracles import Pinocchio, forum_pose

import fkarm
from fkarm.kinematics import reference

LENGTHS = (0.7, 0.4)


def planar_tip(q):
    """Tip of a planar 2R arm: two turning rods, as complex numbers."""
    tip = LENGTHS[0] * np.exp(1j * q[..., 0]) + LENGTHS[1] * np.exp(1j * (q[..., 0] + q[..., 1]))
    return np.stack([tip.real, tip.imag, np.zeros_like(tip.real)], axis=-1)


@pytest.mark.parametrize("batch", [(), (1,), (0,), (3, 1, 2)], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_planar_arm_matches_its_closed_form(batch, dtype, rng):
    q = rng.uniform(-np.pi, np.pi, size=(*batch, 2)).astype(dtype)
    pose = array(fkarm.forward_kinematics(fkarm.robots.planar(LENGTHS), q, "tool"))
    assert pose.shape == (*batch, 4, 4)
    assert pose.dtype == dtype
    atol = 1e-12 if dtype == "float64" else 1e-6
    np.testing.assert_allclose(pose[..., :3, 3], planar_tip(q), atol=atol)
    np.testing.assert_array_equal(pose[..., 3, :], np.broadcast_to([0, 0, 0, 1], (*batch, 4)))


def test_the_panda_is_within_1e_12_of_pinocchio(panda):
    oracle = Pinocchio(files(fkarm.robots) / "panda.urdf")
    robot = fkarm.robots.panda(gripper=True)
    q = fkarm.sample_configurations(robot, 100, seed=1)
    poses = array(fkarm.forward_kinematics(robot, q, robot.link_names))
    for row, pose in zip(q, poses, strict=True):
        values = dict(zip(robot.joint_names, row, strict=True))
        values["panda_finger_joint2"] = values["panda_finger_joint1"]
        np.testing.assert_allclose(pose, oracle.poses(values, robot.link_names), atol=1e-12)


def test_float32_is_within_2e_6_metres_of_float64(panda):
    q = fkarm.sample_configurations(panda, 10_000, seed=2, dtype="float32")
    single = array(fkarm.forward_kinematics(panda, q, "panda_hand"))
    double = array(fkarm.forward_kinematics(panda, q.astype("float64"), "panda_hand"))
    error = np.linalg.norm(single[:, :3, 3] - double[:, :3, 3], axis=1)
    assert error.max() < 2e-6


def test_every_joint_type_matches_the_reference(every_joint, rng):
    q = rng.uniform(-2, 2, size=(2, 5, 3))
    np.testing.assert_allclose(
        fkarm.forward_kinematics(every_joint, q, every_joint.link_names),
        reference.forward_kinematics(every_joint, q, every_joint.link_names),
        atol=1e-14,
    )


def test_the_forum_arm_matches_its_formula(rng):
    for _ in range(10):
        offsets = rng.uniform(-1, 1, size=(5, 3))
        arm = fkarm.Robot.from_joints(
            [
                fkarm.Joint(f"j{i}", axis=axis, xyz=offset)
                for i, (axis, offset) in enumerate(
                    zip(("z", "-y", "-y", "-y", "x"), offsets, strict=True)
                )
            ]
        )
        degrees = rng.uniform(-180, 180, size=(100, 5))
        layer = fkarm.layers.ForwardKinematics(
            arm, output="xyz_ypr", angle_unit="deg", dtype="float64"
        )
        expected = np.stack([forum_pose(offsets, row) for row in degrees])
        np.testing.assert_allclose(layer(degrees), expected, atol=1e-10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_forum_arm_by_hand(dtype):
    arm = fkarm.Robot.from_joints(
        [
            fkarm.Joint("base", axis="z", xyz=(1, 2, 3)),
            fkarm.Joint("shoulder", axis="-y", xyz=(1, 2, 3)),
        ]
    )
    layer = fkarm.layers.ForwardKinematics(arm, output="xyz_ypr", angle_unit="deg", dtype=dtype)
    atol = 1e-12 if dtype == "float64" else 2e-5
    found = layer(np.array([90, 180], dtype))
    np.testing.assert_allclose(found, [-1, 3, 6, -90, 0, 180], atol=atol)


def test_links_choose_what_is_returned(every_joint, rng):
    q = rng.uniform(-1, 1, size=(4, 3))
    all_links = array(fkarm.forward_kinematics(every_joint, q, every_joint.link_names))
    assert all_links.shape == (4, 7, 4, 4)
    np.testing.assert_array_equal(all_links[:, 0], np.tile(np.eye(4), (4, 1, 1)))
    names = ["tip_2", "a", "tip_2"]
    some = array(fkarm.forward_kinematics(every_joint, q, names))
    places = [every_joint.link_names.index(name) for name in names]
    np.testing.assert_allclose(some, all_links[:, places], atol=1e-15)


def test_no_link_is_the_end_effector(every_joint, rng):
    q = rng.uniform(-1, 1, size=(4, 3))
    expected = fkarm.forward_kinematics(every_joint, q, "tip_1")
    assert expected.shape == (4, 4, 4)
    np.testing.assert_array_equal(fkarm.forward_kinematics(every_joint, q), expected)
    other = every_joint.with_end_effector("tip_2")
    assert np.abs(array(fkarm.forward_kinematics(other, q)) - array(expected)).max() > 0.01


def test_the_tool_does_not_change_the_orientation_of_a_link(panda, rng):
    q = rng.uniform(-1, 1, size=7)
    tooled = panda.with_tool(xyz=(0, 0, 0.3))
    hand, tool = array(fkarm.forward_kinematics(tooled, q, ["panda_hand", "tool"]))
    np.testing.assert_allclose(tool[:3, :3], hand[:3, :3], atol=1e-15)
    np.testing.assert_allclose(tool[:3, 3], hand[:3, 3] + 0.3 * hand[:3, 2], atol=1e-15)


def test_a_chain_is_its_two_halves_composed(panda, rng):
    q = rng.uniform(-1, 1, size=(5, 7))
    upper = panda.sub_chain("panda_link0", "panda_link3")
    lower = panda.sub_chain("panda_link3", "panda_hand")
    whole = fkarm.forward_kinematics(panda, q, "panda_hand")
    halves = fkarm.geometry.compose_transforms(
        fkarm.forward_kinematics(upper, q[:, :3], "panda_link3"),
        fkarm.forward_kinematics(lower, q[:, 3:], "panda_hand"),
    )
    np.testing.assert_allclose(whole, halves, atol=1e-14)


def test_fixing_joints_is_holding_them(every_joint, rng):
    q = rng.uniform(-1, 1, size=(5, 3))
    q[:, 0] = 0.37
    fixed = every_joint.with_fixed_joints({"turn": 0.37})
    np.testing.assert_allclose(
        fkarm.forward_kinematics(fixed, q[:, 1:], fixed.link_names),
        fkarm.forward_kinematics(every_joint, q, every_joint.link_names),
        atol=1e-14,
    )


def test_a_robot_without_moving_joints_still_has_a_pose():
    robot = fkarm.robots.planar([1.0]).with_fixed_joints({"joint_1": np.pi / 2})
    pose = array(fkarm.forward_kinematics(robot, np.zeros((2, 0)), "tool"))
    np.testing.assert_allclose(pose[:, :3, 3], [[0, 1, 0]] * 2, atol=1e-15)


def test_limits_are_not_applied(panda):
    q = np.full(7, 10.0)
    pose = array(fkarm.forward_kinematics(panda, q, "panda_link1"))
    np.testing.assert_allclose(pose[0, 0], np.cos(10.0), atol=1e-15)


def test_the_gradient_matches_central_differences(every_joint, rng):
    q = rng.uniform(-1, 1, size=3)
    links = every_joint.link_names
    check_gradient(lambda x: fkarm.forward_kinematics(every_joint, x, links), q, atol=1e-8)


def test_a_nan_reaches_its_own_row_only(panda):
    q = np.zeros((3, 7))
    q[1, 3] = np.nan
    poses = array(fkarm.forward_kinematics(panda, q, "panda_hand"))
    assert np.isfinite(poses[[0, 2]]).all()
    assert np.isnan(poses[1, :3, 3]).any()


@pytest.mark.parametrize("mode", MODES)
def test_an_unknown_batch_compiles_and_takes_zero_rows(mode, three_joints, rng):
    links = ["tool", three_joints.root_link]
    compiled = in_mode(
        lambda q: fkarm.forward_kinematics(three_joints, q, links), mode, (None, None, 2), "float64"
    )
    q = tensor(rng.uniform(-1, 1, size=(2, 3, 2)))
    eager = fkarm.forward_kinematics(three_joints, q, links)
    np.testing.assert_allclose(compiled(q), eager, atol=1e-14)
    assert compiled(q[:0]).shape == (0, 3, 2, 4, 4)


def test_a_symbolic_input_gives_a_symbolic_pose(panda):
    q = keras.Input((7,))
    model = keras.Model(q, fkarm.forward_kinematics(panda, q, "panda_hand"))
    x = np.zeros((2, 7), "float32")
    np.testing.assert_allclose(
        model.predict(x, verbose=0), fkarm.forward_kinematics(panda, x, "panda_hand"), atol=1e-6
    )


def test_a_variable_has_a_pose(panda):
    q = np.full((1, 7), 0.3, "float32")
    found = fkarm.forward_kinematics(panda, keras.Variable(q), "panda_hand")
    np.testing.assert_array_equal(array(found), fkarm.forward_kinematics(panda, q, "panda_hand"))


@pytest.mark.only_on("tensorflow", reason="`q` as a `tf.Variable` (a `keras.Variable` is taken)")
def test_a_variable_can_be_optimised(panda):
    import tensorflow as tf

    target = fkarm.forward_kinematics(panda, np.full(7, 0.3, "float32"), "panda_hand")
    q = tf.Variable(np.zeros(7, "float32"))
    with tf.GradientTape() as tape:
        loss = fkarm.losses.pose_loss(target, fkarm.forward_kinematics(panda, q, "panda_hand"))
    assert np.abs(tape.gradient(loss, q)).max() > 0
    variable = tf.Variable(np.zeros((1, 7), "float32"))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(fkarm.layers.ForwardKinematics(panda)(variable) ** 3)
    assert np.abs(tape.gradient(loss, variable)).max() > 0
    assert fkarm.geometric_jacobian(panda, variable).shape == (1, 6, 7)


def test_whole_numbers_and_half_precision_become_float32(panda):
    for q in ([0] * 7, np.zeros(7, "float16"), ops.zeros(7, "bfloat16"), np.zeros(7, int)):
        assert dtype_of(fkarm.forward_kinematics(panda, q, "panda_hand")) == "float32"


def test_a_mimic_that_does_not_follow_holds_still():
    for base in ("root", "a"):
        robot = fkarm.Robot(
            [
                fkarm.Joint("j", parent="root", child="a"),
                fkarm.Joint("m", parent=base, child="b", mimic=fkarm.Mimic("j", 0.0, 0.3)),
            ]
        )
        for dtype in ("float32", "float64"):
            q = np.zeros((2, 1), dtype)
            pose = array(fkarm.forward_kinematics(robot, q, "b"))
            np.testing.assert_allclose(pose[0, 0, 0], np.cos(0.3), atol=1e-7)
            np.testing.assert_allclose(
                fkarm.geometric_jacobian(robot, q, "b")[..., 0],
                np.array([[0, 0, 0, 0, 0, float(base == "a")]] * 2),
            )


def test_bad_input_is_refused(panda):
    with pytest.raises(ValueError, match=r"q must have shape \(\.\.\., 7\).*panda_joint1"):
        fkarm.forward_kinematics(panda, np.zeros((2, 6)))
    with pytest.raises(ValueError, match="q must have shape"):
        fkarm.forward_kinematics(panda, 0.0)
    with pytest.raises(fkarm.UnknownLinkError, match="Did you mean 'panda_hand'"):
        fkarm.forward_kinematics(panda, np.zeros(7), "panda_hanb")
    with pytest.raises(ValueError, match="links must hold at least one"):
        fkarm.forward_kinematics(panda, np.zeros(7), [])
    with pytest.raises(TypeError, match="links must be a name"):
        fkarm.forward_kinematics(panda, np.zeros(7), 5)
