"""The viewer without a browser: what it shows after an event."""

import threading
import time

import numpy as np
import pytest

import fkarm
from fkarm.viz import view
from fkarm.viz.clearance import COLOURS
from fkarm.viz.newest import Newest

pytest.importorskip("viser", reason="needs fkarm[view]")
LENGTHS = (0.5, 0.4)


@pytest.fixture
def viewer():
    path = np.linspace([0.0, 0.0], [1.0, 0.5], 3)
    viewer = view(fkarm.robots.planar(LENGTHS), [0.3, 0.4], path=path, task=("x", "y"), port=8720)
    yield viewer
    viewer.stop()


def wait_for(slider, value):
    wait_until_is(lambda: slider.value, value)


def wait_until_is(read, value):
    end = time.monotonic() + 60
    while read() != value:
        assert time.monotonic() < end, read()
        time.sleep(0.01)


def tip(q):
    bends = np.cumsum(q)
    return np.array([LENGTHS @ np.cos(bends), LENGTHS @ np.sin(bends), 0.0])


def test_the_target_is_at_the_link_and_sliders_are_in_degrees(viewer):
    np.testing.assert_allclose(viewer._target.position, tip([0.3, 0.4]), atol=1e-12)
    assert [slider.value for slider in viewer._sliders] == [17.2, 22.9]
    viewer.q = [np.pi / 2, -np.pi / 4]
    np.testing.assert_allclose(viewer.q, [np.pi / 2, -np.pi / 4])
    wait_for(viewer._sliders[1], -45.0)
    assert viewer._sliders[0].value == 90.0
    viewer.stop()  # the last event is answered to its end
    np.testing.assert_allclose(viewer._target.position, tip(viewer.q), atol=1e-12)
    assert "8720" in viewer._repr_html_()


def test_inverse_kinematics_follows_the_target(viewer):
    goal = tip([0.5, 0.2])
    viewer._target.position = goal
    viewer._follow()
    np.testing.assert_allclose(tip(viewer.q), goal, atol=1e-3)
    assert "on the target" in viewer._text.content
    viewer._target.position = (1.0, 0.0, 0.0)  # the arm is 0.9 m long
    viewer._follow()
    assert "100.0 mm" in viewer._text.content


def test_all_solutions_are_elbow_up_and_elbow_down(viewer):
    viewer._with_solutions.value = True
    viewer._show_ghosts()
    q = viewer._ghosts._shown
    assert "(2)" in viewer._with_solutions.label
    np.testing.assert_allclose([tip(row) for row in q], [tip([0.3, 0.4])] * 2, atol=1e-3)
    np.testing.assert_allclose(np.sort(q[:, 1]), [-0.4, 0.4], atol=1e-2)
    viewer._with_solutions.value = False
    viewer._show_ghosts()
    assert len(viewer._ghosts._shown) == 0


def test_a_place_on_the_path_lies_between_its_configurations(viewer):
    viewer._player.go_to(3.75)
    wait_for(viewer._sliders[1], 21.5)
    np.testing.assert_allclose(viewer.q, [0.75, 0.375])


def test_a_path_is_played_to_its_end_faster_or_slower(viewer):
    viewer._player.time.value = 4.9
    viewer._player.speed.value = "0.25"
    before = time.monotonic()
    viewer._player.play()
    assert time.monotonic() - before > 0.3  # at speed 1 it would take 0.1 s
    np.testing.assert_allclose(viewer.q, [1.0, 0.5])
    assert viewer._player.button.label == "Play"


def test_a_second_click_pauses(viewer):
    playing = threading.Thread(target=viewer._player.play)
    playing.start()
    wait_until_is(lambda: viewer._player.button.label, "Pause")
    viewer._player.play()
    playing.join(60)
    assert not playing.is_alive()
    assert viewer._player.time.value < 5.0


def test_bodies_are_coloured_where_the_robot_is():
    arm = fkarm.robots.planar([1.0, 1.0, 1.0])
    ends = (arm.link_names[1], arm.end_effector)
    arm = arm.with_bodies([fkarm.Body(link, "sphere", 0.1) for link in ends])
    viewer = view(arm, np.zeros(3), bodies=True, port=8740)
    try:
        colours = [tuple(handle.color) for handle in viewer._bodies._handles]
        assert colours == [COLOURS[-1]] * 2
        viewer._show(np.array([0.0, 2 * np.pi / 3, 2 * np.pi / 3]))  # a triangle
        colours = [tuple(handle.color) for handle in viewer._bodies._handles]
        assert colours == [COLOURS[0]] * 2
        assert f"nearest: {ends[0]} and {ends[1]}, -200.0 mm" in viewer._text.content
        assert all(handle.visible for handle in viewer._solid._solids)  # link_2 has no body
    finally:
        viewer.stop()


def test_obstacles_are_shown_and_hidden():
    arm = fkarm.robots.planar([1.0, 1.0])
    arm = arm.with_bodies([fkarm.Body(arm.end_effector, "sphere", 0.1)])
    ball = fkarm.collision.Sphere(0.2, (2.0, 0.0, 0.0))
    viewer = view(arm, np.zeros(2), bodies=True, obstacles=ball, port=8750)
    try:
        (handle,) = viewer._obstacles._handles
        np.testing.assert_allclose(np.mean(handle.vertices, axis=0), ball.xyz, atol=1e-6)
        assert tuple(viewer._bodies._handles[0].color) == COLOURS[0]
        assert f"nearest: {arm.end_effector} and Sphere 0, -300.0 mm" in viewer._text.content
        viewer._obstacles.show(False)
        assert not handle.visible
    finally:
        viewer.stop()


def test_only_the_newest_event_is_answered_and_then_the_slow_work_is_done():
    begun, go, calls, done = threading.Event(), threading.Event(), [], threading.Event()
    newest = Newest(done.set)
    newest.put(lambda: (begun.set(), go.wait(60)))
    assert begun.wait(60)
    for k in range(3):
        newest.put(lambda k=k: calls.append(k))
    go.set()
    assert done.wait(60)
    newest.stop()
    assert calls == [2]


def test_an_event_that_fails_is_logged_and_the_next_is_answered(caplog):
    done = threading.Event()
    newest = Newest(lambda: None)
    failed = threading.Event()
    newest.put(lambda: (failed.set(), 1 / 0))
    assert failed.wait(60)
    newest.put(done.set)
    assert done.wait(60)
    newest.stop()
    assert "ZeroDivisionError" in caplog.text
