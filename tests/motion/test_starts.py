"""Paths start at solutions of the key frames, however far apart these are."""

import numpy as np

import fkarm
from fkarm.motion.request import Smoothness, read_clips
from fkarm.motion.starts import first_path


def test_a_path_starts_at_solutions_of_targets_that_jump():
    lengths = np.array([1.0, 0.5])
    angle = np.cumsum([[0.3, 1.0], [2.5, 0.4], [0.2, 2.0], [3.0, 0.5]], axis=-1)
    tips = np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=-1) * lengths[:, None]
    clips = read_clips(
        fkarm.robots.planar(lengths), {"tool": tips.sum(axis=1)}, np.arange(4.0),
        np.array([0.3, 1.0]), None, None, None, center_of_mass=None, center_of_mass_weight=1.0,
        frame_weights=None, task="pose", frame="root", q_ref=None, hold_start=False, base=None,
        smoothness=Smoothness(1e-3, 1e-4, 1e-3), max_steps=1, weights=(1.0, 0.3),
        position_tolerance=1e-3, orientation_tolerance=1e-2, joint_mask=None, limit_margin=0.0,
    )  # fmt: skip
    turned = np.cumsum(first_path(clips)[0], axis=-1)
    reached = (np.stack([np.cos(turned), np.sin(turned)], axis=-1) * lengths[:, None]).sum(axis=1)
    np.testing.assert_allclose(reached, tips.sum(axis=1)[:, :2], atol=2e-3)


def test_a_start_that_was_recorded_wrapped_is_no_jump():
    """Encoders count from -pi to pi, and filters change signs of quaternions."""
    joints = [
        fkarm.Joint("ball", "spherical", parent="a", child="b"),
        fkarm.Joint("turn", "continuous", xyz=(0.3, 0, 0), parent="b", child="c", velocity=2.0),
        fkarm.Joint("end", "fixed", xyz=(0.2, 0.1, 0), parent="c", child="d"),
    ]
    arm, times = fkarm.Robot(joints), np.linspace(0.0, 6.0, 121)
    q = np.zeros((121, 5))
    q[:, 0], q[:, 1] = np.cos(0.8 * times), np.sin(0.8 * times)
    q[:, 4] = 1.5 * times - 2.0
    wrapped = q.copy()
    wrapped[40:, :4] *= -1.0
    wrapped[:, 4] = (q[:, 4] + np.pi) % (2 * np.pi) - np.pi
    path = fkarm.solve_path(arm, {"d": fkarm.forward_kinematics(arm, q, "d")}, times, wrapped)
    assert path.converged.all()
    np.testing.assert_allclose(path.q, q, atol=0.01)


def test_an_arm_of_a_floating_body_that_turns_further_than_half_round_does_not_jump_back():
    corners = {"front": (0.3, 0, 0), "left": (0, 0.3, 0), "top": (0, 0, 0.3)}
    joints = [
        fkarm.Joint("free", "floating", parent="world", child="trunk"),
        *(fkarm.Joint(name, "fixed", xyz=xyz, parent="trunk", child=f"{name}_point")
          for name, xyz in corners.items()),
        fkarm.Joint("shoulder", axis="y", parent="trunk", child="arm", lower=-5.5, upper=5.5),
        fkarm.Joint("grip", "fixed", xyz=(0.5, 0, 0), parent="arm", child="hand"),
    ]  # fmt: skip
    robot, times = fkarm.Robot(joints, name="turner"), np.linspace(0.0, 4.0, 60)
    q = np.zeros((60, robot.dof))
    q[:, 0], q[:, 3], q[:, 7] = 0.5 * times, 1.0, 1.3 * times
    links = [*(f"{name}_point" for name in corners), "hand"]
    places = np.asarray(fkarm.forward_kinematics(robot, q, links))[..., :3, 3]
    targets = {link: places[:, k] for k, link in enumerate(links)}
    path = fkarm.solve_path(robot, targets, times, velocity_limits=False)
    np.testing.assert_allclose(path.q[:, 7], q[:, 7], atol=0.02)
