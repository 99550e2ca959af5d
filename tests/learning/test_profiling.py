"""The share of the last layer in a training step."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import fkarm
from fkarm.learning import last_layer_share, pose_stream


def test_the_share_of_the_last_layer_is_a_share_and_leaves_the_model_alone(panda):
    pose = keras.Input((9,))
    q = fkarm.layers.JointLimits(panda)(keras.layers.Dense(7)(pose))
    model = keras.Model(pose, fkarm.layers.ForwardKinematics(panda)(q))
    model.compile(keras.optimizers.Adam(0.01), fkarm.losses.PoseLoss())
    before = [tf.identity(weight) for weight in model.weights]
    x, y = next(iter(pose_stream(panda, batch_size=256)))
    share = last_layer_share(model, x, y, steps=5)
    assert share < 1.0
    for old, new in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(old, new)


def test_timing_needs_tensorflow_as_the_backend(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(RuntimeError, match="last_layer_share runs in tf.data: .* Received: jax"):
        last_layer_share(None, None, None)
