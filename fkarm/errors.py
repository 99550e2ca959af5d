"""Exceptions. Each derives from `FkarmError` and from the builtin that it refines."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LISTED = 40
# What the extras of pyproject.toml install.
_LIBRARIES = {
    "viz": ("matplotlib",),
    "view": ("viser", "trimesh", "pycollada"),
    "mjcf": ("mujoco",),
    "bodies": ("pyyaml", "trimesh", "pycollada"),
    "xacro": ("xacrodoc",),
    "tables": ("pyarrow",),
    "cluster": ("pyarrow", "ray"),
}


class FkarmError(Exception):
    """Base of every error that fkarm defines."""

    # KeyError prints the repr of its message, which hides line breaks and quotes.
    __str__ = Exception.__str__


class RobotError(FkarmError, ValueError):
    """A description that does not make a robot: a bad joint, a broken tree, an impossible limit."""


class URDFError(RobotError):
    """A URDF that cannot be read; the message names the file, the line and the element."""


class MJCFError(RobotError):
    """A MuJoCo model that cannot be read."""


class MissingFileError(URDFError, MJCFError, FileNotFoundError):
    """A robot file that does not exist."""


class UnknownLinkError(FkarmError, KeyError):
    """A link name that the robot does not have; the message lists those it has."""


class UnknownJointError(FkarmError, KeyError):
    """A joint name that the robot does not have; the message lists those it has."""


class NoClosedFormError(FkarmError, ValueError):
    """A chain whose inverse kinematics has no closed form; the message says what is missing."""


class CalibrationError(FkarmError, ValueError):
    """Measurements that no robot explains, or too few of them; the message says what to check."""


class TableError(FkarmError, ValueError):
    """A table that cannot be read or written; the message names the file and what it holds."""


class TrainingError(FkarmError, ArithmeticError):
    """A training in which a number is no longer finite."""


def unknown_name(kind: str, name: object, names: Iterable[str]) -> str:
    """Message for an unknown name. It lists the known names, the nearest spelling first."""
    near = difflib.get_close_matches(str(name), list(names), n=3, cutoff=0.6)
    ordered = near + [known for known in names if known not in near]
    listed = ", ".join(repr(known) for known in ordered[:_LISTED])
    more = f" and {len(ordered) - _LISTED} more" if len(ordered) > _LISTED else ""
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"{kind} must be one of: {listed or '(none)'}{more}. Received: {name!r}.{hint}"


def how_to_install(extra: str) -> str:
    """The command that installs what an extra of fkarm needs, wherever fkarm came from."""
    return f"pip install {' '.join(_LIBRARIES[extra])} (the extra {extra!r} of fkarm)"
