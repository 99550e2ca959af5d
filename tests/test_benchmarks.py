"""The benchmark measures right answers, and says no to what it cannot do."""

import json

import pytest

import fkarm
from benchmarks import __main__ as command
from benchmarks import cases, harness


def test_every_case_is_right_and_reported(tmp_path, capsys):
    path = tmp_path / "rows.json"
    command.main(["--batch", "3", "--seconds", "0", "--device", "cpu", "--json", str(path)])
    report = json.loads(path.read_text())
    assert {(row["case"], row["mode"]) for row in report["rows"]} == {
        (case, mode) for case in cases.CASES for mode in ("forward", "forward+gradient")
    }
    assert all(row["error_m"] < 1e-5 and row["repeats"] >= 5 for row in report["rows"])
    assert "ns/conf." in capsys.readouterr().out


def test_a_wrong_answer_is_not_timed(monkeypatch):
    def off(robot, link):
        return lambda q: cases.layer(robot, link)(q) + 1e-2

    monkeypatch.setitem(cases.CASES, "off", off)
    with pytest.raises(AssertionError, match="poses must be right"):
        harness.measure("off", "forward", fkarm.robots.ur5(), 4, "float32", False, 0.0)


def test_an_unknown_case_and_a_missing_gpu_are_said(capsys):
    for arguments, message in (
        (["--cases", "magic"], "Received: 'magic'"),
        (["--device", "gpu"], "no GPU here"),
    ):
        with pytest.raises(SystemExit):
            command.main(arguments)
        assert message in capsys.readouterr().err
