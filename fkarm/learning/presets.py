"""Trained networks by name, and networks in folders: the presets of KerasHub, for robots."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras

from fkarm._checks import check_choice
from fkarm.errors import unknown_name
from fkarm.learning.checkpoint import write_whole

FOLDER = Path(__file__).parent / "preset_files"  # one folder per packaged preset
CONFIG, WEIGHTS, CARD = "config.json", "model.weights.h5", "card.json"
_STORED = ("float16", "float32", "float64")


class _Packaged:
    """The packaged presets of the class that is asked: names and cards."""

    def __get__(self, model: object, kind: type) -> dict[str, dict[str, Any]]:
        cards = {file.parent.name: _read(file) for file in sorted(FOLDER.glob(f"*/{CARD}"))}
        return {name: card for name, card in cards.items() if card["model"] == kind.__name__}


class PresetModel(keras.Model):
    """A Keras model that is loaded by the name of a preset, or from a folder, and saved to one.

    A preset is a folder with the files of KerasHub: `config.json` holds the class, the robot and
    the sizes; `model.weights.h5` holds the weights. A packaged one has a card too, with its data,
    its accuracy and its limits.

    Attributes:
        presets: Names of the packaged presets of this class, and their cards: a dict of dicts.
    """

    presets = _Packaged()

    @classmethod
    def from_preset(cls, preset: str | Path, load_weights: bool = True, **kwargs: Any) -> Any:
        """A model with the weights of a preset, ready for `predict_ik`. Needs no network.

        The model is not compiled: `compile` it to train it further.

        Args:
            preset: One of `presets`, or the path of a folder that `save_to_preset` wrote. A name
                of `presets` comes before a folder of that name; write `"./panda"` for the folder.
            load_weights: Whether to load the weights; False: the architecture with new weights.
            **kwargs: Arguments of the class that replace those of the preset: `name`, `dtype`.
        Raises:
            ValueError: If there is neither such a preset nor such a folder, or the folder holds
                another kind of model or is incomplete.
        Example:
            >>> model = fkarm.learning.IKRegressor.from_preset("panda")
            >>> model.robot == fkarm.robots.panda(), model.link
            (True, 'panda_hand')
        """
        folder = _folder(cls, preset)
        config = _config(cls, folder)
        model = cls.from_config({**config, **kwargs})
        if load_weights:
            _check_file(folder / WEIGHTS)
            model.load_weights(folder / WEIGHTS)
        return model

    def save_to_preset(self, path: str | Path, *, weights_dtype: str = "float32") -> None:
        """Write the robot, the sizes and the weights to a folder, without the optimizer.

        Args:
            path: The folder; made if missing. A preset that is there is replaced.
            weights_dtype: Type of the weights in the file: `"float16"` halves it and rounds the
                weights to three digits, so measure the loaded model; `"float32"`, `"float64"`.
        Raises:
            ValueError: If `weights_dtype` is another one.
            OSError: If the folder cannot be made or written.
        """
        check_choice("weights_dtype", weights_dtype, _STORED)
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        content = {"registered_name": _registered(type(self)), "config": self.get_config()}
        text = json.dumps(content, indent=1) + "\n"
        # Keras would save the optimizer of a compiled model too.
        stored = type(self).from_config({**self.get_config(), "dtype": weights_dtype})
        stored.set_weights(self.get_weights())
        write_whole(folder / WEIGHTS, stored.save_weights)
        write_whole(folder / CONFIG, lambda file: file.write_text(text, encoding="utf-8"))


def _registered(kind: type) -> str:
    return str(keras.saving.get_registered_name(kind))


def _folder(kind: type[PresetModel], preset: str | Path) -> Path:
    """The folder of a preset: a packaged one by its name, else a path."""
    if isinstance(preset, str) and preset in kind.presets:
        return FOLDER / preset
    if not Path(preset).is_dir():
        known = unknown_name(f"preset of {kind.__name__}", str(preset), kind.presets)
        raise ValueError(f"{known} It may also be a folder that save_to_preset wrote.")
    return Path(preset)


def _config(kind: type[PresetModel], folder: Path) -> dict[str, Any]:
    """The arguments of the class in a folder."""
    _check_file(folder / CONFIG)
    content = _read(folder / CONFIG)
    if content["registered_name"] != _registered(kind):
        raise ValueError(
            f"{folder} must hold a preset of {_registered(kind)}. Received: one of "
            f"{content['registered_name']}. Load it with that class."
        )
    return dict(content["config"])


def _check_file(file: Path) -> None:
    if not file.is_file():
        raise ValueError(
            f"A preset must have the files {CONFIG} and {WEIGHTS}. Received: {file.parent} without "
            f"{file.name}. Write it again: model.save_to_preset(path)."
        )


def _read(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text(encoding="utf-8")))
