"""Checkpoints: files that are whole or absent, and the training that they are of."""

import errno
import os

import keras
import numpy as np
import pytest
from learning.trainings import names, network, train

import fkarm
from fkarm.learning import Checkpoint, IKFlow, PoseBatches
from fkarm.learning.checkpoint import newest_weights


def reaching(robot):
    keras.utils.set_random_seed(0)
    limits = fkarm.layers.JointLimits(robot)
    pose = keras.Input((9,))
    q = limits(keras.layers.Dense(limits.input_size)(keras.layers.Dense(8, "gelu")(pose)))
    model = keras.Model(pose, fkarm.layers.ForwardKinematics(robot)(q))
    model.compile("adam", fkarm.losses.PoseLoss(), run_eagerly=True, jit_compile=False)
    return model


def test_an_interrupted_training_ends_like_a_whole_one(tmp_path):
    robot = fkarm.robots.planar([1.0, 0.5])

    def fit(folder, epochs):
        checkpoint = Checkpoint(folder)
        data = PoseBatches(
            robot, batch_size=16, steps_per_epoch=3, seed=1, first_epoch=checkpoint.first_epoch
        )
        model = reaching(robot)
        model.fit(
            data,
            initial_epoch=checkpoint.first_epoch,
            epochs=epochs,
            callbacks=[checkpoint],
            shuffle=False,
            verbose=0,
        )
        return model

    fit(tmp_path / "parts", 2)
    assert [file.name for file in (tmp_path / "parts").iterdir()] == ["000002.weights.h5"]
    in_parts, whole = fit(tmp_path / "parts", 5), fit(tmp_path / "whole", 5)
    assert Checkpoint(tmp_path / "parts").first_epoch == 5
    for a, b in zip(in_parts.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert int(in_parts.optimizer.iterations) == 15


def test_a_file_that_was_not_finished_is_not_used(tmp_path):
    (tmp_path / ".unfinished-7-000001.weights.h5").write_bytes(b"half")
    assert newest_weights(tmp_path) is None
    assert Checkpoint(tmp_path).first_epoch == 0
    train(network(), tmp_path, epochs=1)
    assert names(tmp_path) == ["000001.weights.h5", "training.json"]


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        Checkpoint(tmp_path / "file" / "folder")


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        train(network(), tmp_path / "file" / "folder", epochs=1)


def test_a_full_disk_is_found_before_the_weights_are_written(tmp_path, extra, monkeypatch):
    """HDF5 would end the process."""
    room = []

    def fsync(descriptor):
        room.append(os.fstat(descriptor).st_size)
        if len(room) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("fkarm.learning.checkpoint.os.fsync", fsync)
    with pytest.raises(OSError, match="No space left"):
        train(network(), tmp_path, epochs=2)
    assert names(tmp_path) == ["000001.weights.h5", "training.json"]
    assert room[1] >= (tmp_path / "000001.weights.h5").stat().st_size


@pytest.mark.parametrize(
    "other",
    [
        lambda: network(width=9),
        lambda: network(IKFlow),
        lambda: network(link="link_3"),
    ],
    ids=["width", "kind", "link"],
)
def test_a_folder_of_another_model_is_refused_and_kept(other, tmp_path):
    train(network(), tmp_path, epochs=1)
    before = {name: (tmp_path / name).read_bytes() for name in names(tmp_path)}
    with pytest.raises(ValueError, match="must hold a training of this model. Received: one of"):
        train(other(), tmp_path, epochs=2)
    assert {name: (tmp_path / name).read_bytes() for name in names(tmp_path)} == before


@pytest.mark.parametrize(
    "other",
    [{"seed": 1}, {"steps_per_epoch": 4}, {"batch_size": 4}, {"labels": "configuration"}],
    ids=lambda other: next(iter(other)),
)
def test_a_folder_of_a_training_on_other_poses_is_refused(other, tmp_path):
    train(network(), tmp_path, epochs=1)
    name, value = next(iter(other.items()))
    with pytest.raises(
        ValueError, match=f"on the same poses. Received: .*'{name}': {value!r}.* here"
    ):
        train(network(), tmp_path, epochs=2, **other)
