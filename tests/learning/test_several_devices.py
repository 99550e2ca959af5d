"""Training on several devices of one machine."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest

pytestmark = pytest.mark.in_test_all("process")

TRAIN = """
import json, sys
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import keras
import fkarm
from fkarm.learning import pose_stream
devices = [f"CPU:{k}" for k in range(int(sys.argv[1]))]
with tf.distribute.MirroredStrategy(devices).scope():
    keras.utils.set_random_seed(0)
    robot = fkarm.robots.ur5e()
    limits = fkarm.layers.JointLimits(robot)
    pose = keras.Input((9,))
    q = limits(keras.layers.Dense(limits.input_size)(keras.layers.Dense(32, "gelu")(pose)))
    model = keras.Model(pose, fkarm.layers.ForwardKinematics(robot)(q))
    model.compile("adam", fkarm.losses.PoseLoss(), metrics=[fkarm.metrics.PositionError()])
history = model.fit(pose_stream(robot, batch_size=64), steps_per_epoch=20, epochs=3, shuffle=False,
                    verbose=0).history
print(json.dumps(history))
"""


def history(devices):
    command = [sys.executable, "-c", TRAIN, str(devices)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="a strategy of TensorFlow")
def test_two_devices_train_as_one():
    one, two = history(1), history(2)
    assert len(one["loss"]) == 3
    assert one["loss"][2] < one["loss"][0]
    for name, values in one.items():
        np.testing.assert_allclose(two[name], values, rtol=1e-4, err_msg=name)
