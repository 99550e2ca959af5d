"""A robot as JSON types, as saved layers hold it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fkarm.errors import FkarmError, RobotError
from fkarm.model.joint import Joint
from fkarm.model.solids import solids_from_dict, solids_to_dict
from fkarm.version import __version__

if TYPE_CHECKING:
    from fkarm.model.robot import Robot

# 1: without velocity limits, bodies, masses and exclusions.
_FORMAT = 2


def write_record(robot: Robot) -> dict[str, Any]:
    """The record of a robot."""
    return {
        "format": _FORMAT,
        "name": robot.name,
        "end_effector": robot.end_effector,
        "link_names": list(robot.link_names),
        "joints": [joint.to_dict() for joint in robot.joints],
        **solids_to_dict(robot),
    }


def read_record(data: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that make the `Robot` of a record.

    Raises:
        RobotError: If `data` is not what `write_record` writes, or a newer fkarm wrote it.
    """
    try:
        if data["format"] not in range(1, _FORMAT + 1):
            raise _unknown_format(data["format"])
        joints = tuple(Joint.from_dict(joint) for joint in data["joints"])
        own = {k: data[k] for k in ("end_effector", "name", "link_names")}
        return {"joints": joints, **own, **solids_from_dict(data)}
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
        f"{number}, written by a newer fkarm. Update fkarm."
    )
