"""Spheres and capsules that enclose solids, and how far they reach beyond them."""

import numpy as np
import pytest

from fkarm.model.enclosing import enclose
from tests.model.solid_shapes import depth, from_frame, in_frame, surface

POSE = (0.1, -0.2, 0.3), (0.4, -0.5, 0.6)


def unit_vectors(count=4000):
    vectors = np.random.default_rng(1).normal(size=(count, 3))
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def cylinder_surface(radius, length):
    angles = np.linspace(0, 2 * np.pi, 200)
    ring = np.stack([radius * np.cos(angles), radius * np.sin(angles), 0 * angles], -1)
    return np.concatenate(
        [ring + np.array([0, 0, z]) for z in np.linspace(-length / 2, length / 2, 9)]
    )


def outside_cylinder(points, radius, length):
    beyond = np.linalg.norm(points[:, :2], axis=-1) - radius, np.abs(points[:, 2]) - length / 2
    return np.linalg.norm(np.maximum(beyond, 0), axis=0)


def corners(sides):
    return np.stack(np.meshgrid(*([-0.5, 0.0, 0.5],) * 3), -1).reshape(-1, 3) * sides


def outside_box(points, *sides):
    return np.linalg.norm(np.maximum(np.abs(points) - np.divide(sides, 2), 0), axis=-1)


def outside_ellipsoid(points, *axes):
    """Distances from an ellipsoid, by bisection on the multiplier of the nearest point."""
    axes = np.asarray(axes, float)
    low, high = np.zeros(len(points)), np.full(len(points), 1e3)
    for _ in range(60):
        middle = (low + high) / 2
        nearest = axes**2 * points / (axes**2 + middle[:, None])
        is_beyond = ((nearest / axes) ** 2).sum(-1) > 1
        low, high = np.where(is_beyond, middle, low), np.where(is_beyond, high, middle)
    return np.linalg.norm(points - axes**2 * points / (axes**2 + low[:, None]), axis=-1)


BOXES = [(0.3, 0.2, 0.1), (0.4, 0.3, 0.02), (0.2, 0.2, 0.2), (0.02, 0.05, 0.021), (0.1, 1.0, 0.1)]


@pytest.mark.parametrize(
    ("kind", "sizes", "points", "outside"),
    [
        ("cylinder", (0.1, 0.5), cylinder_surface(0.1, 0.5), outside_cylinder),
        ("cylinder", (0.1, 0.05), cylinder_surface(0.1, 0.05), outside_cylinder),
        *(("box", sides, corners(sides), outside_box) for sides in BOXES),
        *(
            ("ellipsoid", axes, unit_vectors() * axes, outside_ellipsoid)
            for axes in [(0.3, 0.2, 0.1), (0.1, 0.3, 0.3), (0.2, 0.2, 0.2), (0.1, 0.1, 0.4)]
        ),
    ],
)
def test_bodies_enclose_a_solid_and_reach_as_far_beyond_it_as_stated(kind, sizes, points, outside):
    bodies, gap = enclose(kind, "a", sizes, *POSE)
    assert len(bodies) <= 4
    assert depth(bodies, in_frame(points, *POSE)).max() <= 1e-9
    beyond = max(outside(from_frame(surface(b), *POSE), *sizes).max() for b in bodies)
    assert 0.97 * gap - 1e-9 <= beyond <= gap + 1e-9


def test_a_capsule_and_a_sphere_stay_as_they_are():
    (sphere,), gap = enclose("sphere", "a", (0.2,), *POSE)
    assert (sphere.radius, sphere.xyz, gap) == (0.2, POSE[0], 0.0)
    (capsule,), gap = enclose("capsule", "a", (0.2, 0.5), *POSE)
    assert (capsule.radius, capsule.length, gap) == (0.2, 0.5, 0.0)
    assert (capsule.xyz, capsule.rpy) == POSE


def test_a_cylinder_keeps_its_radius_and_its_length():
    (capsule,), _ = enclose("cylinder", "a", (0.2, 0.5), *POSE)
    assert (capsule.shape, capsule.radius, capsule.length) == ("capsule", 0.2, 0.5)


def test_a_box_gets_no_more_bodies_than_keep_the_gap_below_10_mm():
    assert [len(enclose("box", "a", sides, *POSE)[0]) for sides in BOXES] == [3, 4, 4, 1, 4]
    bodies, gap = enclose("box", "a", (0.04, 0.02, 0.1), *POSE)
    assert len(bodies) == 2
    assert gap < 0.01
    (cube,), _ = enclose("box", "a", (0.02, 0.02, 0.02), *POSE)
    assert cube.shape == "sphere"
