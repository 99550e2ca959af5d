"""Trained networks by name, and networks in folders, as KerasHub has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras

from fkarm._checks import check_choice
from fkarm._files import write_whole
from fkarm.errors import unknown_name

FOLDER = Path(__file__).parent / "preset_files"  # one folder per packaged preset
CONFIG, WEIGHTS, CARD = "config.json", "model.weights.h5", "card.json"


class _Packaged:
    """The packaged presets of the class that it is read from."""

    def __get__(self, model: object, kind: type) -> dict[str, dict[str, Any]]:
        cards = {file.parent.name: _read(file) for file in sorted(FOLDER.glob(f"*/{CARD}"))}
        return {name: card for name, card in cards.items() if card["model"] == kind.__name__}


class PresetModel(keras.Model):
    """A Keras model that `from_preset` loads by name or from a folder.

    A preset is a folder with the two files that KerasHub writes: `config.json` has the class, the
    robot and the sizes, `model.weights.h5` has the weights. A packaged preset also has a card.

    Attributes:
        presets: The packaged presets of the class: a card for every name. A card is a dict with
            the robot, the link, the training, the versions and, as `rows`, the errors that
            `evaluate_ik` measured.
    """

    presets = _Packaged()

    @classmethod
    def from_preset(cls, preset: str | Path, load_weights: bool = True, **kwargs: Any) -> Any:
        """The model of a preset, not compiled. Reads local files only.

        Args:
            preset: A name in `presets`, or the path of a folder that `save_to_preset` wrote. The
                name takes precedence over a folder of that name; the folder is `"./NAME"`.
            load_weights: Whether to load the weights; False: they are new.
            **kwargs: Arguments of the class that replace those of the preset: `name`, `dtype`.
        Raises:
            ValueError: If there is no such preset and no such folder, or the folder is not a preset
                of this class.
        Example:
            >>> model = fkarm.learning.IKRegressor.from_preset("panda")
            >>> model.robot == fkarm.robots.panda(), model.link
            (True, 'panda_hand')
        """
        folder = _folder(cls, preset)
        model = cls.from_config({**_config(cls, folder), **kwargs})
        if load_weights:
            _check_file(folder / WEIGHTS)
            model.load_weights(folder / WEIGHTS)
        return model

    def save_to_preset(self, path: str | Path, *, weights_dtype: str | None = None) -> None:
        """Write the model to a folder, for `from_preset`. The state of an optimizer is left out.

        Args:
            path: The folder; made if missing. The files of a preset that it holds are replaced.
            weights_dtype: Type of the weights in the file: `"float16"`, `"float32"` or
                `"float64"`; None: that of the model. `"float16"` halves the size and rounds the
                weights to three digits: evaluate the loaded model.
        Raises:
            ValueError: If `weights_dtype` is unknown.
            OSError: If the folder cannot be made or written.
        """
        if weights_dtype is not None:
            check_choice("weights_dtype", weights_dtype, ("float16", "float32", "float64"))
        folder, config = Path(path), self.get_config()
        folder.mkdir(parents=True, exist_ok=True)
        # A copy that is not compiled: Keras saves an optimizer with the weights.
        stored = self.from_config({**config, "dtype": weights_dtype or self.variable_dtype})
        stored.set_weights(self.get_weights())
        text = json.dumps({"registered_name": _name(type(self)), "config": config}, indent=1)
        write_whole(folder / WEIGHTS, stored.save_weights)
        write_whole(folder / CONFIG, lambda file: file.write_text(f"{text}\n", encoding="utf-8"))


def _name(kind: type) -> str:
    """The name of a class in Keras' registry."""
    return str(keras.saving.get_registered_name(kind))


def _folder(kind: type[PresetModel], preset: str | Path) -> Path:
    """The folder of a packaged preset or of a path."""
    if preset in kind.presets:
        return FOLDER / str(preset)
    path = Path(preset)
    if not path.is_dir():
        unknown = unknown_name("preset", str(preset), kind.presets)
        if path.name == str(preset):
            raise ValueError(f"{unknown} Or give the path of a folder that save_to_preset wrote.")
        there = "which is no folder" if path.exists() else "and there is no such folder"
        raise ValueError(
            "preset must be a folder that save_to_preset wrote, or the name of a packaged preset: "
            f"{', '.join(map(repr, kind.presets)) or '(none)'}. Received: {str(preset)!r}, {there}."
        )
    return path


def _config(kind: type[PresetModel], folder: Path) -> dict[str, Any]:
    """The arguments of the class in a folder."""
    _check_file(folder / CONFIG)
    try:
        content = _read(folder / CONFIG)
        found, config = content["registered_name"], content["config"]
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"{folder / CONFIG} must be as save_to_preset writes it. Received: {error!r}."
        ) from error
    if found != _name(kind):
        raise ValueError(
            f"{folder} must hold a preset of {_name(kind)}. Received: one of {found}. Load it with "
            "that class."
        )
    return dict(config)


def _check_file(file: Path) -> None:
    if not file.is_file():
        raise ValueError(
            f"A preset must hold {CONFIG} and {WEIGHTS}. Received: {file.parent} without "
            f"{file.name}."
        )


def _read(file: Path) -> dict[str, Any]:
    """The content of a JSON file."""
    return dict(json.loads(file.read_text(encoding="utf-8")))
