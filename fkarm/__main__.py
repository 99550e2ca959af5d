"""`python -m fkarm COMMAND`: inspect or view a robot, compute tables, train a network."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module

from fkarm.commands import Refused
from fkarm.commands.start import import_keras
from fkarm.errors import FkarmError

COMMANDS = {
    "inspect": "read a robot and print its tree, limits and report",
    "view": "show a robot in the browser, or write it to an HTML file with sliders",
    "forward": "write the poses of a table of joint values",
    "solve": "write joint values that reach a table of poses",
    "calibrate": "fit a robot's geometry to measurements and say what they can tell",
    "train": "train a network for inverse kinematics, save and evaluate it",
    "evaluate": "print the errors, the success rate and the speed of a trained network",
}
NEED_NO_KERAS = ("inspect",)


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit status, which is 0 unless the command is refused."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="python -m fkarm", description="Robot kinematics.")
    subparsers = parser.add_subparsers(dest="command", required=True)
    for name, purpose in COMMANDS.items():
        subparser = subparsers.add_parser(
            name, help=purpose, description=purpose, allow_abbrev=False
        )
        if arguments[:1] == [name]:  # the others are not read
            command = import_module(f"fkarm.commands.{name}")
            command.add_arguments(subparser)
            subparser.set_defaults(run=command.run)
    options = parser.parse_args(arguments)
    try:
        if options.command not in NEED_NO_KERAS:
            import_keras()
        status = int(options.run(options))
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # what reads the output, such as head, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (FkarmError, ModuleNotFoundError, Refused) as error:
        print(error, file=sys.stderr)
        return error.status if isinstance(error, Refused) else 1


if __name__ == "__main__":
    sys.exit(main())
