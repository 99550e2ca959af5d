"""Checks that many tests share."""

import keras
import numpy as np
from autodiff import MODES, array, in_mode, tensor


def check_layer(make_layer, x, tmp_path):
    """Check the configuration, compilation, symbolic inputs, training and saving of a layer.

    `make_layer(**kwargs)` makes the layer; `x` is a batch of its input.
    """
    x = np.asarray(x, dtype="float32")
    layer = make_layer()
    expected = array(layer(x))
    assert not layer.weights

    again = type(layer).from_config(layer.get_config())
    np.testing.assert_array_equal(again(x), expected)

    for mode in MODES:
        compiled = in_mode(layer, mode, (None, *x.shape[1:]))
        np.testing.assert_allclose(array(compiled(tensor(x))), expected, rtol=2e-6, atol=2e-6)
        assert compiled(tensor(x[:0])).shape == (0, *expected.shape[1:])

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
