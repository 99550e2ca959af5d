"""Configurations that older versions of fkarm wrote to files."""

from __future__ import annotations

from typing import Any


def with_new_names(config: dict[str, Any], **new_names: str) -> dict[str, Any]:
    """The configuration with arguments of version 0.1.0 under the names they have today."""
    return {new_names.get(name, name): value for name, value in config.items()}
