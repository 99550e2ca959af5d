"""Distances between links against coal, and their derivatives."""

import numpy as np
import pytest
from autodiff import COMPILED, EACH_MODE, MODES, array, check_gradient, gradient_of, in_mode, tensor
from collision import models

import fkarm
from fkarm import Body
from fkarm.collision import closest_pair, pair_distances, pairs, self_distance

ALL_PAIRS = [
    ("left", "right"),
    ("left_hand", "right_hand"),
    ("trunk", "left_hand"),
    ("right", "left_hand"),
]


@pytest.fixture(scope="module")
def panda():
    return models.panda()


@pytest.fixture(scope="module")
def forked():
    return models.forked()


def test_distances_are_those_of_coal(panda):
    counted = pairs(panda)
    q = fkarm.sample_configurations(panda, 40, seed=0)
    expected = models.pair_distances(panda, q, counted)
    least = expected.min(axis=1)
    assert (least < 0).any()
    assert (least > 0).any()
    np.testing.assert_allclose(array(pair_distances(panda, q)), expected, atol=1e-10)
    np.testing.assert_allclose(array(self_distance(panda, q)), least, atol=1e-10)
    np.testing.assert_array_equal(array(closest_pair(panda, q)), expected.argmin(axis=1))
    single = array(pair_distances(panda, q.astype("float32")))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, atol=1e-6)


@pytest.mark.parametrize(
    "dtype", ["float64", pytest.param("float32", marks=pytest.mark.in_test_all("every case"))]
)
@EACH_MODE
def test_every_mode_gives_the_values_and_gradients_of_numpy(forked, mode, dtype):
    q = fkarm.sample_configurations(forked, 5, seed=1)

    def least(q):
        return self_distance(forked, q, ALL_PAIRS)

    def weighted(q):
        return pair_distances(forked, q, ALL_PAIRS) * tensor([1.0, -2.0, 0.5, 3.0], q.dtype)

    for function in (least, weighted):
        with fkarm.config.compilation("auto"):
            expected = array(function(tensor(q))), array(gradient_of(function)(tensor(q)))
        x = tensor(q, dtype)
        atol = 1e-5 if dtype == "float32" else 1e-12
        with fkarm.config.compilation("auto" if mode == "eager" else "graph"):
            values = in_mode(function, mode)(x)
            gradient = in_mode(gradient_of(function), mode)(x)
        np.testing.assert_allclose(array(values), expected[0], atol=atol)
        np.testing.assert_allclose(array(gradient), expected[1], atol=atol)


@pytest.mark.only_on("tensorflow", reason="other backends compile no loops")
def test_loops_and_plain_operations_give_the_same(forked):
    q = tensor(fkarm.sample_configurations(forked, 6, seed=2).reshape((3, 2, -1)))

    def weighted(q):
        return pair_distances(forked, q, ALL_PAIRS) * self_distance(forked, q, ALL_PAIRS)[..., None]

    results = []
    for mode in ("graph", "auto"):
        with fkarm.config.compilation(mode):
            results.append([array(weighted(q)), array(gradient_of(weighted)(q))])
    with fkarm.config.compilation("eager"):
        plain = in_mode(weighted, "graph"), in_mode(gradient_of(weighted), "graph")
        results.append([array(function(q)) for function in plain])
    for result in results[1:]:
        for ours, theirs in zip(results[0], result, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-12)


def test_plain_operations_keep_the_type(forked):
    q = tensor(fkarm.sample_configurations(forked, 2, seed=2), "float32")
    with fkarm.config.plain_operations():
        for function in (self_distance, pair_distances):
            values = in_mode(lambda q, f=function: f(forked, q, ALL_PAIRS), MODES[:2][-1])(q)
            assert array(values).dtype == np.float32
            np.testing.assert_allclose(
                array(values), array(function(forked, q, ALL_PAIRS)), atol=1e-6
            )


def test_gradients_are_the_slopes(forked):
    q = fkarm.sample_configurations(forked, 3, seed=3)
    check_gradient(lambda q: pair_distances(forked, q, ALL_PAIRS), q[0])
    check_gradient(lambda q: self_distance(forked, q, ALL_PAIRS), q[1])


def test_joints_above_all_bodies_do_not_matter(forked):
    q = fkarm.sample_configurations(forked, 4, seed=4, dtype="float32")
    far = q.copy()
    far[:, :3] += 1e4
    near, away = (array(self_distance(forked, x, ALL_PAIRS)) for x in (q, far))
    np.testing.assert_array_equal(near, away)
    gradient = array(gradient_of(lambda q: self_distance(forked, q, ALL_PAIRS))(tensor(far)))
    assert not gradient[:, :7].any()
    assert gradient[:, 7:].any()


def two_axes(body_a, body_b):
    """Two bodies on links that slide along x and turn about z."""
    joints = [
        fkarm.Joint(
            "slide", "prismatic", (1, 0, 0), parent="base", child="cart", lower=-1, upper=1
        ),
        fkarm.Joint("turn", "revolute", (0, 0, 1), parent="cart", child="disc", lower=-3, upper=3),
    ]
    robot = fkarm.Robot(joints)
    bodies = [Body("base", **body_a), Body("disc", **body_b)]
    return robot.with_bodies(bodies)


SPHERE = {"shape": "sphere", "radius": 0.1}
# Along y: they turn about z with the joint.
CAPSULE = {"shape": "capsule", "radius": 0.1, "length": 0.4, "rpy": (np.pi / 2, 0, 0)}
FLAT = {"shape": "capsule", "radius": 0.1, "length": 0.0}


@pytest.mark.parametrize(
    ("bodies", "expected"),
    [((SPHERE, SPHERE), -0.2), ((CAPSULE, CAPSULE), -0.2), ((CAPSULE, FLAT), -0.2)],
    ids=["concentric spheres", "equal segments", "a point on a segment"],
)
@pytest.mark.parametrize(
    "mode",
    ["eager", pytest.param(COMPILED, marks=pytest.mark.in_test_all("every case"))],
)
def test_where_axes_meet_the_gradient_is_zero(bodies, expected, mode):
    robot = two_axes(*bodies)
    q = tensor(np.zeros((2, 2)))

    def least(q):
        return self_distance(robot, q, [("base", "disc")])

    with fkarm.config.compilation("auto" if mode == "eager" else "graph"):
        np.testing.assert_allclose(array(in_mode(least, mode)(q)), expected, atol=1e-12)
        gradient = array(in_mode(gradient_of(least), mode)(q))
    np.testing.assert_array_equal(gradient, np.zeros((2, 2)))


@pytest.mark.parametrize(
    ("function", "radii", "length"),
    [
        pytest.param(self_distance, (0.05, 0.05), 0.0, id="equal spheres"),
        pytest.param(pair_distances, (0.01, 0.05), 0.0, id="spheres"),
        pytest.param(
            self_distance,
            (0.01, 0.05),
            0.2,
            id="capsules",
            marks=pytest.mark.in_test_all("every case"),
        ),
    ],
)
def test_several_bodies_on_each_link(function, radii, length):
    """More than a group holds; those of the disc turn about z, to which capsules are parallel."""
    rng = np.random.default_rng(7)
    at, radius = rng.uniform(-0.3, 0.3, (9, 3)), rng.uniform(*radii, 9)
    at[:4, 0] -= 0.5
    bodies = [
        Body(link, "capsule" if length else "sphere", r, length, x)
        for link, r, x in zip(["base"] * 4 + ["disc"] * 5, radius, at, strict=True)
    ]
    robot = two_axes(SPHERE, SPHERE).with_bodies(bodies)
    q = np.array([[0.1, 0.4], [0.3, -2.0], [0.6, 2.5], [-0.2, 1.0]])

    def least(q):
        return function(robot, q, [("base", "disc")])

    def expected(q):
        c, s = np.cos(q[1]), np.sin(q[1])
        turned = at[4:] @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]) + [q[0], 0, 0]
        between = at[:4, None] - turned
        between[..., 2] = np.maximum(np.abs(between[..., 2]) - length, 0.0)
        return (np.linalg.norm(between, axis=-1) - radius[:4, None] - radius[4:]).min()

    slopes = [[(expected(x + d) - expected(x - d)) / 2e-6 for d in 1e-6 * np.eye(2)] for x in q]
    for mode in ("auto", "graph"):
        with fkarm.config.compilation(mode):
            values = array(least(tensor(q))).reshape(-1)
            gradient = array(gradient_of(least)(tensor(q)))
        np.testing.assert_allclose(values, [expected(x) for x in q], atol=1e-12)
        np.testing.assert_allclose(gradient, slopes, atol=1e-8)


@pytest.mark.parametrize("turn", [0.0, 1e-9, 1e-5, 1e-3, 0.3, np.pi / 2, np.pi - 1e-7])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nearly_parallel_capsules_are_exact(turn, dtype):
    """In a plane, one slid by 0.5 m: the nearer end decides, or the feet of both."""
    robot = two_axes(CAPSULE, CAPSULE)
    q = np.array([0.5, turn])
    ends = 0.5 + 0.2 * np.sin(turn) * np.array([-1.0, 1.0])
    expected = np.abs(ends).min() - 0.2
    distance = self_distance(robot, tensor(q, dtype), [("base", "disc")])
    np.testing.assert_allclose(
        array(distance), expected, atol=1e-7 if dtype == "float32" else 1e-12
    )


@pytest.mark.parametrize("compilation", ["auto", "graph"])
def test_a_nan_reaches_the_pairs_of_its_row(compilation):
    """A joint moves the left hand only; compiled code passes NaN on as NumPy does."""
    hand = [Body("left_hand", "capsule", 0.05, 0.1, (0, 0, z)) for z in (0.0, 0.1, 0.2, 0.3, 0.4)]
    robot = models.forked([*models.forked().bodies, *hand])
    q = fkarm.sample_configurations(robot, 3, seed=5)
    q[1, robot.coordinates["wrist"].index] = np.nan
    chosen = [("left", "right_hand"), ("trunk", "left_hand")]
    with fkarm.config.compilation(compilation):
        least = array(self_distance(robot, tensor(q), chosen))
        by_pair = array(pair_distances(robot, tensor(q), chosen))
    np.testing.assert_array_equal(np.isnan(least), [False, True, False])
    np.testing.assert_array_equal(np.isnan(by_pair), [[False] * 2, [False, True], [False] * 2])


def test_the_gradient_of_a_nan_stays_in_its_row(forked):
    q = fkarm.sample_configurations(forked, 3, seed=5)
    q[1, -1] = np.nan
    for function in (self_distance, pair_distances):
        gradient = gradient_of(lambda q, f=function: f(forked, q, [("left", "right_hand")]))
        gradient = array(gradient(tensor(q)))
        assert np.isfinite(gradient[[0, 2]]).all()


@pytest.mark.parametrize("batch", [(), (1,), (2, 1, 3), (0,)], ids=str)
def test_any_batch_axes(forked, batch):
    q = fkarm.sample_configurations(forked, batch, seed=6)
    assert array(self_distance(forked, q, ALL_PAIRS)).shape == batch
    assert array(closest_pair(forked, q, ALL_PAIRS)).shape == batch
    assert array(pair_distances(forked, q, ALL_PAIRS)).shape == (*batch, 4)


def test_a_body_in_the_gripper_counts(panda):
    """At this posture the tool's ball touches the first link."""
    q = np.zeros((1, 7))
    carried = panda.with_bodies([*panda.bodies, Body("panda_hand", "sphere", 0.5)])
    pair = [("panda_link0", "panda_hand")]
    assert array(self_distance(carried, q, pair)) < array(self_distance(panda, q, pair)) - 0.3


def test_equal_robots_with_other_bodies_are_kept_apart(panda):
    q = fkarm.sample_configurations(panda, 2, seed=0)
    larger = [Body(b.link, b.shape, b.radius + 0.01, b.length, b.xyz, b.rpy) for b in panda.bodies]
    larger = panda.with_bodies(larger)
    assert larger == panda
    counted = pairs(panda)
    difference = array(pair_distances(panda, q, counted)) - array(
        pair_distances(larger, q, counted)
    )
    np.testing.assert_allclose(difference, 0.02, atol=1e-12)


def test_bad_pairs_are_refused(panda):
    q = np.zeros(7)
    with pytest.raises(fkarm.UnknownLinkError, match="Did you mean 'panda_link3'"):
        self_distance(panda, q, [("panda_link3", "panda_lnk3")])
    with pytest.raises(
        ValueError, match="'panda_link8', which has none. Bodies are on: panda_hand"
    ):
        self_distance(panda, q, [("panda_link0", "panda_link8")])
    with pytest.raises(ValueError, match="must name two links. Received: 'panda_link0' twice"):
        self_distance(panda, q, [("panda_link0", "panda_link0")])
    with pytest.raises(TypeError, match=r"Write one pair as \[\(link_1, link_2\)\]"):
        self_distance(panda, q, ("panda_link0", "panda_link5"))
    with pytest.raises(TypeError, match="must be a list of pairs of names"):
        self_distance(panda, q, "panda_link0")
    with pytest.raises(ValueError, match="at least one pair. Received: none"):
        self_distance(panda, q, [])


def test_bad_configurations_are_refused(panda):
    with pytest.raises(ValueError, match=r"q must have shape \(..., 7\)"):
        self_distance(panda, np.zeros((2, 6)))
    with pytest.raises(fkarm.RobotError, match="robot has no bodies: distances need spheres"):
        self_distance(fkarm.robots.panda().with_bodies([]), np.zeros(7))


def test_where_no_pair_counts_the_reasons_are_said():
    robot = two_axes(SPHERE, SPHERE).with_bodies(
        [Body("base", "sphere", 0.1), Body("cart", "sphere", 0.1)]
    )
    with pytest.raises(ValueError, match="none .base and cart: neighbours at joint slide"):
        self_distance(robot, np.zeros(2))
    with pytest.raises(ValueError, match="none .bodies on one link"):
        self_distance(robot.with_bodies([Body("base", "sphere", 0.1)] * 2), np.zeros(2))


def test_a_robot_that_no_joint_moves():
    joint = fkarm.Joint("weld", "fixed", parent="a", child="b", xyz=(1, 0, 0))
    robot = fkarm.Robot([joint]).with_bodies([Body("a", "sphere", 0.1), Body("b", "sphere", 0.2)])
    np.testing.assert_allclose(array(self_distance(robot, np.zeros((2, 0)), [("a", "b")])), 0.7)
    np.testing.assert_allclose(array(pair_distances(robot, np.zeros(0), [("a", "b")])), [0.7])
