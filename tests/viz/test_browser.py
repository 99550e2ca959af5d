"""The exported page and the viewer in a headless browser."""

import time

import numpy as np
import pytest
from oracles import Pinocchio, pose, rpy_matrix
from scipy.spatial.transform import Rotation
from viz.arms import arm_with_bodies, coal_distances, solved
from viz.browser import Tab, browser, changed

import fkarm
from fkarm.collision import Box, Capsule, HalfSpace, Sphere
from fkarm.viz import make_page, view
from fkarm.viz.clearance import Clearances

pytestmark = pytest.mark.in_test_all("browser")


@pytest.fixture(scope="module")
def chromium():
    pytest.importorskip("viser", reason="needs fkarm[view]")
    with browser() as chromium:
        yield chromium


@pytest.fixture
def opened(chromium, tmp_path):
    tabs = []

    def open_page(robot, *arguments, width=1000, height=640, **shown):
        path = make_page(robot, *arguments, **shown).save(tmp_path / "page.html")
        tabs.append(Tab(chromium, path.as_uri(), width, height))
        return tabs[-1]

    yield open_page
    for tab in tabs:
        tab.page.close()


def slide(tab, label, value):
    """Move the slider of a joint in the exported page."""
    slider = tab.page.get_by_label(label, exact=True).and_(tab.page.locator("[type=range]"))
    slider.evaluate(
        "(e, value) => { e.value = value; e.dispatchEvent(new Event('input')); }", value
    )


def test_a_slider_moves_the_links_behind_its_joint_and_no_other(opened):
    tab = opened(fkarm.robots.planar([0.5, 0.4, 0.3]), np.zeros(3))
    before = tab.pixels()
    slide(tab, "joint_3", 90)
    after = tab.pixels()
    drawing = changed(before, after)[:, : before.shape[1] - 320]
    columns = np.nonzero(drawing)[1]
    assert len(columns) > 300
    # The arm lies along x, from left to right: joint 3 is at three quarters of its length.
    solid = np.nonzero(changed(before, before[:1, :1])[:, : before.shape[1] - 320])[1]
    assert columns.min() > solid.min() + 0.4 * np.ptp(solid)
    slide(tab, "joint_3", 0)
    assert not changed(before, tab.pixels()).any()
    assert tab.errors == []


def test_the_page_asks_for_nothing(opened):
    robot = fkarm.robots.ur5e()
    tab = opened(robot, others=np.ones((2, 6)), targets=np.eye(4)[None], path=np.zeros((3, 6)))
    tab.pixels()
    assert len(tab.requests) == 1  # the file itself
    assert tab.requests[0].startswith("file:")
    assert tab.errors == []


def rotations(quat):
    w, *xyz = quat / np.linalg.norm(quat)
    return Rotation.from_quat([*xyz, w]).as_matrix()


def test_the_page_places_links_where_pinocchio_does(opened, rng):
    robot = fkarm.robots.panda(gripper=True)  # it turns and slides, and one finger mimics the other
    q = fkarm.sample_configurations(robot, (), seed=rng)
    values = {n: c.multiplier * q[c.index] + c.offset for n, c in robot.coordinates.items()}
    expected = Pinocchio(text=robot.to_urdf()).poses(values, robot.link_names)
    np.testing.assert_allclose(poses_in(opened(robot), robot, q), expected, atol=1e-12)


def test_the_page_knows_joints_with_several_entries(opened, ball_and_plane, rng):
    ball, flat, _ = ball_and_plane.joints
    q = np.array([0.2, -1.1, 0.7, 0.4, 0.3, -0.2, 0.9])  # a quaternion that is not of unit length
    poses = poses_in(opened(ball_and_plane), ball_and_plane, q)
    at_ball = pose(rotations(q[:4]), ball.xyz)
    axis = np.array(flat.axis)
    plane = flat.z_to_axis[:3, :3]
    moved = pose(Rotation.from_rotvec(q[6] * axis).as_matrix(), plane @ [*q[4:6], 0.0])
    at_flat = at_ball @ pose(rpy_matrix(*flat.rpy), flat.xyz) @ moved
    np.testing.assert_allclose(poses[1], at_ball, atol=1e-12)
    np.testing.assert_allclose(poses[2], at_flat, atol=1e-12)


def poses_in(tab, robot, q):
    """Poses of all links as the page computes them. Shape `(links, 4, 4)`."""
    poses = tab.page.evaluate("(q) => linkPoses(robot, q)", q.tolist())
    return np.array([poses[link] for link in robot.link_names]).reshape(-1, 4, 4).swapaxes(1, 2)


def test_a_path_is_played_to_its_end(opened):
    path = np.linspace([0.0, 0.0], [1.0, -0.5], 4)
    tab = opened(fkarm.robots.planar([0.5, 0.4]), path=path, seconds=0.5)
    tab.page.get_by_text("Play", exact=True).click()
    tab.page.wait_for_function("() => Math.abs(q[0] - 1) < 1e-9")
    np.testing.assert_allclose(tab.page.evaluate("q"), path[-1])
    tab.page.get_by_text("Reset", exact=True).click()
    np.testing.assert_allclose(tab.page.evaluate("q"), tab.page.evaluate("scene.q"))


def test_a_clip_is_played_at_its_own_times_and_pauses(opened):
    path = solved([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]], [5.0, 5.1, 8.1])
    tab = opened(fkarm.robots.planar([0.5, 0.4]), path=path)
    time_slider = tab.page.get_by_label("time on the path")
    time_slider.evaluate("(e) => { e.value = 0.05; e.dispatchEvent(new Event('input')); }")
    np.testing.assert_allclose(tab.page.evaluate("q"), [0.5, 0.0])
    time_slider.evaluate("(e) => { e.value = 1.6; e.dispatchEvent(new Event('input')); }")
    np.testing.assert_allclose(tab.page.evaluate("q"), [1.0, 1.0])
    tab.page.get_by_label("speed").select_option("0.1")
    tab.page.get_by_text("Play", exact=True).click()
    tab.page.wait_for_function("() => q[1] > 1")
    tab.page.get_by_text("Pause", exact=True).click()
    shown = tab.page.evaluate("q")
    tab.settle()
    assert tab.page.evaluate("q") == shown
    assert shown[1] < 2.0
    tab.page.get_by_label("speed").select_option("4")
    tab.page.get_by_text("Play", exact=True).click()
    tab.page.wait_for_function("() => q[1] === 2")
    assert tab.errors == []


def test_the_page_colours_bodies_by_their_distance(opened, rng):
    robot = arm_with_bodies()
    q = fkarm.sample_configurations(robot, (), seed=rng)
    tab = opened(robot, q, bodies=True)
    expected = coal_distances(robot, q, Clearances(robot).pairs)
    at = "bodies.distances(linkPoses(robot, q))"
    np.testing.assert_allclose(tab.page.evaluate(at), expected, atol=1e-9)
    colours = tab.page.evaluate(f"bodies.coloursAt({at})")
    np.testing.assert_allclose(colours, Clearances(robot).colours(expected), atol=0.51)
    assert tab.page.locator("#nearest").text_content() == Clearances(robot).nearest(expected)
    before = tab.pixels()
    tab.page.get_by_label("bodies").uncheck()
    assert changed(before, tab.pixels())[:, : before.shape[1] - 320].sum() > 1000
    assert tab.errors == []


def test_the_page_measures_distances_from_obstacles(opened, rng):
    robot = arm_with_bodies()
    around = [
        Box((0.3, 0.2, 0.4), (0.3, 0.1, 0.6), (0.1, 0.2, 0.3)),
        HalfSpace((0.1, 0, 1), 0.2),
        Sphere(0.1, (-0.3, 0.2, 0.6)),
        Capsule(0.05, 0.6, (0.0, -0.3, 0.7), (0.2, 0.9, 0.0)),
    ]
    clearances = Clearances(robot, obstacles=around)
    tab = opened(robot, np.zeros(4), bodies=True, obstacles=around)
    for q in [np.zeros(4), *fkarm.sample_configurations(robot, 20, seed=rng)]:
        at = f"bodies.distances(linkPoses(robot, {q.tolist()}))"
        expected = clearances.of_pairs(q)
        np.testing.assert_allclose(tab.page.evaluate(at), expected, atol=1e-8)
        colours = tab.page.evaluate(f"bodies.coloursAt({at})")
        np.testing.assert_allclose(colours, clearances.colours(expected), atol=0.51)
        assert tab.page.evaluate(f"bodies.nearest({at})") == clearances.nearest(expected)
    before = tab.pixels()
    tab.page.get_by_label("obstacles").uncheck()
    assert changed(before, tab.pixels())[:, : before.shape[1] - 320].sum() > 1000
    assert tab.errors == []


def test_a_name_is_text_and_no_code(opened):
    name = "</script><img src=x onerror='q[0]=7'><!--<script>"
    joints = [fkarm.Joint(name, lower=-1, upper=1, parent="base", child="<b>")]
    tab = opened(fkarm.Robot(joints, name=name))
    tab.pixels()
    assert tab.page.locator("h1").text_content() == name
    assert tab.page.locator("img").count() == 0
    assert tab.errors == []


@pytest.mark.parametrize("width", [360, 390])
def test_a_phone_shows_the_drawing_above_the_sliders(width, opened):
    tab = opened(fkarm.robots.panda(), width=width, height=780)
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= width
    canvas = tab.page.locator("canvas").bounding_box()
    panel = tab.page.locator("aside").bounding_box()
    assert canvas["width"] == panel["width"] == width
    assert panel["y"] >= canvas["y"] + canvas["height"] - 1
    picture = tab.pixels()[: int(canvas["height"])]
    assert changed(picture, picture[:1, :1]).any(axis=0).sum() > width / 4  # the robot is seen


def test_the_viewer_moves_by_its_sliders_and_from_python(chromium):
    robot = fkarm.robots.planar([0.5, 0.4])
    viewer = view(robot, np.zeros(2), port=8710)
    try:
        tab = Tab(chromium, viewer.url, 700, 500)
        handle = tab.page.get_by_role("slider").first
        handle.wait_for()
        wait_until(lambda: changed(tab.pixels(), tab.pixels()).sum() == 0)  # it fades in
        before = tab.pixels()
        viewer.q = [1.0, 1.0]
        wait_until(lambda: changed(before, tab.pixels())[:, :350].sum() > 300)
        handle.focus()
        handle.press("ArrowRight")
        wait_until(lambda: viewer.q[0] > 1.0)
        assert viewer.q[0] == pytest.approx(np.deg2rad(57.4))  # 57.3 degrees, and a step of 0.1
        assert viewer.q[1] == 1.0
        assert tab.errors == []
        assert all(url.startswith((viewer.url, f"blob:{viewer.url}")) for url in tab.requests)
        tab.page.close()
    finally:
        viewer.stop()


def wait_until(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.2)
