"""What the exported page holds: the tree, the solids, the sliders; nothing from elsewhere."""

import base64
import json
import re
import subprocess
import sys

import numpy as np
import pytest
from viz.arms import arm_with_bodies

import fkarm
from fkarm.collision import DistanceGrid, HalfSpace, Sphere
from fkarm.viz import make_page

pytest.importorskip("trimesh", reason="needs fkarm[view]")


def scene(page):
    return json.loads(re.search(r'<script type="application/json".*?>(.*?)</script>', page.html)[1])


def test_the_page_holds_all_that_it_shows(tmp_path):
    robot = fkarm.robots.planar([1.0, 0.5])
    path = np.linspace([0, 0], [1, 1], 3)
    page = make_page(robot, [0.1, 0.2], path=path, others=path[:1], targets=np.eye(4)[None])
    data = scene(page)
    assert data["q"] == [0.1, 0.2]
    assert (data["path"], data["others"]) == (path.tolist(), path[:1].tolist())
    assert data["targets"] == [np.eye(4).ravel().tolist()]
    assert [joint["child"] for joint in data["robot"]["joints"]] == ["link_1", "link_2", "tool"]
    solid = next(solid for solid in data["solids"] if solid["link"] == "link_1")
    vertices = np.frombuffer(base64.b64decode(solid["vertices"]), "<f4").reshape(-1, 3)
    faces = np.frombuffer(base64.b64decode(solid["faces"]), "<u4")
    assert faces.max() == len(vertices) - 1
    assert not re.search(r"https?:|\bsrc=|@import|url\(", page.html)
    assert page.save(tmp_path / "page.html").read_text(encoding="utf-8") == page.html


def test_the_page_holds_the_bodies_and_no_others():
    robot = fkarm.robots.planar([1.0, 0.5])
    assert scene(make_page(robot))["bodies"] is None
    data = scene(make_page(arm_with_bodies(), bodies=True, clearance=0.1))["bodies"]
    assert [body["radius"] for body in data["bodies"]] == [0.08, 0.09, 0.06, 0.05, 0.05]
    assert data["clearance"] == 0.1
    assert scene(make_page(arm_with_bodies(), bodies=True))["bodies_cover"] is False  # link_2
    whole = robot.with_bodies([fkarm.Body(link, "sphere", 0.1) for link in robot.link_names])
    assert scene(make_page(whole, bodies=True))["bodies_cover"] is True
    with pytest.raises(fkarm.RobotError, match="robot has no bodies"):
        make_page(robot, bodies=True)


def test_the_page_holds_the_obstacles():
    assert scene(make_page(fkarm.robots.planar([1.0])))["obstacles"] == []
    around = [HalfSpace((0, 0, 1), -0.3), DistanceGrid(np.ones((2, 2, 2)), 0.1), Sphere(0.1)]
    data = scene(make_page(arm_with_bodies(), bodies=True, obstacles=around))
    assert len(data["obstacles"]) == 3
    vertices = np.frombuffer(base64.b64decode(data["obstacles"][0]["vertices"]), "<f4")
    np.testing.assert_allclose(vertices.reshape(-1, 3)[:, 2], -0.3, atol=1e-6)
    shapes = data["bodies"]["obstacles"]
    assert shapes[0] == {"normal": [0, 0, 1], "offset": -0.3}
    assert shapes[1] is None
    assert shapes[2] == {"radius": 0.1, "ends": [[0, 0, 0]] * 2}
    seconds = {b for _, b in data["bodies"]["pairs"]}
    assert {5, 7} <= seconds  # five bodies, then obstacles; not from the grid
    assert 6 not in seconds


def test_a_notebook_shows_the_page_in_a_frame_of_its_own():
    html = make_page(fkarm.robots.planar([1.0]))._repr_html_()
    assert html.startswith('<iframe srcdoc="&lt;!DOCTYPE html&gt;')
    assert html.count("<") == 2  # the frame, and its end


def test_names_cannot_end_the_data():
    robot = fkarm.Robot.from_joints([fkarm.Joint("a")], name="</script><b>{{scene}}")
    page = make_page(robot)
    assert scene(page)["robot"]["name"] == "</script><b>{{scene}}"
    assert page.html.count("</script>") == 2


def test_what_cannot_be_shown_is_refused():
    robot = fkarm.robots.planar([1.0, 0.5])
    with pytest.raises(ValueError, match=r"q must be one configuration, of shape \(2,\)"):
        make_page(robot, np.zeros((1, 2)))
    with pytest.raises(ValueError, match="path must hold finite numbers. Received: 1"):
        make_page(robot, path=[[0.0, np.inf]])
    with pytest.raises(ValueError, match="seconds must be finite and > 0"):
        make_page(robot, seconds=0)
    with pytest.raises(fkarm.UnknownLinkError, match="tool"):
        make_page(robot, link="tol")


@pytest.mark.in_test_all("process")
@pytest.mark.parametrize(
    ("library", "call"), [("trimesh", "make_page"), ("viser", "view"), ("matplotlib", "plot_robot")]
)
def test_a_missing_library_is_named_with_what_to_install(library, call):
    command = "matplotlib" if library == "matplotlib" else "viser trimesh pycollada"
    code = f"import sys; sys.modules[{library!r}] = None; import fkarm; "
    code += f"fkarm.viz.{call}(fkarm.robots.planar([1.0]))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert f"needs {library}. Install it: pip install {command} (" in run.stderr
