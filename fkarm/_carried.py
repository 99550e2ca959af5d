"""Attributes of a tensor besides its numbers: Keras' mask and the units of the numbers."""

from __future__ import annotations

from typing import Any

# Keras has no public names for these.
from keras.src.backend import get_keras_mask as mask_of
from keras.src.backend.common.tensor_attributes import get_tensor_attr, set_tensor_attr

__all__ = ["check_units", "mark_units", "mask_of"]

_UNITS = "_fkarm_units"


def mark_units(tensor: Any, angle: str | None, length: str | None) -> Any:
    """Attach the units of its angles and lengths to a tensor and return the tensor.

    None stands for a tensor without angles, or without lengths. Any operation on the tensor loses
    its units, as it loses a mask.
    """
    set_tensor_attr(tensor, _UNITS, (angle, length))
    return tensor


def check_units(name: str, tensor: Any, angle: str | None, length: str | None) -> None:
    """Raise ValueError if a tensor is known to be in other units. None accepts any unit."""
    units = get_tensor_attr(tensor, _UNITS) or (None, None)
    for argument, has, wanted in zip(
        ("angle_unit", "length_unit"), units, (angle, length), strict=True
    ):
        if has and wanted and has != wanted:
            raise ValueError(
                f"{name} must be in {wanted}, as {argument} says. Received: numbers in {has}, "
                f"from a layer that returns them. Give both the same {argument}."
            )
