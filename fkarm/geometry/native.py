"""Functions of `keras.ops`, in the type of their input on every backend.

Keras follows JAX's default of 32 bits: on JAX and PyTorch its promotion turns float64 into float32,
in `sin`, `cos`, `tanh`, `arctan2`, `matmul`, `maximum`, `minimum` and the bounds of `clip`, among
others. The functions here are the backend's own, which keep float64; on symbolic inputs they are
those of Keras. `mean`, `cumsum` and `divide_no_nan` of Keras round float64 too. On PyTorch `where`,
`add` and `multiply` round the numbers among their inputs; 0 and 1 are exact, and so are operators.
"""

from __future__ import annotations

from functools import wraps
from typing import Any

import keras
import numpy as np
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
        if any(isinstance(x, keras.KerasTensor) for x in inputs):
            return of_keras(*inputs)
        if _BACKEND == "torch":  # it takes neither numbers nor arrays
            dtype = next(x.dtype for x in inputs if ops.is_tensor(x))
            inputs = tuple(ops.convert_to_tensor(x, dtype) for x in inputs)
        return of_backend(*inputs)

    return of_keras if library is ops else function


sin, cos, tanh, arctan2 = (_typed(name) for name in ("sin", "cos", "tanh", "arctan2"))
maximum, minimum, clip = (_typed(name) for name in ("maximum", "minimum", "clip"))
matmul = _typed("matmul")


def has_float64() -> bool:
    """Whether the backend computes in float64: JAX does so only if its x64 mode is on."""
    return _BACKEND != "jax" or library.result_type(float) == "float64"


def to_numpy(x: Any) -> np.ndarray:
    """A NumPy array of a tensor, of a variable, or of what `numpy.array` takes.

    Keras copies tensors of PyTorch by a protocol that NumPy 2 deprecates.
    """
    if type(x) is np.ndarray:
        return x
    if _BACKEND == "torch":
        x = x.value if isinstance(x, keras.Variable) else x
        if ops.is_tensor(x) and x.dtype != library.bfloat16:
            return x.detach().cpu().numpy().copy()
    return np.asarray(ops.convert_to_numpy(x))


def concrete(x: Any) -> np.ndarray | None:
    """The values of a tensor as a NumPy array; None where it is traced and has none yet."""
    try:
        return None if isinstance(x, keras.KerasTensor) else to_numpy(x)
    except (AttributeError, NotImplementedError, RuntimeError, TypeError):
        return None


def result_type(a: Any, b: Any) -> str:
    """The wider of two floating types."""
    names = {keras.backend.standardize_dtype(dtype) for dtype in (a, b)}
    return "float64" if "float64" in names else keras.backend.result_type(*names)
