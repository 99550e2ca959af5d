"""Every example runs, small, and says what it promised."""

import json
import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def run(name, *arguments):
    return runpy.run_path(str(EXAMPLES / name))["main"](list(arguments))


def test_no_example_is_left_out():
    tested = {"compare_descriptions.py", "forum_arm.py", "train_ik_regressor.py"}
    assert {path.name for path in EXAMPLES.glob("*.py")} == tested
    for path in EXAMPLES.glob("*.py"):
        assert path.read_text().count("\n") <= 140, path


def test_the_forum_arm(capsys):
    run("forum_arm.py", "--steps", "64")
    assert "same output: True" in capsys.readouterr().out


def test_comparing_descriptions(capsys):
    run("compare_descriptions.py", "--steps", "20")
    out = capsys.readouterr().out
    assert "the same arm" in out
    assert "in the table: different arms" in out


@pytest.mark.parametrize("own_robot", [False, True], ids=["panda", "urdf"])
def test_training_saves_loads_draws_and_reports(own_robot, tmp_path, capsys):
    arguments = ["--steps", "20", "--out", str(tmp_path)]
    name = "panda"
    if own_robot:
        urdf = EXAMPLES.parent / "fkarm" / "robots" / "ur3.urdf"
        arguments += ["--urdf", str(urdf), "--link", "wrist_2_link"]
        name = "ur3_wrist_2_link"
    run("train_ik_regressor.py", *arguments)
    assert "largest difference 0.0" in capsys.readouterr().out
    report = json.loads((tmp_path / f"ik_{name}.json").read_text())
    assert set(report["models"]) == {"joint MSE", "pose loss through FK"}
    assert (tmp_path / f"ik_{name}.png").stat().st_size > 10_000
    assert (tmp_path / f"ik_{name}.keras").exists()


@pytest.mark.parametrize("arguments", [("--steps", "0"), ("--minutes", "-1")], ids=str)
def test_training_wants_positive_numbers(arguments, capsys):
    with pytest.raises(SystemExit):
        run("train_ik_regressor.py", *arguments)
    assert "must be positive" in capsys.readouterr().err


def test_training_wants_a_link_that_moves(capsys):
    with pytest.raises(SystemExit):
        run("train_ik_regressor.py", "--link", "panda_link0")
    assert "no joint moves the link 'panda_link0'" in capsys.readouterr().err
