"""Training in several processes, and on several devices of one machine."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest

import fkarm
from fkarm.learning import join_devices, join_hosts
from fkarm.learning.hosts import _check_devices

ON_JAX = keras.backend.backend() == "jax"
ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "train_on_several_hosts.py"
STEPS = 5


class Processes:
    """Runs of the example that train together; what they print goes to files."""

    def command(self, output, epochs):
        return [EXAMPLE, "--epochs", epochs, "--steps", STEPS, "--output", output]

    def __init__(self, folder, epochs, count=1, shared=True):
        with socket.socket() as free:
            free.bind(("localhost", 0))
            port = free.getsockname()[1]
        together = ["--hosts", ",".join([f"localhost:{port}"] * count)] if count > 1 else []
        self.outputs, self.processes = [], []
        for process in range(count):
            output = folder / ("all" if shared else f"of_{process}")
            output.mkdir(parents=True, exist_ok=True)
            self.outputs.append(output / f"log_{process}")
            command = self.command(output, epochs) + together
            command += ["--process", process] if together else []
            with self.outputs[-1].open("w") as log:
                self.processes.append(
                    subprocess.Popen(
                        [sys.executable, *map(str, command)],
                        stdout=log,
                        stderr=subprocess.STDOUT,
                        env={**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": str(ROOT)},
                    )
                )

    def losses(self, process=0):
        lines = self.outputs[process].read_text().splitlines()
        rows = [json.loads(line) for line in lines if line.startswith("{")]
        return {row["epoch"]: row["loss"] for row in rows}

    def wait_for_epoch(self, epoch, seconds=120):
        end = time.monotonic() + seconds
        while epoch not in self.losses():
            assert time.monotonic() < end, self.outputs[0].read_text()
            assert self.processes[0].poll() is None, self.outputs[0].read_text()
            time.sleep(0.05)

    def finish(self, seconds=180):
        codes = [process.wait(seconds) for process in self.processes]
        assert not any(codes), [output.read_text() for output in self.outputs]
        return self.losses()


class Commands(Processes):
    """Runs of `python -m fkarm train`."""

    def command(self, output, epochs):
        sizes = ["--heads", 2, "--width", 16, "--depth", 2, "--batch-size", 32, "--count", 20]
        command = ["-m", "fkarm", "train", self.robot(output), "--link", "tool", *sizes]
        return [
            *command,
            "--epochs",
            epochs,
            "--steps-per-epoch",
            STEPS,
            "--out",
            output / "m.keras",
        ]

    def robot(self, output):
        path = output / "arm.urdf"
        path.write_text(fkarm.robots.planar([0.5, 0.4, 0.2]).to_urdf())
        return path

    def losses(self, process=0):
        text = self.outputs[process].read_text()
        found = re.findall(r"Epoch (\d+)/\d+\n.*?- loss: ([\d.e+-]+)", text)
        return {int(epoch): float(loss) for epoch, loss in found}


@pytest.fixture(scope="module")
def losses_of_one(tmp_path_factory):
    return Processes(tmp_path_factory.mktemp("one"), epochs=4).finish()


@pytest.mark.skipif(not ON_JAX, reason="Keras trains across machines on JAX only")
class TestTwoProcesses:
    def test_they_train_as_one(self, losses_of_one, tmp_path):
        both = Processes(tmp_path, epochs=4, count=2)
        both.finish()
        for process in range(2):
            found = both.losses(process)
            assert list(found) == [1, 2, 3, 4]
            np.testing.assert_allclose([*found.values()], [*losses_of_one.values()], rtol=1e-5)

    @pytest.mark.parametrize("victim", [0, 1])
    def test_one_is_lost_and_both_resume_later(self, victim, losses_of_one, tmp_path):
        both = Processes(tmp_path, epochs=100_000, count=2, shared=False)
        both.wait_for_epoch(2)
        both.processes[victim].kill()
        both.processes[victim].wait()
        assert both.processes[1 - victim].wait(90) != 0
        said = both.outputs[1 - victim].read_text()
        assert "lost the others" in said or "another task died" in said
        done = max(both.losses())
        again = Processes(tmp_path, epochs=done + 2, count=2, shared=False)
        found = again.finish()
        assert list(found) in ([done + 1, done + 2], [done + 2])  # saved, perhaps not yet printed
        whole = Processes(tmp_path / "whole", epochs=done + 2).finish()
        np.testing.assert_allclose(found[done + 2], whole[done + 2], rtol=1e-4)


@pytest.mark.skipif(not ON_JAX, reason="Keras trains across machines on JAX only")
def test_the_command_loses_a_process_and_both_resume_later(tmp_path):
    epochs = 60  # the learning rate depends on how many there will be
    both = Commands(tmp_path / "both", epochs=epochs, count=2, shared=False)
    both.wait_for_epoch(2)
    both.processes[1].kill()
    both.processes[1].wait()
    assert both.processes[0].wait(90) != 0
    said = both.outputs[0].read_text()
    assert "lost the others" in said or "another task died" in said
    folder = tmp_path / "both" / "of_0"
    assert not (folder / "m.keras").exists()
    done = max(both.losses())
    again = Commands(tmp_path / "both", epochs=epochs, count=2, shared=False)
    found = again.finish()
    assert "epochs: resuming after them" in again.outputs[0].read_text()
    assert done < min(found) <= done + 2  # saved, perhaps not yet printed
    whole = Commands(tmp_path / "whole", epochs=epochs).finish()
    np.testing.assert_allclose(found[epochs], whole[epochs], rtol=1e-3)
    assert again.losses(1) == {}
    for name in ("m.keras", "m.json", "m.md"):
        assert (folder / name).exists()
        assert not (tmp_path / "both" / "of_1" / name).exists()


def test_a_process_is_one_of_the_hosts():
    with pytest.raises(ValueError, match="0 to 1. Received: 2"), join_hosts(["a:1", "b:1"], 2):
        pass


@pytest.mark.skipif(ON_JAX, reason="JAX has it")
def test_other_backends_train_on_one_machine():
    with pytest.raises(RuntimeError, match="KERAS_BACKEND=jax"), join_hosts(["a:1", "b:1"], 0):
        pass


@pytest.mark.only_on("tensorflow", "jax", reason="PyTorch has no devices to join")
def test_devices_are_counted():
    with pytest.raises(ValueError, match="count must be a whole number >= 1"), join_devices(0):
        pass
    with pytest.raises(ValueError, match="There must be 3 devices. Received: a, b. Call join"):
        _check_devices(3, ["a", "b"])
    keras.ops.add(1.0, 1.0)  # from now on TensorFlow makes no more logical devices
    with pytest.raises(ValueError, match="There must be 99 devices"), join_devices(99):
        pass


def test_several_devices_need_another_backend_than_pytorch(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(RuntimeError, match="TensorFlow or JAX.* Received: torch"), join_devices(2):
        pass


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


@pytest.mark.in_test_all("process")
@pytest.mark.only_on("tensorflow", reason="a strategy of TensorFlow")
def test_two_devices_train_as_one():
    one, two = history(1), history(2)
    assert len(one["loss"]) == 3
    assert one["loss"][2] < one["loss"][0]
    for name, values in one.items():
        np.testing.assert_allclose(two[name], values, rtol=1e-4, err_msg=name)
