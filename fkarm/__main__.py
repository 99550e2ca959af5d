"""`python -m fkarm inspect FILE`: what is in a robot file, and what looks wrong with it."""

from __future__ import annotations

import argparse
import json
import math
import sys

from fkarm.errors import FkarmError
from fkarm.model import Robot
from fkarm.model.report import reach_below


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit status is 1 where the file is refused."""
    parser = argparse.ArgumentParser(prog="python -m fkarm", description="Robot kinematics.")
    commands = parser.add_subparsers(dest="command", required=True)
    inspect = commands.add_parser("inspect", help="read a URDF; print its tree, limits, report")
    inspect.add_argument("file", help="path of a URDF")
    inspect.add_argument("--json", action="store_true", help="print JSON instead of text")
    options = parser.parse_args(arguments)

    try:
        robot = Robot.from_urdf(options.file)
    except FkarmError as error:
        print(error, file=sys.stderr)
        return 1
    reach = reach_below(robot.joints).get(robot.root_link, 0.0)
    report = robot.report()
    if options.json:
        data = {
            "robot": robot.to_dict(),
            "dof": robot.dof,
            "reach_m": reach if math.isfinite(reach) else None,
            "report": report.to_dict(),
        }
        print(json.dumps(data, indent=2, allow_nan=False))
        return 0
    limit = f"at most {reach:.3f} m" if math.isfinite(reach) else "unlimited"
    print(f"{robot}\nreach from {robot.root_link}: {limit}\n\n{report}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
