"""Spheres and capsules as meshes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fkarm.model import Body
from fkarm.model.frames import make_frame


class Sphere(NamedTuple):
    """A unit sphere as a mesh. Its halves pulled apart along z make a capsule."""

    vertices: np.ndarray  # none of them with z = 0, (n, 3)
    faces: np.ndarray  # indices of vertices, (m, 3)

    def as_body(self, body: Body) -> np.ndarray:
        """The vertices of a body in the frame of its link, m. Shape `(n, 3)`."""
        own = body.radius * self.vertices
        own[:, 2] += np.sign(self.vertices[:, 2]) * body.length / 2
        frame = make_frame(body.xyz, body.rpy)
        vertices: np.ndarray = own @ frame[:3, :3].T + frame[:3, 3]
        return vertices


def unit_sphere(rings: int, sections: int) -> Sphere:
    """A sphere of an even number of rings, half of them on each side of the equator, and poles."""
    polar = np.pi * (np.arange(rings) + 0.5) / rings
    around = 2 * np.pi * np.arange(sections) / sections
    on_rings = [
        np.outer(np.sin(polar), np.cos(around)),
        np.outer(np.sin(polar), np.sin(around)),
        np.outer(np.cos(polar), np.ones(sections)),
    ]
    north, south = rings * sections, rings * sections + 1
    a = np.arange(north).reshape(rings, sections)
    b = np.roll(a, -1, axis=1)  # the next vertex of the ring
    corners = [
        (a[:-1], a[1:], b[:-1]), (b[:-1], a[1:], b[1:]),
        (np.full(sections, north), a[0], b[0]), (np.full(sections, south), b[-1], a[-1]),
    ]  # fmt: skip
    faces = [np.stack(triangle, axis=-1).reshape(-1, 3) for triangle in corners]
    poles = [[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]]
    return Sphere(
        np.concatenate([np.stack(on_rings, axis=-1).reshape(-1, 3), poles]), np.concatenate(faces)
    )
