"""What `python -m fkarm train` refuses, and what is left where it fails."""

import re
from pathlib import Path

import keras
import pytest
from commands.training_command import command, full, names

from fkarm.__main__ import main
from fkarm.learning.ik_model import IKModel

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"

RAIL = '<robot name="r"><link name="a"/><link name="b"/><joint name="j" type="prismatic">{}</joint>'
RAIL = RAIL.format('<parent link="a"/><child link="b"/><axis xyz="1 0 0"/>') + "</robot>"


@pytest.mark.parametrize(
    ("robot", "link", "said"),
    [
        ("none.urdf", "tool", "must be the path of a URDF file, or .* Received: 'none.urdf'"),
        ("Panda", "panda_hand", "one of: 'panda', .* Received: 'Panda'. Did you mean 'panda'"),
        ("<robot", "tool", "arm.urdf.*well-formed"),
        ("panda", "panda_hnad", "link must be one of: 'panda_hand', .* Received: 'panda_hnad'"),
        ("panda", "panda_link0", "A joint that may move must be on the way from 'panda_link0'"),
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
        "Interrupted. The last good checkpoint is .*000001.weights.h5; the same command resumes",
        capsys.readouterr().err,
    )


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
    assert f"The weights are in {tmp_path / 'm.training'}: make room, and the same command" in said
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
    assert "000001.weights.h5; the same command resumes" in said


def test_a_full_disk_after_saving_says_that_the_network_is_whole(
    urdf, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("fkarm.learning.evaluate_ik", lambda *_, **__: [])
    monkeypatch.setattr("fkarm.learning.to_markdown", lambda *_: "table")
    monkeypatch.setattr("fkarm.commands.train.write_json", full)
    assert main(command(urdf, tmp_path)) == 1
    said = capsys.readouterr().err
    assert "The table could not be written: " in said
    assert "m.keras is complete" in said
    assert names(tmp_path) == ["m.keras", "m.training"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--out", "model.h5"], "must end in .keras. Received: 'model.h5'"),
        (["--minutes", "1"], "not allowed with argument --epochs"),
        (["--steps-per-epoch", "0"], "must be a whole number >= 1. Received: '0'"),
        (["--width", "x"], "must be a whole number >= 1. Received: 'x'"),
        (["--seed", "-1"], "must be a whole number >= 0. Received: '-1'"),
        (["--learning-rate", "nan"], "must be a finite number > 0. Received: 'nan'"),
        (["--learning-rate", "0"], "must be a finite number > 0. Received: '0'"),
        (
            ["--kind", "forest"],
            "--kind: it must be one of: 'regressor', 'flow'. Received: 'forest'",
        ),
        (["--kind", "regresor"], "Did you mean 'regressor'"),
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
    keras.ops.add(1.0, 1.0)  # from now on TensorFlow makes no more logical devices
    assert main(command(urdf, tmp_path, "--devices", "64", "--batch-size", "64")) == 1
    assert "There must be 64 devices. Received: " in capsys.readouterr().err


@pytest.mark.skipif(not ON_TENSORFLOW, reason="JAX has it")
def test_hosts_need_jax(urdf, tmp_path, capsys, untrained):
    assert main(command(urdf, tmp_path, "--hosts", "a:1,b:1", "--process", "0")) == 1
    assert "set KERAS_BACKEND=jax. Received: tensorflow" in capsys.readouterr().err
