"""Joint screws of an arm, and the numbers of them that rigid motions and senses do not change."""

from __future__ import annotations

import math

import numpy as np

from fkarm.geometry.native import to_numpy
from fkarm.kinematics import forward_kinematics, geometric_jacobian
from fkarm.model import Robot
from fkarm.model.report import reach_below

_PARALLEL = 1e-9  # squared sine between axes that count as parallel


def arm_size(robot: Robot) -> float:
    """A length of the arm, m, which makes moments comparable with directions."""
    reach = reach_below(robot.joints).get(robot.root_link, 0.0)
    return reach if 0 < reach < math.inf else 1.0


def joint_screws(robot: Robot, q: np.ndarray, size: float) -> np.ndarray:
    """Direction and moment of each joint's axis: `(w, p x w / size)` if it turns, else `(0, v)`.

    Args:
        robot: A robot whose joints have one entry of `q` each.
        q: Configurations. Shape `(..., dof)`.
        size: Length that moments are divided by, m.
    Returns:
        Screws. Shape `(..., dof, 6)`.
    """
    columns = np.swapaxes(to_numpy(geometric_jacobian(robot, q)), -1, -2)  # (..., dof, 6)
    tip = to_numpy(forward_kinematics(robot, q))[..., None, :3, 3]  # (..., 1, 3)
    direction = columns[..., 3:]
    # The linear velocity of the point of the body that is at the root's origin.
    moment = columns[..., :3] - np.cross(direction, tip)
    is_slider = (np.abs(direction).sum(axis=-1, keepdims=True) == 0) * np.ones(3)
    return np.concatenate([direction, np.where(is_slider, moment, moment / size)], axis=-1)


def screw_features(screws: np.ndarray, parallel: np.ndarray) -> np.ndarray:
    """Numbers of a set of screws that rigid motions and senses leave alone.

    Args:
        screws: Shape `(..., dof, 6)`.
        parallel: Which pairs of axes are parallel. Shape `(..., pairs)`.
    Returns:
        Five numbers per pair. Shape `(..., 5 * pairs)`.
    """
    w, v = screws[..., :3], screws[..., 3:]
    i, j = np.triu_indices(screws.shape[-2], 1)
    # The Killing form, w_i . w_j, and the Klein form, w_i . v_j + w_j . v_i, of each pair.
    killing = np.sum(w[..., i, :] * w[..., j, :], axis=-1)
    klein = np.sum(w[..., i, :] * v[..., j, :] + w[..., j, :] * v[..., i, :], axis=-1)
    # Directions of two sliders have an angle too, which these forms do not see.
    slide = np.sum(v[..., i, :] * v[..., j, :], axis=-1)
    slide = slide * ((np.abs(w[..., i, :]) + np.abs(w[..., j, :])).sum(axis=-1) == 0)
    # Nor do they see the distance of parallel axes.
    apart = v[..., i, :] - np.sign(killing)[..., None] * v[..., j, :]
    distance = np.sum(apart * apart, axis=-1) * parallel
    return np.concatenate([killing**2, killing * klein, klein**2, slide**2, distance], axis=-1)


def parallel_pairs(screws: np.ndarray) -> np.ndarray:
    """Which pairs of axes are parallel. `(..., dof, 6)` to `(..., pairs)`."""
    i, j = np.triu_indices(screws.shape[-2], 1)
    return np.sum(screws[..., i, :3] * screws[..., j, :3], axis=-1) ** 2 > 1 - _PARALLEL
