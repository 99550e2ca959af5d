"""The README and the pages of docs/: their code runs, links resolve, lists are complete."""

import re

import documents
import pytest

import fkarm

PROGRAMS = [program for program in documents.programs() if program.backend == "tensorflow"]
ROW = re.compile(r"^\| `(\w+)\((.*?)\)` \| .* \| (\d+) \| `(\w+)` \| `(\w+)` \|$", re.MULTILINE)


def headings(page):
    """The headings of a page, as a renderer names their anchors."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    titles = re.findall(r"^(#+) (.+)$", text, re.MULTILINE)
    return [
        (len(marks), re.sub(r"[^\w\- ]", "", t.lower()).replace(" ", "-")) for marks, t in titles
    ]


@pytest.mark.in_test_all("document")
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.peer or program.page)
def test_the_code_of_a_page_runs(program, tmp_path):
    program.run(tmp_path)


@pytest.mark.parametrize("page", documents.PAGES, ids=lambda page: page.stem)
def test_a_page_has_one_title_and_its_links_lead_somewhere(page):
    levels = [level for level, _ in headings(page)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        name, _, anchor = target.partition("#")
        other = page.parent / name if name else page
        assert other.exists(), target
        assert not anchor or anchor in [title for _, title in headings(other)], target


def test_the_index_lists_every_page():
    index = (documents.ROOT / "docs" / "README.md").read_text()
    listed = re.findall(r"^\| \[.+\]\((\w.+\.md)\)", index, re.MULTILINE)
    assert sorted(["README.md", *listed]) == [page.name for page in documents.PAGES]


def test_the_versions_of_other_libraries_are_those_that_are_installed():
    page = (documents.ROOT / "docs" / "coming-from.md").read_text()
    installed = (documents.ROOT / "benchmarks" / "peers" / "requirements.txt").read_text()
    named = re.findall(r"`([\w-]+==[\d.]+)`", page)
    assert len(named) == 3
    assert set(named) <= set(installed.splitlines())


def test_the_table_of_packaged_robots_is_what_fkarm_holds():
    rows = ROW.findall((documents.ROOT / "docs" / "robots.md").read_text())
    assert sorted(row[0] for row in rows) == sorted(fkarm.robots.__all__)
    for name, lengths, dof, root, end_effector in rows:
        arguments = [[float(each) for each in lengths.strip("[]").split(",")]] if lengths else []
        robot = getattr(fkarm.robots, name)(*arguments)
        assert (robot.dof, robot.root_link, robot.end_effector) == (int(dof), root, end_effector)


def test_every_link_in_the_documents_leads_somewhere():
    root = documents.ROOT
    for document in [*root.glob("*.md"), *root.glob("[a-z]*/**/*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document}: {target}"
