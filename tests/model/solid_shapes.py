"""Points of solids and distances from bodies, in plain NumPy: what tests of bodies share."""

import numpy as np

from fkarm.model.frames import make_frame


def ends(body):
    """Both ends of a body's segment in the link's frame. Shape `(2, 3)`."""
    z = make_frame(body.xyz, body.rpy)[:3, 2]
    return np.array([body.xyz - z * body.length / 2, body.xyz + z * body.length / 2])


def depth(bodies, points):
    """How far points lie outside the nearest of some bodies; negative inside. `(points,)`."""
    distances = []
    for body in bodies:
        start, end = ends(body)
        along = end - start
        share = ((points - start) @ along) / max(along @ along, 1e-300)
        nearest = start + np.clip(share, 0, 1)[:, None] * along
        distances.append(np.linalg.norm(points - nearest, axis=-1) - body.radius)
    return np.min(distances, axis=0)


def surface(body, count=1000, seed=0):
    """Points on the surface of a body."""
    rng = np.random.default_rng(seed)
    normal = rng.normal(size=(count, 3))
    normal[:6] = [*np.eye(3), *-np.eye(3)]  # in the body's frame
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    side = np.sign(normal[:, 2:])
    points = normal * body.radius + [0, 0, 1] * side * body.length / 2
    frame = make_frame(body.xyz, body.rpy)
    return points @ frame[:3, :3].T + frame[:3, 3]


def in_frame(points, xyz, rpy):
    """Points of a solid's own frame in the link's frame."""
    frame = make_frame(xyz, rpy)
    return points @ frame[:3, :3].T + frame[:3, 3]


def from_frame(points, xyz, rpy):
    """Points of the link's frame in a solid's own frame."""
    frame = make_frame(xyz, rpy)
    return (points - frame[:3, 3]) @ frame[:3, :3]
