"""The libraries that pictures and viewers need, and that fkarm alone does not install."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from fkarm.errors import how_to_install


def require(library: str, extra: str) -> None:
    """Import a library that an extra of fkarm installs.

    Raises:
        ModuleNotFoundError: If it is not installed; the message says what to install.
    """
    try:
        import_module(library)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"fkarm.viz needs {library}. Install it: {how_to_install(extra)}."
        ) from error


def new_figure(width: float, height: float) -> Any:
    """An empty `matplotlib.figure.Figure`, inches, which needs no display."""
    require("matplotlib", "viz")
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")
