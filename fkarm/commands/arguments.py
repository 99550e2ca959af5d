"""Values of options, and the robot that one names."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from fkarm import robots
from fkarm.commands import Refused
from fkarm.model import Robot

PACKAGED = tuple(name for name in robots.__all__ if name != "planar")


def read_robot(source: str) -> Robot:
    """The packaged robot of that name, or that of a URDF file.

    Raises:
        Refused: If there is no such file.
        URDFError: If it cannot be read.
    """
    if source in PACKAGED:
        return getattr(robots, source)()
    if not Path(source).exists() or Path(source).is_dir():  # a pipe will do
        raise Refused(
            f"There must be a URDF file at the path. Received: {source!r}. Robots that need no "
            f"file: {', '.join(PACKAGED)}."
        )
    return Robot.from_urdf(Path(source))


def count(text: str) -> int:
    """A whole number above zero."""
    return int(_number(text, int, 1, "a whole number >= 1"))


def index(text: str) -> int:
    """A whole number that is not negative."""
    return int(_number(text, int, 0, "a whole number >= 0"))


def positive(text: str) -> float:
    """A finite number above zero."""
    return _number(text, float, math.ulp(0.0), "a finite number > 0")


def keras_file(text: str) -> Path:
    """A path that ends in .keras."""
    path = Path(text)
    if path.suffix != ".keras":
        raise argparse.ArgumentTypeError(f"must end in .keras. Received: {text!r}.")
    return path


def addresses(text: str) -> list[str]:
    """Addresses of at least two processes."""
    found = text.split(",")
    for each in found:
        host, _, port = each.rpartition(":")
        if not host or not port.isdecimal():
            raise argparse.ArgumentTypeError(f"must be host:port,host:port,... Received: {each!r}.")
    if len(found) < 2:
        raise argparse.ArgumentTypeError(f"must name two processes or more. Received: {text!r}.")
    return found


def _number(text: str, kind: type, least: float, what: str) -> float:
    try:
        value = kind(text)
    except ValueError:
        value = math.nan
    if not least <= value < math.inf:
        raise argparse.ArgumentTypeError(f"must be {what}. Received: {text!r}.")
    return value
