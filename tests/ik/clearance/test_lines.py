"""Lines between bodies: their derivatives are those of the distances."""

import numpy as np
import pytest

import fkarm
from fkarm.collision import Box, Capsule, DistanceGrid, HalfSpace, Sphere
from fkarm.ik.clearance.lines import near_links, near_obstacles


def slider():
    """Turns and a slide that carry spheres and capsules."""
    robot = fkarm.Robot.from_joints(
        [
            fkarm.Joint("a", axis="z", xyz=(0, 0, 0.3), lower=-2, upper=2),
            fkarm.Joint("b", axis="y", xyz=(0.1, 0, 0), lower=-2, upper=2),
            fkarm.Joint("c", "prismatic", axis="x", xyz=(0.3, 0, 0), lower=0.0, upper=0.3),
            fkarm.Joint("d", axis=(0.3, 1, 0.2), xyz=(0.2, 0.1, 0), lower=-2, upper=2),
        ],
        tool=(0.2, 0, 0),
    )
    links = [joint.child for joint in robot.joints]
    bodies = [
        fkarm.Body(links[0], "sphere", 0.05, xyz=(0, 0.1, 0)),
        fkarm.Body(links[1], "capsule", 0.04, 0.2, (0.1, 0, 0), (0, 1.5, 0.2)),
        fkarm.Body(links[2], "sphere", 0.03),
        fkarm.Body(links[3], "capsule", 0.02, 0.15, (0.1, 0, 0), (0.4, 1.2, 0)),
        fkarm.Body(links[3], "sphere", 0.03, xyz=(0.2, 0, 0)),
    ]
    return robot.with_bodies(bodies), links


def check(near, q, smallest):
    """Compare the shortest lines with differences of the smallest distance."""
    lines = near.lines(q)
    distances, slopes = lines.shortest(3)
    assert distances.shape == (len(q), min(3, len(lines.distance)))
    np.testing.assert_allclose(distances.min(axis=1), smallest(q), atol=1e-12)
    np.testing.assert_allclose(near.smallest(q), smallest(q), atol=1e-12)
    best = slopes[np.arange(len(q)), distances.argmin(axis=1)]
    step = 1e-6 * np.eye(q.shape[1])
    differences = np.stack([smallest(q + e) - smallest(q - e) for e in step], axis=1) / 2e-6
    off = np.abs(best - differences).max(axis=1)
    assert np.median(np.abs(differences).max(axis=1)) > 0.05
    assert (off < 1e-6).mean() > 0.97  # the others lie where the nearest pair changes


def test_slopes_of_links_are_those_of_their_distance():
    robot, links = slider()
    pairs = ((links[0], links[2]), (links[0], links[3]), (links[1], links[3]))
    q = fkarm.sample_configurations(robot, 100, seed=1)
    near = near_links(robot, robot.bodies, pairs)
    check(near, q, lambda q: np.asarray(fkarm.collision.self_distance(robot, q, pairs)))


@pytest.mark.parametrize(
    "obstacle",
    [
        Sphere(0.1, (0.3, 0.1, 0.5)),
        Capsule(0.05, 0.4, (0.4, 0.2, 0.2), (0.3, 0.5, 0)),
        Box((0.3, 0.2, 0.1), (0.5, 0, 0.1), (0.1, 0.2, 0.3)),
        HalfSpace((0.2, 0.1, 1.0), -0.2),
        DistanceGrid(np.linspace(0, 1, 60).reshape(3, 4, 5), 0.4, (-0.5, -0.5, -0.5)),
    ],
    ids=lambda obstacle: type(obstacle).__name__,
)
def test_slopes_of_obstacles_are_those_of_their_distance(obstacle):
    robot, _ = slider()
    q = fkarm.sample_configurations(robot, 100, seed=2)
    around = (obstacle, Sphere(0.02, (0.0, 0.6, 0.3)))
    near = near_obstacles(robot, robot.bodies, around)
    check(near, q, lambda q: np.asarray(fkarm.collision.world_distance(robot, q, around)))
