"""The precision that kinematic layers compute in."""

from __future__ import annotations

import warnings
from typing import Any

import keras
from keras import ops

from fkarm._types import Tensor


class KinematicLayer(keras.layers.Layer):
    """A layer without weights that computes in float32 or float64, never in half precision.

    Half precision would cost millimetres to centimetres. A mixed policy, or a half precision
    policy that is only global, becomes float32, with a warning; `dtype="float16"` or
    `"bfloat16"` given to the layer itself rounds its output, and nothing else.

    Args:
        **kwargs: `name`, `dtype`, ... of `keras.layers.Layer`.
    """

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
        # Keras would round the input to the policy's type first: `precise` casts it instead.
        super().__init__(dtype=policy, autocast=False, **kwargs)
        self.supports_masking = True

    def precise(self, x: Tensor) -> Tensor:
        """`x` in the type to compute in: float64 if that is the layer's, else float32."""
        return ops.cast(x, "float64" if self.compute_dtype == "float64" else "float32")
