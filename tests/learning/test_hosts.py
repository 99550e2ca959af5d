"""Training in several processes, and training that is interrupted."""

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
from fkarm.learning import Checkpoint, PoseBatches, join_hosts

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
        sizes = ["--heads", 2, "--width", 16, "--depth", 2, "--batch-size", 32, "--targets", 20]
        command = ["-m", "fkarm", "train", self.robot(output), "--link", "tool", *sizes]
        return [*command, "--epochs", epochs, "--steps", STEPS, "--out", output / "m.keras"]

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
    def test_one_is_lost_and_both_go_on_later(self, victim, losses_of_one, tmp_path):
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
def test_the_command_loses_a_process_and_both_go_on_later(tmp_path):
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
    assert "epochs: going on from there" in again.outputs[0].read_text()
    assert done < min(found) <= done + 2  # saved, perhaps not yet printed
    whole = Commands(tmp_path / "whole", epochs=epochs).finish()
    np.testing.assert_allclose(found[epochs], whole[epochs], rtol=1e-3)
    assert again.losses(1) == {}
    for name in ("m.keras", "m.json", "m.md"):
        assert (folder / name).exists()
        assert not (tmp_path / "both" / "of_1" / name).exists()


def network(robot):
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
            robot, batch_size=16, steps=3, seed=1, first_epoch=checkpoint.first_epoch
        )
        model = network(robot)
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
    (tmp_path / "unfinished-0.weights.h5").write_bytes(b"half")
    assert Checkpoint(tmp_path).first_epoch == 0


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        Checkpoint(tmp_path / "file" / "folder")


def test_processes_have_their_places():
    with pytest.raises(ValueError, match="0 to 1. Received: 2"), join_hosts(["a:1", "b:1"], 2):
        pass


@pytest.mark.skipif(ON_JAX, reason="JAX has it")
def test_other_backends_train_on_one_machine():
    with pytest.raises(RuntimeError, match="KERAS_BACKEND=jax"), join_hosts(["a:1", "b:1"], 0):
        pass


def test_parts_of_a_batch_are_the_whole():
    robot = fkarm.robots.planar([1.0, 0.5])
    whole = PoseBatches(robot, batch_size=6, target="configuration")
    parts = [
        PoseBatches(robot, batch_size=6, target="configuration", part=(k, 3)) for k in range(3)
    ]
    q = np.empty((6, 2), np.float32)
    for k, part in enumerate(parts):
        q[k::3] = part[4][1]
    np.testing.assert_array_equal(q, whole[4][1])
    assert (whole[4][1] != whole[5][1]).all()
    with pytest.raises(ValueError, match="multiple of 4, the number of processes"):
        PoseBatches(robot, batch_size=6, part=(0, 4))
    with pytest.raises(ValueError, match="part must be a process"):
        PoseBatches(robot, batch_size=6, part=(2, 2))


def test_batches_are_poses_of_their_configurations(panda):
    x, q = PoseBatches(panda, batch_size=50, target="configuration")[0]
    _, pose = PoseBatches(panda, batch_size=50)[0]
    expected = keras.ops.convert_to_numpy(fkarm.forward_kinematics(panda, q, panda.end_effector))
    np.testing.assert_allclose(pose[:, :3, 3], x[:, :3], atol=0)
    assert ((q >= panda.lower_limits) & (q <= panda.upper_limits)).all()
    np.testing.assert_allclose(pose, expected, atol=1e-6)
