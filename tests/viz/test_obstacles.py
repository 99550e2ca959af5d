"""Obstacles are drawn where they are, and count for the colours of bodies."""

import numpy as np
import pytest
from oracles import rpy_matrix
from viz.arms import arm_with_bodies

import fkarm
from fkarm.collision import Box, Capsule, DistanceGrid, HalfSpace, Sphere
from fkarm.viz import draw_bodies, plot_robot
from fkarm.viz.clearance import COLOURS, UNPAIRED, Clearances
from fkarm.viz.obstacles import obstacle_solids
from fkarm.viz.scene import read_scene

ARM = fkarm.robots.planar([0.5, 0.4])
PLACE = {"xyz": (0.4, -0.2, 0.3), "rpy": (0.3, 0.5, -0.2)}


def mesh(obstacle):
    """The mesh of an obstacle beside a planar arm."""
    trimesh = pytest.importorskip("trimesh", reason="needs fkarm[view]")
    (solid,) = obstacle_solids([obstacle], "base", read_scene(ARM, [0.0, 0.0]))
    assert solid.link == "base"
    return trimesh.Trimesh(solid.vertices, solid.faces)


@pytest.mark.parametrize(
    ("obstacle", "volume", "lengths"),
    [
        (Sphere(0.2, PLACE["xyz"]), 4 / 3 * np.pi * 0.2**3, (0.4, 0.4, 0.4)),
        (
            Capsule(0.1, 0.5, **PLACE),
            np.pi * 0.1**2 * (0.5 + 4 / 3 * 0.1),
            (0.2, 0.2, 0.7),
        ),
        (Box((0.3, 0.2, 0.1), **PLACE), 0.3 * 0.2 * 0.1, (0.3, 0.2, 0.1)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_mesh_has_the_size_and_the_place_of_its_obstacle(obstacle, volume, lengths):
    solid = mesh(obstacle)
    assert solid.is_watertight
    np.testing.assert_allclose(solid.volume, volume, rtol=0.04)  # positive: faces look outwards
    np.testing.assert_allclose(solid.center_mass, PLACE["xyz"], atol=1e-9)
    own = (solid.vertices - PLACE["xyz"]) @ rpy_matrix(*getattr(obstacle, "rpy", (0, 0, 0)))
    np.testing.assert_allclose(np.ptp(own, axis=0), lengths, rtol=0.02)


def test_a_half_space_is_a_square_of_its_surface_beside_the_robot():
    solid = mesh(HalfSpace((1, 2, 2), -0.3))
    np.testing.assert_allclose(solid.vertices @ [1 / 3, 2 / 3, 2 / 3], -0.3, atol=1e-12)
    np.testing.assert_allclose(solid.face_normals, [[1 / 3, 2 / 3, 2 / 3]] * 2, atol=1e-9)
    np.testing.assert_allclose(solid.area, (1.2 * 0.9) ** 2)  # the arm is 0.9 m long
    middle, normal = np.array([0.45, 0.0, 0.0]), np.array([1, 2, 2]) / 3
    foot = middle - (normal @ middle + 0.3) * normal
    np.testing.assert_allclose(solid.vertices.mean(axis=0), foot, atol=1e-9)


def test_a_grid_is_closed_around_the_nodes_inside():
    values = np.ones((4, 5, 6))
    values[1:3, 2, 3:6] = -0.1  # up to the end of the grid
    solid = mesh(DistanceGrid(values, 0.1, (1.0, 0.0, 0.0)))
    assert solid.is_watertight
    np.testing.assert_allclose(solid.volume, 6 * 0.1**3)
    np.testing.assert_allclose(solid.bounds, [[1.05, 0.15, 0.25], [1.25, 0.25, 0.55]])


def test_a_wire_is_seen():
    assert np.ptp(mesh(Capsule(0.0, 0.5)).vertices[:, 0]) > 1e-3


def test_distances_from_obstacles_are_those_of_the_links(rng):
    robot = arm_with_bodies()
    obstacles = [
        Box((0.3, 0.2, 0.4), (0.4, 0.1, 0.5), (0.1, 0.2, 0.3)),
        HalfSpace((0, 0, 1), 0.1),
        Sphere(0.1, (-0.4, 0.2, 0.6)),
    ]
    clearances = Clearances(robot, obstacles=obstacles)
    alone = Clearances(robot)
    for q in fkarm.sample_configurations(robot, 10, seed=rng):
        found = clearances.of_pairs(q)
        count = len(alone.pairs)
        np.testing.assert_allclose(found[:count], alone.of_pairs(q), atol=1e-12)
        for k, obstacle in enumerate(obstacles):
            own = found[clearances.pairs[:, 1] == len(robot.bodies) + k]
            assert len(own) == 4  # the body on the root link does not move
            expected = fkarm.collision.world_distance(robot, q, obstacle)
            np.testing.assert_allclose(own.min(), expected, atol=1e-9)


def test_a_body_in_an_obstacle_is_red_and_named():
    arm = ARM.with_bodies([fkarm.Body(link, "sphere", 0.05) for link in ("link_1", "tool")])
    clearances = Clearances(arm, 0.1, [HalfSpace((0, 0, 1), -1.0), Sphere(0.1, (0.0, 0.9, 0.0))])
    distances = clearances.of_pairs(np.array([np.pi / 2, 0.0]))
    assert clearances.colours(distances) == [COLOURS[2], COLOURS[0]]
    assert clearances.nearest(distances) == "nearest: tool and Sphere 1, -150.0 mm"
    only = ARM.with_bodies([fkarm.Body("base", "sphere", 0.05), fkarm.Body("tool", "sphere", 0.05)])
    still = Clearances(only, 0.1, [Sphere(0.1)])  # around the base, which no joint moves
    assert still.colours(np.full(len(still.pairs), 1.0))[0] != UNPAIRED  # it has the tool
    assert 2 not in still.pairs[still.pairs[:, 0] == 0, 1]


def test_a_picture_shows_obstacles():
    arm = ARM.with_bodies([fkarm.Body("tool", "sphere", 0.05)])
    plain, around = plot_robot(arm, [0.0, 0.0]), [HalfSpace((0, 0, 1), -0.1), Box((0.1, 0.1, 0.1))]
    figure = plot_robot(arm, [0.0, 0.0], obstacles=iter(around), bodies=True)
    added = len(figure.axes[0].collections) - len(plain.axes[0].collections)
    assert added == 3  # a square, a box, the bodies
    assert figure.axes[0].get_zlim()[0] < -0.1 + 1e-9
    with pytest.raises(TypeError, match="obstacles must be objects of fkarm.collision"):
        plot_robot(arm, obstacles=[3])
    with pytest.raises(TypeError, match="obstacles must be objects of fkarm.collision"):
        draw_bodies(figure.axes[0], arm, [0.0, 0.0], obstacles=3)
