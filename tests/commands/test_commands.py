"""`python -m fkarm train` and `evaluate`: what they write, and what they refuse."""

import errno
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from threading import Thread

import keras
import numpy as np
import pytest

import fkarm
from fkarm.__main__ import main
from fkarm.commands.arguments import PACKAGED, read_robot
from fkarm.learning import IKFlow, IKRegressor, ik_targets
from fkarm.learning.ik_model import IKModel

ROOT = Path(__file__).parents[2]
ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
SIZES = ["--steps", "3", "--batch-size", "8", "--width", "8", "--depth", "1", "--targets", "50"]
BESIDE = ["m.json", "m.keras", "m.md", "m.png", "m.training"]


@pytest.fixture(scope="module")
def urdf(tmp_path_factory):
    path = tmp_path_factory.mktemp("robot") / "arm.urdf"
    path.write_text(fkarm.robots.planar([0.5, 0.4, 0.2]).to_urdf())
    return path


@pytest.fixture(scope="module")
def trained(urdf, tmp_path_factory):
    """A folder that a training of one epoch filled."""
    folder = tmp_path_factory.mktemp("trained")
    assert main(command(urdf, folder)) == 0
    return folder


@pytest.fixture
def untrained(monkeypatch):
    """Fails if anything is trained."""
    monkeypatch.setattr(IKModel, "fit", lambda *_, **__: pytest.fail("trained"))


@pytest.fixture
def unmeasured(monkeypatch):
    """Leaves the table out, which takes seconds to compile."""
    monkeypatch.setattr("fkarm.commands.train._evaluate", lambda *_: None)


def command(robot, folder, *options, link="tool", epochs=1):
    length = [] if epochs is None else ["--epochs", epochs]
    out = ["--out", folder / "m.keras"]
    return [str(each) for each in ["train", robot, "--link", link, *length, *out, *SIZES, *options]]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


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
        **{"steps": 3, "seed": 0, "learning_rate": 3e-3},
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
    fkarm.learning.train_ik(model, tmp_path, epochs=1, steps=3, batch_size=8, verbose=False)
    saved = keras.saving.load_model(trained / "m.keras")
    for a, b in zip(model.get_weights(), saved.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_evaluate_prints_the_table_again(trained, tmp_path, urdf, capsys):
    options = ["--targets", "50", "--json", str(tmp_path / "t.json"), "--robot", str(urdf)]
    assert main(["evaluate", str(trained / "m.keras"), *options]) == 0
    printed = capsys.readouterr().out
    assert "IKRegressor of 'planar', link 'tool'" in printed
    before, again = (
        json.loads(file.read_text())["rows"] for file in (trained / "m.json", tmp_path / "t.json")
    )
    assert fkarm.learning.to_markdown(again) in printed
    for old, new in zip(before, again, strict=True):
        assert {**old, "solutions_per_s": 0} == {**new, "solutions_per_s": 0}


def test_the_same_command_goes_on(urdf, tmp_path, capsys, unmeasured):
    assert main(command(urdf, tmp_path)) == 0
    assert "going on" not in capsys.readouterr().out
    assert main(command(urdf, tmp_path, epochs=3)) == 0
    printed = capsys.readouterr().out
    assert "m.training holds 1 epochs: going on from there." in printed
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
    assert "m.training holds 1 epochs: finished before." in capsys.readouterr().out
    assert int(keras.saving.load_model(tmp_path / "m.keras").optimizer.iterations) == 3


def test_training_by_the_clock(urdf, tmp_path, unmeasured):
    assert main(command(urdf, tmp_path, "--minutes", "1e-4", epochs=None)) == 0
    assert json.loads((tmp_path / "m.training/training.json").read_text())["seconds"] >= 6e-3


def test_a_flow_of_a_packaged_robot(tmp_path, unmeasured):
    options = ["--kind", "flow", "--seed", "3"]
    assert main(command("ur3", tmp_path, *options, link="tool0")) == 0
    model = keras.saving.load_model(tmp_path / "m.keras")
    assert isinstance(model, IKFlow)
    assert (model.depth, model.width, model.robot.name) == (1, 8, "ur3")
    assert ik_targets(model, targets=3).shape == (3, 4, 4)


@pytest.mark.parametrize("name", PACKAGED)
def test_robots_have_names(name):
    assert read_robot(name) == getattr(fkarm.robots, name)()


def test_a_robot_is_read_from_a_pipe(urdf, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    Thread(target=lambda: pipe.write_bytes(urdf.read_bytes())).start()
    assert read_robot(str(pipe)) == fkarm.Robot.from_urdf(urdf)


def test_only_the_chain_to_the_link_is_kept(tmp_path, unmeasured):
    assert main(command("panda", tmp_path, link="panda_link4")) == 0
    assert keras.saving.load_model(tmp_path / "m.keras").robot.dof == 4


def test_without_matplotlib_there_is_no_picture(trained, tmp_path, urdf, monkeypatch, capsys):
    for module in ("fkarm.viz", "fkarm.viz.draw"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main(command(urdf, tmp_path)) == 0
    assert "No picture: fkarm.viz needs matplotlib" in capsys.readouterr().out
    assert names(tmp_path) == [name for name in BESIDE if name != "m.png"]


RAIL = '<robot name="r"><link name="a"/><link name="b"/><joint name="j" type="prismatic">{}</joint>'
RAIL = RAIL.format('<parent link="a"/><child link="b"/><axis xyz="1 0 0"/>') + "</robot>"


@pytest.mark.parametrize(
    ("robot", "link", "said"),
    [
        ("none.urdf", "tool", "There must be a URDF file at the path. Received: .*none.urdf"),
        ("Panda", "panda_hand", "Received: 'Panda'. Robots that need no file: .*panda"),
        ("<robot", "tool", "arm.urdf.*well-formed"),
        ("panda", "panda_hnad", "link must be one of: 'panda_hand', .* Received: 'panda_hnad'"),
        ("panda", "panda_link0", "A joint that may move must be on the way to 'panda_link0'"),
        (RAIL, "b", "both limits of the prismatic joint 'j'"),
    ],
    ids=["missing", "misspelt", "broken", "link", "fixed link", "endless rail"],
)
def test_robots_that_are_refused(robot, link, said, tmp_path, capsys, untrained):
    if robot.startswith("<"):
        (tmp_path / "arm.urdf").write_text(robot)
        robot = tmp_path / "arm.urdf"
    (tmp_path / "out").mkdir()
    assert main(command(robot, tmp_path / "out", link=link)) == 1
    assert re.search(said, capsys.readouterr().err, re.DOTALL)
    assert names(tmp_path / "out") == []


def test_output_that_could_not_be_written_is_refused_before_training(
    urdf, tmp_path, capsys, untrained
):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "m.keras").mkdir()
    for folder, said in {
        "none": "--out must be in a folder that exists and can be written. Received: .*No such",
        "file": "--out must be in a folder that exists and can be written. Received: .*Not a dir",
        ".": "--out must be a file. Received: '.*m.keras', a folder",
    }.items():
        assert main(command(urdf, tmp_path / folder)) == 1
        assert re.search(said, capsys.readouterr().err)
    assert (tmp_path / "file").read_text() == "mine"
    assert names(tmp_path) == ["file", "m.keras"]


def test_a_training_folder_that_is_a_file_is_refused(urdf, tmp_path, capsys, untrained):
    (tmp_path / "m.training").write_text("mine")
    assert main(command(urdf, tmp_path)) == 1
    assert "m.training must be writable. Received: " in capsys.readouterr().err
    assert (tmp_path / "m.training").read_text() == "mine"


def test_a_training_of_another_robot_is_refused_and_kept(urdf, tmp_path, capsys, unmeasured):
    assert main(command(urdf, tmp_path)) == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert main(command("ur5e", tmp_path, link="tool0")) == 1
    assert "must hold a training of this model. Received: one of another robot" in (
        capsys.readouterr().err
    )
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_loss_that_is_not_finite_says_what_is_left(urdf, tmp_path, capsys, unmeasured):
    assert main(command(urdf, tmp_path, "--learning-rate", "3e38")) == 1
    said = capsys.readouterr().err
    assert "a loss of nan in batch" in said
    assert "No epoch was finished" in said
    assert main(command(urdf, tmp_path)) == 0
    saved = (tmp_path / "m.keras").read_bytes()
    assert main(command(urdf, tmp_path, "--learning-rate", "3e38", epochs=2)) == 1
    said = capsys.readouterr().err
    assert "of epoch 2" in said
    newest = tmp_path / "m.training" / "000001.weights.h5"
    assert f"The last good checkpoint is {newest}" in said
    assert newest.exists()
    assert (tmp_path / "m.keras").read_bytes() == saved


def test_an_interruption_says_what_is_left(urdf, tmp_path, capsys, monkeypatch, unmeasured):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    assert main(command(urdf, tmp_path)) == 0
    monkeypatch.setattr(IKModel, "fit", interrupted)
    assert main(command(urdf, tmp_path, epochs=2)) == 130
    assert re.search(
        "Interrupted. The last good checkpoint is .*000001.weights.h5; the same command goes on",
        capsys.readouterr().err,
    )


def full(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("error", [OSError, RuntimeError])
def test_a_full_disk_at_the_end_loses_nothing(
    error, urdf, tmp_path, capsys, monkeypatch, unmeasured
):
    (tmp_path / "m.keras").write_bytes(b"what was there")

    def save(self, path):
        Path(path).write_bytes(b"half")
        raise error("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(IKModel, "save", save)
        assert main(command(urdf, tmp_path)) == 1
    said = capsys.readouterr().err
    assert "m.keras could not be written: No space left on device" in said
    assert f"The weights are in {tmp_path / 'm.training'}: make room, then the same command" in said
    assert names(tmp_path) == ["m.keras", "m.training"]
    assert (tmp_path / "m.keras").read_bytes() == b"what was there"
    monkeypatch.setattr(IKModel, "fit", lambda *_, **__: pytest.fail("trained"))
    assert main(command(urdf, tmp_path)) == 0
    assert int(keras.saving.load_model(tmp_path / "m.keras").optimizer.iterations) == 3


def test_a_full_disk_while_training_keeps_the_epoch_before(
    urdf, tmp_path, capsys, monkeypatch, unmeasured
):
    assert main(command(urdf, tmp_path)) == 0
    with monkeypatch.context() as patch:
        patch.setattr(IKModel, "save_weights", full)
        assert main(command(urdf, tmp_path, epochs=2)) == 1
    said = capsys.readouterr().err
    assert "No space left on device" in said
    assert "000001.weights.h5; the same command goes on" in said


def test_a_full_disk_after_saving_says_that_the_network_is_whole(
    urdf, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("fkarm.learning.evaluate_ik", lambda *_: [])
    monkeypatch.setattr("fkarm.learning.to_markdown", lambda *_: "table")
    monkeypatch.setattr("fkarm.commands.train.write_json", full)
    assert main(command(urdf, tmp_path)) == 1
    said = capsys.readouterr().err
    assert "The table could not be written: " in said
    assert "m.keras is whole" in said
    assert names(tmp_path) == ["m.keras", "m.training"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--out", "model.h5"], "must end in .keras. Received: 'model.h5'"),
        (["--minutes", "1"], "not allowed with argument --epochs"),
        (["--steps", "0"], "must be a whole number >= 1. Received: '0'"),
        (["--width", "x"], "must be a whole number >= 1. Received: 'x'"),
        (["--seed", "-1"], "must be a whole number >= 0. Received: '-1'"),
        (["--learning-rate", "nan"], "must be a finite number > 0. Received: 'nan'"),
        (["--learning-rate", "0"], "must be a finite number > 0. Received: '0'"),
        (["--kind", "forest"], "invalid choice: 'forest'"),
        (["--kind", "flow", "--heads", "2"], "--heads is for --kind regressor"),
        (["--hosts", "a:1"], "must name two processes or more. Received: 'a:1'"),
        (["--hosts", "a:1,b"], "must be host:port,host:port,... Received: 'b'"),
        (["--hosts", "a:1,b:1"], "--hosts and --process go together"),
        (["--process", "0"], "--hosts and --process go together"),
        (["--hosts", "a:1,b:1", "--process", "2"], "--process must be 0 to 1. Received: 2"),
        (["--hosts", "a:1,b:1", "--devices", "2"], "not allowed with argument"),
        (["--devices", "3"], "--batch-size must be a multiple of 3.* Received: 8"),
    ],
)
def test_options_that_are_refused(options, said, urdf, tmp_path, capsys, untrained):
    with pytest.raises(SystemExit) as end:
        main(command(urdf, tmp_path, *options))
    assert end.value.code == 2
    assert re.search(said, capsys.readouterr().err)
    assert names(tmp_path) == []


def test_hosts_train_by_epochs(urdf, tmp_path, capsys):
    options = ["--minutes", "1", "--hosts", "a:1,b:1", "--process", "0"]
    with pytest.raises(SystemExit):
        main(command(urdf, tmp_path, *options, epochs=None))
    assert "--hosts needs --epochs" in capsys.readouterr().err


def test_more_devices_than_there_are(urdf, tmp_path, capsys, untrained):
    assert main(command(urdf, tmp_path, "--devices", "64", "--batch-size", "64")) == 1
    assert "There must be 64 devices. Received: " in capsys.readouterr().err


@pytest.mark.skipif(not ON_TENSORFLOW, reason="JAX has it")
def test_hosts_need_jax(urdf, tmp_path, capsys, untrained):
    assert main(command(urdf, tmp_path, "--hosts", "a:1,b:1", "--process", "0")) == 1
    assert "set KERAS_BACKEND=jax. Received: tensorflow" in capsys.readouterr().err


def test_files_that_hold_no_network_are_refused(tmp_path, capsys):
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(tmp_path / "dense.keras")
    (tmp_path / "text.keras").write_text("text")
    whole = (tmp_path / "dense.keras").read_bytes()
    (tmp_path / "half.keras").write_bytes(whole[: len(whole) // 2])
    with zipfile.ZipFile(tmp_path / "zip.keras", "w") as file:
        file.writestr("config.json", "text")
    for name, said in {
        "none.keras": "There must be a .keras file at the path. Received: '.*none.keras'",
        ".": "There must be a .keras file at the path",
        "text.keras": "text.keras must be a network that .* Received: a file of another kind",
        "half.keras": "half.keras must be a network that .* Received: a file of another kind",
        "zip.keras": "zip.keras must be a network that .* Received: a file that Keras cannot",
        "dense.keras": "IKRegressor or IKFlow. Received: Sequential",
    }.items():
        assert main(["evaluate", str(tmp_path / name)]) == 1
        assert re.search(said, capsys.readouterr().err), name


def test_another_robot_than_the_networks_is_refused(trained, tmp_path, capsys, urdf):
    model = str(trained / "m.keras")
    longer = tmp_path / "longer.urdf"
    longer.write_text(fkarm.robots.planar([0.5, 0.4, 0.3]).to_urdf())
    for robot in ("ur5e", str(longer)):
        assert main(["evaluate", model, "--robot", robot]) == 1
        said = capsys.readouterr().err
        assert "--robot must be the robot that the network is for. Received: Robot(" in said
        assert "inside is Robot('planar'" in said
    assert main(["evaluate", model, "--robot", str(tmp_path / "none.urdf")]) == 1
    assert "none.urdf" in capsys.readouterr().err


def test_a_table_that_could_not_be_written(trained, tmp_path, capsys, monkeypatch):
    model = str(trained / "m.keras")
    monkeypatch.setattr("fkarm.learning.evaluate_ik", lambda *_: pytest.fail("evaluated"))
    assert main(["evaluate", model, "--json", str(tmp_path / "none" / "t.json")]) == 1
    assert "--json must be in a folder that exists" in capsys.readouterr().err
    monkeypatch.setattr("fkarm.learning.evaluate_ik", lambda *_: [])
    monkeypatch.setattr("fkarm.learning.to_markdown", lambda *_: "table")
    monkeypatch.setattr("fkarm.commands.evaluate.write_json", full)
    assert main(["evaluate", model, "--json", str(tmp_path / "t.json")]) == 1
    assert "t.json could not be written: " in capsys.readouterr().err


def test_numbers_that_are_not_finite_are_null_in_the_file(tmp_path):
    from fkarm.commands.output import write_json

    write_json(tmp_path / "t.json", {"kind": "x"}, [{"median_mm": float("nan"), "steps": 1}])
    assert json.loads((tmp_path / "t.json").read_text())["rows"] == [
        {"median_mm": None, "steps": 1}
    ]


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


def test_the_commands_are_listed(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("inspect", "train", "evaluate"))
