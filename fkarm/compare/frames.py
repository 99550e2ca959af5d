"""The base and the tool between two arms whose senses and offsets are known."""

from __future__ import annotations

import numpy as np

from fkarm.compare.screws import joint_screws, parallel_pairs
from fkarm.geometry.native import to_numpy
from fkarm.kinematics import forward_kinematics
from fkarm.model import Robot
from fkarm.model.frames import nearest_rotation


def fit_frames(
    a: Robot, b: Robot, q: np.ndarray, senses: np.ndarray, offsets: np.ndarray, size: float
) -> tuple[np.ndarray, np.ndarray]:
    """Base and tool, `(4, 4)` each: the screws of a are those of b, moved by the base.

    Args:
        a: A robot.
        b: Another.
        q: Configurations of a to fit at. Shape `(n, dof)`.
        senses: 1 or -1 for each joint; `senses * q + offsets` are the configurations of b.
        offsets: Offset of each joint, rad or m. Shape `(dof,)`.
        size: Length of a, m.
    """
    moved = senses * q + offsets
    screws_a = joint_screws(a, q, size)  # (n, dof, 6)
    screws_b = senses[:, None] * joint_screws(b, moved, size)
    rotation = _fit_rotation(screws_a, screws_b)
    base = np.eye(4)
    base[:3, :3] = rotation
    base[:3, 3] = size * _fit_position(screws_a, screws_b, rotation)
    tips_a, tips_b = to_numpy(forward_kinematics(a, q)), to_numpy(forward_kinematics(b, moved))
    tool = np.mean(np.linalg.inv(base @ tips_b) @ tips_a, axis=0)
    tool[:3, :3] = nearest_rotation(tool[:3, :3])
    return base, tool


def _fit_rotation(screws_a: np.ndarray, screws_b: np.ndarray) -> np.ndarray:
    """The rotation that takes directions of b to those of a, `(3, 3)`.

    Directions turn with the base; so do directions of sliders, and differences between the moments
    of parallel axes.
    """
    (w_a, v_a), (w_b, v_b) = ((s[..., :3], s[..., 3:]) for s in (screws_a, screws_b))
    i, j = np.triu_indices(screws_a.shape[-2], 1)
    sign = np.sign(np.sum(w_a[:, i] * w_a[:, j], axis=-1))  # (n, pairs)
    parallel = (parallel_pairs(screws_a) * sign)[..., None]
    slider = 1.0 * (np.abs(w_a).sum(axis=-1, keepdims=True) == 0)  # (n, dof, 1)
    vectors_a, vectors_b = (
        np.concatenate(
            [
                w.reshape(-1, 3),
                (slider * v).reshape(-1, 3),
                (parallel * (v[:, i] - sign[..., None] * v[:, j])).reshape(-1, 3),
            ]
        )
        for w, v in ((w_a, v_a), (w_b, v_b))
    )
    return nearest_rotation(vectors_a.T @ vectors_b)


def _fit_position(screws_a: np.ndarray, screws_b: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """The position `p` of the base, over the size: `v_a = R v_b + p x R w_b`. Shape `(3,)`."""
    turned = (screws_b[..., :3] @ rotation.T).reshape(-1, 3)
    left = (screws_a[..., 3:] - screws_b[..., 3:] @ rotation.T).reshape(-1, 3)
    # left = p x turned, three equations a screw: -[turned]_x p = left.
    zero = np.zeros(len(turned))
    x, y, z = turned.T
    skew = np.stack([zero, z, -y, -z, zero, x, y, -x, zero], axis=-1).reshape(-1, 3)
    return np.linalg.lstsq(skew, left.ravel(), rcond=1e-9)[0]
