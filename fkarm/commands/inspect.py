"""`python -m fkarm inspect ROBOT`: what is in a robot file, and what looks wrong with it."""

from __future__ import annotations

import argparse
import json
import math

from fkarm.commands.arguments import ROBOT, read_robot
from fkarm.model.report import reach_below


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("robot", help=ROBOT)
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")


def run(options: argparse.Namespace) -> int:
    """Print the robot's tree, limits and report."""
    robot = read_robot(options.robot)
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
