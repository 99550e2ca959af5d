"""Derivatives and compilation on every backend of Keras, so that a test is written once."""

import keras
import numpy as np
import pytest
from keras import ops
from oracles import central_difference

BACKEND = keras.backend.backend()
# The modes in which a function runs. fkarm promises no compiled mode on PyTorch.
MODES = {"tensorflow": ("eager", "graph", "xla"), "jax": ("eager", "jit"), "torch": ("eager",)}[
    BACKEND
]
# Of a function that is traced for seconds, `make test` compiles the code for XLA only.
EACH_MODE = pytest.mark.parametrize(
    "mode",
    [
        pytest.param(mode, marks=pytest.mark.in_test_all("every case") if mode == "graph" else ())
        for mode in MODES
    ],
)
# The mode that compiles fastest.
COMPILED = MODES[:2][-1]
if BACKEND == "jax":
    import jax
elif BACKEND == "torch":
    import torch
else:
    import tensorflow as tf


def tensor(x, dtype=None):
    """A tensor of the backend. The default dtype is that of the array."""
    return ops.convert_to_tensor(np.asarray(x), dtype)


def array(x):
    """A NumPy array of a tensor or of an array."""
    return ops.convert_to_numpy(x)


def dtype_of(x):
    """The name of the dtype of a tensor."""
    return keras.backend.standardize_dtype(x.dtype)


def gradient_of(function):
    """The gradient of the sum of a function's values, as a function that can be differentiated."""
    if BACKEND == "jax":
        return jax.grad(lambda x: ops.sum(function(x)))

    def tape(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        return tape.gradient(y, x)

    def autograd(x):
        x = x if x.requires_grad else x.detach().requires_grad_()
        return torch.autograd.grad(function(x).sum(), x, create_graph=True)[0]

    return autograd if BACKEND == "torch" else tape


def jacobian_of(function, x):
    """The backend's Jacobian of a tensor function at an array. `(m..., n...)`, float64."""
    x = tensor(np.asarray(x, dtype="float64"))
    if BACKEND == "jax":
        return np.asarray(jax.jacrev(function)(x))
    if BACKEND == "torch":
        return array(torch.autograd.functional.jacobian(function, x))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = function(x)
    return tape.jacobian(y, x, experimental_use_pfor=False).numpy()


def check_gradient(function, x, atol=1e-7):
    """The backend's Jacobian agrees with central differences."""
    expected = central_difference(lambda v: array(function(tensor(v))), x)
    np.testing.assert_allclose(jacobian_of(function, x), expected, atol=atol)


def in_mode(function, mode, shape=None, dtype="float32"):
    """A function compiled in this mode, for tensors of `shape` (None where a size is unknown)."""
    if mode == "eager":
        return function
    if mode == "jit":
        return jax.jit(function)
    signature = None if shape is None else [tf.TensorSpec(shape, dtype)]
    return tf.function(
        function, autograph=False, jit_compile=mode == "xla", input_signature=signature
    )
