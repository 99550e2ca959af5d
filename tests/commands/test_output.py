"""Files that commands write."""

import json

import pytest

from fkarm.commands import Refused
from fkarm.commands.output import check_writable, write_json


def test_numbers_that_are_not_finite_are_null_in_the_file(tmp_path):
    write_json(tmp_path / "t.json", {"kind": "x"}, [{"median_mm": float("nan"), "steps": 1}])
    assert json.loads((tmp_path / "t.json").read_text())["rows"] == [
        {"median_mm": None, "steps": 1}
    ]


def test_a_file_that_could_not_be_written_is_refused(tmp_path):
    check_writable("--json", tmp_path / "t.json")
    with pytest.raises(Refused, match="--json must be a file. Received: .*, a folder"):
        check_writable("--json", tmp_path)
    with pytest.raises(Refused, match="--json must be in a folder that exists.*No such file"):
        check_writable("--json", tmp_path / "none" / "t.json")
