"""The benchmark of tables solves what it says."""

import json

import pytest

from benchmarks import tables

pytestmark = pytest.mark.in_test_all("benchmark")


def test_a_small_table_is_solved_and_reported(tmp_path):
    report = tmp_path / "tables.json"
    tables.main(["--rows", "3000", "--workers", "0", "--json", str(report)])
    (row,) = json.loads(report.read_text())["rows"]
    assert (row["engine"], row["rows"], row["solved"]) == ("local", 3000, 3000)
    assert row["rows_per_s"] == pytest.approx(3000 / row["seconds"])
    assert row["steady_rows_per_s"] is None  # there is one chunk
