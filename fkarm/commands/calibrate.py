"""`python -m fkarm calibrate ROBOT DATA.csv ...`: fit a robot's geometry to measurements."""

from __future__ import annotations

import argparse
import ast
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fkarm._files import write_whole
from fkarm.commands import Refused
from fkarm.commands.arguments import ROBOT, choice, positive, read_robot
from fkarm.commands.output import check_writable

if TYPE_CHECKING:  # importing it takes seconds
    from fkarm.calibration import Calibration, Distance, Parameters
    from fkarm.model import Robot

_FITTED = ("origins", "offsets", "gains", "harmonics", "base", "point", "tool")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("robot", help=ROBOT)
    parser.add_argument(
        "data", type=Path, nargs="+",
        help="CSV files. Columns: the joints in order, alone (configurations of one point that "
        "stayed), or followed by x,y,z (a position), or by x,y,z,qw,qx,qy,qz (a pose), in m",
    )  # fmt: skip
    parser.add_argument("--link", help="link that carries the tool (the end effector)")
    parser.add_argument(
        "--distance", nargs=3, action="append", default=[], metavar=("FILE", "FILE", "M"),
        help="known distance between the points of two files, m; may be repeated",
    )  # fmt: skip
    parser.add_argument("--sensor", help="name of the frame of measured positions, fitted along")
    parser.add_argument(
        "--fit", nargs="+", type=choice(*_FITTED), metavar="WHAT",
        help=f"what is fitted, of: {', '.join(_FITTED)} (origins, and the point or tool where "
        "it is unknown)",
    )  # fmt: skip
    parser.add_argument(
        "--backwards", nargs="+", default=[], metavar="JOINT",
        help="joints whose motors count the other way; a fit that they spoil names them",
    )  # fmt: skip
    parser.add_argument(
        "--within-mm", type=positive, metavar="MM",
        help="largest change of a joint's lengths, from the nominal robot",
    )  # fmt: skip
    parser.add_argument(
        "--within-deg", type=positive, metavar="DEG", help="the same of a joint's angles"
    )
    parser.add_argument("--loss", type=choice("l2", "huber", "cauchy"), default="huber")
    parser.add_argument("--sigma", type=positive, help="standard deviation of a coordinate, m")
    parser.add_argument("--degrees", action="store_true", help="joint values are in degrees")
    parser.add_argument("--no-limits", action="store_true", help="ignore the robot's limits")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to write the fitted URDF")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the report")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="where to draw the residuals")


def run(options: argparse.Namespace) -> int:
    """Fit, print the report, write files."""
    from fkarm.calibration import Distance, calibrate
    from fkarm.calibration.report import to_dict
    from fkarm.calibration.tables import read_tables

    for option in ("out", "json", "picture"):
        if getattr(options, option):
            check_writable(f"--{option}", getattr(options, option))
    robot = read_robot(options.robot)
    try:
        measurements = read_tables(
            robot, options.data, options.sensor, options.sigma, options.degrees
        )
        measurements += [_distance(*values) for values in options.distance]
        wanted = _parameters(robot, measurements, options)
    except ValueError as error:
        raise Refused(str(error)) from error
    rows = sum(len(m) for m in measurements if not isinstance(m, Distance))
    print(f"fitting to {rows} rows of {len(options.data)} files ...", flush=True)
    try:
        fit = calibrate(
            robot, measurements, link=options.link, parameters=wanted, loss=options.loss,
            limits=not options.no_limits,
        )  # fmt: skip
        print(_as_options(str(fit)))
        if options.out:
            _write(options.out, fit.to_urdf())
    except ValueError as error:
        raise Refused(_as_options(str(error))) from error
    if options.json:
        _write(options.json, json.dumps(to_dict(fit), indent=2) + "\n")
    if options.picture:
        draw(fit, options.picture)
    return 0


def _parameters(robot: Robot, measurements: list[Any], options: argparse.Namespace) -> Parameters:
    """What the options let the fit change."""
    from fkarm.calibration import parameters
    from fkarm.calibration.fit import default_parameters

    chosen: dict[str, Any] = dict.fromkeys(options.fit or (), True)
    wanted = parameters(robot, **chosen, senses=dict.fromkeys(options.backwards, -1))
    if not options.fit:
        link = robot.link_or_end_effector(options.link)
        usual = default_parameters(robot, link, measurements)
        wanted = replace(wanted, entries=usual.entries)
    return wanted.within(mm=options.within_mm, deg=options.within_deg)


def _as_options(message: str) -> str:
    """A message that proposes senses, as the options of this command."""

    def option(found: re.Match[str]) -> str:
        senses = ast.literal_eval(found.group(1))
        names = [name for name, sense in senses.items() if sense < 0]
        return " ".join([*(["--backwards", *names] if names else []), "--fit offsets"])

    call = r"fkarm\.calibration\.parameters\(\.\.\., senses=(\{.*?\}), offsets=True\)"
    return re.sub(call, option, message)


def _distance(first: str, second: str, text: str) -> Distance:
    from fkarm.calibration import Distance

    try:
        length = float(text)
    except ValueError:
        raise Refused(f"--distance must end with a number, m. Received: {text!r}.") from None
    return Distance(first, second, length)


def _write(path: Path, text: str) -> None:
    try:
        write_whole(path, lambda file: file.write_text(text, encoding="utf-8"))
    except OSError as error:
        raise Refused(f"{path} could not be written: {error}.") from error


def draw(fit: Calibration, path: Path) -> None:
    """Mean residuals before and after by measurement, and the parameters' standard deviations."""
    from fkarm.calibration.report import to_dict
    from fkarm.viz.extras import new_figure

    try:
        figure = new_figure(9, 7)
    except ModuleNotFoundError as error:
        raise Refused(f"--picture: {error}") from error
    top, bottom = figure.subplots(2, 1)
    report = to_dict(fit)
    names = list(report["residuals"])
    places = np.arange(len(names))
    for shift, key in ((-0.2, "before"), (0.2, "after")):
        values = [report["residuals"][name][0][key] for name in names]
        top.bar(places + shift, values, 0.4, label=key)
    top.set(yscale="log", ylabel="mean residual, mm (orientations: degrees)", xticks=places)
    top.set_xticklabels(names, rotation=30, ha="right")
    top.legend()
    entries: dict[str, Any] = report["parameters"]
    bottom.bar(list(entries), [entry["standard_deviation"] for entry in entries.values()])
    bottom.set(yscale="log", ylabel="standard deviation, mm or degrees")
    bottom.tick_params(axis="x", rotation=90)
    figure.savefig(path)
