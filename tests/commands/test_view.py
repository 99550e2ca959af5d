"""`python -m fkarm view`: a page, or a server until Ctrl-C."""

import json
import re

import numpy as np
import pytest

import fkarm
from fkarm.__main__ import main

pytest.importorskip("viser", reason="needs fkarm[view]")


def test_a_page_is_written_with_the_path(urdf, tmp_path, capsys):
    np.save(tmp_path / "q.npy", np.zeros((4, 3)))
    page = tmp_path / "page.html"
    arguments = ["--export", str(page), "--path", str(tmp_path / "q.npy"), "--seconds", "2"]
    assert main(["view", str(urdf), *arguments]) == 0
    assert f"{page}: " in capsys.readouterr().out
    data = json.loads(re.search(r'json" id="scene">(.*?)</script>', page.read_text())[1])
    assert (data["path"], data["times"][-1]) == ([[0, 0, 0]] * 4, 2)


def test_a_robot_without_bodies_cannot_show_them(urdf, capsys):
    assert main(["view", str(urdf), "--bodies"]) == 1
    said = "--bodies needs a robot with bodies. .* Try --mesh-spheres 8, which reads the meshes"
    assert re.search(said, capsys.readouterr().err)


def test_meshes_become_bodies(tmp_path):
    trimesh = pytest.importorskip("trimesh")
    trimesh.creation.icosphere(subdivisions=1, radius=0.1).export(tmp_path / "ball.stl")
    text = fkarm.robots.planar([0.5]).to_urdf()
    ball = '<collision><geometry><mesh filename="ball.stl"/></geometry></collision>'
    text = text.replace('<link name="tool"/>', f'<link name="tool">{ball}</link>')
    (tmp_path / "ball.urdf").write_text(text)
    page = tmp_path / "page.html"
    (tmp_path / "cell.json").write_text('[{"shape": "half_space", "offset": -0.1}]')
    shown = ["--bodies", "--mesh-spheres", "2", "--obstacles", str(tmp_path / "cell.json")]
    shown += ["--export", str(page)]
    assert main(["view", str(tmp_path / "ball.urdf"), *shown]) == 0
    data = json.loads(re.search(r'json" id="scene">(.*?)</script>', page.read_text())[1])
    assert {body["link"] for body in data["bodies"]["bodies"]} == {"tool"}
    assert data["bodies"]["obstacles"] == [{"normal": [0, 0, 1], "offset": -0.1}]


def test_the_server_runs_until_it_is_interrupted(monkeypatch, capsys):
    waits = []

    def interrupt(seconds):
        waits.append(seconds)
        raise KeyboardInterrupt

    monkeypatch.setattr("fkarm.viz.viewer.time.sleep", interrupt)
    assert main(["view", "ur5e", "--port", "8730"]) == 0
    assert "http://127.0.0.1:8730 shows 'ur5e' until Ctrl-C." in capsys.readouterr().out
    assert len(waits) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--path", "no.npy"], "--path must be a file that numpy.save wrote. Received: 'no.npy'"),
        (["--link", "tol"], "'tool'"),
        (["--export", "no/page.html"], "--export must be in a folder that exists"),
    ],
)
def test_what_cannot_be_done_is_refused(arguments, message, urdf, capsys):
    assert main(["view", str(urdf), *arguments]) == 1
    assert message in capsys.readouterr().err


def test_a_path_for_another_robot_is_refused(urdf, tmp_path, capsys):
    np.save(tmp_path / "q.npy", np.zeros((4, 7)))
    assert main(["view", str(urdf), "--path", str(tmp_path / "q.npy")]) == 1
    assert "shape (..., 3)" in capsys.readouterr().err
