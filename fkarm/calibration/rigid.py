"""Rotations and rigid changes of many rows in NumPy, float64, with their derivatives."""

from __future__ import annotations

import numpy as np

Array = np.ndarray
_SMALL = 1e-4  # rad: below, series are exact to rounding


def skew(vectors: Array) -> Array:
    """The matrices that take cross products. Shapes `(..., 3)` to `(..., 3, 3)`."""
    x, y, z = np.moveaxis(vectors, -1, 0)
    zero = np.zeros_like(x)
    rows = ((zero, -z, y), (z, zero, -x), (-y, x, zero))
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def cross(a: Array, b: Array) -> Array:
    """Cross products along the last axis, without the copies of `numpy.cross`."""
    (x, y, z), (u, v, w) = np.moveaxis(a, -1, 0), np.moveaxis(b, -1, 0)
    return np.stack([y * w - z * v, z * u - x * w, x * v - y * u], axis=-1)


def so3_exp(rotvec: Array) -> Array:
    """Rotation matrices of rotation vectors. Shapes `(..., 3)` to `(..., 3, 3)`."""
    first, second, _ = _factors(rotvec)
    matrix = skew(rotvec)
    return np.eye(3) + first * matrix + second * (matrix @ matrix)


def so3_log(rotation: Array) -> Array:
    """Rotation vectors, shorter than half a turn. Shapes `(..., 3, 3)` to `(..., 3)`."""
    quat = _quaternion(rotation)
    vector, scalar = quat[..., 1:], quat[..., :1]
    length = np.linalg.norm(vector, axis=-1, keepdims=True)
    angle = 2.0 * np.arctan2(length, scalar)
    is_small = length < _SMALL
    factor = np.where(is_small, 2.0 + length**2 / 3.0, angle / np.where(is_small, 1.0, length))
    return factor * vector


def left_jacobian(rotvec: Array) -> Array:
    """`exp(w + dw) = exp(J dw) exp(w)`: the left Jacobian of SO(3). [Sola2018], equation 145."""
    _, second, third = _factors(rotvec)
    matrix = skew(rotvec)
    return np.eye(3) + second * matrix + third * (matrix @ matrix)


def rigid(entries: Array) -> Array:
    """Transform with position `entries[..., :3]` and rotation vector `entries[..., 3:]`."""
    frame = np.zeros((*entries.shape[:-1], 4, 4))
    frame[..., :3, :3] = so3_exp(entries[..., 3:])
    frame[..., :3, 3] = entries[..., :3]
    frame[..., 3, 3] = 1.0
    return frame


def entries_of(frame: Array) -> Array:
    """Position and rotation vector of a transform: the inverse of `rigid`."""
    return np.concatenate([frame[..., :3, 3], so3_log(frame[..., :3, :3])], axis=-1)


def about_axis(axis: Array, angles: Array) -> Array:
    """Rotations about one unit axis `(3,)` by angles `(n,)`. Shape `(n, 3, 3)`."""
    matrix = skew(axis)
    sines, cosines = np.sin(angles)[:, None, None], np.cos(angles)[:, None, None]
    return np.eye(3) + sines * matrix + (1.0 - cosines) * (matrix @ matrix)


def _factors(rotvec: Array) -> tuple[Array, Array, Array]:
    """`sin t / t`, `(1 - cos t) / t^2` and `(t - sin t) / t^3` for the length `t`."""
    angle = np.linalg.norm(rotvec, axis=-1)[..., None, None]
    is_small = angle < _SMALL
    t = np.where(is_small, 1.0, angle)
    squared = angle**2
    first = np.where(is_small, 1.0 - squared / 6.0, np.sin(t) / t)
    second = np.where(is_small, 0.5 - squared / 24.0, 2.0 * (np.sin(t / 2.0) / t) ** 2)
    third = np.where(is_small, (1.0 - squared / 20.0) / 6.0, (t - np.sin(t)) / t**3)
    return first, second, third


def _quaternion(rotation: Array) -> Array:
    """Quaternions wxyz with `w >= 0`, by the largest of the four entries. [Shepperd1978]."""
    diagonal = np.diagonal(rotation, axis1=-2, axis2=-1)
    trace = diagonal.sum(axis=-1, keepdims=True)
    squared = np.concatenate([1.0 + trace, 1.0 - trace + 2.0 * diagonal], axis=-1)
    r = rotation
    outer = np.empty((*rotation.shape[:-2], 4, 4))
    for k in range(3):
        i, j = (k + 1) % 3, (k + 2) % 3
        outer[..., 0, k + 1] = outer[..., k + 1, 0] = r[..., j, i] - r[..., i, j]
        outer[..., i + 1, j + 1] = outer[..., j + 1, i + 1] = r[..., i, j] + r[..., j, i]
    for k in range(4):
        outer[..., k, k] = squared[..., k]
    best = np.argmax(squared, axis=-1)[..., None, None]
    quat = np.take_along_axis(outer, best, axis=-2)[..., 0, :]
    quat /= np.linalg.norm(quat, axis=-1, keepdims=True)
    return np.where(quat[..., :1] < 0, -quat, quat)
