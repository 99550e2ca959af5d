"""Functions of `keras.ops`, in the type of their input on every backend.

Keras follows JAX's default of 32 bits: on JAX and PyTorch its promotion makes float32 of float64,
in `sin`, `cos`, `tanh`, `arctan2`, `matmul`, `maximum`, `minimum` and the bounds of `clip`, among
others. The backend's own keep it. On symbolic inputs these are Keras'.
"""

from __future__ import annotations

from functools import wraps
from typing import Any

import keras
from keras import ops

from fkarm._types import Tensor

_BACKEND = keras.backend.backend()

if _BACKEND == "jax":
    import jax.numpy as library
elif _BACKEND == "torch":
    import torch as library
else:
    library = ops


def _typed(name: str) -> Any:
    of_keras, of_backend = getattr(ops, name), getattr(library, name)

    @wraps(of_keras)
    def function(*inputs: Tensor) -> Tensor:
        if any(isinstance(each, keras.KerasTensor) for each in inputs):
            return of_keras(*inputs)
        if _BACKEND == "torch":  # takes no numbers and no arrays
            like = next(each.dtype for each in inputs if ops.is_tensor(each))
            inputs = tuple(ops.convert_to_tensor(each, like) for each in inputs)
        return of_backend(*inputs)

    return of_keras if library is ops else function


sin, cos, tanh, arctan2 = (_typed(name) for name in ("sin", "cos", "tanh", "arctan2"))
maximum, minimum, clip = (_typed(name) for name in ("maximum", "minimum", "clip"))
matmul = _typed("matmul")


def result_type(a: Any, b: Any) -> str:
    """The wider of two floating types."""
    names = {keras.backend.standardize_dtype(each) for each in (a, b)}
    return "float64" if "float64" in names else keras.backend.result_type(*names)
