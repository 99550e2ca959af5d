"""`make docs`: the site has every public name, needs no other host, and nothing leads nowhere."""

import re
import sys
from importlib import import_module
from types import ModuleType

import documents
import pytest
from viz.browser import Tab, browser

pytestmark = pytest.mark.in_test_all("document")

pytest.importorskip("mkdocstrings", reason="`make docs` installs what builds the site")

LOADED = re.compile(r'<(?:script|img|link|iframe)[^>]*(?:src|href)="(https?://[^"]+)"')


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of a site that was built."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(folder)]
    documents.run(command, documents.ROOT, NO_MKDOCS_2_WARNING="1")
    return folder


def test_the_site_needs_no_other_host(site):
    pages = [*site.glob("**/*.html")]
    assert len(pages) > 30
    for page in pages:
        assert not LOADED.findall(page.read_text()), page
    for style in [*site.glob("**/*.css")]:
        assert not re.search(r"url\([\"']?https?:", style.read_text()), style


def test_the_reference_has_every_public_name(site):
    pages = {page.stem: page.read_text() for page in site.glob("api/*.html")}
    for module, text in pages.items():
        public = import_module(module)
        for name in getattr(public, "__all__", ()):
            if isinstance(getattr(public, name), ModuleType):
                assert f"fkarm.{name}" in pages
            elif not name.startswith("__"):
                assert re.search(rf'id="fkarm\.[\w.]*{name}"', text), f"{module}.{name}"


def test_a_result_lists_its_fields(site):
    text = (site / "api" / "fkarm.ik.html").read_text()
    assert "whether every error is within its tolerance" in text


def test_arguments_that_share_a_description_are_listed(site):
    text = (site / "api" / "fkarm.ik.html").read_text()
    assert "robot, target_poses, link, base, position_tolerance" in text


def test_a_sentence_of_a_result_is_no_type(site):
    text = (site / "api" / "fkarm.ik.html").read_text()
    assert "is_solution (..., n)</code>: <code>" in text


def test_call_arguments_of_a_layer_are_a_list(site):
    text = (site / "api" / "fkarm.layers.html").read_text()
    assert "<li><code>free_value</code>: Values of the joint" in text
    assert "Call result" in text


def test_a_number_and_its_unit_stay_on_one_line(site):
    text = (site / "performance.html").read_text()
    assert re.search(r'<td class="number">[\d,.]+ ns</td>', text)


def test_the_search_finds_a_function_where_the_site_is_opened_as_a_file(site):
    with browser() as chromium:
        tab = Tab(chromium, (site / "index.html").as_uri())
        # Keys, as by hand: the search listens to them, not to a value that was filled in.
        tab.page.locator("[data-md-component=search-query]").press_sequentially("retarget")
        tab.page.wait_for_selector("a[href$='#fkarm.motion.retarget']", state="attached")
    assert not tab.errors
    assert all(url.startswith(("file:", "data:")) for url in tab.requests)


def test_examples_of_the_reference_are_sessions(site):
    text = (site / "api" / "fkarm.ik.html").read_text()
    assert text.count('<span class="gp">&gt;&gt;&gt; </span>') > 6
    assert not any("<blockquote" in page.read_text() for page in site.glob("api/*.html"))
