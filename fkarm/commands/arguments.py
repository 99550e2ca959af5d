"""Values of options on the command line, and the robot that an argument names."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from fkarm import robots
from fkarm.commands import Refused
from fkarm.errors import unknown_name
from fkarm.model import Robot

PACKAGED = tuple(name for name in robots.__all__ if name != "planar")
ROBOT = f"path of a URDF, or one of: {', '.join(PACKAGED)}"


def read_robot(source: str, mesh_spheres: int | None = None) -> Robot:
    """The packaged robot of that name, or the robot in a URDF file.

    Args:
        source: The name or the path.
        mesh_spheres: As in `Robot.from_urdf`.
    Raises:
        Refused: If there is neither such a robot nor such a file, or the robot is a packaged one
            and its meshes should be read.
        MissingFileError: If a mesh is to be read and not at hand.
        URDFError: If the file cannot be read.
    """
    if source in PACKAGED:
        if mesh_spheres is not None:
            raise Refused(
                f"--mesh-spheres needs the path of a URDF. Received: {source!r}, a packaged robot, "
                "which has bodies. Leave the option out."
            )
        return getattr(robots, source)()
    if not Path(source).exists() or Path(source).is_dir():  # is_file() would refuse a pipe
        kind = "The robot must be the path of a URDF file, or it"
        raise Refused(unknown_name(kind, source, PACKAGED))
    return Robot.from_urdf(Path(source), mesh_spheres=mesh_spheres)


def add_mesh_spheres(parser: argparse.ArgumentParser, option: str) -> None:
    """Declare `--mesh-spheres`, for an option that needs bodies."""
    parser.add_argument(
        "--mesh-spheres",
        type=count,
        metavar="N",
        help=f"read the collision meshes of a URDF for {option}, each as at most N spheres",
    )


def check_bodies(robot: Robot, source: str, option: str, mesh_spheres: int | None) -> None:
    """Raise Refused unless the robot has the bodies that an option needs."""
    if robot.bodies:
        return
    if mesh_spheres is None:
        raise Refused(
            f"{option} needs a robot with bodies. Received: {source!r}, whose <collision> elements "
            "hold meshes alone, or nothing. Try --mesh-spheres 8, which reads the meshes."
        )
    raise Refused(
        f"{option} needs a robot with bodies. Received: {source!r}, which has no <collision> "
        "elements. Add spheres or capsules to the file, or use robot.with_bodies in Python."
    )


def choice(*names: str) -> Callable[[str], str]:
    """One of some names; a misspelt one is answered with the nearest spelling."""

    def chosen(text: str) -> str:
        if text not in names:
            raise argparse.ArgumentTypeError(unknown_name("it", text, names))
        return text

    return chosen


def as_options(message: str, names: Iterable[str]) -> str:
    """A message with arguments of a function, such as `angle_unit='deg'`, as `--angle-unit deg`.

    Args:
        message: The message. Translated are `name=value` and a name at the beginning.
        names: The names of arguments that are options.
    """
    name = f"({'|'.join(names)})"

    def option(found: re.Match[str]) -> str:
        first, later, value = found.groups()
        words = "--" + (first or later).replace("_", "-")
        return f"{words} {value}" if value else words

    return re.sub(rf"^{name}(?= must)|\b{name}=(?:True\b|'(\w+)')?", option, message)


def count(text: str) -> int:
    """A whole number above zero."""
    return int(_number(text, int, 1, "a whole number >= 1"))


def index(text: str) -> int:
    """A whole number that is not negative."""
    return int(_number(text, int, 0, "a whole number >= 0"))


def positive(text: str) -> float:
    """A finite number above zero."""
    return _number(text, float, math.ulp(0.0), "a finite number > 0")


def non_negative(text: str) -> float:
    """A finite number that is not negative."""
    return _number(text, float, 0.0, "a finite number >= 0")


def keras_file(text: str) -> Path:
    """A path that ends in .keras."""
    path = Path(text)
    if path.suffix != ".keras":
        raise argparse.ArgumentTypeError(f"must end in .keras. Received: {text!r}.")
    return path


def addresses(text: str) -> list[str]:
    """Addresses of at least two processes."""
    hosts = text.split(",")
    for address in hosts:
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal():
            raise argparse.ArgumentTypeError(
                f"must be host:port,host:port,... Received: {address!r}."
            )
    if len(hosts) < 2:
        raise argparse.ArgumentTypeError(f"must name two processes or more. Received: {text!r}.")
    return hosts


def _number(text: str, kind: type, least: float, what: str) -> float:
    try:
        value = kind(text)
    except ValueError:
        value = math.nan
    if not least <= value < math.inf:
        raise argparse.ArgumentTypeError(f"must be {what}. Received: {text!r}.")
    return value
