"""Keras objects of fkarm, which Keras knows as soon as both are imported, in either order.

`import fkarm` imports no tensor library. When Keras is imported, its registry gets a placeholder
for each class, so a saved model opens after `import fkarm`; opening it imports what it contains.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from fkarm.model import Robot

CLASSES = {
    "fkarm.layers": (
        "CalibratedForwardKinematics",
        "ClosedFormIK",
        "CorrectionBounds",
        "CorrectionPrior",
        "ForwardKinematics",
        "IKRefinement",
        "InverseKinematics",
        "JointLimits",
        "SelfDistance",
    ),
    "fkarm.learning": ("IKFlow", "IKRegressor"),
    "fkarm.losses": ("BestHeadPoseLoss", "CollisionLoss", "PoseLoss"),
    "fkarm.metrics": ("CollisionRate", "OrientationError", "PoseSuccess", "PositionError"),
    "fkarm.primers": ("ChannelAffine", "EntropyRegularizer"),
}


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


class _ImportOfKeras(MetaPathFinder):
    """Registers the classes at the end of `import keras`, and explains why that fails."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "keras":
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        found = (finder.find_spec(fullname, path, target) for finder in others)
        spec = next((spec for spec in found if spec is not None), None)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def execute_and_register(module: ModuleType) -> None:
            try:
                execute(module)
            except ModuleNotFoundError as error:
                missing = str(error.name).split(".")[0]
                if missing not in ("tensorflow", "jax", "torch"):
                    raise
                raise ModuleNotFoundError(
                    f"fkarm runs on Keras, and Keras is set to run on {missing}, which is not "
                    "installed. Install it, or set KERAS_BACKEND to an installed one of "
                    "tensorflow, jax and torch before Python starts: KERAS_BACKEND=jax python ...",
                    name=missing,
                ) from error
            _register()

        # The loader stays what it is: others ask it for the source and the files of Keras.
        spec.loader.exec_module = execute_and_register  # type: ignore[method-assign]
        return spec


def register_with_keras() -> None:
    """Register Robot and placeholders for all classes, at once or when Keras is imported."""
    if sys.modules.get("keras"):
        _register()
    else:
        sys.meta_path.insert(0, _ImportOfKeras())


def _register() -> None:
    import keras

    # Here and not where it is defined: the model knows no tensor library.
    keras.saving.register_keras_serializable(package="fkarm")(Robot)
    for module, names in CLASSES.items():
        for name in names:
            keras.saving.get_custom_objects()[f"fkarm>{name}"] = Deferred(module, name)
