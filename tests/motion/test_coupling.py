"""The bands of smoothness are those of the explicit differences."""

import numpy as np

import fkarm
from fkarm.motion.coupling import Coupling, Differences
from fkarm.motion.request import Smoothness, read_clips
from fkarm.motion.solve import moving_places


def test_bands_are_the_normal_equations_of_the_differences(rng):
    robot = fkarm.robots.planar([1.0, 0.5])
    time, n = 6, 2
    times = np.cumsum(rng.uniform(0.5, 1.5, time))
    clips = read_clips(
        robot, {"tool": np.zeros((time, 3))}, times, None, 1.0, 2.0, None,
        base=None, center_of_mass=None, center_of_mass_weight=1.0, frame_weights=None, task="pose",
        frame="root", q_ref=None, hold_start=False, smoothness=Smoothness(0.3, 0.2, 0.1),
        max_steps=1, weights=(1.0, 0.3), position_tolerance=1e-3, orientation_tolerance=1e-2,
        joint_mask=None, limit_margin=0.0,
    )  # fmt: skip
    coupling = Coupling(clips, moving_places(clips))
    q = rng.uniform(-1, 1, (1, time, n))
    now = coupling.differences(q)
    counts = (time, time - 1, time - 2)
    stiffness, force = (
        Differences(*(rng.uniform(1, 2, (1, count, n)) for count in counts)) for _ in range(2)
    )
    away = q - 0.5
    bands = coupling.bands(now, away, stiffness, force)
    units = np.eye(time * n).reshape(time * n, time, n)
    rows = [coupling.along(unit[None]) for unit in units]
    matrix, right = np.zeros((time * n, time * n)), np.zeros(time * n)
    durations = np.diff(times)
    between = 0.5 * (durations[1:] + durations[:-1])
    weights = (
        np.full((time, 1), 0.1**2), (0.3 / durations[:, None]) ** 2,
        (0.2 / between[:, None] ** 2) ** 2,
    )  # fmt: skip
    values = (away[0], np.diff(q[0], axis=0), None)
    velocity = np.diff(q[0], axis=0) / durations[:, None]
    change = np.diff(velocity, axis=0) * between[:, None]
    values = (values[0], values[1], change)
    for order in range(3):
        derivative = np.stack([row[order][0].ravel() for row in rows], axis=1)
        weight = (stiffness[order][0] + weights[order]).ravel()
        matrix += derivative.T @ (weight[:, None] * derivative)
        pull = force[order][0] - weights[order] * values[order]
        right += derivative.T @ pull.ravel()
    dense = np.zeros((time, n, time, n))
    for t in range(time):
        dense[t, :, t] = np.diag(bands.diagonal[0, t])
        for step, band in ((1, bands.to_next), (2, bands.to_second)):
            if t + step < time:
                dense[t, :, t + step] = dense[t + step, :, t] = np.diag(band[0, t])
    np.testing.assert_allclose(dense.reshape(matrix.shape), matrix, atol=1e-9)
    np.testing.assert_allclose(bands.right[0].ravel(), right, atol=1e-9)
