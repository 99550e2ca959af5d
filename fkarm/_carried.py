"""What a tensor carries beside its numbers: Keras' mask and, by the same means, their units."""

from __future__ import annotations

from typing import Any

# Keras has no public names for these.
from keras.src.backend import get_keras_mask as mask_of
from keras.src.backend.common.tensor_attributes import get_tensor_attr, set_tensor_attr

__all__ = ["check_units", "mark_units", "mask_of"]

_UNITS = "_fkarm_units"


def mark_units(tensor: Any, angle: str | None, length: str | None) -> Any:
    """The tensor, with the units of its angles and lengths on it; None: it has no such numbers.

    They are lost, as a mask is, with the first operation on the tensor.
    """
    set_tensor_attr(tensor, _UNITS, (angle, length))
    return tensor


def check_units(name: str, tensor: Any, angle: str | None, length: str | None) -> None:
    """Raise ValueError if a tensor is known to be in other units; None: any will do."""
    found = get_tensor_attr(tensor, _UNITS) or (None, None)
    for argument, has, wanted in zip(
        ("angle_unit", "length_unit"), found, (angle, length), strict=True
    ):
        if has and wanted and has != wanted:
            raise ValueError(
                f"{name} must be in {wanted}, as {argument} says. Received: numbers in {has}, as "
                f"the layer before gives them. Give both the same {argument}."
            )
