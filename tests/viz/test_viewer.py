"""The viewer without a browser: what it shows after an event."""

import threading
import time

import numpy as np
import pytest

import fkarm
from fkarm.viz import view
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
    end = time.monotonic() + 60
    while slider.value != value:
        assert time.monotonic() < end, slider.value
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
    viewer._place.value = 75.0
    viewer._go_to_place()
    wait_for(viewer._sliders[1], 21.5)
    np.testing.assert_allclose(viewer.q, [0.75, 0.375])


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
