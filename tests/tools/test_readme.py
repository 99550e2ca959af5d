"""The tables and pictures of the documents come from the recorded files."""

import json
import re

import pytest

from benchmarks.harness import RESULTS, ROOT
from fkarm.learning import IKRegressor
from fkarm.learning.presets import FOLDER
from tools import plot, readme
from tools.tables import learned, presets, scale


@pytest.mark.parametrize(
    ("document", "name"), [(path, name) for path, names in readme.TABLES.items() for name in names]
)
def test_a_document_holds_the_tables_of_the_recorded_files(document, name):
    table = readme.TABLES[document][name]()
    text = (ROOT / document).read_text()
    assert f"<!-- {name}:begin -->\n{table}\n<!-- {name}:end -->" in text


def test_the_card_of_a_preset_holds_the_recorded_figures():
    for name, card in IKRegressor.presets.items():
        assert (FOLDER / name / "card.md").read_text() == presets.card_page(name, card)


def test_a_block_that_is_missing_is_refused(tmp_path):
    path = tmp_path / "page.md"
    path.write_text("a\n<!-- one:begin -->\nold\n<!-- one:end -->\nb\n")
    readme.fill(path, {"one": "new"})
    assert path.read_text() == "a\n<!-- one:begin -->\nnew\n<!-- one:end -->\nb\n"
    with pytest.raises(SystemExit, match="must hold one block 'two'. Received: 0"):
        readme.fill(path, {"two": "new"})


def test_the_error_of_one_candidate_has_a_column_of_its_own():
    header, _, *rows, _, _ = learned.starts_table().splitlines()
    assert header.startswith("| arm | starts | one candidate, mean | best candidate, median |")
    columns = [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]
    of_networks = [row[2] for row in columns if row[7]]
    assert len(of_networks) == 12
    assert all(re.fullmatch(r"\d+ mm, [\d.]+ deg", cell) for cell in of_networks)


@pytest.mark.in_test_all("document")
def test_pictures_come_from_the_recorded_files(tmp_path):
    pytest.importorskip("matplotlib")
    report = json.loads((RESULTS / "peers_cpu.json").read_text())
    target = tmp_path / "plot.png"
    assert plot.draw(report, report["rows"][0]["robot"], target)
    assert 10_000 < target.stat().st_size < 100_000


@pytest.mark.in_test_all("document")
def test_the_cost_against_the_number_of_joints_is_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    rows = scale.chains("fkarm")
    assert [row["joints"] for row in rows] == sorted(row["joints"] for row in rows)
    target = plot.draw_scale(rows, scale.chains("unrolled"), tmp_path / "scale.png")
    assert target.stat().st_size < 60_000
