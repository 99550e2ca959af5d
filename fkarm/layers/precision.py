"""The precision that kinematic layers compute in."""

from __future__ import annotations

import inspect
import warnings
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from fkarm._checks import check_real
from fkarm._types import Tensor
from fkarm.model.named import check_unnamed


class KinematicLayer(keras.layers.Layer):
    """A layer without weights that computes in float32 or float64, never in half precision.

    Half precision has errors of millimetres to centimetres. A mixed policy, or a global policy of
    half precision, becomes float32, with a warning. `dtype="float16"` or `"bfloat16"` of the layer
    itself only rounds its output. A float32 layer warns once if it rounds a float64 input.

    Args:
        **kwargs: `name`, `dtype`, ... of `keras.layers.Layer`.
    """

    NAMED_INPUTS: ClassVar[tuple[str, ...]] = ()  # call arguments whose values have names

    def __init__(self, **kwargs: Any) -> None:
        dtype = kwargs.pop("dtype", None)
        policy = keras.dtype_policies.get(dtype or keras.config.dtype_policy())
        is_half = policy.compute_dtype in ("float16", "bfloat16")
        if is_half and (dtype is None or policy.name.startswith("mixed_")):
            warnings.warn(
                f"{type(self).__name__} computes in float32 under the policy {policy.name!r}: half "
                "precision would cost millimetres. Pass dtype='float32' to say so yourself.",
                stacklevel=3,
            )
            policy = keras.dtype_policies.get("float32")
        # Keras would first round the input to the policy's type. `precise` casts it instead.
        super().__init__(dtype=policy, autocast=False, **kwargs)
        self.supports_masking = True
        self._has_warned = False
        self._inputs = tuple(inspect.signature(self.call).parameters)

    def __call__(self, *inputs: Any, **kwargs: Any) -> Any:
        """Call the layer. Named columns are refused, because Keras ignores their names."""
        for name, given in (*zip(self._inputs, inputs, strict=False), *kwargs.items()):
            if name in self.NAMED_INPUTS:
                continue
            for each in given if type(given) in (tuple, list) else (given,):
                if not ops.is_tensor(each):
                    check_unnamed(f"The input of {type(self).__name__}", each)
                if isinstance(each, np.ndarray):
                    check_real(f"The input of {type(self).__name__}", each.dtype, each)
        return super().__call__(*inputs, **kwargs)

    def precise(self, x: Tensor) -> Tensor:
        """`x` as float64 if the layer computes in float64, else as float32."""
        check_real(f"The input of {type(self).__name__}", x.dtype, x)
        if self.compute_dtype == "float64":
            return ops.cast(x, "float64")
        is_rounded = keras.backend.standardize_dtype(x.dtype) == "float64"
        if is_rounded and self.compute_dtype == "float32" and not self._has_warned:
            self._has_warned = True
            warnings.warn(
                f"{type(self).__name__} computes in float32 and rounds its float64 input. Pass "
                "dtype='float64' to the layer to keep its digits, or cast the input.",
                stacklevel=3,
            )
        return ops.cast(x, "float32")
