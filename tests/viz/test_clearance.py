"""Bodies are drawn as they are, and coloured by their distance from those that count."""

import numpy as np
import pytest
from viz.arms import arm_with_bodies, coal_distances

import fkarm
from fkarm.viz import draw_bodies, plot_robot
from fkarm.viz.capsules import unit_sphere
from fkarm.viz.clearance import COLOURS, UNPAIRED, Clearances

RED, YELLOW, GREEN = COLOURS


def test_distances_of_bodies_are_those_of_coal(rng):
    robot = arm_with_bodies()
    clearances = Clearances(robot)
    for q in fkarm.sample_configurations(robot, 20, seed=rng):
        expected = coal_distances(robot, q, clearances.pairs)
        np.testing.assert_allclose(clearances.of_pairs(q), expected, atol=1e-9)


def three_spheres(bend):
    """Two spheres on the ends of a folded arm, one on its elbow that no pair counts."""
    arm = fkarm.robots.planar([1.0, 1.0, 1.0])
    names = (arm.link_names[1], arm.link_names[2], arm.end_effector)
    arm = arm.with_bodies([fkarm.Body(link, "sphere", 0.1) for link in names])
    arm = arm.with_exclusions([names[:2], names[1:]])
    return arm, np.array([0.0, bend, 0.0])


@pytest.mark.parametrize(
    ("distance", "colour"), [(-0.05, RED), (0.0, RED), (0.03, YELLOW), (0.06, GREEN), (1.0, GREEN)]
)
def test_a_body_goes_from_red_over_yellow_to_green(distance, colour):
    # The ends are 2 m from the elbow and from each other as far as they are bent.
    arm, _ = three_spheres(0.0)
    clearances = Clearances(arm, clearance=0.06)
    (pair,) = clearances.pairs
    assert tuple(pair) == (0, 2)
    assert clearances.colours(np.array([distance])) == [colour, UNPAIRED, colour]


def test_the_nearest_links_are_named():
    arm, q = three_spheres(np.pi)
    clearances = Clearances(arm)
    # Folded at the second joint: the tool is 1 m on the other side of the first link.
    text = clearances.nearest(clearances.of_pairs(q))
    assert text == f"nearest: {arm.link_names[1]} and {arm.end_effector}, 800.0 mm"


def test_links_that_overlap_in_every_posture_are_red():
    arm = fkarm.robots.planar([0.1, 0.1, 0.1])
    arm = arm.with_bodies(
        [fkarm.Body(link, "sphere", 0.5) for link in (arm.link_names[1], arm.end_effector)]
    )
    with pytest.raises(fkarm.RobotError, match="overlap in every posture"):
        fkarm.collision.pairs(arm)
    clearances = Clearances(arm)
    assert clearances.colours(clearances.of_pairs(np.zeros(3))) == [RED, RED]


def test_without_pairs_bodies_are_grey():
    arm = fkarm.robots.planar([1.0, 1.0])
    arm = arm.with_bodies([fkarm.Body(arm.end_effector, "sphere", 0.1)])
    clearances = Clearances(arm)
    distances = clearances.of_pairs(np.zeros(2))
    assert clearances.colours(distances) == [UNPAIRED]
    assert clearances.nearest(distances) == "no pair of bodies counts"


def test_what_has_no_clearance_is_refused():
    arm = fkarm.robots.planar([1.0, 1.0])
    with pytest.raises(fkarm.RobotError, match="robot has no bodies"):
        Clearances(arm)
    with pytest.raises(ValueError, match="clearance must be finite and > 0"):
        Clearances(three_spheres(0.0)[0], clearance=0.0)


@pytest.mark.parametrize("body", arm_with_bodies().bodies[:3])
def test_meshes_lie_on_the_surface_and_are_closed(body):
    trimesh = pytest.importorskip("trimesh", reason="needs fkarm[view]")
    sphere = unit_sphere(40, 60)
    vertices = sphere.as_body(body)
    mesh = trimesh.Trimesh(vertices, sphere.faces, process=False)
    assert mesh.is_watertight
    volume = np.pi * body.radius**2 * (4 / 3 * body.radius + body.length)
    np.testing.assert_allclose(mesh.volume, volume, rtol=0.01)  # positive: faces look outwards
    np.testing.assert_allclose(mesh.center_mass, body.xyz, atol=1e-6)


def test_a_picture_shows_bodies_where_links_are():
    arm, q = three_spheres(np.pi / 2)
    figure = plot_robot(arm, q, bodies=True)
    (faces,) = (c for c in figure.axes[0].collections if type(c).__name__ == "Poly3DCollection")
    corners = np.array(faces._faces if hasattr(faces, "_faces") else faces._vec[:3].T)
    places = fkarm.forward_kinematics(arm, q, [body.link for body in arm.bodies]).numpy()
    for corners_of, place in zip(corners.reshape(3, -1, 3), places[:, :3, 3], strict=True):
        radii = np.linalg.norm(corners_of - place, axis=-1)
        np.testing.assert_allclose(radii, 0.1)
    with pytest.raises(ValueError, match="one configuration"):
        draw_bodies(figure.axes[0], arm, q[None])
