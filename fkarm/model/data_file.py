"""YAML and JSON files (YAML: extra `fkarm[bodies]`)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from fkarm.errors import RobotError, how_to_install
from fkarm.model.source import open_source


def read_data(path: str | os.PathLike[str], kind: str) -> Any:
    """What a file holds: JSON where its name ends in `.json`, or else YAML.

    Args:
        path: The file.
        kind: What it should hold, for messages.
    Raises:
        MissingFileError: If there is no such file.
        RobotError: If the file cannot be read, or PyYAML is missing.
    """
    text = open_source(Path(path), kind, RobotError).text()
    if Path(path).suffix.lower() == ".json":
        try:
            return json.loads(text)
        except ValueError as error:
            raise RobotError(f"{path}: the file must be JSON. Received: {error}.") from error
    try:
        import yaml
    except ModuleNotFoundError as error:
        raise RobotError(
            f"{path}: YAML is read by PyYAML. Install it: {how_to_install('bodies')}."
        ) from error
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RobotError(f"{path}: the file must be YAML. Received: {error}.") from error
