"""`python -m fkarm train`: what it leaves, and how it resumes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from commands.training_command import command, names

import fkarm
from fkarm.__main__ import main
from fkarm.learning import IKFlow, IKRegressor, ik_targets
from fkarm.learning.ik_model import IKModel

ROOT = Path(__file__).parents[2]
ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
BESIDE = ["m.json", "m.keras", "m.md", "m.png", "m.training"]


def test_a_training_leaves_a_network_its_table_and_its_picture(trained, urdf):
    assert names(trained) == BESIDE
    model = keras.saving.load_model(trained / "m.keras")
    assert isinstance(model, IKRegressor)
    assert (model.width, model.depth, model.link) == (8, 1, "tool")
    assert model.robot.joint_names == fkarm.Robot.from_urdf(urdf).joint_names
    assert int(model.optimizer.iterations) == 3
    assert float(model.optimizer.global_clipnorm) == 10.0
    assert float(model.optimizer.learning_rate) == pytest.approx(3e-3)
    data = json.loads((trained / "m.json").read_text())
    assert (data["kind"], data["robot"], data["link"]) == ("IKRegressor", "planar", "tool")
    assert data["training"] == {
        **{"minutes": None, "epochs": 1, "batch_size": 8},
        **{"steps_per_epoch": 3, "seed": 0, "learning_rate": 3e-3},
    }
    assert len(data["rows"]) == 18
    assert data["rows"][0]["targets"] == 50
    table = (trained / "m.md").read_text()
    assert table == fkarm.learning.to_markdown(data["rows"]) + "\n"
    assert (trained / "m.png").read_bytes().startswith(b"\x89PNG")


def test_the_network_is_that_of_train_ik(trained, urdf, tmp_path):
    robot = fkarm.Robot.from_urdf(urdf)
    keras.utils.set_random_seed(0)
    model = IKRegressor(robot.sub_chain("base", "tool"), width=8, depth=1)
    model.compile(keras.optimizers.Adam(3e-3, global_clipnorm=10.0))
    fkarm.learning.train_ik(
        model, tmp_path, epochs=1, batch_size=8, steps_per_epoch=3, verbose=False
    )
    saved = keras.saving.load_model(trained / "m.keras")
    for a, b in zip(model.get_weights(), saved.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_same_command_resumes(urdf, tmp_path, capsys, unmeasured):
    assert main(command(urdf, tmp_path)) == 0
    assert "resuming" not in capsys.readouterr().out
    assert main(command(urdf, tmp_path, epochs=3)) == 0
    printed = capsys.readouterr().out
    assert "m.training holds 1 epochs: resuming after them." in printed
    model = keras.saving.load_model(tmp_path / "m.keras")
    assert int(model.optimizer.iterations) == 9


def test_a_finished_training_is_saved_again_without_training(
    urdf, tmp_path, unmeasured, monkeypatch, capsys
):
    assert main(command(urdf, tmp_path)) == 0
    (tmp_path / "m.keras").unlink()
    monkeypatch.setattr(IKModel, "fit", lambda *_, **__: pytest.fail("trained"))
    capsys.readouterr()
    assert main(command(urdf, tmp_path)) == 0
    printed = capsys.readouterr().out
    assert "m.training holds 1 epochs: finished before. To train on, ask for more" in printed
    assert int(keras.saving.load_model(tmp_path / "m.keras").optimizer.iterations) == 3


def test_training_by_the_clock(urdf, tmp_path, unmeasured):
    assert main(command(urdf, tmp_path, "--minutes", "1e-4", epochs=None)) == 0
    assert json.loads((tmp_path / "m.training/training.json").read_text())["seconds"] >= 6e-3


def test_a_flow(urdf, tmp_path, unmeasured, monkeypatch):
    monkeypatch.setattr("fkarm.learning.flow._has_xla", lambda: False)  # it compiles for long
    assert main(command(urdf, tmp_path, "--kind", "flow", "--seed", "3")) == 0
    model = keras.saving.load_model(tmp_path / "m.keras")
    assert isinstance(model, IKFlow)
    assert (model.depth, model.width, model.robot.name) == (1, 8, "planar")
    assert ik_targets(model, count=3).shape == (3, 4, 4)


def test_only_the_chain_to_the_link_is_kept(tmp_path, unmeasured):
    assert main(command("panda", tmp_path, link="panda_link4")) == 0
    robot = keras.saving.load_model(tmp_path / "m.keras").robot
    assert (robot.name, robot.dof) == ("panda", 4)


def test_without_matplotlib_there_is_no_picture(trained, tmp_path, urdf, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main(command(urdf, tmp_path)) == 0
    assert "No picture: fkarm.viz needs matplotlib" in capsys.readouterr().out
    assert names(tmp_path) == [name for name in BESIDE if name != "m.png"]


# As `python -m fkarm`, but for the table.
WITHOUT_TABLE = """
import sys
from fkarm.__main__ import main
from fkarm.commands import train
train._evaluate = lambda *_: None
sys.exit(main(sys.argv[1:]))
"""


def trained_on(devices, robot, folder, *options, **length):
    folder.mkdir()
    arguments = command(robot, folder, "--devices", devices, *options, **length)
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TABLE, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""},
    )
    assert done.returncode == 0, done.stderr
    return keras.saving.load_model(folder / "m.keras")


@pytest.mark.in_test_all("process")
@pytest.mark.skipif(not ON_TENSORFLOW, reason="logical devices of TensorFlow")
class TestTwoDevices:
    def test_they_train_as_one(self, urdf, tmp_path):
        one, two = (trained_on(count, urdf, tmp_path / str(count), epochs=2) for count in (1, 2))
        assert int(two.optimizer.iterations) == 6
        for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)

    def test_they_train_by_the_clock(self, urdf, tmp_path):
        model = trained_on(2, urdf, tmp_path / "m", "--minutes", "1e-4", epochs=None)
        assert int(model.optimizer.iterations) >= 1
        assert json.loads((tmp_path / "m/m.training/training.json").read_text())["seconds"] > 0

    def test_they_train_a_flow(self, urdf, tmp_path):
        model = trained_on(2, urdf, tmp_path / "m", "--kind", "flow")
        assert int(model.optimizer.iterations) == 3
