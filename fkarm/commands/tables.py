"""What the commands `forward` and `solve` share: files, units, engines, a progress bar."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from fkarm.commands import INTERRUPTED, Refused
from fkarm.commands.arguments import ROBOT, as_options, choice, count
from fkarm.model import Robot

REPRESENTATIONS = (
    "xyz_quat_wxyz", "xyz_quat_xyzw", "xyz_rotvec", "xyz_rpy", "xyz_ypr", "matrix", "position"
)  # fmt: skip


def add_table_arguments(
    parser: argparse.ArgumentParser, source: str, out: str, representation: str
) -> None:
    """Declare the arguments that both commands have.

    Args:
        parser: The parser of the command.
        source: What the table holds.
        out: The ending of the output's name.
        representation: What the option of that name is for.
    """
    parser.add_argument("robot", help=ROBOT)
    parser.add_argument("source", type=Path, help=f"{source}: .csv, .parquet or .npy")
    parser.add_argument("--link", help="link (the end effector)")
    parser.add_argument(
        "--out",
        type=Path,
        help="where to write the table: .csv, .parquet or .npy (the name of the source with "
        f".{out} in front of its ending). It appears when it is complete; until then a folder "
        ".parts holds finished chunks, from which the same command resumes",
    )
    parser.add_argument(
        "--representation",
        type=choice(*REPRESENTATIONS),
        metavar=f"{{{','.join(REPRESENTATIONS)}}}",
        help=representation,
    )
    parser.add_argument("--angle-unit", choices=("rad", "deg"), default="rad", help="(rad)")
    parser.add_argument("--length-unit", choices=("m", "mm"), default="m", help="(m)")
    parser.add_argument("--keep", nargs="+", default=[], metavar="COLUMN", help="columns to copy")
    parser.add_argument("--chunk-rows", type=count, help="rows to compute at a time (64000)")
    parser.add_argument(
        "--engine",
        choices=("local", "ray"),
        default="local",
        help="local (default): this process; ray: the Ray cluster at RAY_ADDRESS, or the one that "
        "runs on this machine",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace --out if it exists")
    parser.set_defaults(ending=out)


def run_table(
    options: argparse.Namespace, robot: Robot, function: Callable[..., Any], **more: Any
) -> int:
    """Call a function of `fkarm.tables` with the options, and print its summary.

    Args:
        options: The options.
        robot: The robot.
        function: Takes a robot and the function's own arguments.
        **more: Further arguments of the function.
    """
    source = options.source
    out = options.out or source.with_name(f"{source.stem}.{options.ending}{source.suffix}")
    names = ("representation", "chunk_rows")
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    same = ("link", "angle_unit", "length_unit", "keep", "engine", "overwrite")
    given |= {name: getattr(options, name) for name in same}
    in_words = partial(as_options, names=vars(options).keys() - {"robot", "source"})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("default", UserWarning)
            warnings.showwarning = lambda message, *_, **__: _show(in_words(str(message)))
            summary = function(robot, source, out, progress=_Bar(), **given, **more)
    except KeyboardInterrupt as error:
        raise Refused(f"\nInterrupted. {_remains(out)}", INTERRUPTED) from error
    except (ModuleNotFoundError, OSError, TypeError, ValueError) as error:
        raise Refused(in_words(f"{error}")) from error
    print(summary)
    return 0


def _remains(out: Path) -> str:
    return f"Finished chunks are in {out}.parts; the same command resumes from there."


def _show(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


class _Bar:
    """Keras' progress bar, made when the number of rows is known."""

    def __init__(self) -> None:
        self._bar: Any = None

    def __call__(self, done: int, rows: int) -> None:
        import keras

        if self._bar is None:
            verbose = 1 if sys.stdout.isatty() else 2
            self._bar = keras.utils.Progbar(rows, verbose=verbose, unit_name="row")
        self._bar.update(done)
