"""`python -m fkarm view ROBOT`: the robot in the browser, or as an HTML file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from fkarm._files import write_whole
from fkarm.commands import Refused
from fkarm.commands.arguments import (
    PACKAGED,
    ROBOT,
    add_mesh_spheres,
    check_bodies,
    index,
    positive,
    read_robot,
)
from fkarm.commands.output import check_writable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("robot", help=f"{ROBOT}; meshes of a URDF are drawn if they are at hand")
    parser.add_argument("--link", help="link that follows the target (the end effector)")
    parser.add_argument(
        "--path",
        type=Path,
        metavar="FILE.npy",
        help="configurations to play back, rad or m, (n, dof)",
    )
    parser.add_argument("--seconds", type=positive, default=5.0, help="how long that takes (5)")
    parser.add_argument(
        "--bodies",
        action="store_true",
        help="show the collision bodies: green, or yellow to red where they are near each other",
    )
    add_mesh_spheres(parser, "--bodies")
    parser.add_argument(
        "--obstacles",
        type=Path,
        metavar="FILE",
        help="obstacles to show: .yml or .json, as for the command solve",
    )
    parser.add_argument(
        "--export",
        type=Path,
        metavar="FILE.html",
        help="write one file with sliders, which works without Python and network, and end",
    )
    parser.add_argument("--port", type=index, default=8080, help="port to serve on (8080)")


def run(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C, or write the file."""
    from fkarm.collision import read_obstacles
    from fkarm.viz import make_page, view

    if options.export:
        check_writable("--export", options.export)
    robot = read_robot(options.robot, options.mesh_spheres)
    if options.bodies:
        check_bodies(robot, options.robot, "--bodies", options.mesh_spheres)
    shown: dict[str, Any] = {
        "link": options.link,
        "path": _read_path(options.path),
        "seconds": options.seconds,
        "bodies": options.bodies,
        "obstacles": None if options.obstacles is None else read_obstacles(options.obstacles),
        "urdf": None if options.robot in PACKAGED else options.robot,
    }
    try:
        if options.export:
            page = make_page(robot, **shown)
            write_whole(options.export, lambda file: page.save(file))
            print(f"{options.export}: {options.export.stat().st_size / 1e3:.0f} kB")
            return 0
        viewer = view(robot, **shown, port=options.port)
    except (ModuleNotFoundError, ValueError) as error:  # an extra; a path for another robot
        raise Refused(str(error)) from error
    print(f"{viewer.url} shows {robot.name!r} until Ctrl-C.", flush=True)
    viewer.wait()
    return 0


def _read_path(path: Path | None) -> np.ndarray | None:
    if path is None:
        return None
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise Refused(
            f"--path must be a file that numpy.save wrote. Received: {str(path)!r}: {error}."
        ) from error
