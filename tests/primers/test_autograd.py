"""Products with Jacobians, masked losses, and the cost of a gradient."""

import numpy as np
import pytest
import tensorflow as tf
from autodiff import MODES, in_mode

from fkarm.primers import (
    detach,
    full_jacobian,
    gradient_cost,
    jacobian_vector_product,
    masked_loss,
    vector_jacobian_product,
)

PRODUCTS = [vector_jacobian_product, jacobian_vector_product]


def identity(x):
    return x


def gradient(f, x):
    return vector_jacobian_product(f, x, 1.0)


# Numbers from the forum discussion.


@pytest.mark.parametrize("mode", MODES)
def test_the_backward_pass_of_the_identity_returns_its_cotangent(mode):
    z = tf.constant(np.linspace(-1, 1, 5))
    product = in_mode(lambda x, v: vector_jacobian_product(identity, x, v), mode)
    np.testing.assert_array_equal(product(z, z), [-1, -0.5, 0, 0.5, 1])
    np.testing.assert_array_equal(product(z, tf.constant(1.0)), np.ones(5))
    of_squares = in_mode(lambda x: gradient(lambda x: tf.reduce_sum(x**2), x), mode)
    np.testing.assert_array_equal(of_squares(z), [-2, -1, 0, 1, 2])


@pytest.mark.parametrize("mode", MODES)
def test_dividing_by_v_gives_the_derivative_of_an_elementwise_function(mode):
    z = tf.constant(np.linspace(1, 5, 5))
    product = in_mode(lambda z: vector_jacobian_product(tf.square, z, z) / z, mode)
    np.testing.assert_array_equal(product(z), [2, 4, 6, 8, 10])


def test_dividing_by_v_does_not_give_the_gradient_of_any_other_function():
    z = np.linspace(1, 5, 5)
    quotient = vector_jacobian_product(tf.cumsum, z, z).numpy() / z
    # J is lower triangular: v^T J sums the entries of v from each index on.
    np.testing.assert_allclose(quotient, [15, 7, 4, 9 / 4, 1])
    np.testing.assert_array_equal(gradient(tf.cumsum, z), [5, 4, 3, 2, 1])
    np.testing.assert_array_equal(np.diag(full_jacobian(tf.cumsum, z)), np.ones(5))


@pytest.mark.parametrize("mode", MODES)
def test_the_gradient_is_zero_where_the_factor_is(mode):
    y, z = 2.0, tf.constant([1.0, 1, 0, 0, 0])
    of_product = in_mode(lambda x: gradient(lambda x: tf.reduce_sum(x * y * z), x), mode)
    np.testing.assert_array_equal(of_product(tf.constant([1.0, 2, 3, 4, 5])), [2, 2, 0, 0, 0])


# Products with Jacobians.


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mode", MODES)
def test_products_of_a_linear_map_are_those_of_its_matrix(mode, dtype, rng):
    matrix = rng.normal(size=(4, 3)).astype(dtype)
    x, v, u = (rng.normal(size=n).astype(dtype) for n in (3, 3, 4))

    def linear(x):
        return tf.linalg.matvec(matrix, x)

    for function, expected in (
        (lambda x: full_jacobian(linear, x), matrix),
        (lambda x: jacobian_vector_product(linear, x, v), matrix @ v),
        (lambda x: vector_jacobian_product(linear, x, u), u @ matrix),
        (lambda x: vector_jacobian_product(linear, x, 2), 2 * matrix.sum(0)),
        (lambda x: jacobian_vector_product(linear, x, 2), 2 * matrix.sum(1)),
    ):
        result = in_mode(function, mode)(tf.constant(x))
        assert result.dtype == dtype
        np.testing.assert_allclose(result, expected, rtol=1e-5)


@pytest.mark.parametrize("mode", MODES)
def test_products_agree_with_the_jacobian_of_a_nonlinear_function(mode, rng):
    x, v, u = rng.normal(size=(2, 3)), rng.normal(size=(2, 3)), rng.normal(size=(3, 2, 2))

    def f(x):
        return tf.sin(x[0])[:, None, None] * tf.transpose(x[:, :2]) * tf.reduce_sum(x)

    a, s = np.sin(x[0]), x.sum()
    expected = np.zeros((3, 2, 2, 2, 3))
    for i, j, k in np.ndindex(3, 2, 2):
        expected[i, j, k] += a[i] * x[k, j]
        expected[i, j, k, 0, i] += np.cos(x[0, i]) * x[k, j] * s
        expected[i, j, k, k, j] += a[i] * s
    t = tf.constant(x)
    jacobian = in_mode(lambda x: full_jacobian(f, x), mode)(t)
    np.testing.assert_allclose(jacobian, expected, rtol=1e-12)
    forward = in_mode(lambda x: jacobian_vector_product(f, x, v), mode)(t)
    np.testing.assert_allclose(forward, np.tensordot(expected, v, 2), rtol=1e-12)
    backward = in_mode(lambda x: vector_jacobian_product(f, x, u), mode)(t)
    np.testing.assert_allclose(backward, np.tensordot(u, expected, 3), rtol=1e-12)


@pytest.mark.parametrize("mode", MODES)
def test_an_empty_batch_has_an_empty_derivative(mode):
    x = tf.zeros((0, 3))
    for product in PRODUCTS:
        assert in_mode(lambda x, p=product: p(tf.sin, x, x), mode)(x).shape == (0, 3)
    assert in_mode(lambda x: full_jacobian(tf.sin, x), mode)(x).shape == (0, 3, 0, 3)


def test_a_constant_function_has_a_derivative_of_zero():
    x = np.ones(3)
    for product in PRODUCTS:
        np.testing.assert_array_equal(product(lambda x: tf.zeros(3, tf.float64), x, x), np.zeros(3))
    jacobian = full_jacobian(lambda x: tf.zeros(2, tf.float64), x)
    np.testing.assert_array_equal(jacobian, np.zeros((2, 3)))


@pytest.mark.parametrize("mode", MODES)
def test_derivatives_of_a_gather_are_dense(mode):
    x = tf.constant([[1.0], [2.0], [3.0]])

    def rows(x):
        return tf.gather(x, [2, 0, 2])

    for product, expected in zip(PRODUCTS, ([1, 0, 2], [1, 1, 1]), strict=True):
        result = in_mode(lambda x, p=product: p(rows, x, 1.0), mode)(x)
        assert tf.is_tensor(result)
        np.testing.assert_array_equal(result[:, 0], expected)
    jacobian = in_mode(lambda x: full_jacobian(rows, x), mode)(x)
    np.testing.assert_array_equal(jacobian[:, 0, :, 0], [[0, 0, 1], [1, 0, 0], [0, 0, 1]])


def test_batch_sizes_may_be_unknown_while_tracing(rng):
    x = rng.normal(size=(4, 2)).astype("float32")
    signature = [tf.TensorSpec((None, 2))]
    for function, expected in (
        (lambda x: vector_jacobian_product(tf.square, x, x), 2 * x * x),
        (lambda x: jacobian_vector_product(tf.square, x, 1), 2 * x),
        (
            lambda x: vector_jacobian_product(lambda x: tf.gather(x, 1), x, 5),
            np.eye(4)[:, [1, 1]] * 5,
        ),
        (lambda x: tf.reduce_sum(full_jacobian(tf.square, x), (0, 1)), 2 * x),
    ):
        traced = tf.function(function, input_signature=signature)
        np.testing.assert_allclose(traced(x), expected, rtol=1e-6)


@pytest.mark.parametrize("product", PRODUCTS)
def test_products_refuse_integers_and_other_shapes(product):
    with pytest.raises(TypeError, match=r"x must be floating. Received: .*int32.*cast"):
        product(identity, [1, 2], 1.0)
    with pytest.raises(TypeError, match=r"f\(x\) must be floating. Received: .*int64"):
        product(tf.argmax, [1.0, 2.0], 1.0)
    like = r"f\(x\)" if product is vector_jacobian_product else "x"
    message = rf"v must have the shape of {like}, or be one number.*\(3,\), {like} of shape \(2,\)"
    with pytest.raises(ValueError, match=message):
        product(identity, [1.0, 2.0], [1.0, 2.0, 3.0])


def test_a_jacobian_of_integers_is_refused():
    with pytest.raises(TypeError, match="x must be floating"):
        full_jacobian(identity, [1, 2])
    with pytest.raises(TypeError, match=r"f\(x\) must be floating"):
        full_jacobian(tf.argmax, [1.0, 2.0])


# Masked losses.


@pytest.mark.parametrize("mode", MODES)
def test_a_masked_loss_reduces_the_active_terms(mode, rng):
    terms, mask = rng.normal(size=(4, 3)), rng.random((4, 3)) < 0.5
    for reduction, expected in (("mean", terms[mask].mean()), ("sum", terms[mask].sum())):
        loss = in_mode(lambda t, r=reduction: masked_loss(t, mask, r), mode)
        np.testing.assert_allclose(loss(tf.constant(terms)), expected, rtol=1e-13)
        weight = 1 / mask.sum() if reduction == "mean" else 1.0
        slope = in_mode(lambda t, f=loss: gradient(f, t), mode)(tf.constant(terms))
        np.testing.assert_allclose(slope, weight * mask, rtol=1e-13)


@pytest.mark.parametrize("mode", MODES)
def test_a_masked_loss_without_active_terms_is_zero(mode):
    for terms in (tf.ones((2, 3)), tf.ones((0, 3))):
        loss = in_mode(lambda t: masked_loss(t, tf.zeros(t.shape, tf.bool)), mode)
        assert float(loss(terms)) == 0.0
        np.testing.assert_array_equal(gradient(loss, terms), np.zeros(terms.shape))


@pytest.mark.parametrize("mode", MODES)
def test_a_masked_loss_is_finite_where_zero_times_infinity_is_not(mode):
    terms, weight = tf.constant([1.0, np.inf, np.nan]), tf.constant([1.0, 0.0, 0.0])
    product = in_mode(lambda t, w: tf.reduce_sum(t * w), mode)(terms, weight)
    assert np.isnan(product)
    safe = in_mode(lambda t, w: masked_loss(t, w != 0), mode)
    assert float(safe(terms, weight)) == 1.0
    np.testing.assert_array_equal(gradient(lambda t: safe(t, weight), terms), [1, 0, 0])


@pytest.mark.parametrize("mode", MODES)
def test_the_gradient_is_finite_if_the_input_is_replaced_too(mode):
    x, mask = tf.constant([1.0, 0.0]), tf.constant([True, False])

    def f(x):
        return x * tf.math.log(x)

    forms = {
        "product": lambda x: tf.reduce_sum(f(x) * tf.cast(mask, x.dtype)),
        "output": lambda x: masked_loss(f(x), mask),
        "input": lambda x: masked_loss(f(tf.where(mask, x, 1.0)), mask),
        "rows": lambda x: tf.reduce_sum(f(tf.boolean_mask(x, mask))),
    }
    actual = {name: in_mode(lambda x, g=g: gradient(g, x), mode)(x) for name, g in forms.items()}
    for name in ("product", "output"):
        np.testing.assert_array_equal(actual[name], [1.0, np.nan])
    for name in ("input", "rows"):
        np.testing.assert_array_equal(actual[name], [1.0, 0.0])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1.0, 2.0], [1.0, 0.0]), TypeError, "mask must be boolean. Received: float32.*mask != 0"),
        (([1, 2], [True, False]), TypeError, "terms must be floating"),
        (([1.0, 2.0], [True]), ValueError, r"terms of shape \(2,\), mask of shape \(1,\)"),
        (([1.0], [True], "max"), ValueError, "reduction must be one of: 'mean', 'sum'.*'max'"),
    ],
    ids=str,
)
def test_bad_masks_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        masked_loss(*arguments)


def test_a_mask_of_unknown_shape_never_broadcasts():
    loss = tf.function(
        masked_loss, input_signature=[tf.TensorSpec((None,)), tf.TensorSpec((None,), tf.bool)]
    )
    assert float(loss([1.0, 3.0], [True, True])) == 2.0
    with pytest.raises(tf.errors.InvalidArgumentError, match="mask must have the shape"):
        loss([1.0, 3.0], [True])


@pytest.mark.parametrize("mode", MODES)
def test_a_detached_tensor_keeps_its_value_and_loses_its_gradient(mode):
    x = tf.constant([1.0, 2.0])
    np.testing.assert_array_equal(in_mode(detach, mode)(x), x)
    slope = in_mode(lambda x: gradient(lambda x: x * detach(x**2), x), mode)(x)
    np.testing.assert_array_equal(slope, [1.0, 4.0])


# Cost.


def test_the_operations_of_a_small_graph_are_counted():
    cost = gradient_cost(lambda x: tf.sin(tf.cos(x)), np.ones(3), repeats=1)
    assert cost.forward_ops == 2  # Cos, Sin
    assert cost.backward_ops == 5  # Cos and Mul for sin; Sin, Neg and Mul for cos
    assert cost.seconds > 0


def test_unused_operations_are_not_counted():
    def wasteful(x):
        tf.exp(tf.math.log(x))
        return tf.identity(tf.sin(x))

    assert gradient_cost(wasteful, 1.0, repeats=1)[:2] == gradient_cost(tf.sin, 1.0, repeats=1)[:2]


def test_operations_in_functions_and_branches_are_counted():
    nested = tf.function(lambda x: tf.sin(tf.cos(x)))
    assert gradient_cost(nested, 1.0, repeats=1).forward_ops == 2
    branch = gradient_cost(
        lambda x: tf.cond(x > 0, lambda: tf.sin(tf.cos(x)), lambda: tf.exp(x)), 1.0, repeats=1
    )
    assert branch.forward_ops >= 3 + 2  # two bodies, the comparison and the branch


def test_a_multiplication_by_zero_is_not_pruned_and_a_detached_term_is():
    x = np.linspace(0.1, 1, 5)

    def cost(weighted):
        return gradient_cost(lambda x: tf.sin(x) + weighted(tf.exp(tf.cos(x))), x, repeats=1)

    kept, cut = cost(lambda term: 0.0 * term), cost(lambda term: 0.0 * detach(term))
    absent = gradient_cost(tf.sin, x, repeats=1)
    assert kept.forward_ops == cut.forward_ops > absent.forward_ops
    assert cut.backward_ops == absent.backward_ops < kept.backward_ops
    by_element = gradient_cost(lambda x: tf.sin(tf.where(x > 0.5, x, detach(x))), x, repeats=1)
    assert by_element.backward_ops > absent.backward_ops


@pytest.mark.parametrize("mode", MODES)
def test_functions_of_several_inputs_are_timed_in_every_mode(mode):
    calls = []

    def f(x, y):
        calls.append(tf.executing_eagerly())
        return x * y

    cost = gradient_cost(f, np.ones(3), np.ones(3), mode=mode, repeats=4)
    assert cost[:2] == (1, 2)  # one product per gradient
    assert cost.seconds > 0
    assert calls.count(True) == (
        5 if mode == "eager" else 0
    )  # four timed calls and one before them


def test_the_cost_of_a_gather_includes_its_dense_gradient():
    def taken(x):
        return tf.gather(x, [2, 0, 2])

    def dense_gradient(x):
        return vector_jacobian_product(taken, x, np.ones(3))

    needed = gradient_cost(dense_gradient, np.ones(3), repeats=1).forward_ops
    assert gradient_cost(taken, np.ones(3), repeats=1).backward_ops == needed


def test_mode_xla_compiles_and_reports_unsupported_operations():
    def in_python(x):
        return x * tf.numpy_function(np.sin, [x], x.dtype)

    assert gradient_cost(in_python, 1.0, mode="graph", repeats=1).seconds > 0
    with pytest.raises(tf.errors.InvalidArgumentError, match="unsupported|uncompilable"):
        gradient_cost(in_python, 1.0, mode="xla", repeats=1)


def test_bad_arguments_of_gradient_cost_are_refused():
    with pytest.raises(ValueError, match="mode must be one of: 'eager', 'graph', 'xla'"):
        gradient_cost(identity, 1.0, mode="jit")
    with pytest.raises(ValueError, match="repeats must be at least 1. Received: 0"):
        gradient_cost(identity, 1.0, repeats=0)
    with pytest.raises(TypeError, match="x must be floating"):
        gradient_cost(identity, 1)
    with pytest.raises(TypeError, match=r"f\(x\) must be floating"):
        gradient_cost(tf.argmax, [1.0])
