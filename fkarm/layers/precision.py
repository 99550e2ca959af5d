"""The precision that kinematic layers compute in."""

from __future__ import annotations

import warnings
from typing import Any

import keras


def kinematics_policy(dtype: Any, layer: str) -> Any:
    """The dtype policy of a kinematic layer: never half precision unless asked by name.

    Half precision would cost millimetres to centimetres. A mixed policy, or a half precision
    policy that is only global, becomes float32, with a warning; `dtype="float16"` or
    `"bfloat16"` given to the layer itself rounds its output.

    Args:
        dtype: The `dtype` argument of the layer; None means the global policy.
        layer: Name of the layer, for the warning.
    """
    policy = keras.dtype_policies.get(dtype or keras.config.dtype_policy())
    is_half = policy.compute_dtype in ("float16", "bfloat16")
    if is_half and (dtype is None or policy.name.startswith("mixed_")):
        warnings.warn(
            f"{layer} computes in float32 under the policy {policy.name!r}: half precision "
            f"would cost millimetres. Pass dtype='float32' to say so yourself.",
            stacklevel=3,
        )
        return keras.dtype_policies.get("float32")
    return policy
