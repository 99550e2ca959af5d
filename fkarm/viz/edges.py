"""Meshes whose edges look sharp and whose round surfaces look round."""

from __future__ import annotations

import numpy as np

# Faces that meet at a smaller angle, 40 degrees, form one surface.
_SMOOTH = np.cos(np.deg2rad(40.0))
_TINY = 1e-30


def split_edges(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same mesh, with a vertex of its own for each surface that meets at a vertex.

    Renderers shade a mesh by the mean normal of the faces around each vertex, so vertices that a
    cylinder's side shares with its ends look dented.

    Args:
        vertices: Points. Shape `(n, 3)`.
        faces: Indices of the corners of triangles. Shape `(m, 3)`.
    Returns:
        Vertices and faces; the order of the faces and of their corners is kept.
    """
    corners = faces.ravel()
    a, b, c = np.moveaxis(vertices[faces], 1, 0)
    area = np.cross(b - a, c - a)
    unit = area / np.maximum(np.linalg.norm(area, axis=1, keepdims=True), _TINY)
    # All pairs of corners that lie at one vertex.
    count = np.bincount(corners, minlength=len(vertices))
    sizes = count[corners]
    left = np.repeat(np.arange(len(corners)), sizes)
    within = np.arange(len(left)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    first = np.cumsum(count) - count
    right = np.argsort(corners, kind="stable")[first[corners[left]] + within]
    is_near = np.einsum("ij,ij->i", unit[left // 3], unit[right // 3]) >= _SMOOTH
    left, right = left[is_near], right[is_near] // 3
    normal = np.stack(
        [np.bincount(left, area[right, k], minlength=len(corners)) for k in range(3)], axis=1
    )
    normal = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), _TINY)
    keys = np.column_stack([corners, np.round(100 * normal).astype(np.int64)])
    _, chosen, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    return vertices[corners[chosen]], inverse.reshape(faces.shape)
