"""Entropies, their derivatives and the smooth entropy, compared with closed forms."""

import functools
import math
import operator

import keras
import numpy as np
import pytest
import tensorflow as tf
from autodiff import MODES, check_gradient, in_mode

from fkarm.primers import (
    EntropyRegularizer,
    entropy_gradient,
    entropy_of_probabilities,
    projected_entropy_gradient,
    shannon_entropy,
    soft_entropy,
    soft_entropy_of_points,
)

VECTORS = [
    pytest.param([1, 1, 1, 3, 3, 2], [3 / 6, 2 / 6, 1 / 6], 1.4591479170272446, 0.84183987877),
    pytest.param([1, 1, 1, 3, 3, 3], [3 / 6, 3 / 6], 1.0, -0.88539008178),
    pytest.param([1, 1, 1, 1, 1, 1], [6 / 6], 0.0, -1.44269504089),
]
LN2 = math.log(2.0)


def p64(p):
    return tf.constant(p, tf.float64)


def counted_entropy(vector):
    _, counts = np.unique(vector, return_counts=True)
    p = counts / counts.sum()
    return float(np.sum(p * np.log2(1 / p)))


def plain_entropy(p):
    # Rounds after each addition, as the forum's code did. From Python 3.12 on `sum` rounds once.
    return -functools.reduce(operator.add, (each * math.log2(each) for each in p))


@pytest.mark.parametrize(("x", "p", "entropy", "total"), VECTORS)
def test_the_entropies_of_the_question_are_exact_to_the_last_digit(x, p, entropy, total):
    for result in (shannon_entropy(np.array(x, float)), entropy_of_probabilities(np.array(p))):
        assert repr(float(result)) == repr(entropy)  # 0.0, and not -0.0


@pytest.mark.parametrize("method", ["analytic", "tape"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("x", "p", "entropy", "total"), VECTORS)
def test_the_sums_of_partial_derivatives_have_the_digits_of_the_question(
    x, p, entropy, total, mode, method
):
    partials = in_mode(lambda p: entropy_gradient(p, method), mode)(tf.constant(p, tf.float64))
    assert abs(float(tf.reduce_sum(partials)) - total) < 1e-11
    np.testing.assert_allclose(partials, -np.log2(p) - 1 / LN2, rtol=1e-14)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32", "int64", "uint8"])
@pytest.mark.parametrize("mode", MODES)
def test_values_are_counted_along_the_last_axis(mode, dtype, rng):
    x = rng.integers(0, 5, size=(2, 3, 40)).astype(dtype)
    result = in_mode(shannon_entropy, mode)(tf.constant(x))
    assert result.dtype == (dtype if dtype.startswith("float") else "float32")
    expected = np.apply_along_axis(counted_entropy, -1, x)
    np.testing.assert_allclose(result, expected, rtol=2e-3 if dtype == "float16" else 1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_the_entropy_of_a_certainty_is_not_negative_zero(mode):
    for entropy, x in (
        (shannon_entropy, [2.0, 2.0]),
        (entropy_of_probabilities, [1.0, 0.0]),
        (lambda x: soft_entropy(x, 0.1), [2.0, 2.0]),
    ):
        assert math.copysign(1.0, float(in_mode(entropy, mode)(tf.constant(x)))) == 1.0


def test_entropy_does_not_depend_on_order_and_counts_both_zeros_as_one(rng):
    x = rng.integers(-3, 4, size=50).astype(float)
    shuffled = shannon_entropy(rng.permutation(x))
    np.testing.assert_allclose(shuffled, shannon_entropy(x), rtol=1e-15)
    np.testing.assert_array_equal(shannon_entropy([0.0, -0.0]), 0.0)
    np.testing.assert_array_equal(shannon_entropy([np.inf, -np.inf, 1.0, 2.0]), 2.0)


@pytest.mark.parametrize("mode", MODES)
def test_the_entropy_of_no_values_is_zero_and_of_nan_is_nan(mode):
    hard = in_mode(shannon_entropy, mode)
    assert hard(tf.zeros((0, 3))).shape == (0,)
    np.testing.assert_array_equal(hard(tf.zeros((3, 0))), np.zeros(3))
    np.testing.assert_array_equal(
        np.isnan(hard(tf.constant([[1.0, np.nan], [1, 2]]))), [True, False]
    )
    soft = in_mode(lambda x: soft_entropy(x, 0.1), mode)
    assert soft(tf.zeros((0, 3))).shape == (0,)
    np.testing.assert_array_equal(soft(tf.zeros((3, 0))), np.zeros(3))


def test_a_single_number_is_refused():
    with pytest.raises(ValueError, match=r"x must be a vector.*Received: shape \(\)"):
        shannon_entropy(1.0)


def test_moving_the_values_changes_no_count():
    x = tf.constant([1.0, 1, 1, 3, 3, 2])
    with tf.GradientTape() as tape:
        tape.watch(x)
        entropy = shannon_entropy(x)
    assert tape.gradient(entropy, x) is None
    moved = shannon_entropy(x + tf.constant([0.0, 0, 0, 0, 0, 0.3]))
    assert float(moved) == float(entropy)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_probabilities_may_have_any_batch_shape(mode, dtype, rng):
    p = rng.dirichlet(np.ones(4), size=(2, 3)).astype(dtype)
    for batch in (p, p[0, 0], p[:0]):
        result = in_mode(entropy_of_probabilities, mode)(tf.constant(batch))
        assert result.dtype == dtype
        np.testing.assert_allclose(result, -(batch * np.log2(batch)).sum(-1), rtol=1e-6)
        for gradient in (entropy_gradient, projected_entropy_gradient):
            assert in_mode(gradient, mode)(tf.constant(batch)).shape == batch.shape


@pytest.mark.parametrize("method", ["analytic", "tape"])
@pytest.mark.parametrize("mode", MODES)
def test_zero_log_zero_is_zero_and_its_gradient_is_replaced_by_zero(mode, method):
    p = tf.constant([0.5, 0.0, 0.5, 0.0], tf.float64)
    np.testing.assert_allclose(in_mode(entropy_of_probabilities, mode)(p), 1.0, rtol=1e-15)
    gradient = in_mode(lambda p: entropy_gradient(p, method), mode)(p)
    np.testing.assert_allclose(gradient, [1 - 1 / LN2, 0.0, 1 - 1 / LN2, 0.0], rtol=1e-14)


def test_the_gradient_grows_without_bound_towards_zero():
    p = 10.0 ** -np.arange(0, 301, 50)
    partials = entropy_gradient(p[:, None])[:, 0].numpy()
    np.testing.assert_allclose(partials, -np.log2(p) - 1 / LN2, rtol=1e-14)
    assert (np.diff(partials) > 100).all()


def test_the_entropy_of_negative_probabilities_is_nan():
    assert math.isnan(float(entropy_of_probabilities([-0.5, 1.5])))


def test_a_step_of_1e_12_is_wrong_in_the_fourth_digit():
    p, step = [3 / 6, 2 / 6, 1 / 6], 1e-12
    moved = [[q + step * (i == k) for i, q in enumerate(p)] for k in range(3)]
    forum = functools.reduce(
        operator.add, ((plain_entropy(each) - plain_entropy(p)) / step for each in moved)
    )
    assert round(forum, 5) == 0.84177
    # Doubles near H are 2.2e-16 apart, so no difference over 1e-12 can be more accurate.
    grid = np.spacing(plain_entropy(p)) / step
    ours = float(tf.reduce_sum(entropy_gradient(p64(p), "forward", step)))
    assert 1e-5 < abs(ours - 0.84183987877) < 3 * grid
    assert grid == pytest.approx(2.2e-4, rel=0.01)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("method", "rtol"), [("forward", 1e-6), ("central", 2e-9)])
def test_differences_with_the_default_step_are_accurate(method, rtol, mode, rng):
    p = rng.dirichlet(10 * np.ones(4), size=3)
    actual = in_mode(lambda p: entropy_gradient(p, method), mode)(p64(p))
    np.testing.assert_allclose(actual, -np.log2(p) - 1 / LN2, rtol=rtol, atol=rtol)


@pytest.mark.parametrize(("method", "order"), [("forward", 1), ("central", 2)])
def test_the_error_of_a_large_step_is_the_next_term_of_the_series(method, order):
    p, h = np.array([0.5, 0.3, 0.2]), 1e-3
    error = entropy_gradient(p64(p), method, h).numpy() - (-np.log2(p) - 1 / LN2)
    # d2H = -1 / (p ln 2), d3H = 1 / (p^2 ln 2)
    expected = -h / (2 * p * LN2) if order == 1 else h**2 / (6 * p**2 * LN2)
    np.testing.assert_allclose(error, expected, rtol=1e-2)


def test_float32_differences_use_a_larger_step():
    p = tf.constant([0.5, 0.3, 0.2])
    for method, atol in (("forward", 3e-3), ("central", 3e-4)):
        gradient = entropy_gradient(p, method)
        assert gradient.dtype == "float32"
        np.testing.assert_allclose(gradient, -np.log2(p) - 1 / LN2, atol=atol)


def test_forward_differences_work_at_zero_and_central_ones_do_not():
    p = p64([0.0, 1.0])
    assert float(entropy_gradient(p, "forward", 1e-3)[0]) == pytest.approx(-math.log2(1e-3))
    assert math.isnan(float(entropy_gradient(p, "central", 1e-3)[0]))


@pytest.mark.parametrize("mode", MODES)
def test_the_projected_gradient_is_the_derivative_along_the_simplex(mode, rng):
    p = rng.dirichlet(np.ones(4), size=5)
    projected = in_mode(projected_entropy_gradient, mode)(p64(p)).numpy()
    np.testing.assert_allclose(projected.sum(-1), 0.0, atol=1e-14)
    along = rng.normal(size=4)
    along -= along.mean()
    h = 1e-6
    ahead, behind = (entropy_of_probabilities(p + s * h * along).numpy() for s in (1, -1))
    np.testing.assert_allclose(projected @ along, (ahead - behind) / (2 * h), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("mode", MODES)
def test_the_projected_gradient_vanishes_for_uniform_probabilities_and_stays_in_the_face(mode):
    project = in_mode(projected_entropy_gradient, mode)
    for uniform in ([0.25] * 4, [0.5, 0.5, 0.0, 0.0], [1.0, 0, 0, 0], [0.0] * 4):
        np.testing.assert_allclose(project(p64(uniform)), np.zeros(4), atol=1e-15)
    face = project(p64([0.6, 0.3, 0.1, 0.0])).numpy()
    inner = project(p64([0.6, 0.3, 0.1])).numpy()
    np.testing.assert_allclose(face, [*inner, 0.0], rtol=1e-14)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([0.5, 0.5], "numeric"), ValueError, "method must be one of.*'central'.*'numeric'"),
        (([0.5, 0.5], "forward", 0.0), ValueError, "step must be finite and > 0. Received: 0.0"),
        (([0.5, 0.5], "central", -1e-3), ValueError, "step must be finite and > 0"),
        (([1, 0],), TypeError, "p must be floating"),
    ],
    ids=str,
)
def test_bad_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        entropy_gradient(*arguments)


def test_integers_are_refused_as_probabilities():
    for function in (entropy_of_probabilities, projected_entropy_gradient):
        with pytest.raises(TypeError, match="p must be floating. Received: .*int32"):
            function([1, 0])


# The smooth entropy.


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_smooth_entropy_of_two_values_has_the_closed_form(mode, dtype):
    x, h = np.array([0.3, 1.0], dtype), 0.5
    near = math.exp(-((x[1] - x[0]) ** 2) / (2 * h**2))
    result = in_mode(lambda x: soft_entropy(x, h), mode)(tf.constant(x))
    assert result.dtype == dtype
    np.testing.assert_allclose(result, math.log2(2 / (1 + near)), rtol=1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_the_gradient_of_two_values_has_the_closed_form(mode):
    x, h = p64([0.3, 1.0]), 0.5

    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            entropy = soft_entropy(x, h)
        return tape.gradient(entropy, x)

    near = math.exp(-(0.7**2) / (2 * h**2))
    push = near * 0.7 / (h**2 * LN2 * (1 + near))
    np.testing.assert_allclose(in_mode(gradient, mode)(x), [-push, push], rtol=1e-12)


def test_the_smooth_entropy_is_the_mean_over_smoothed_counts(rng):
    x, h = rng.normal(size=(2, 3, 5)), 0.4
    counts = np.exp(-((x[..., :, None] - x[..., None, :]) ** 2) / (2 * h**2)).sum(-1)
    np.testing.assert_allclose(soft_entropy(x, h), np.log2(5 / counts).mean(-1), rtol=1e-13)
    check_gradient(lambda each: soft_entropy(each, h), x[0, 0], atol=1e-8)


@pytest.mark.parametrize(("x", "p", "entropy", "total"), VECTORS)
def test_the_smooth_entropy_converges_to_the_entropy(x, p, entropy, total):
    x = np.array(x, float)
    errors = [abs(float(soft_entropy(x, h)) - entropy) for h in (1.0, 0.5, 0.25, 0.1)]
    assert errors[-1] < 1e-15
    assert errors == sorted(errors, reverse=True)
    # A gap of 1 adds at most n exp(-1 / 2h^2) to a count.
    assert errors[2] <= 6 * math.exp(-1 / (2 * 0.25**2)) / LN2


def test_the_smooth_gradient_vanishes_for_equal_and_for_distant_values():
    for x, h in (([0.0, 0, 0], 1e-20), ([0.0, 1e8, -1e8], 1e-12), ([1.0, 1, 2], 1e9)):
        x = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            entropy = soft_entropy(x, h)
        np.testing.assert_allclose(tape.gradient(entropy, x), np.zeros(3), atol=1e-9)


@pytest.mark.parametrize("mode", MODES)
def test_distances_between_points_are_measured_in_bandwidths(mode, rng):
    points, widths = rng.normal(size=(2, 6, 3)), np.array([0.5, 1.0, 2.0])
    apart = ((points[:, :, None] - points[:, None]) / widths) ** 2
    counts = np.exp(-0.5 * apart.sum(-1)).sum(-1)
    result = in_mode(lambda each: soft_entropy_of_points(each, widths), mode)(p64(points))
    np.testing.assert_allclose(result, np.log2(6 / counts).mean(-1), rtol=1e-13)


def test_a_bandwidth_can_be_a_variable(rng):
    x, width = tf.constant(rng.normal(size=5), tf.float32), tf.Variable(0.5)
    with tf.GradientTape() as tape:
        entropy = soft_entropy(x, width)
    assert float(tape.gradient(entropy, width)) < 0  # a wider kernel sees fewer values


@pytest.mark.parametrize("bandwidth", [0.0, -1.0, math.nan, math.inf, [1.0, 0.0], "wide", None])
def test_a_bandwidth_must_be_positive(bandwidth):
    for use in (lambda h: soft_entropy([0.0], h), EntropyRegularizer):
        with pytest.raises(ValueError, match="bandwidth must be finite and > 0. Received: "):
            use(bandwidth)


def test_the_smooth_entropy_refuses_integers():
    with pytest.raises(TypeError, match="points must be floating"):
        soft_entropy([1, 2], 0.1)
    with pytest.raises(TypeError, match="points must be floating"):
        EntropyRegularizer(0.1)(tf.zeros((2, 3), tf.int32))


@pytest.mark.parametrize("mode", MODES)
def test_the_penalty_is_the_number_of_bits_that_the_rows_lack(mode, rng):
    rows = rng.normal(size=(8, 2, 3))
    penalty = in_mode(EntropyRegularizer(0.7, weight=0.5), mode)(p64(rows))
    entropy = float(soft_entropy_of_points(rows.reshape(8, 6), 0.7))
    np.testing.assert_allclose(penalty, 0.5 * 8 * (3 - entropy), rtol=1e-12)
    np.testing.assert_allclose(EntropyRegularizer(0.1)(np.zeros((4, 7))), 8.0)
    np.testing.assert_allclose(EntropyRegularizer(0.1)(np.arange(4.0)), 0.0, atol=1e-12)
    assert float(in_mode(EntropyRegularizer(0.1), mode)(tf.zeros((0, 3)))) == 0.0


def test_keras_divides_the_activity_penalty_by_the_batch_size():
    size = 16 if tuple(map(int, keras.__version__.split(".")[:2])) >= (3, 14) else 1
    layer = keras.layers.Dense(
        3, kernel_initializer="zeros", activity_regularizer=EntropyRegularizer(0.1, 0.25)
    )
    layer(np.ones((16, 2)))
    np.testing.assert_allclose(
        layer.losses, [0.25 * 4 * 16 / size]
    )  # each of 16 equal rows lacks 4 bits


def test_training_with_the_penalty_spreads_the_outputs(tmp_path, rng):
    x, bits = rng.normal(size=(64, 4)).astype("float32"), []
    for weight in (0.0, 1.0):
        keras.utils.set_random_seed(0)
        spread = EntropyRegularizer([0.5, 0.5], weight)
        dense = keras.layers.Dense(2, activation="tanh", activity_regularizer=spread)
        model = keras.Sequential([keras.Input((4,)), dense])
        model.compile(keras.optimizers.Adam(0.05), "mse")
        for _ in range(60):
            model.train_on_batch(x, np.zeros((64, 2)))
        bits.append(float(soft_entropy_of_points(model.predict(x, verbose=0), 0.5)))
    assert bits[1] > bits[0] + 0.5

    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    config = loaded.layers[-1].activity_regularizer.get_config()
    assert config == {"bandwidth": [0.5, 0.5], "weight": 1.0}


def test_the_weight_of_the_penalty_must_not_be_negative():
    with pytest.raises(ValueError, match="weight must be a finite number >= 0. Received: -1"):
        EntropyRegularizer(0.1, weight=-1)
