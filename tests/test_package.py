"""The wheel and the sdist: what is in them, and that they work where they are installed."""

import configparser
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import numpy as np
import pytest

import fkarm
from fkarm import errors

ROOT = Path(fkarm.__file__).parent.parent
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "*.egg-info", "output")


def test_the_citation_and_the_changelog_name_the_version():
    citation, changelog = ((ROOT / name).read_text() for name in ("CITATION.cff", "CHANGELOG.md"))
    newest = re.search(r"^## (\S+) - (\S+)$", changelog, re.MULTILINE)
    stated = dict(re.findall(r"^(version|date-released): (.+)$", citation, re.MULTILINE))
    assert stated["version"] == newest[1] == fkarm.__version__
    assert stated.get("date-released", "Unreleased") == newest[2]


def test_messages_name_what_the_extras_install():
    text = (ROOT / "pyproject.toml").read_text()
    for extra, libraries in errors._LIBRARIES.items():
        stated = re.search(rf"^{extra} = \[(.*)\]$", text, re.MULTILINE)[1]
        stated = stated.replace("fkarm[tables]", "pyarrow")
        assert re.findall(r'"([\w-]+)[^"]*"', stated) == list(libraries)
        assert errors.how_to_install(extra).startswith(f"pip install {' '.join(libraries)} (")


def run(*command, cwd, succeeds=True, **environment):
    """Output of a command that sees no other fkarm than the installed one."""
    hidden = {"PYTHONPATH", "VIRTUAL_ENV"}
    inherited = {name: value for name, value in os.environ.items() if name not in hidden}
    result = subprocess.run(
        [str(part) for part in command], cwd=cwd, env={**inherited, **environment},
        capture_output=True, text=True,
    )  # fmt: skip
    assert (result.returncode == 0) == succeeds, result.stdout + result.stderr
    return result.stdout + result.stderr


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder with the sdist and the wheel that is made of it."""
    folder = tmp_path_factory.mktemp("built")
    shutil.copytree(ROOT, folder / "source", ignore=LEFT_OUT)
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, "source"]
    subprocess.run(build, cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def wheel(built):
    return next(built.glob("*.whl"))


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """Folder of scripts and of packages in an environment with fkarm and NumPy only."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", folder, cwd=folder)
    paths = sysconfig.get_paths(vars={"base": str(folder), "platbase": str(folder)})
    scripts, packages = Path(paths["scripts"]), Path(paths["purelib"])
    pip = [scripts / "python", "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    run(*pip, wheel, cwd=folder, PIP_DISABLE_PIP_VERSION_CHECK="1")
    for name in ("numpy", "numpy.libs"):
        source = Path(np.__file__).parent.parent / name
        if source.exists():
            (packages / name).symlink_to(source)
    return scripts, packages


@pytest.mark.in_test_all("package")
def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    files = {path for path in (ROOT / "fkarm").rglob("*") if path.is_file()}
    sources = {str(p.relative_to(ROOT)) for p in files if "__pycache__" not in p.parts}
    assert held == sources
    assert {"fkarm/py.typed", "fkarm/robots/panda.urdf"} <= held


@pytest.mark.in_test_all("package")
def test_the_wheel_states_what_it_needs_and_its_command(wheel):
    with zipfile.ZipFile(wheel) as archive:
        info = {Path(name).name: archive.read(name).decode() for name in archive.namelist()
                if ".dist-info/" in name and "licenses" not in name}  # fmt: skip
    metadata = Parser().parsestr(info["METADATA"])
    assert metadata["Version"] == fkarm.__version__
    needed = [line for line in metadata.get_all("Requires-Dist") if "extra ==" not in line]
    assert {re.match(r"[\w-]+", line)[0] for line in needed} == {"tensorflow", "keras", "numpy"}
    extras = {"gpu", "viz", "view", "mjcf", "xacro", "onnx", "tools", "test", "dev"}
    assert extras <= set(metadata.get_all("Provides-Extra"))
    scripts = configparser.ConfigParser()
    scripts.read_string(info["entry_points.txt"])
    assert dict(scripts["console_scripts"]) == {"fkarm": "fkarm.__main__:main"}


@pytest.mark.in_test_all("package")
def test_the_sdist_holds_what_a_reader_needs_and_no_tests(built):
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    documents = {"README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff", "pyproject.toml"}
    assert documents <= held
    assert not any(name.startswith(("tests", "benchmarks")) for name in held)


ROBOTS = """
import fkarm
for name in set(fkarm.robots.__all__) - {"planar"}:
    assert getattr(fkarm.robots, name)().dof >= 6, name
for read, text, library in (
    (fkarm.Robot.from_mjcf, "<mujoco/>", "mujoco"),
    (fkarm.Robot.from_urdf, "arm.xacro", "xacrodoc"),
):
    try:
        read(text)
    except fkarm.FkarmError as error:
        assert f"pip install {library} (" in str(error), error
    else:
        raise SystemExit(f"{library} was not missing")
"""


@pytest.mark.in_test_all("package")
def test_robots_and_inspect_work_with_numpy_alone(environment, tmp_path):
    scripts, _ = environment
    printed = run(scripts / "fkarm", "inspect", "panda", cwd=tmp_path)
    assert "panda: 7 dof" in printed
    (tmp_path / "arm.xacro").write_text('<robot name="r"><xacro:arm/></robot>')
    run(scripts / "python", "-c", ROBOTS, cwd=tmp_path)
    missing = run(scripts / "python", "-c", "import fkarm.layers", cwd=tmp_path, succeeds=False)
    assert "No module named 'keras'" in missing


MODEL = """
import sys
sys.path.append(sys.argv[1])
sys.modules["matplotlib"] = None  # as if it were not installed
import fkarm, keras
arm = fkarm.robots.planar([0.5, 0.4])
model = keras.Sequential([keras.Input((2,)), fkarm.layers.ForwardKinematics(arm)])
model.save("model.keras")
pose = keras.models.load_model("model.keras")(keras.ops.zeros((1, 2)))
assert abs(float(pose[0, 0, 3]) - 0.9) < 1e-6
print(fkarm.__file__)
fkarm.viz.plot_robot(arm)
"""


@pytest.mark.in_test_all("package")
def test_a_model_is_saved_and_opened_and_pictures_say_what_they_need(environment, tmp_path):
    scripts, packages = environment
    others = Path(np.__file__).parent.parent
    command = [scripts / "python", "-W", "ignore", "-c", MODEL, others]
    printed = run(*command, cwd=tmp_path, succeeds=False)
    assert str(packages / "fkarm" / "__init__.py") in printed
    assert "pip install matplotlib (" in printed.splitlines()[-1]
