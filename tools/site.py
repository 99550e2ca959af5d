"""What `mkdocs.yml` needs besides `docs/`: other files of the repository, and the reference.

MkDocs calls the functions `on_...`. A file keeps its path in the repository, but those of `docs/`
lose it, and the README becomes the first page.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from posixpath import dirname, normpath, relpath
from typing import Any

import jupytext
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tools.notebooks import TUTORIALS, notebook  # noqa: E402 (MkDocs loads this file by its path)

PAGES = (
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "examples/README.md",
    "benchmarks/README.md",
)
MODULES = (
    "fkarm",
    "fkarm.layers",
    "fkarm.losses",
    "fkarm.metrics",
    "fkarm.kinematics",
    "fkarm.geometry",
    "fkarm.ik",
    "fkarm.learning",
    "fkarm.robots",
    "fkarm.compare",
    "fkarm.calibration",
    "fkarm.collision",
    "fkarm.motion",
    "fkarm.config",
    "fkarm.tables",
    "fkarm.viz",
    "fkarm.primers",
)
EXAMPLES = sorted(ROOT.glob("examples/*.py"))
# Files that a page shows as they are, by their language.
LANGUAGES = {".py": "python", ".c": "c", ".txt": "text"}
SOURCES = [
    path
    for folder in ("examples", "benchmarks", "benchmarks/peers")
    for path in sorted((ROOT / folder).iterdir())
    if path.suffix in LANGUAGES
]
NUMBER = re.compile(r"<td>(\(?-?\d[\d.,]*(?:e-?\d+)?(?:%|x| \w{1,3})?\)?)</td>")
LINK = re.compile(r"(\]\()(?!\w+:|#)([^)\s#]+)((?:#[^)\s]*)?\))")


def on_config(config: Any) -> Any:
    """Fill the sections of examples and of the reference."""
    for section in config.nav:
        section.get("Examples", []).extend({p.name: site_path(uri_of(p))} for p in EXAMPLES)
        section.get("Reference", []).extend({m: f"api/{m}.md"} for m in MODULES)
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the other pages, programs, pictures and the reference."""
    pictures = [*ROOT.glob("examples/images/*"), *ROOT.glob("benchmarks/results/*.png")]
    for path in [*(ROOT / page for page in PAGES), *pictures]:
        files.append(File.generated(config, site_path(uri_of(path)), abs_src_path=str(path)))
    for path in SOURCES:
        page = f"# {path.name}\n\n```{LANGUAGES[path.suffix]}\n{path.read_text()}```\n"
        files.append(File.generated(config, site_path(uri_of(path)), content=page))
    for page in TUTORIALS:
        made = jupytext.writes(notebook(page), "ipynb")
        files.append(File.generated(config, f"tutorials/{page.stem}.ipynb", content=made))
    for module in MODULES:
        files.append(File.generated(config, f"api/{module}.md", content=reference(module)))
    return files


def on_page_content(html: str, **kwargs: Any) -> str:
    """A number in a table and its unit stay on one line."""
    return NUMBER.sub(r'<td class="number">\1</td>', html)


def uri_of(path: Path) -> str:
    """The path of a file from the root of the repository."""
    return path.relative_to(ROOT).as_posix()


def site_path(uri: str) -> str:
    """Where a file of the repository lies on the site."""
    if uri in ("README.md", "docs", "docs/README.md"):
        return "index.md"
    if uri.startswith("fkarm/"):
        return f"api/{uri.replace('/', '.')}.md"
    if Path(uri).suffix in LANGUAGES:
        return f"{uri}.md"
    return uri.removeprefix("docs/")


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Links to files of the repository become links of the site."""
    here = page.file.src_uri
    candidates = ("README.md" if here == "index.md" else here, f"docs/{here}")
    source = next((each for each in candidates if (ROOT / each).exists()), None)
    if source is None:  # a page that on_files wrote
        return markdown
    if here.startswith("tutorials/"):
        markdown += f"\n[This page as a notebook]({Path(here).stem}.ipynb)\n"

    def on_site(match: re.Match[str]) -> str:
        if match[2].endswith(".ipynb"):
            return match[0]
        uri = normpath(f"{dirname(source)}/{match[2]}").lstrip("/")
        target = site_path(uri)
        if files.get_file_from_path(target) is None:
            target = site_path(f"{uri}/README.md")
        if files.get_file_from_path(target) is None:
            raise PluginError(f"{source}: the site has no {uri}.")
        return f"{match[1]}{relpath(target, dirname(here) or '.')}{match[3]}"

    return LINK.sub(on_site, markdown)


def reference(module: str) -> str:
    """The page of a module: its docstring, then every public name."""
    options = "{show_root_heading: false, show_root_toc_entry: false, members: []}"
    title = f"# {module}\n\n::: {module}\n    options: {options}\n"
    return title + "".join(f"\n::: {name}\n" for name in public_names(module))


def public_names(module: str) -> list[str]:
    """The paths of what is in `__all__`, but for modules that have pages of their own."""
    folder = ROOT / module.replace(".", "/")
    path = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    names: list[str] = []
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            names = [name for name in ast.literal_eval(node.value) if not name.startswith("__")]
    # A function may have the name of the module that it comes from.
    paths = [f"{module}.{n}.{n}" if (folder / n).is_dir() else f"{module}.{n}" for n in names]
    return [p for n, p in zip(names, paths, strict=True) if f"{module}.{n}" not in MODULES]
