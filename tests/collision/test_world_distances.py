"""Distances from obstacles against coal and closed forms."""

import coal
import numpy as np
import pytest
from autodiff import EACH_MODE, array, check_gradient, gradient_of, in_mode, tensor
from collision import models

import fkarm
from fkarm import Body
from fkarm.collision import Box, Capsule, DistanceGrid, HalfSpace, Sphere, world_distance
from fkarm.collision import world_distances as module
from fkarm.collision.arithmetic import NUMPY

PLACE = {"xyz": (0.4, 0.1, 0.45), "rpy": (0.3, 0.2, 0.1)}
OBSTACLES = {
    "sphere": (Sphere(0.15, (0.4, 0.1, 0.45)), coal.Sphere(0.15)),
    "capsule": (Capsule(0.1, 0.5, **PLACE), coal.Capsule(0.1, 0.5)),
    "box": (Box((0.3, 0.4, 0.2), **PLACE), coal.Box(0.3, 0.4, 0.2)),
}


def grid():
    """The distance from a ball, at the nodes of a grid."""
    x = np.linspace(-1.2, 1.2, 25)
    nodes = np.stack(np.meshgrid(x, x, x, indexing="ij"), axis=-1)
    return DistanceGrid(np.linalg.norm(nodes - [0.4, 0.0, 0.3], axis=-1) - 0.2, 0.1, (-1.2,) * 3)


ALL = [*(ours for ours, _ in OBSTACLES.values()), HalfSpace((0, 0.1, 1), 0.05), grid()]


@pytest.fixture(scope="module")
def panda():
    return models.panda()


@pytest.mark.parametrize("spheres", [False, True], ids=["capsules", "spheres"])
@pytest.mark.parametrize("name", OBSTACLES)
def test_distances_are_those_of_coal(name, spheres):
    """Where the axis of a body lies outside: coal measures other depths for boxes."""
    panda = models.panda(spheres)
    ours, theirs = OBSTACLES[name]
    rotation = np.eye(4)
    frame = models.frame_of(rotation, Body("x", "sphere", 1.0, 0.0, *PLACE.values()))
    q = fkarm.sample_configurations(panda, 60, seed=0)
    poses = {b.link: np.asarray(fkarm.forward_kinematics(panda, q, b.link)) for b in panda.bodies}
    expected = np.array(
        [
            min(
                models.coal_distance(
                    models.shape_of(b), models.frame_of(poses[b.link][k], b), theirs, frame
                )
                for b in panda.bodies
            )
            for k in range(len(q))
        ]
    )
    outside = expected > (-0.02 if name == "box" else -np.inf)
    assert outside.sum() > 30
    assert (expected[outside] < 0).any()
    distance = array(world_distance(panda, q, ours))
    np.testing.assert_allclose(distance[outside], expected[outside], atol=1e-9)


def slider(body):
    """A body that slides along x from the origin."""
    joint = fkarm.Joint(
        "slide", "prismatic", (1, 0, 0), parent="base", child="cart", lower=-9, upper=9
    )
    return fkarm.Robot([joint]).with_bodies([body])


def test_inside_a_box_the_depth_is_that_of_the_deepest_point():
    """A segment along z through a cube of 1 m: its middle is 0.5 - x deep."""
    robot = slider(Body("cart", "capsule", 0.05, 2.0))
    x = np.array([[0.1], [0.45], [0.6]])
    box = Box((1.0, 1.0, 1.0))
    np.testing.assert_allclose(
        array(world_distance(robot, x, box)), x[:, 0] - 0.5 - 0.05, atol=1e-9
    )
    gradient = gradient_of(lambda q: world_distance(robot, q, box))(tensor(x))
    np.testing.assert_allclose(array(gradient), 1.0)


def test_where_two_faces_are_equally_near_the_gradient_is_between_theirs():
    """A segment along (1, 0, -1): the larger of |x + s| and |s| is smallest at s = -x / 2."""
    robot = slider(Body("cart", "capsule", 0.05, 2.0, rpy=(0, 0.75 * np.pi, 0)))
    x, box = np.array([[0.1], [0.45], [0.7]]), Box((1.0, 4.0, 1.0))
    distance = array(world_distance(robot, x, box))
    np.testing.assert_allclose(distance, x[:, 0] / 2 - 0.5 - 0.05, atol=1e-9)
    gradient = gradient_of(lambda q: world_distance(robot, q, box))(tensor(x))
    np.testing.assert_allclose(array(gradient), 0.5, atol=1e-9)


def test_a_half_space_below_a_tilted_capsule():
    robot = slider(Body("cart", "capsule", 0.1, 2.0, (0, 0, 0), (0, np.pi / 3, 0)))
    half = HalfSpace((0, 0, 5.0), -1.0)
    np.testing.assert_allclose(array(world_distance(robot, np.zeros(1), half)), 1.0 - 0.5 - 0.1)


def test_a_grid_of_a_plane_is_exact_inside_and_a_bound_outside():
    x = np.linspace(0.0, 1.0, 6)
    plane = DistanceGrid(np.broadcast_to(x[:, None, None] - 0.3, (6, 3, 3)), 0.2, (0, -0.2, -0.2))
    robot = slider(Body("cart", "sphere", 0.1))
    inside = np.array([[0.13], [0.5], [0.99]])
    np.testing.assert_allclose(array(world_distance(robot, inside, plane)), inside[:, 0] - 0.4)
    outside = np.array([[1.2], [3.0], [-0.5]])
    bound = array(world_distance(robot, outside, plane))
    np.testing.assert_allclose(bound, [0.7 - 0.2 - 0.1, 2.0 - 0.1, 0.5 - 0.3 - 0.1])
    capsule = slider(Body("cart", "capsule", 0.1, 0.3, rpy=(np.pi / 2, 0, 0)))
    np.testing.assert_allclose(array(world_distance(capsule, [0.5], plane)), 0.1, atol=1e-9)


@pytest.mark.parametrize("number", range(len(ALL)))
def test_gradients_are_the_slopes(panda, number):
    q = fkarm.sample_configurations(panda, 3, seed=2)
    for row in q:
        check_gradient(lambda q: world_distance(panda, q, ALL[number]), row, atol=1e-6)


@EACH_MODE
def test_every_mode_gives_the_values_and_gradients_of_numpy(mode):
    robot = models.forked()
    q = tensor(fkarm.sample_configurations(robot, 4, seed=1))

    def least(q):
        return world_distance(robot, q, ALL)

    expected = array(least(q)), array(gradient_of(least)(q))
    with fkarm.config.compilation("auto" if mode == "eager" else "graph"):
        np.testing.assert_allclose(array(in_mode(least, mode)(q)), expected[0], atol=1e-12)
        gradient = in_mode(gradient_of(least), mode)(q)
    np.testing.assert_allclose(array(gradient), expected[1], atol=1e-12)


RADIUS, LENGTH = 0.1, 0.4  # of an upright capsule that slides along x


def moved(seed, boxes):
    """Obstacles around the capsule, and their distances from it at positions `x` in closed form.

    Around an upright segment a ball, a rod and a box are as far away as a point is from an upright
    rod, a longer rod and a higher box.
    """
    rng = np.random.default_rng(seed)
    centres = rng.uniform((-1, 0.5, -1), (1, 2.5, 1), (2 + boxes, 3))
    size, offset, wall = rng.uniform(0.1, 0.4, 3), rng.uniform(-1.5, -0.5), rng.uniform(0.5, 1)
    y = -1.0 + 0.4 * np.arange(6)
    obstacles = [
        Sphere(0.05, centres[0]),
        Capsule(0.04, 0.3, centres[1]),
        *(Box(size, centre) for centre in centres[2:]),
        HalfSpace((0, 0.6, 0.8), offset),
        DistanceGrid(np.broadcast_to((wall - y)[:, None], (6, 6, 4)), 0.4, (-1, -1, -0.5)),
    ]

    def expected(x):
        apart = np.stack(np.broadcast_arrays(x, 0.0, 0.0), axis=-1) - centres[:, None]
        halves = np.array([[0, 0, 0], [0, 0, 0.15], *[size / 2] * boxes])[:, None]
        beyond = np.maximum(np.abs(apart) - halves - [0, 0, LENGTH / 2], 0.0)
        radii = np.array([0.05, 0.04, *[0.0] * boxes])[:, None]
        others = (np.linalg.norm(beyond, axis=-1) - radii).min(axis=0)
        return np.minimum(others, min(-offset - 0.8 * LENGTH / 2, wall)) - RADIUS

    return obstacles, expected


@pytest.mark.only_on("tensorflow", "jax", reason="compiling distances: PyTorch compiles none")
def test_obstacles_that_move_compile_nothing_new(monkeypatch):
    robot = slider(Body("cart", "capsule", RADIUS, LENGTH))
    x = np.linspace(-0.9, 0.9, 9)
    q, traced, by_body = tensor(x[:, None], "float32"), [], module._by_body

    def counted(by, *arguments):
        traced.extend([by] if by is not NUMPY else [])
        return by_body(by, *arguments)

    def codes_after(seed, boxes=3):
        """How often code for distances was traced, after scenes."""
        obstacles, expected = moved(seed, boxes)

        def least(q):
            return world_distance(robot, q, obstacles)

        with fkarm.config.compilation("graph"):
            np.testing.assert_allclose(array(least(q)), expected(x), atol=2e-6)
            slope = array(gradient_of(least)(q))[:, 0]
            gradient_of(gradient_of(least))(q)
        step = 1e-6
        slopes = (expected(x + step) - expected(x - step)) / (2 * step)
        assert np.isclose(slope, slopes, atol=1e-4).mean() > 0.8  # others lie where it jumps
        return len(traced)

    monkeypatch.setattr(module, "_by_body", counted)
    codes = codes_after(0)
    assert codes
    for seed in range(1, 5):
        assert codes_after(seed) == codes
    assert codes_after(5, boxes=4) == codes  # 3 and 4 boxes are one size


@pytest.mark.parametrize("compilation", ["auto", "graph"])
def test_a_nan_stays_in_its_row(compilation):
    """Its joint does not move every body; those that it does not move are near to obstacles."""
    robot = models.forked()
    q = fkarm.sample_configurations(robot, 3, seed=1)
    q[1, -1] = np.nan
    with fkarm.config.compilation(compilation):
        distance = array(world_distance(robot, tensor(q), ALL))
    assert np.isnan(distance[1])
    assert np.isfinite(distance[[0, 2]]).all()


def test_what_is_no_obstacle_is_refused(panda):
    q = np.zeros(7)
    with pytest.raises(TypeError, match="objects of fkarm.collision: Sphere, Capsule, Box"):
        world_distance(panda, q, [Body("panda_hand", "sphere", 0.1)])
    with pytest.raises(TypeError, match="objects of fkarm.collision"):
        world_distance(panda, q, 3.0)
    with pytest.raises(ValueError, match="at least one obstacle. Received: none"):
        world_distance(panda, q, [])
    with pytest.raises(fkarm.RobotError, match="robot has no bodies"):
        world_distance(fkarm.robots.panda().with_bodies([]), q, Sphere(0.1))


def test_bodies_that_no_joint_moves_do_not_count():
    arm = fkarm.robots.planar([1.0, 1.0])
    tip, floor = Body(arm.end_effector, "sphere", 0.1), HalfSpace(offset=-0.5)
    base = Body(arm.root_link, "sphere", 0.7)  # it reaches into the floor
    q = [0.3, 0.4]
    distance = world_distance(arm.with_bodies([tip, base]), q, floor)
    np.testing.assert_allclose(array(distance), 0.4, rtol=1e-6)
    with pytest.raises(fkarm.RobotError, match=r"A joint must move .* Received: bodies on base"):
        world_distance(arm.with_bodies([base]), q, floor)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Sphere(-0.1), "Sphere: radius must not be negative, m. Received: -0.1"),
        (lambda: Sphere(0.1, (0, np.nan, 0)), "Sphere: xyz must be 3 finite numbers"),
        (lambda: Capsule(0.1, -1.0), "Capsule: length must not be negative"),
        (lambda: Box((1, -1, 1)), "Box: size must not be negative"),
        (lambda: Box((1, 1)), "Box: size must be 3 finite numbers"),
        (lambda: HalfSpace((0, 0, 0)), "HalfSpace: normal must not be zero"),
        (lambda: HalfSpace((0, 0, 1), "low"), "HalfSpace: offset must be a finite number"),
        (lambda: DistanceGrid(np.zeros((2, 2)), 0.1), "at least two along each axis"),
        (lambda: DistanceGrid("no", 0.1), "at least two along each axis"),
        (lambda: DistanceGrid(np.zeros((2, 2, 2)), 0.0), "spacing must be positive"),
    ],
)
def test_bad_obstacles_are_refused(make, message):
    with pytest.raises(fkarm.RobotError, match=message):
        make()
