"""Obstacles from files: the same as those that Python makes, and errors that name the entry."""

import json
import sys

import pytest

import fkarm
from fkarm.collision import Box, Capsule, HalfSpace, Sphere, read_obstacles

ENTRIES = [
    {"shape": "sphere", "radius": 0.1, "xyz": [0.4, 0.0, 0.3]},
    {"shape": "capsule", "radius": 0.05, "length": 0.3, "rpy": [0.0, 1.5, 0.0]},
    {"shape": "box", "size": [0.6, 0.4, 0.1], "xyz": [0.5, 0.0, 0.1]},
    {"shape": "half_space", "normal": [0, 0, 2], "offset": -0.02},
]
OBSTACLES = (
    Sphere(0.1, (0.4, 0.0, 0.3)),
    Capsule(0.05, 0.3, rpy=(0.0, 1.5, 0.0)),
    Box((0.6, 0.4, 0.1), (0.5, 0.0, 0.1)),
    HalfSpace((0, 0, 1), -0.02),
)
YAML = """
- {shape: sphere, radius: 0.1, xyz: [0.4, 0, 0.3]}
- shape: capsule
  radius: 0.05
  length: 0.3
  rpy: [0, 1.5, 0]
- {shape: box, size: [0.6, 0.4, 0.1], xyz: [0.5, 0, 0.1]}
- {shape: half_space, normal: [0, 0, 2], offset: -0.02}
"""


def test_json_and_yaml_hold_the_same_obstacles(tmp_path):
    (tmp_path / "cell.json").write_text(json.dumps(ENTRIES))
    (tmp_path / "cell.yml").write_text(YAML)
    assert read_obstacles(tmp_path / "cell.json") == OBSTACLES
    pytest.importorskip("yaml", reason="needs fkarm[bodies]")
    assert read_obstacles(str(tmp_path / "cell.yml")) == OBSTACLES


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({}, r"must hold a list such as \[\{shape: sphere.*Received: \{\}"),
        ([], r"must hold a list .* Received: \[\]"),
        ([ENTRIES[0], 3], "obstacle 1: shape must be one of: 'sphere'.*Received: None"),
        ([{"shape": "boxx"}], "obstacle 0: shape must be one of: 'box'.*Did you mean 'box'"),
        ([{"shape": "box", "size": [1, 1, 1], "radius": 1}], "what a box has must be .* 'radius'"),
        ([{"shape": "sphere"}], r"a sphere must have its sizes. Received: \[\], of \['radius'"),
        ([{"shape": "sphere", "radius": -1}], "obstacle 0: Sphere: radius must not be negative"),
        ([{"shape": "box", "size": [1, "a", 1]}], "obstacle 0: Box: size must be"),
    ],
)
def test_what_is_no_obstacle_is_named(content, said, tmp_path):
    path = tmp_path / "cell.json"
    path.write_text(json.dumps(content))
    with pytest.raises(fkarm.RobotError, match=said):
        read_obstacles(path)


def test_files_that_cannot_be_read_are_named(tmp_path, monkeypatch):
    with pytest.raises(fkarm.MissingFileError, match="The obstacles file must exist"):
        read_obstacles(tmp_path / "none.json")
    (tmp_path / "cell.json").write_text("[")
    with pytest.raises(fkarm.RobotError, match="the file must be JSON"):
        read_obstacles(tmp_path / "cell.json")
    monkeypatch.setitem(sys.modules, "yaml", None)
    (tmp_path / "cell.yml").write_text(YAML)
    with pytest.raises(fkarm.RobotError, match="Install it: pip install pyyaml"):
        read_obstacles(tmp_path / "cell.yml")
