"""`python -m fkarm COMMAND`: inspect a robot, train a network for it, evaluate the network."""

from __future__ import annotations

import argparse
import sys

from fkarm.commands import Refused, evaluate, inspect, train
from fkarm.errors import FkarmError

COMMANDS = {
    "inspect": (inspect, "read a robot and print its tree, limits and report"),
    "train": (train, "train a network for inverse kinematics, save and evaluate it"),
    "evaluate": (evaluate, "print the errors, the success rate and the speed of a trained network"),
}


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit status, which is 0 unless the command is refused."""
    parser = argparse.ArgumentParser(prog="python -m fkarm", description="Robot kinematics.")
    subparsers = parser.add_subparsers(dest="command", required=True)
    for name, (command, purpose) in COMMANDS.items():
        subparser = subparsers.add_parser(
            name, help=purpose, description=purpose, allow_abbrev=False
        )
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run)
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except (FkarmError, Refused) as error:
        print(error, file=sys.stderr)
        return error.status if isinstance(error, Refused) else 1


if __name__ == "__main__":
    sys.exit(main())
