"""The plan of the house: who imports whom, and that every public name exists and is documented."""

import ast
import importlib
import inspect
import pkgutil
from pathlib import Path

import keras
import pytest

import fkarm

PACKAGE = Path(fkarm.__file__).parent
# What each part may import from fkarm. An arrow that is not here is a test failure.
BASE = {"errors", "_checks", "_files", "_types", "_units", "version"}
MODEL = BASE | {"model"}
TENSORS = BASE | {"geometry"}
MAY_IMPORT = {
    "errors": set(),
    "_files": set(),
    "_types": set(),
    "_units": set(),
    "version": set(),
    "_registered": {"model"},
    "_checks": {"errors"},
    "config": {"_checks", "errors"},
    "_recorded": set(),
    "_rows": set(),
    "_carried": set(),
    "geometry": BASE,
    "model": BASE,
    "robots": MODEL,
    "kinematics": TENSORS | MODEL | {"config"},
    "compare": TENSORS | MODEL | {"kinematics"},
    "collision": TENSORS | MODEL | {"config", "kinematics"},
    "losses": TENSORS | {"_recorded", "_rows", "_carried"},
    "metrics": TENSORS | {"_recorded", "_rows", "_carried"},
    "ik": TENSORS | MODEL | {"config", "kinematics", "collision"},
    "tables": TENSORS | MODEL | {"kinematics", "ik"},
    "calibration": TENSORS | MODEL | {"kinematics", "ik"},
    "motion": TENSORS | MODEL | {"config", "collision", "kinematics", "ik"},
    "layers": TENSORS
    | MODEL
    | {"calibration", "collision", "kinematics", "ik", "_recorded", "_rows", "_carried"},
    "learning": TENSORS
    | MODEL
    | {"collision", "kinematics", "ik", "layers", "losses", "metrics", "robots"},
    "viz": TENSORS | MODEL | {"collision", "kinematics", "ik", "learning", "motion"},
    "commands": MODEL | {"calibration", "collision", "learning", "robots", "tables", "viz"},
    "__main__": {"errors", "commands"},
    "primers": BASE,
}
TENSOR_LIBRARIES = {"keras", "tensorflow", "jax", "torch"}
BACKEND = keras.backend.backend()
MAY_IMPORT_TENSORFLOW = {"learning", "primers"}
STAGES = ("tensorflow", "tensorflow_traced", "padding", "jax", "torch")
# How kinematics is compiled, what keeps float64, how processes find each other.
KNOW_BACKENDS = {
    *(PACKAGE / "kinematics" / "stage" / f"{name}.py" for name in STAGES),
    PACKAGE / "geometry" / "native.py",
    PACKAGE / "learning" / "hosts.py",
}
NO_TENSORS = MODEL | {"robots", "__main__"}


def imports(path):
    """Top-level packages and fkarm parts that a module imports, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def parts():
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        part = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if part != "__init__":
            found.append(pytest.param(part, path, id=str(path.relative_to(PACKAGE))))
    return found


@pytest.mark.parametrize(
    ("folder", "others"), [("benchmarks", {"tools", "tests"}), ("tools", {"tests"})]
)
def test_documents_and_benchmarks_form_no_circle(folder, others):
    paths = sorted((PACKAGE.parent / folder).rglob("*.py"))
    assert paths
    for path in paths:
        assert not others & {name.split(".")[0] for name in imports(path)}, path


@pytest.mark.parametrize(("part", "path"), parts())
def test_imports_go_up_the_list_only(part, path):
    assert part in MAY_IMPORT, f"{part} has no place in the plan"
    for name in imports(path):
        root, *rest = name.split(".")
        if root == "fkarm":
            assert rest[0] in MAY_IMPORT[part] | {part}, f"{path} imports {name}"
        if root in TENSOR_LIBRARIES:
            assert part not in NO_TENSORS, f"{path} imports {name}"
        if path not in KNOW_BACKENDS:
            assert root not in ("jax", "torch"), f"{path} imports {name}"
            if root == "tensorflow":
                assert part in MAY_IMPORT_TENSORFLOW, f"{path} imports {name}"


@pytest.mark.parametrize(("part", "path"), parts())
def test_modules_stay_small(part, path):
    assert len(path.read_text().splitlines()) <= 400


def test_every_example_has_a_test():
    tests = (PACKAGE.parent / "tests" / "test_examples.py").read_text()
    for path in (PACKAGE.parent / "examples").glob("*.py"):
        assert f'run("{path.name}"' in tests, path.name


def test_examples_stay_small():
    for path in (PACKAGE.parent / "examples").glob("*.py"):
        assert len(path.read_text().splitlines()) <= 140, path


def test_the_oracles_import_nothing_from_fkarm():
    names = imports(Path(__file__).parent / "oracles.py")
    assert not {name for name in names if name.startswith("fkarm")}


def modules():
    others = {f"fkarm.kinematics.stage.{name}" for name in TENSOR_LIBRARIES - {"keras", BACKEND}}
    for info in pkgutil.walk_packages(fkarm.__path__, "fkarm."):
        if info.name not in others:
            yield importlib.import_module(info.name)


def test_every_public_name_exists_once():
    for module in [fkarm, *modules()]:
        names = getattr(module, "__all__", [])
        assert len(set(names)) == len(names)
        for name in names:
            assert hasattr(module, name), f"{module.__name__}.{name}"


def test_every_public_name_is_documented():
    for module in [fkarm, *modules()]:
        assert module.__doc__, module.__name__
        for name, thing in vars(module).items():
            own = getattr(thing, "__module__", None) == module.__name__
            if name.startswith("_") or not own or not callable(thing):
                continue
            assert inspect.getdoc(thing), f"{module.__name__}.{name}"
            if inspect.isclass(thing):
                for member, value in vars(thing).items():
                    keras_hook = member in {
                        "build",
                        "call",
                        "get_config",
                        "from_config",
                        "compute_output_shape",
                        "update_state",
                        "compute_mask",
                        "value",
                    } or member.startswith("on_")
                    if not member.startswith("_") and callable(value) and not keras_hook:
                        assert inspect.getdoc(value), f"{name}.{member}"


def test_the_examples_in_docstrings_are_right():
    import doctest

    import numpy as np

    attempted = 0
    for module in [fkarm, *modules()]:
        result = doctest.testmod(module, extraglobs={"fkarm": fkarm, "np": np})
        assert result.failed == 0, module.__name__
        attempted += result.attempted
    assert attempted >= 8
