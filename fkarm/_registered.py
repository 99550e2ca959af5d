"""Keras objects of the parts that are imported when first used.

A model that was saved with one of them opens after `import fkarm`: only then is the part imported.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import keras


class Deferred:
    """Stands for a class in Keras' registry, which asks it for an object of a configuration.

    Args:
        module: Where the class is.
        name: Its name.
    """

    def __init__(self, module: str, name: str) -> None:
        self.module = module
        self.name = name

    def from_config(self, config: dict[str, Any]) -> Any:
        """What the class makes of the configuration."""
        return getattr(import_module(self.module), self.name).from_config(config)


def defer(module: str, *names: str) -> None:
    """Register classes of a module under their names without importing it."""
    for name in names:
        keras.saving.get_custom_objects()[f"fkarm>{name}"] = Deferred(module, name)
