"""`python -m fkarm solve ROBOT TARGETS.csv --out Q.csv`: joint values for poses in a file."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from fkarm.commands import Refused
from fkarm.commands.arguments import count, index, positive, read_robot
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
    parser.add_argument("--method", choices=("auto", "closed_form", "numeric"), help="(auto)")
    parser.add_argument("--position-tolerance", type=positive, metavar="METRES", help="(0.001)")
    parser.add_argument("--orientation-tolerance", type=positive, metavar="RADIANS", help="(0.01)")
    parser.add_argument("--starts", type=count, help="starts of a search per row")
    parser.add_argument("--max-steps", type=count, help="steps of a search from each start")
    parser.add_argument("--seed", type=index, help="seed of the starts (0)")


def run(options: argparse.Namespace) -> int:
    """Write the table of `fkarm.tables.solve_table`, and print its summary."""
    from fkarm.tables import solve_table

    robot = read_robot(options.robot)
    given = {name: getattr(options, name) for name in NAMES if getattr(options, name) is not None}
    if options.q_ref is not None:
        given["q_ref"] = _q_ref(options, robot)
    return run_table(options, robot, solve_table, **given)


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
