"""Paths have times, and quaternions of one sign; the camera sees all of them."""

import numpy as np
import pytest
from viz.arms import solved

import fkarm
from fkarm.viz.scene import read_scene

ARM = fkarm.robots.planar([0.5, 0.4])
CLIP = [[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]]


def test_configurations_alone_are_evenly_spaced():
    assert read_scene(ARM, path=CLIP).times.tolist() == [0.0, 2.5, 5.0]
    assert read_scene(ARM, path=CLIP, seconds=1.0).times.tolist() == [0.0, 0.5, 1.0]
    assert read_scene(ARM).times.shape == (0,)


def test_a_clip_has_its_own_times_from_zero():
    scene = read_scene(ARM, path=solved(CLIP, [3.0, 4.0, 7.0]))
    assert scene.times.tolist() == [0.0, 1.0, 4.0]
    np.testing.assert_allclose(scene.at(2.5), [1.0, 1.0])
    np.testing.assert_allclose(scene.at(9.0), [1.0, 2.0])
    np.testing.assert_allclose(scene.q, CLIP[0])  # it starts where the clip starts
    assert read_scene(ARM, path=solved(CLIP, [3.0, 4.0, 7.0]), seconds=2).times[1] == 0.5


def test_several_clips_are_refused():
    clips = solved([CLIP, CLIP], [[0.0, 1.0, 2.0]] * 2)
    with pytest.raises(ValueError, match=r"one clip, with q of shape \(time, dof\). Received"):
        read_scene(ARM, path=clips)


def test_quaternions_do_not_pass_through_zero():
    robot = fkarm.Robot([fkarm.Joint("free", "floating", parent="world", child="pelvis")])
    turned = [[0, 0, 0, 1.0, 0, 0, 0], [0, 0, 0, -0.8, -0.6, 0, 0], [0, 0, 0, -1.0, 0, 0, 0]]
    scene = read_scene(robot, path=turned)
    np.testing.assert_allclose(scene.path[:, 3:5], [[1, 0], [0.8, 0.6], [1, 0]])


def test_the_camera_sees_the_whole_clip_of_a_robot_that_walks_off():
    joints = [
        fkarm.Joint("free", "floating", parent="world", child="pelvis"),
        fkarm.Joint("leg", parent="pelvis", child="foot", xyz=(0, 0, -0.8)),
    ]
    robot = fkarm.Robot(joints)
    clip = np.zeros((200, 8))
    clip[:, 3] = 1.0
    clip[:, 0] = np.linspace(10.0, 16.0, 200)
    scene = read_scene(robot, path=clip)
    assert scene.size == pytest.approx(0.8)
    assert scene.span == pytest.approx(np.hypot(6.0, 0.8), rel=0.03)
    np.testing.assert_allclose(scene.centre, [13.0, 0.0, -0.4], atol=0.1)
