"""`python -m fkarm evaluate FILE.keras`: how good a trained network is."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

from fkarm.commands import Refused
from fkarm.commands.arguments import ROBOT, count, read_robot
from fkarm.commands.output import check_writable, write_json
from fkarm.model import Robot


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("model", type=Path, help="a network that `train` saved")
    parser.add_argument("--count", type=count, default=10_000, help="uniform targets (10000)")
    parser.add_argument("--robot", help=f"robot that the network must be for: {ROBOT}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the table")


def run(options: argparse.Namespace) -> int:
    """Print the table of `fkarm.learning.evaluate_ik`."""
    from fkarm.learning import evaluate_ik, to_markdown

    if options.json:
        check_writable("--json", options.json)
    wanted = read_robot(options.robot) if options.robot else None
    model = load_network(options.model)
    if wanted is not None:
        _check_robot(wanted, model)
    print(f"{type(model).__name__} of {model.robot.name!r}, link {model.link!r}\n", flush=True)
    rows = evaluate_ik(model, count=options.count)
    print(to_markdown(rows))
    if options.json:
        try:
            write_json(options.json, facts_of(model), rows)
        except OSError as error:
            raise Refused(f"{options.json} could not be written: {error}.") from error
    return 0


def load_network(path: Path) -> Any:
    """The network for inverse kinematics in a file, or `Refused`."""
    import keras

    from fkarm.learning.ik_model import IKModel

    if not path.is_file():
        raise Refused(f"There must be a .keras file at the path. Received: {str(path)!r}.")
    if not is_zipfile(path):
        raise Refused(
            f"{path} must be a network that `python -m fkarm train` saved. Received: a file of "
            "another kind, or an incomplete file."
        )
    try:
        model = keras.saving.load_model(path, compile=False)
    except Exception as error:  # Keras, zipfile and h5py raise many kinds
        raise Refused(
            f"{path} must be a network that `python -m fkarm train` saved. Received: a file that "
            f"Keras cannot open: {error}"
        ) from error
    if not isinstance(model, IKModel):
        raise Refused(
            f"{path} must hold a network for inverse kinematics: IKRegressor or IKFlow. Received: "
            f"{type(model).__name__}."
        )
    return model


def facts_of(model: Any) -> dict[str, Any]:
    """What identifies the network, for the file of its table."""
    return {"kind": type(model).__name__, "robot": model.robot.name, "link": model.link}


def _check_robot(wanted: Robot, model: Any) -> None:
    inside = model.robot
    if wanted == inside:
        return
    if model.link in wanted.link_names:
        wanted = wanted.sub_chain(wanted.root_link, model.link)
    if wanted != inside:
        raise Refused(
            f"--robot must be the robot that the network is for. Received: {wanted!r}; the network "
            f"is for {inside!r}. fkarm.compare_robots tells how they differ."
        )
