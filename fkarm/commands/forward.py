"""`python -m fkarm forward ROBOT Q.csv`: poses of the configurations in a file."""

from __future__ import annotations

import argparse

from fkarm.commands.arguments import read_robot
from fkarm.commands.tables import add_table_arguments, run_table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    add_table_arguments(
        parser,
        "a table with a column per joint, by the joints' names",
        "poses",
        "how to write poses (xyz_quat_wxyz)",
    )


def run(options: argparse.Namespace) -> int:
    """Write the table of `fkarm.tables.forward_table`, and print its summary."""
    from fkarm.tables import forward_table

    return run_table(options, read_robot(options.robot), forward_table)
