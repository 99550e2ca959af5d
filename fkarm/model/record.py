"""A robot as JSON types, as saved layers hold it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fkarm.errors import FkarmError, RobotError
from fkarm.model.joint import Joint
from fkarm.version import __version__

_FORMAT = 1


def write_record(
    name: str, link_names: Sequence[str], joints: Sequence[Joint], end_effector: str
) -> dict[str, Any]:
    """The record of a robot."""
    return {
        "format": _FORMAT,
        "name": name,
        "end_effector": end_effector,
        "link_names": list(link_names),
        "joints": [joint.to_dict() for joint in joints],
    }


def read_record(data: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that make the `Robot` of a record.

    Raises:
        RobotError: If `data` is not what `write_record` writes, or a newer fkarm wrote it.
    """
    try:
        if data["format"] != _FORMAT:
            raise _unknown_format(data["format"])
        joints = tuple(Joint.from_dict(joint) for joint in data["joints"])
        return {"joints": joints, **{k: data[k] for k in ("end_effector", "name", "link_names")}}
    except FkarmError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RobotError(
            f"A robot's dict must be as to_dict writes it, with 'format': {_FORMAT}. "
            f"Received: {error!r}."
        ) from error


def _unknown_format(number: object) -> Exception:
    if not isinstance(number, int) or number < _FORMAT:
        return ValueError(f"format {number!r}")
    return RobotError(
        f"The robot's format must be at most {_FORMAT}, which fkarm {__version__} reads. Received: "
        f"{number}, written by a newer fkarm. Update: pip install --upgrade fkarm."
    )
