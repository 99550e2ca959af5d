"""`python -m fkarm solve ROBOT TARGETS.csv --out Q.csv`: joint values for poses in a file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from fkarm._units import LENGTH_UNITS
from fkarm.commands import Refused
from fkarm.commands.arguments import (
    add_mesh_spheres,
    check_bodies,
    count,
    index,
    non_negative,
    positive,
    read_robot,
)
from fkarm.commands.tables import add_table_arguments, run_table
from fkarm.errors import unknown_name
from fkarm.model import Robot
from fkarm.model.named import entry_units

NAMES = (
    "base", "task", "method", "position_tolerance", "orientation_tolerance", "starts", "max_steps",
    "seed",
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    add_table_arguments(
        parser,
        "a table with the columns x y z and qw qx qy qz, rx ry rz (rotation vector) or roll pitch "
        "yaw, or the matrix T00 T01 ... T23",
        "solved",
        "how the poses are written (as the columns say)",
    )
    parser.add_argument("--base", help="link in whose frame the poses are (the root)")
    parser.add_argument(
        "--task", choices=("pose", "position", "orientation"), help="what must be reached (pose)"
    )
    parser.add_argument(
        "--q-ref",
        nargs="+",
        metavar="NAME=VALUE",
        help="joint values that answers shall be near, in --angle-unit (joints without a name: 0); "
        "or a file with a row of joint values per target: .csv, .parquet or .npy",
    )
    parser.add_argument(
        "--clearance",
        type=non_negative,
        metavar="LENGTH",
        help="smallest distance, in --length-unit, between bodies of the robot, and between them "
        "and --obstacles; the table gets a column of the distance (bodies do not matter)",
    )
    parser.add_argument(
        "--obstacles",
        type=Path,
        metavar="FILE",
        help="obstacles that bodies keep clear of: .yml or .json, a list of entries such as "
        "{shape: box, size: [x, y, z], xyz: [x, y, z]}, always in m and rad; needs --clearance",
    )
    add_mesh_spheres(parser, "--clearance")
    parser.add_argument("--method", choices=("auto", "closed_form", "numeric"), help="(auto)")
    parser.add_argument("--position-tolerance", type=positive, metavar="METRES", help="(0.001)")
    parser.add_argument("--orientation-tolerance", type=positive, metavar="RADIANS", help="(0.01)")
    parser.add_argument("--starts", type=count, help="starts of a search per row")
    parser.add_argument("--max-steps", type=count, help="steps of a search from each start")
    parser.add_argument("--seed", type=index, help="seed of the starts (0)")


def run(options: argparse.Namespace) -> int:
    """Write the table of `fkarm.tables.solve_table`, and print its summary."""
    from fkarm.tables import solve_table

    robot = read_robot(options.robot, options.mesh_spheres)
    given = {name: getattr(options, name) for name in NAMES if getattr(options, name) is not None}
    if options.q_ref is not None:
        given["q_ref"] = _q_ref(options, robot)
    return run_table(options, robot, solve_table, **given, **_surroundings(options, robot))


def _surroundings(options: argparse.Namespace, robot: Robot) -> dict[str, Any]:
    """The arguments of `solve_table` that `--clearance` and `--obstacles` stand for."""
    from fkarm.collision import read_obstacles

    if options.clearance is None:
        if options.obstacles is not None:
            raise Refused(
                "--obstacles must come with --clearance, the smallest distance from them. "
                f"Received: {str(options.obstacles)!r} alone. Try --clearance 0.005."
            )
        return {}
    check_bodies(robot, options.robot, "--clearance", options.mesh_spheres)
    given: dict[str, Any] = {"clearance": options.clearance * LENGTH_UNITS[options.length_unit]}
    if options.obstacles is not None:
        given["obstacles"] = read_obstacles(options.obstacles)
    return given


def _q_ref(options: argparse.Namespace, robot: Robot) -> Path | np.ndarray:
    """The file that `--q-ref` names, or the configuration of its values."""
    from fkarm.tables.columns import joint_columns

    if len(options.q_ref) == 1 and "=" not in options.q_ref[0]:
        return Path(options.q_ref[0])
    names = joint_columns(robot)
    q = np.zeros(len(names))
    for text in options.q_ref:
        name, _, value = text.rpartition("=")
        if name not in names:
            raise Refused(unknown_name("Of --q-ref NAME=VALUE, NAME", name or text, names))
        try:
            q[names.index(name)] = float(value)
        except ValueError:
            raise Refused(f"--q-ref {name}=VALUE must be a number. Received: {value!r}.") from None
    return q * np.array(entry_units(robot, options.angle_unit, options.length_unit))
