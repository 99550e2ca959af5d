"""`python -m fkarm solve ROBOT TARGETS.csv --out Q.csv`: joint values for poses in a file."""

from __future__ import annotations

import argparse

from fkarm.commands.arguments import count, index, positive
from fkarm.commands.tables import add_table_arguments, run_table

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
    parser.add_argument("--method", choices=("auto", "closed_form", "numeric"), help="(auto)")
    parser.add_argument("--position-tolerance", type=positive, metavar="METRES", help="(0.001)")
    parser.add_argument("--orientation-tolerance", type=positive, metavar="RADIANS", help="(0.01)")
    parser.add_argument("--starts", type=count, help="starts of a search per row")
    parser.add_argument("--max-steps", type=count, help="steps of a search from each start")
    parser.add_argument("--seed", type=index, help="seed of the starts (0)")


def run(options: argparse.Namespace) -> int:
    """Write the table of `fkarm.tables.solve_table`, and print its summary."""
    from fkarm.tables import solve_table

    given = {name: getattr(options, name) for name in NAMES if getattr(options, name) is not None}
    return run_table(options, solve_table, **given)
