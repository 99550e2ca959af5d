"""One value per channel: values, gradients, refusals, and the Keras layer."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from autodiff import MODES, in_mode

from fkarm.primers import ChannelAffine, add_per_channel, scale_per_channel

OPERATIONS = [(add_per_channel, np.add), (scale_per_channel, np.multiply)]
VALUES = [1.5, -2.0]


def along_axis(values, rank, axis):
    """The values along one of `rank` axes, with NumPy."""
    return np.expand_dims(values, [k for k in range(rank) if k != axis % rank])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("operation", "expected"), OPERATIONS, ids=["add", "scale"])
@pytest.mark.parametrize(
    ("shape", "axis"),
    [((3, 2, 4, 5), 1), ((3, 4, 5, 2), -1), ((3, 2, 4, 5), -3), ((2, 3), -2), ((2,), 0),
     ((2,), -1), ((0, 2, 4, 4), 1), ((2, 2, 2, 2), 1), ((2, 2, 2, 2, 2, 2), -2)],
    ids=str,
)  # fmt: skip
def test_every_channel_has_its_own_value(shape, axis, operation, expected, mode, dtype, rng):
    x = rng.normal(size=shape).astype(dtype)
    result = in_mode(lambda t: operation(t, VALUES, axis), mode)(tf.constant(x))
    assert result.dtype == dtype
    values = along_axis(np.array(VALUES, dtype), len(shape), axis)
    np.testing.assert_array_equal(result, expected(x, values))


@pytest.mark.parametrize("mode", MODES)
def test_the_gradient_of_a_value_is_the_sum_over_all_other_axes(mode, rng):
    x, upstream = (tf.constant(rng.normal(size=(3, 2, 4, 5))) for _ in range(2))
    values = tf.constant(VALUES, tf.float64)

    def gradients(operation, x, values):
        with tf.GradientTape() as tape:
            tape.watch([x, values])
            loss = tf.reduce_sum(upstream * operation(x, values))
        return tape.gradient(loss, [x, values])

    g, others = upstream.numpy(), (0, 2, 3)
    of_x, of_values = in_mode(lambda *each: gradients(add_per_channel, *each), mode)(x, values)
    np.testing.assert_array_equal(of_x, g)
    np.testing.assert_allclose(of_values, g.sum(axis=others), rtol=1e-13)
    of_x, of_values = in_mode(lambda *each: gradients(scale_per_channel, *each), mode)(x, values)
    np.testing.assert_array_equal(of_x, g * along_axis(VALUES, 4, 1))
    np.testing.assert_allclose(of_values, (g * x.numpy()).sum(axis=others), rtol=1e-13)


def test_variables_as_values_receive_gradients(rng):
    x = tf.constant(rng.normal(size=(3, 2, 4)))
    scalars = [tf.Variable(value, dtype=tf.float64) for value in VALUES]
    vector = tf.Variable(VALUES)  # float32: cast to the dtype of x
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(add_per_channel(add_per_channel(x, scalars), vector))
    *of_scalars, of_vector = tape.gradient(loss, [*scalars, vector])
    np.testing.assert_array_equal(of_scalars, [12.0, 12.0])
    np.testing.assert_array_equal(of_vector, [12.0, 12.0])


def test_double_precision_values_keep_their_digits():
    result = add_per_channel(np.zeros((1, 2)), [0.1, 0.2])
    np.testing.assert_array_equal(result, [[0.1, 0.2]])


def test_a_plain_sum_fails_or_adds_along_the_width():
    values = [1.0, 2.0]
    with pytest.raises(tf.errors.InvalidArgumentError, match="ncompatible shapes"):
        _ = tf.zeros((1, 2, 2, 3)) + values
    square = tf.zeros((1, 2, 2, 2))
    wrong, right = square + values, add_per_channel(square, values)
    np.testing.assert_array_equal(wrong[0, 0], [[1, 2], [1, 2]])
    np.testing.assert_array_equal(right[0, 0], [[1, 1], [1, 1]])
    np.testing.assert_array_equal(right[0, 1], [[2, 2], [2, 2]])


def test_an_unknown_number_of_channels_is_checked_when_the_function_runs():
    add = tf.function(
        lambda x, values: add_per_channel(x, values),
        input_signature=[tf.TensorSpec((None, None, 4)), tf.TensorSpec((None,))],
    )
    np.testing.assert_array_equal(add(tf.zeros((1, 2, 4)), VALUES)[0, :, 0], VALUES)
    for channels, values in ((1, VALUES), (2, [1.0]), (3, VALUES)):
        with pytest.raises(tf.errors.InvalidArgumentError, match="reshape"):
            add(tf.zeros((1, channels, 4)), values)


@pytest.mark.parametrize("channels", [2, None], ids=["known", "unknown"])
def test_symbolic_inputs_are_accepted(channels):
    inputs = keras.Input((channels, 4))
    model = keras.Model(inputs, scale_per_channel(add_per_channel(inputs, VALUES), VALUES))
    expected = np.square(VALUES)[None, :, None] * np.ones((3, 2, 4))
    np.testing.assert_array_equal(model(np.zeros((3, 2, 4), "float32")), expected)


@pytest.mark.parametrize("operation", [add_per_channel, scale_per_channel])
@pytest.mark.parametrize(
    ("values", "axis", "message"),
    [
        ([1.0, 2.0, 3.0], 1, r"shape \(2,\).*axis=1, x of shape \(5, 2, 4\), values of shape \(3,"),
        ([1.0], 1, r"shape \(2,\).*x of shape \(5, 2, 4\), values of shape \(1,\)"),
        (1.0, 1, r"x of shape \(5, 2, 4\), values of shape \(\).*on another axis"),
        ([[1.0, 2.0]], 1, r"x of shape \(5, 2, 4\), values of shape \(1, 2\)"),
        ([1.0, 2.0], -1, r"shape \(4,\).*axis=-1"),
        ([1.0, 2.0], 3, r"one of the 3 axes.*axis=3, x of shape \(5, 2, 4\), values of shape \(2"),
        ([1.0, 2.0], -4, r"one of the 3 axes.*axis=-4"),
    ],
)
def test_wrong_values_and_axes_are_refused_and_the_message_shows_both_shapes(
    operation, values, axis, message
):
    with pytest.raises(ValueError, match=message):
        operation(np.zeros((5, 2, 4)), values, axis)


def test_integers_are_refused():
    with pytest.raises(TypeError, match="x must be floating. Received.*int32.*cast"):
        add_per_channel(tf.zeros((1, 2), tf.int32), [0.5, 0.5])


@pytest.mark.parametrize(
    ("offset", "scale", "weights"),
    [([1.0, 2.0], [3.0, 4.0], 2), (0.5, None, 1), (None, 2.0, 1), (None, None, 0)],
    ids=str,
)
@pytest.mark.parametrize("axis", [1, -1])
def test_the_layer_scales_then_adds(offset, scale, weights, axis, rng):
    x = rng.normal(size=(3, 2, 2)).astype("float32")
    layer = ChannelAffine(axis, offset, scale)
    lined = [
        along_axis(np.broadcast_to(default if each is None else each, 2), 3, axis)
        for each, default in ((offset, 0.0), (scale, 1.0))
    ]
    np.testing.assert_allclose(layer(x), lined[1] * x + lined[0], rtol=1e-6)
    assert len(layer.weights) == len(layer.trainable_weights) == weights


def test_the_layer_learns_the_scale_and_offset_of_every_channel(rng):
    x = rng.normal(size=(64, 2, 3)).astype("float32")
    model = keras.Sequential([keras.Input((2, 3)), ChannelAffine()])
    model.compile(keras.optimizers.Adam(0.05), "mse")
    target = x * [[3.0], [-1.0]] + [[0.5], [2.0]]
    for _ in range(200):
        model.train_on_batch(x, target)
    layer = model.layers[-1]
    np.testing.assert_allclose(layer.scale.numpy(), [3.0, -1.0], atol=0.02)
    np.testing.assert_allclose(layer.offset.numpy(), [0.5, 2.0], atol=0.02)


def test_training_does_not_change_a_frozen_layer():
    layer = ChannelAffine(-1, 1.0, 2.0, trainable=False)
    model = keras.Sequential([keras.Input((2,)), layer, keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 2)), np.zeros((8, 2)), verbose=0)
    np.testing.assert_array_equal(layer.offset, [1.0, 1.0])
    np.testing.assert_array_equal(layer.scale, [2.0, 2.0])
    assert not layer.trainable_weights
    assert not ChannelAffine.from_config(layer.get_config()).trainable


@pytest.mark.parametrize("policy", ["float32", "float64", "mixed_float16"])
def test_the_layer_is_compiled_trained_and_saved_under_every_policy(policy, tmp_path, rng):
    layer = ChannelAffine(-2, VALUES, 2.0, dtype=policy)
    x = rng.normal(size=(4, 2, 3)).astype(layer.compute_dtype)
    expected = np.asarray(layer(x))
    assert expected.dtype == layer.compute_dtype
    for jit in (False, True):
        signature = [tf.TensorSpec((None, 2, 3), layer.compute_dtype)]
        compiled = tf.function(layer, jit_compile=jit, input_signature=signature)
        np.testing.assert_allclose(compiled(x), expected, rtol=2e-3 if "16" in policy else 2e-6)
        assert compiled(x[:0]).shape == (0, 2, 3)
    assert layer.compute_output_shape((None, 2, 3)) == (None, 2, 3)

    model = keras.Sequential([keras.Input((2, 3)), layer])
    model.compile("sgd", "mse")
    model.fit(x, np.zeros_like(x), verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    config = loaded.layers[-1].get_config()
    assert config == layer.get_config()
    assert config.items() >= {"axis": -2, "offset": VALUES, "scale": 2.0}.items()


@pytest.mark.parametrize(
    ("arguments", "shape", "message"),
    [
        ({"offset": [1.0, 2.0, 3.0]}, (None, 2, 4), r"x of shape \(None, 2, 4\), values of shape"),
        ({"scale": [1.0]}, (None, 2, 4), r"one number for each channel.*values of shape \(1,\)"),
        ({"axis": 3}, (None, 2, 4), "one of the 3 axes"),
        ({"axis": -1}, (None, 2, None), r"known number of channels.*axis=-1.*\(None, 2, None\)"),
    ],
)
def test_the_layer_refuses_wrong_inputs_when_it_is_built(arguments, shape, message):
    with pytest.raises(ValueError, match=message):
        ChannelAffine(**arguments).build(shape)
