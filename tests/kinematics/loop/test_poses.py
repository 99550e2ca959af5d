"""Poses by loops: exact, differentiable, in every mode, one code for all robots of a layout."""

import keras
import numpy as np
import pytest
from autodiff import MODES, array, check_gradient, gradient_of, in_mode, tensor
from joint_types import EVERY_CASE, ROBOTS, WEIGHTS, sample
from oracles import Pinocchio, central_difference

import fkarm
from fkarm.kinematics import forward, loop
from fkarm.kinematics.loop import arrays
from fkarm.kinematics.plan import plan_chain

pytestmark = pytest.mark.only_on("tensorflow", reason="kinematics by loops")


@pytest.fixture(params=ROBOTS)
def robot(request, looped):
    return request.getfixturevalue(request.param)


def in_numpy(function, *arguments):
    with fkarm.config.compilation("eager"):
        return array(function(*arguments))


@pytest.mark.parametrize("links", ["every link", pytest.param("one link", marks=EVERY_CASE)])
def test_poses_and_gradients_are_those_of_numpy(links, robot):
    q, links = tensor(sample(robot)), robot.link_names if links == "every link" else None

    def slope(q):
        poses = gradient_of(lambda q: fkarm.forward_kinematics(robot, q, links) * tensor(WEIGHTS))
        return poses(q)

    found = array(fkarm.forward_kinematics(robot, q, links))
    np.testing.assert_allclose(
        found, in_numpy(fkarm.forward_kinematics, robot, q, links), atol=1e-13
    )
    np.testing.assert_allclose(array(slope(q)), in_numpy(slope, q), atol=1e-12)


def test_a_chain_of_112_is_that_of_pinocchio(make_chain):
    robot = make_chain(112)
    judge, q = Pinocchio(text=robot.to_urdf()), sample(robot)
    with fkarm.config.compilation("graph"):
        poses = array(fkarm.forward_kinematics(robot, tensor(q)))
        columns = array(fkarm.geometric_jacobian(robot, tensor(q)))
    for row, values in enumerate(q):
        by_name = dict(zip(robot.joint_names, values, strict=True))
        np.testing.assert_allclose(
            poses[row], judge.poses(by_name, [robot.end_effector])[0], atol=1e-12
        )
        expected = judge.jacobian_columns(by_name, robot.end_effector)
        expected = np.concatenate([expected[name] for name in robot.joint_names], axis=1)
        np.testing.assert_allclose(columns[row], expected, atol=1e-12)


@pytest.mark.parametrize(("links", "joints"), [(("tool",), 20), (("tool", "joint_2_link"), 59)])
def test_long_robots_have_loops_and_short_ones_have_not(links, joints, make_chain):
    short, long = (plan_chain(make_chain(count), links) for count in (joints - 1, joints))
    assert not loop.wants_loop(short)
    assert loop.wants_loop(long)


@pytest.mark.parametrize(
    "shape", [(3, 1, 2), *(pytest.param(s, marks=EVERY_CASE) for s in ((), (2, 0)))], ids=str
)
def test_any_batch_is_as_its_rows(shape, looped, every_joint):
    q = sample(every_joint, shape)
    found = array(fkarm.forward_kinematics(every_joint, tensor(q), every_joint.link_names))
    expected = in_numpy(fkarm.forward_kinematics, every_joint, q, every_joint.link_names)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-13)


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_and_an_unknown_batch(mode, looped, free_robot):
    def both(q):
        poses = fkarm.forward_kinematics(free_robot, q, free_robot.link_names)
        weighted = gradient_of(
            lambda q: (
                fkarm.forward_kinematics(free_robot, q, free_robot.link_names)
                * tensor(WEIGHTS, q.dtype)
            )
        )
        return poses, weighted(q)

    q = sample(free_robot, (5,))
    run = in_mode(both, mode, None if mode == "xla" else (None, free_robot.dof), "float64")
    found = [array(x) for x in run(tensor(q))]
    with fkarm.config.compilation("eager"):
        expected = [array(x) for x in both(tensor(q))]
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)


def test_the_gradient_of_the_gradient_is_exact(looped, three_joints):
    q = sample(three_joints, ())

    def slope(q):
        weighted = gradient_of(
            lambda q: fkarm.forward_kinematics(three_joints, q) * tensor(WEIGHTS, q.dtype)
        )
        return weighted(q)

    check_gradient(slope, q)


def test_a_zero_quaternion_does_not_turn_and_has_no_gradient(looped, ball_and_plane):
    q = sample(ball_and_plane)
    q[1, :4] = 0.0
    poses = array(fkarm.forward_kinematics(ball_and_plane, tensor(q)))
    upright = q.copy()
    upright[1, :4] = 1, 0, 0, 0
    expected = in_numpy(fkarm.forward_kinematics, ball_and_plane, upright)
    np.testing.assert_allclose(poses, expected, atol=1e-13)
    slope = gradient_of(lambda q: fkarm.forward_kinematics(ball_and_plane, q))(tensor(q))
    assert np.isfinite(array(slope)).all()
    assert (array(slope)[1, :4] == 0).all()


@pytest.mark.parametrize(
    "quat",
    [
        (1, 0, 0, 0),
        (1e-12, 1e-12, 1, 0),
        *(pytest.param(x, marks=EVERY_CASE) for x in ((0, 1, 0, 0), (0, 0, -2, 0), (0, 0, 0, 3))),
    ],
    ids=str,
)
def test_quaternions_along_axes_have_exact_turns_and_gradients(quat, looped, ball_and_plane):
    q = sample(ball_and_plane, ())
    q[:4] = quat

    def total(q):
        return np.sum(in_numpy(fkarm.forward_kinematics, ball_and_plane, q) * WEIGHTS)

    poses = array(fkarm.forward_kinematics(ball_and_plane, tensor(q)))
    expected = in_numpy(fkarm.forward_kinematics, ball_and_plane, q)
    np.testing.assert_allclose(poses, expected, atol=1e-13)
    slope = gradient_of(
        lambda q: fkarm.forward_kinematics(ball_and_plane, q) * tensor(WEIGHTS, q.dtype)
    )(tensor(q))
    np.testing.assert_allclose(array(slope), central_difference(total, q), atol=1e-7)


def test_nan_stays_in_its_row(robot):
    q = sample(robot)
    good = array(fkarm.forward_kinematics(robot, tensor(q), robot.link_names))
    q[1] = np.nan
    found = array(fkarm.forward_kinematics(robot, tensor(q), robot.link_names))
    np.testing.assert_array_equal(found[[0, 2]], good[[0, 2]])


def test_robots_of_a_layout_share_their_code(monkeypatch, looped, make_chain):
    traced = []

    def counted(*arguments):
        traced.append(arguments)
        return loop.loop_poses(*arguments)

    monkeypatch.setattr(forward, "loop_poses", counted)
    for seed in range(3):
        robot = make_chain(9, seed)
        q = sample(robot, dtype="float32")
        found = array(fkarm.forward_kinematics(robot, tensor(q)))
        expected = in_numpy(fkarm.forward_kinematics, robot, q)
        np.testing.assert_allclose(found, expected, atol=1e-5)
    assert len(traced) == 1


def test_further_chains_with_the_same_joints_share_their_code(monkeypatch, make_chain):
    monkeypatch.setattr(arrays, "MOST_UNROLLED_ALIKE", 2)
    fkarm.config.clear()
    plans = [plan_chain(make_chain(4, seed), ("tool",)) for seed in range(4)]
    assert [loop.shares_loop(plan) for plan in plans] == [False, False, True, True]
    again = [plan_chain(make_chain(4, seed), ("tool",)) for seed in (3, 1, 2, 0)]
    assert [loop.shares_loop(plan) for plan in again] == [True, False, True, False]
    assert not loop.shares_loop(plan_chain(make_chain(3), ("tool",)))
    fkarm.config.clear()
    assert not loop.shares_loop(plans[3])
    fkarm.config.clear()


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="loops are TensorFlow's")
def test_eager_calls_in_numpy_do_not_count_as_chains_with_code(monkeypatch, make_chain):
    monkeypatch.setattr(arrays, "MOST_UNROLLED_ALIKE", 1)
    fkarm.config.clear()
    small, large = make_chain(5), make_chain(5, seed=1)
    fkarm.forward_kinematics(small, sample(small))
    with fkarm.config.compilation("graph"):
        fkarm.forward_kinematics(large, tensor(sample(large)))
    assert not loop.shares_loop(plan_chain(large, ("tool",)))
    assert loop.shares_loop(plan_chain(small, ("tool",)))
    fkarm.config.clear()


def test_a_long_robot_is_written_without_loops(looped, make_chain, tmp_path):
    robot = make_chain(20)
    q = keras.Input((20,))
    model = keras.Model(q, fkarm.layers.ForwardKinematics(robot)(q))
    with fkarm.config.plain_operations():
        import tensorflow as tf

        graph = tf.function(model).get_concrete_function(tf.TensorSpec((None, 20))).graph
    assert not {"While", "StatelessWhile", "PartitionedCall"} & {
        operation.type for operation in graph.get_operations()
    }
