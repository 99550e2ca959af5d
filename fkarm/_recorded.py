"""Configurations in files that older versions of fkarm wrote."""

from __future__ import annotations

from typing import Any


def with_new_names(config: dict[str, Any], **new_names: str) -> dict[str, Any]:
    """A configuration with the arguments of version 0.1.0 under their new names."""
    return {new_names.get(name, name): value for name, value in config.items()}
