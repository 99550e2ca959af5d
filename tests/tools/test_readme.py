"""The tables and pictures of the documents come from the recorded files."""

import json

import pytest

from benchmarks.harness import RESULTS, ROOT
from tools import plot, readme
from tools.tables import learned

pytestmark = pytest.mark.in_test_all("document")


@pytest.mark.parametrize(
    ("document", "name"), [(path, name) for path, names in readme.TABLES.items() for name in names]
)
def test_a_document_holds_the_tables_of_the_recorded_files(document, name):
    table = readme.TABLES[document][name]()
    text = (ROOT / document).read_text()
    assert f"<!-- {name}:begin -->\n{table}\n<!-- {name}:end -->" in text


def test_a_block_that_is_missing_is_refused(tmp_path):
    path = tmp_path / "page.md"
    path.write_text("a\n<!-- one:begin -->\nold\n<!-- one:end -->\nb\n")
    readme.fill(path, {"one": "new"})
    assert path.read_text() == "a\n<!-- one:begin -->\nnew\n<!-- one:end -->\nb\n"
    with pytest.raises(SystemExit, match="must hold one block 'two'. Received: 0"):
        readme.fill(path, {"two": "new"})


def test_the_error_of_one_candidate_has_a_column_where_it_was_measured():
    rows = json.loads((RESULTS / "learned_ik_others.json").read_text())["rows"]
    before = learned.starts_table_of(rows, "a machine").splitlines()
    assert "one candidate" not in before[0]
    assert "a single sample of the flow misses by" in before[-1]
    measured = [
        {**row, "single_mm": 12.3, "single_deg": 4.56} if row["starts"] == "flow" else row
        for row in rows
    ]
    after = learned.starts_table_of(measured, "a machine").splitlines()
    assert len(after) == len(before)
    assert after[0].startswith("| arm | starts | one candidate, mean | alone, median |")
    columns = [[cell.strip() for cell in line.split(" | ")] for line in after[2:-2]]
    assert {row[2] for row in columns if row[1] == "flow"} == {"12 mm, 4.6 deg"}
    assert {row[2] for row in columns if row[1] != "flow"} == {""}
    assert "a single sample of the flow misses by" not in after[-1]


def test_pictures_come_from_the_recorded_files(tmp_path):
    pytest.importorskip("matplotlib")
    report = json.loads((RESULTS / "peers_cpu.json").read_text())
    target = tmp_path / "plot.png"
    assert plot.draw(report, report["rows"][0]["robot"], target)
    assert 10_000 < target.stat().st_size < 100_000
