"""`python -m fkarm evaluate`: what it prints and writes, and what it refuses."""

import json
import re
import zipfile

import keras
import pytest
from commands.training_command import full

import fkarm
from fkarm.__main__ import main


def test_evaluate_prints_the_table_again(trained, tmp_path, urdf, capsys):
    options = ["--count", "50", "--json", str(tmp_path / "t.json"), "--robot", str(urdf)]
    assert main(["evaluate", str(trained / "m.keras"), *options]) == 0
    printed = capsys.readouterr().out
    assert "IKRegressor of 'planar', link 'tool'" in printed
    before, again = (
        json.loads(file.read_text())["rows"] for file in (trained / "m.json", tmp_path / "t.json")
    )
    assert fkarm.learning.to_markdown(again) in printed
    for old, new in zip(before, again, strict=True):
        assert {**old, "solutions_per_s": 0} == {**new, "solutions_per_s": 0}


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
        assert "the network is for Robot('planar'" in said
    assert main(["evaluate", model, "--robot", str(tmp_path / "none.urdf")]) == 1
    assert "none.urdf" in capsys.readouterr().err


def test_a_table_that_could_not_be_written(trained, tmp_path, capsys, monkeypatch):
    model = str(trained / "m.keras")
    monkeypatch.setattr("fkarm.learning.evaluate_ik", lambda *_, **__: pytest.fail("evaluated"))
    assert main(["evaluate", model, "--json", str(tmp_path / "none" / "t.json")]) == 1
    assert "--json must be in a folder that exists" in capsys.readouterr().err
    monkeypatch.setattr("fkarm.learning.evaluate_ik", lambda *_, **__: [])
    monkeypatch.setattr("fkarm.learning.to_markdown", lambda *_: "table")
    monkeypatch.setattr("fkarm.commands.evaluate.write_json", full)
    assert main(["evaluate", model, "--json", str(tmp_path / "t.json")]) == 1
    assert "t.json could not be written: " in capsys.readouterr().err
