"""Poses to train on: what a batch holds, and which batches differ."""

import itertools

import keras
import numpy as np
import pytest
from learning.networks import make

import fkarm
from fkarm.learning import IKRegressor, PoseBatches, pose_stream, training


@pytest.mark.only_on("tensorflow", reason="tf.data")
def test_a_stream_pairs_poses_with_what_was_asked_for(panda):
    poses, matrices = next(iter(pose_stream(panda, batch_size=8, seed=3)))
    again, q = next(iter(pose_stream(panda, batch_size=8, seed=3, labels="configuration")))
    assert poses.shape == (8, 9)
    np.testing.assert_array_equal(poses, again)
    np.testing.assert_allclose(
        fkarm.geometry.pose_to_matrix(poses, "xyz_rot6d"), matrices, atol=1e-6
    )
    np.testing.assert_allclose(
        fkarm.forward_kinematics(panda, q, "panda_hand"), matrices, atol=1e-6
    )
    assert (q.numpy() > panda.lower_limits - 1e-6).all()
    assert (q.numpy() < panda.upper_limits + 1e-6).all()


@pytest.mark.only_on("tensorflow", reason="tf.data")
def test_a_stream_never_repeats_and_follows_its_seed(panda):
    batches = [x.numpy() for x, _ in pose_stream(panda, batch_size=4, seed=1).take(3)]
    assert (batches[0] != batches[1]).any()
    assert (batches[1] != batches[2]).any()
    other, _ = next(iter(pose_stream(panda, batch_size=4, seed=2)))
    assert (other.numpy() != batches[0]).any()


@pytest.mark.only_on("tensorflow", reason="tf.data")
def test_a_stream_begins_with_the_batch_that_is_asked_for(panda):
    whole = [x.numpy() for x, _ in pose_stream(panda, batch_size=4, seed=1).take(5)]
    late = pose_stream(panda, batch_size=4, seed=1, first_batch=3)
    for expected, (x, _) in zip(whole[3:], late.take(2), strict=True):
        np.testing.assert_array_equal(x, expected)


@pytest.mark.only_on("tensorflow", reason="tf.data")
def test_a_stream_can_aim_at_another_link(panda):
    x, _ = next(iter(pose_stream(panda, "panda_link1", batch_size=4)))
    np.testing.assert_allclose(x.numpy()[:, :3], np.tile([0, 0, 0.333], (4, 1)), atol=1e-7)


@pytest.mark.only_on("tensorflow", reason="tf.data")
def test_bad_streams_are_refused(panda):
    with pytest.raises(
        ValueError, match="labels must be one of: 'pose', 'configuration'. Received: 'joints'"
    ):
        pose_stream(panda, labels="joints")
    with pytest.raises(ValueError, match="batch_size must be a whole number >= 1. Received: 0"):
        pose_stream(panda, batch_size=0)
    for number in (-1, 0.5):
        with pytest.raises(
            ValueError, match=f"first_batch must be a whole number >= 0. .* {number}"
        ):
            pose_stream(panda, first_batch=number)
    with pytest.raises(fkarm.UnknownLinkError):
        pose_stream(panda, "elbow")
    rail = fkarm.Robot.from_joints([fkarm.Joint("rail", "prismatic")])
    with pytest.raises(fkarm.RobotError, match="both limits"):
        pose_stream(rail)


@pytest.mark.only_on("tensorflow", reason="tf.data")
def test_a_stream_needs_a_fixed_base(free_robot):
    with pytest.raises(fkarm.RobotError, match="fixed base"):
        pose_stream(free_robot)


@pytest.mark.only_on("tensorflow", reason="tf.data")
def test_a_stream_needs_tensorflow_as_the_backend(panda, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(RuntimeError, match="Received: jax. Set KERAS_BACKEND"):
        pose_stream(panda)


@pytest.mark.parametrize("part", [(0, 1), (0, 2)], ids=["one process", "two processes"])
def test_every_epoch_of_every_seed_trains_on_poses_of_its_own(part):
    """Also where the sum of seed and epoch is the same number."""
    model = make(IKRegressor, fkarm.robots.planar([0.5, 0.4]))
    seen = []
    for seed, epoch in itertools.product(range(3), range(3)):
        poses = {"labels": "pose", "batch_size": 4, "steps_per_epoch": 2, "seed": seed}
        batches = iter(training._data(model, poses, part, epoch))
        seen += [np.asarray(next(batches)[0]) for _ in range(2)]
    assert len(np.unique(np.concatenate(seen), axis=0)) == sum(map(len, seen))


@pytest.mark.only_on("tensorflow", reason="tf.data")
def test_a_resumed_stream_continues_the_uninterrupted_one():
    model = make(IKRegressor, fkarm.robots.planar([0.5, 0.4]))
    poses = {"labels": "pose", "batch_size": 4, "steps_per_epoch": 2, "seed": 0}
    whole = itertools.islice(training._data(model, poses, (0, 1), 0), 2, 4)
    resumed = itertools.islice(training._data(model, poses, (0, 1), 1), 2)
    for (expected, _), (x, _) in zip(whole, resumed, strict=True):
        np.testing.assert_array_equal(x, expected)


def test_parts_of_a_batch_are_the_whole():
    robot = fkarm.robots.planar([1.0, 0.5])
    whole = PoseBatches(robot, batch_size=6, labels="configuration")
    parts = [
        PoseBatches(robot, batch_size=6, labels="configuration", part=(k, 3)) for k in range(3)
    ]
    q = np.empty((6, 2), np.float32)
    for k, part in enumerate(parts):
        q[k::3] = part[4][1]
    np.testing.assert_array_equal(q, whole[4][1])
    assert (whole[4][1] != whole[5][1]).all()
    with pytest.raises(ValueError, match="multiple of 4, the number of processes"):
        PoseBatches(robot, batch_size=6, part=(0, 4))
    with pytest.raises(
        ValueError, match="part must be \\(process, processes\\) with .* Received: \\(2, 2\\)"
    ):
        PoseBatches(robot, batch_size=6, part=(2, 2))


def test_batches_are_poses_of_their_configurations(panda):
    x, q = PoseBatches(panda, batch_size=50, labels="configuration")[0]
    _, pose = PoseBatches(panda, batch_size=50)[0]
    expected = keras.ops.convert_to_numpy(fkarm.forward_kinematics(panda, q, panda.end_effector))
    np.testing.assert_allclose(pose[:, :3, 3], x[:, :3], atol=0)
    assert ((q >= panda.lower_limits) & (q <= panda.upper_limits)).all()
    np.testing.assert_allclose(pose, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps_per_epoch": 0}, "steps_per_epoch must be a whole number >= 1. Received: 0"),
        ({"workers": 0}, "workers must be a whole number >= 1. Received: 0"),
        ({"workers": 2, "max_queue_size": 0.5}, "max_queue_size must be a whole number >= 1"),
        ({"use_multiprocessing": True}, "use_multiprocessing must be False.*try workers=4"),
    ],
    ids=lambda value: "",
)
def test_bad_batches_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        PoseBatches(fkarm.robots.planar([1.0, 0.5]), batch_size=3, **arguments)
