"""Keras objects of the modules that are imported on first use.

A saved model with such an object opens after `import fkarm`; opening it imports the module.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import keras


class Deferred:
    """Placeholder for a class in Keras' registry. Keras only calls its `from_config`.

    Args:
        module: Module of the class.
        name: Name of the class.
    """

    def __init__(self, module: str, name: str) -> None:
        self.module = module
        self.name = name

    def from_config(self, config: dict[str, Any]) -> Any:
        """Import the class and return its object of this configuration."""
        return getattr(import_module(self.module), self.name).from_config(config)


def defer(module: str, *names: str) -> None:
    """Register classes of a module under their names, without importing the module."""
    for name in names:
        keras.saving.get_custom_objects()[f"fkarm>{name}"] = Deferred(module, name)
