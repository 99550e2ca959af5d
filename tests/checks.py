"""Checks that many tests share."""

import keras
import numpy as np
import tensorflow as tf
from oracles import central_difference

MODES = ("eager", "graph", "xla")


def in_mode(function, mode):
    """A TensorFlow function as it is, as a graph, or compiled by XLA."""
    if mode == "eager":
        return function
    return tf.function(function, autograph=False, jit_compile=mode == "xla")


def tape_jacobian(function, x):
    """Jacobian of a tensor function at a vector, by the tape. `(m..., n)`, float64."""
    x = tf.convert_to_tensor(np.asarray(x, dtype=np.float64))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = function(x)
    return tape.jacobian(y, x, experimental_use_pfor=False).numpy()


def check_gradient(function, x, atol=1e-7):
    """The tape's Jacobian is that of central differences."""
    expected = central_difference(lambda v: np.asarray(function(tf.constant(v))), x)
    np.testing.assert_allclose(tape_jacobian(function, x), expected, atol=atol)


def check_layer(make_layer, x, tmp_path):
    """What every layer owes a Keras user; `make_layer(**kwargs)`, `x` one batch of input."""
    x = np.asarray(x, dtype="float32")
    layer = make_layer()
    expected = np.asarray(layer(x))
    assert not layer.weights

    again = type(layer).from_config(layer.get_config())
    np.testing.assert_array_equal(again(x), expected)

    for jit in (False, True):
        compiled = tf.function(
            layer, jit_compile=jit, input_signature=[tf.TensorSpec((None, *x.shape[1:]))]
        )
        np.testing.assert_allclose(compiled(x), expected, rtol=2e-6, atol=2e-6)
        assert compiled(x[:0]).shape == (0, *expected.shape[1:])

    symbolic = layer(keras.Input(x.shape[1:]))
    assert tuple(symbolic.shape) == (None, *expected.shape[1:])
    assert tuple(layer.compute_output_shape((None, 3, *x.shape[1:]))) == (
        None,
        3,
        *expected.shape[1:],
    )

    keras.utils.set_random_seed(0)
    inputs = keras.Input((4,))
    model = keras.Model(inputs, make_layer()(keras.layers.Dense(x.shape[-1])(inputs)))
    model.compile("adam", "mse")
    data = np.random.default_rng(0).normal(size=(len(x), 4)).astype("float32")
    model.fit(data, np.zeros_like(expected), verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(data, verbose=0), model.predict(data, verbose=0))
    assert np.isfinite(loaded.predict(data, verbose=0)).all()
