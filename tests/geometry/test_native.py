"""Functions that keep float64, where Keras' promotion on JAX and PyTorch does not."""

import keras
import numpy as np
import pytest
from autodiff import array, dtype_of, tensor

from fkarm.geometry import native
from fkarm.geometry.dense import cross

X = np.array([-2.0, -0.3, 0.1, 0.7, 3.0])
CASES = {
    "sin": (native.sin, np.sin, ()),
    "cos": (native.cos, np.cos, ()),
    "tanh": (native.tanh, np.tanh, ()),
    "arctan2": (native.arctan2, np.arctan2, (X[::-1],)),
    "maximum of an array": (native.maximum, np.maximum, (0.1 * X,)),
    "minimum of a number": (native.minimum, np.minimum, (0.3,)),
    "clip": (native.clip, np.clip, (-0.3, 0.7)),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_values_and_types_are_numpys(name, dtype):
    function, oracle, others = CASES[name]
    others = [each.astype(dtype) if isinstance(each, np.ndarray) else each for each in others]
    found = function(tensor(X, dtype), *others)
    assert dtype_of(found) == dtype
    atol = {"float32": 5e-7, "float64": 1e-15}[dtype]
    np.testing.assert_allclose(array(found), oracle(X.astype(dtype), *others), atol=atol, rtol=0)


def test_symbolic_inputs_have_a_symbolic_result():
    x = keras.Input((5,))
    model = keras.Model(x, native.clip(native.sin(x), -0.1, 0.1))
    found = model.predict(X[None].astype("float32"), verbose=0)
    np.testing.assert_allclose(found, [np.clip(np.sin(X), -0.1, 0.1)], atol=1e-6)


def test_the_wider_of_two_types_may_be_float64():
    assert native.result_type("float32", "float64") == "float64"
    assert native.result_type("float64", "float64") == "float64"
    assert native.result_type("bfloat16", "float32") == "float32"
    assert dtype_of(cross([1.0, 0.0, 0.0], np.array([0.0, 1.0, 0.0]))) == "float64"
