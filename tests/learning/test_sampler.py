"""Where `pose_stream` and `PoseBatches` draw configurations."""

import numpy as np
import pytest
import tensorflow as tf

import fkarm
from fkarm.kinematics.joint_space import representable_bounds, sampling_bounds
from fkarm.learning import PoseBatches, pose_stream
from fkarm.learning.sampler import Sampler

ON_BOTH = pytest.mark.parametrize("kind", ["stream", "batches"])
BOTH = {"stream": pose_stream, "batches": PoseBatches}


def drawn(kind, robot, count=1, labels="configuration", **options):
    """Poses and labels of the first batches, concatenated."""
    options = {"batch_size": 512, "seed": 3, "labels": labels, **options}
    if kind == "stream":
        pairs = [(x.numpy(), y.numpy()) for x, y in pose_stream(robot, **options).take(count)]
    else:
        batches = PoseBatches(robot, steps_per_epoch=count, **options)
        pairs = [batches[index] for index in range(count)]
    x, y = zip(*pairs, strict=True)
    return np.concatenate(x), np.concatenate(y)


def hand_is_high(q):
    return fkarm.forward_kinematics(fkarm.robots.panda(), q, "panda_hand")[:, 2, 3] > 0.5


def near_a_limit(robot, q):
    lower, upper = robot.lower_limits, robot.upper_limits
    edge = 0.02 * (upper - lower) + 1e-6
    return (q < lower + edge) | (q > upper - edge)


def unevenness(counts):
    return np.std(counts) / np.mean(counts)


class TestDefaults:
    def test_a_stream_is_the_formula_to_the_bit(self, panda):
        lower, upper = representable_bounds(*sampling_bounds(panda), "float32")
        for index, (x, q) in enumerate(
            pose_stream(panda, batch_size=64, seed=3, labels="configuration").take(2)
        ):
            seed = tf.constant([3, index], "int64")
            uniform = tf.random.stateless_uniform((64, 7), seed=seed)
            expected = tf.clip_by_value(lower + (upper - lower) * uniform, lower, upper)
            np.testing.assert_array_equal(q, expected)
            pose = fkarm.forward_kinematics(panda, expected, "panda_hand")
            np.testing.assert_allclose(x[:, :3], pose[:, :3, 3], atol=1e-6)

    @pytest.mark.parametrize("part", [(0, 1), (1, 2)])
    def test_batches_are_the_formula_to_the_bit(self, panda, part):
        lower, upper = representable_bounds(*sampling_bounds(panda), "float32")
        batches = PoseBatches(
            panda, batch_size=64, seed=3, labels="configuration", part=part, first_epoch=2
        )
        for index in range(2):
            uniform = np.random.default_rng((3, 2, index)).uniform(size=(64, 7))
            expected = np.clip(lower + (upper - lower) * uniform, lower, upper)
            _, q = batches[index]
            np.testing.assert_array_equal(q, expected.astype("float32")[part[0] :: part[1]])


OPTIONS = {
    "near_limits": {"near_limits": 1.0},
    "balanced": {"balanced": True},
    "is_free": {"is_free": hand_is_high},
    "all": {"near_limits": 0.3, "balanced": True, "is_free": hand_is_high},
}


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        pytest.param(
            kind,
            options,
            id=f"{kind}-{name}",
            marks=pytest.mark.in_test_all("every case")
            if kind == "stream" and name != "all"
            else (),
        )
        for kind in BOTH
        for name, options in OPTIONS.items()
    ],
)
class TestEveryOption:
    def test_poses_are_those_of_configurations_within_limits(self, kind, options, panda):
        x, q = drawn(kind, panda, 2, **options)
        again, pose = drawn(kind, panda, 2, "pose", **options)
        assert q.shape == (1024, 7)
        assert q.dtype == np.float32
        assert (q >= panda.lower_limits).all()
        assert (q <= panda.upper_limits).all()
        expected = fkarm.forward_kinematics(panda, q.astype("float64"), "panda_hand")
        np.testing.assert_allclose(pose, expected, atol=1e-5)
        np.testing.assert_allclose(x[:, :3], expected[:, :3, 3], atol=1e-5)
        np.testing.assert_array_equal(x, again)

    def test_batches_follow_the_seed_and_never_repeat(self, kind, options, panda):
        _, q = drawn(kind, panda, 2, **options)
        _, again = drawn(kind, panda, 2, **options)
        _, other = drawn(kind, panda, 2, seed=4, **options)
        np.testing.assert_array_equal(q, again)
        assert len(np.unique(np.concatenate([q, other]), axis=0)) == 2048


def test_processes_share_one_batch(panda):
    options = {"near_limits": 0.5, "balanced": True, "is_free": hand_is_high}
    _, whole = drawn("batches", panda, **options)
    for process in range(2):
        _, part = drawn("batches", panda, part=(process, 2), **options)
        np.testing.assert_array_equal(part, whole[process::2])


@ON_BOTH
class TestNearLimits:
    def test_one_joint_is_near_one_of_its_limits(self, kind, panda):
        _, q = drawn(kind, panda, 8, near_limits=1.0)
        near = near_a_limit(panda, q)
        assert near.any(axis=1).all()
        # A joint is near by its turn, one in seven, or by chance, 4 %.
        np.testing.assert_allclose(near.mean(axis=0), 1 / 7 + 6 / 7 * 0.04, atol=0.025)
        low = near & (q < panda.lower_limits + panda.upper_limits - q)
        np.testing.assert_allclose(low.sum() / near.sum(), 0.5, atol=0.05)

    def test_the_share_is_the_one_asked_for(self, kind, panda):
        chance = 1 - 0.96**7
        _, q = drawn(kind, panda, 8, near_limits=0.4)
        share = near_a_limit(panda, q).any(axis=1).mean()
        assert share == pytest.approx(0.4 + 0.6 * chance, abs=0.03)

    def test_joints_without_limits_stay_where_they_are(self, kind, every_joint):
        _, q = drawn(kind, every_joint, 2, near_limits=1.0)
        limited = np.isfinite(every_joint.lower_limits)
        assert list(limited) == [True, False, True]
        near = near_a_limit(every_joint.with_fixed_joints({"spin": 0.0}), q[:, limited])
        assert near.any(axis=1).all()
        assert (np.abs(q[:, 1]) > 0.96 * np.pi).mean() == pytest.approx(0.04, abs=0.025)

    @pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), "0.5", None])
    def test_no_share_is_refused(self, kind, panda, value):
        with pytest.raises(ValueError, match="near_limits must be a share, 0 to 1. Received"):
            BOTH[kind](panda, near_limits=value)

    def test_a_robot_without_limits_is_refused(self, kind):
        wheel = fkarm.Robot.from_joints([fkarm.Joint("wheel", "continuous")])
        with pytest.raises(fkarm.RobotError, match="needs a joint with two limits"):
            BOTH[kind](wheel, near_limits=0.1)


@ON_BOTH
class TestBalanced:
    def test_rings_of_equal_area_hold_as_many(self, kind):
        robot = fkarm.robots.planar([1.0, 0.5])

        def rings(**options):
            x, _ = drawn(kind, robot, 8, **options)
            return np.histogram(np.sum(x[:, :2] ** 2, axis=1), 8, (0.25, 2.25))[0]

        assert unevenness(rings(balanced=True)) < 0.7 * unevenness(rings())

    def test_shells_of_equal_volume_hold_as_many(self, kind):
        robot = fkarm.robots.ur5e()

        def shells(**options):
            x, _ = drawn(kind, robot, 8, **options)
            radius = np.linalg.norm(x[:, :3] - [0, 0, 0.1625], axis=1)
            return np.histogram(radius**3, 6, (0.2**3, 0.95**3))[0]

        assert unevenness(shells(balanced=True)) < 0.5 * unevenness(shells())

    def test_space_is_filled_more_evenly(self, kind, panda):
        def cells(**options):
            x, _ = drawn(kind, panda, 16, **options)
            return np.histogramdd(x[:, :3], 6, [(-0.9, 0.9), (-0.9, 0.9), (-0.4, 1.2)])[0]

        plain, balanced = cells(), cells(balanced=True)
        reached = plain > 0
        assert unevenness(balanced[reached]) < 0.8 * unevenness(plain[reached])

    def test_a_link_that_does_not_move_is_no_obstacle(self, kind, panda):
        x, _ = drawn(kind, panda, link="panda_link1", balanced=True)
        np.testing.assert_allclose(x[:, :3], np.tile([0, 0, 0.333], (512, 1)), atol=1e-7)


@ON_BOTH
class TestIsFree:
    @pytest.mark.parametrize(
        "options",
        [
            {"balanced": True, "near_limits": 0.5},
            pytest.param({}, marks=pytest.mark.in_test_all("every case")),
        ],
    )
    def test_only_what_it_accepts_is_given(self, kind, options, panda):
        x, q = drawn(kind, panda, 4, is_free=hand_is_high, **options)
        assert (x[:, 2] > 0.5 - 1e-6).all()
        assert np.asarray(hand_is_high(q)).all()
        assert len(np.unique(q, axis=0)) == 2048

    def test_even_a_rare_one_fills_small_batches(self, kind, panda):
        lower, upper = panda.lower_limits, panda.upper_limits
        bound = lower[0] + 0.04 * (upper[0] - lower[0])
        _, q = drawn(kind, panda, 40, batch_size=1, is_free=lambda q: q[:, 0] < bound)
        assert (q[:, 0] < bound).all()

    @pytest.mark.parametrize(
        ("is_free", "received"),
        [
            (lambda q: q > 0, r"bool, shape \(4096, 7\)"),
            (lambda q: q[:1, 0] > 0, r"bool, shape \(1,\)"),
            (lambda q: q[:, 0], r"float32, shape \(4096,\)"),
        ],
        ids=["a bool for each joint", "one bool", "a distance"],
    )
    def test_another_shape_or_type_is_refused(self, kind, panda, is_free, received):
        with pytest.raises(ValueError, match=r"shape \(4096,\). Received: " + received):
            BOTH[kind](panda, is_free=is_free)

    @pytest.mark.parametrize("threshold", [1.0, 0.99])
    def test_one_that_refuses_nearly_all_is_refused(self, kind, panda, threshold):
        bound = panda.upper_limits[3] * threshold + panda.lower_limits[3] * (1 - threshold)
        with pytest.raises(ValueError, match="at least 1/32 of the configurations. Received: sha"):
            BOTH[kind](panda, is_free=lambda q: q[:, 3] > bound)


def test_a_predicate_of_a_stream_may_be_plain_numpy(panda):
    def is_free(q):
        return tf.numpy_function(lambda q: q[:, 1] > 0, [q], tf.bool)

    stream = pose_stream(panda, batch_size=64, labels="configuration", is_free=is_free)
    _, q = next(iter(stream))
    assert (q.numpy()[:, 1] > 0).all()
    assert [tuple(spec.shape) for spec in stream.element_spec] == [(64, 9), (64, 7)]


@ON_BOTH
def test_configurations_may_be_clear_of_the_robot_itself(kind):
    links = ("panda_link0", "panda_link2", "panda_hand")
    robot = fkarm.robots.panda().with_bodies([fkarm.Body(link, "sphere", 0.25) for link in links])
    robot = robot.with_exclusions([links[:2]])
    _, q = drawn(kind, robot, is_free="self")
    assert (np.asarray(fkarm.collision.self_distance(robot, q)) > 0).all()
    _, uniform = drawn(kind, robot)
    assert (np.asarray(fkarm.collision.self_distance(robot, uniform)) < 0).any()


@ON_BOTH
def test_a_robot_that_is_clear_of_itself_has_bodies(kind):
    with pytest.raises(ValueError, match="is_free must be one of: 'self'"):
        BOTH[kind](fkarm.robots.panda(), is_free="world")
    with pytest.raises(fkarm.RobotError, match="robot has no bodies"):
        BOTH[kind](fkarm.robots.panda().with_bodies([]), is_free="self")


def test_a_batch_with_too_few_free_ones_repeats_them(panda):
    sampler = Sampler(panda, "panda_hand", 8, is_free=lambda q: q[:, 0] > 0)
    uniform = np.full(sampler.shape, 0.25)
    uniform[[2, 5, 9], 0] = 0.7, 0.8, 0.9
    uniform[[2, 5, 9], -1] = 0.5, 0.3, 0.1
    lower, upper = panda.lower_limits[0], panda.upper_limits[0]
    expected = lower + (upper - lower) * np.array([0.7, 0.8, 0.9, 0.7, 0.8, 0.9, 0.7, 0.8])
    np.testing.assert_allclose(np.asarray(sampler(uniform))[:, 0], expected, atol=1e-5)
