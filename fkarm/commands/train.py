"""`python -m fkarm train ROBOT --link NAME --minutes 10 --out FILE.keras`: train a network."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from fkarm._files import write_whole
from fkarm.commands import INTERRUPTED, Refused
from fkarm.commands.arguments import (
    ROBOT,
    addresses,
    choice,
    count,
    index,
    keras_file,
    positive,
    read_robot,
)
from fkarm.commands.evaluate import facts_of
from fkarm.commands.output import check_writable, write_json
from fkarm.errors import TrainingError
from fkarm.model import Robot

RATE = 3e-3
CLIPNORM = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("robot", help=ROBOT)
    parser.add_argument("--link", required=True, help="link to reach with")
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--minutes", type=positive, help="how long to train")
    length.add_argument("--epochs", type=count, help="how many epochs to train")
    parser.add_argument(
        "--out",
        type=keras_file,
        required=True,
        help="where to save the network, .keras; the same folder gets a table (.json, .md), a "
        "picture (.png) and a folder .training with checkpoints, from which the same command "
        "resumes",
    )
    parser.add_argument(
        "--kind",
        type=choice("regressor", "flow"),
        metavar="{regressor,flow}",
        default="regressor",
        help="regressor (default): a few answers per pose, fast; flow: samples of all answers",
    )
    parser.add_argument("--heads", type=count, help="candidates of a regressor (4)")
    parser.add_argument("--width", type=count, help="units of a hidden layer (256; flow: 128)")
    parser.add_argument("--depth", type=count, help="hidden layers (5; flow: 3)")
    parser.add_argument("--batch-size", type=count, default=1024, help="poses per batch (1024)")
    parser.add_argument(
        "--steps-per-epoch", type=count, default=200, help="batches per epoch (200)"
    )
    parser.add_argument("--seed", type=index, default=0, help="seed of weights and poses (0)")
    parser.add_argument("--learning-rate", type=positive, default=RATE, help=f"of Adam ({RATE})")
    parser.add_argument(
        "--count", type=count, default=10_000, help="uniform targets of the table (10000)"
    )
    several = parser.add_mutually_exclusive_group()
    several.add_argument("--devices", type=count, help="number of devices of this machine to use")
    several.add_argument(
        "--hosts",
        type=addresses,
        help="host:port of every process; the first one coordinates; KERAS_BACKEND=jax",
    )
    parser.add_argument("--process", type=index, help="index of this process in --hosts, from 0")
    parser.set_defaults(refuse=parser.error)


def run(options: argparse.Namespace) -> int:
    """Train, save, evaluate."""
    _check_options(options)
    robot = read_robot(options.robot)
    robot = robot.sub_chain(robot.root_link, options.link)
    folder = options.out.with_name(f"{options.out.stem}.training")
    check_writable("--out", options.out)
    checkpoint = _train(options, robot, folder)
    if options.process:
        return 0
    # A new model needs none of the devices and processes that took part in the training.
    model = _build(options, robot)
    checkpoint.restore(model)
    model.optimizer.learning_rate.assign(options.learning_rate)  # in the checkpoint it is zero
    _save(model, options.out, folder)
    _evaluate(model, options)
    return 0


def _check_options(options: argparse.Namespace) -> None:
    """End with an error of argparse where options exclude or need one another."""
    processes = len(options.hosts or [])
    if options.hosts and options.epochs is None:
        options.refuse("--hosts needs --epochs: clocks of several machines differ.")
    if (options.process is None) == bool(options.hosts):
        options.refuse("--hosts and --process go together.")
    if options.hosts and options.process >= processes:
        options.refuse(f"--process must be 0 to {processes - 1}. Received: {options.process}.")
    if options.kind == "flow" and options.heads:
        options.refuse("--heads is for --kind regressor.")
    parts = processes or options.devices or 1
    if options.batch_size % parts:
        options.refuse(
            f"--batch-size must be a multiple of {parts}, the devices or processes that share a "
            f"batch. Received: {options.batch_size}."
        )


def _train(options: argparse.Namespace, robot: Robot, folder: Path) -> Any:
    """Train to the end, and return the `Checkpoint` that holds the result."""
    from fkarm.learning import Checkpoint, join_devices, join_hosts, train_ik

    together: Any = nullcontext()
    if options.hosts:
        together = join_hosts(options.hosts, options.process)
    elif options.devices:
        together = join_devices(options.devices)
    process = options.process or 0
    with _explained(folder), ExitStack() as stack:
        try:
            stack.enter_context(together)
        except RuntimeError as error:  # another backend, or no process answers
            raise Refused(str(error)) from error
        model = _build(options, robot)
        train_ik(
            model,
            folder,
            minutes=options.minutes,
            epochs=options.epochs,
            batch_size=options.batch_size,
            steps_per_epoch=options.steps_per_epoch,
            seed=options.seed,
            part=(process, len(options.hosts or [1])),
        )
        return Checkpoint(folder)


def _build(options: argparse.Namespace, robot: Robot) -> Any:
    """A compiled network with fresh weights."""
    import keras

    from fkarm.learning import IKFlow, IKRegressor

    keras.utils.set_random_seed(options.seed)
    sizes = {name: getattr(options, name) for name in ("heads", "width", "depth")}
    kind = IKFlow if options.kind == "flow" else IKRegressor
    model = kind(robot, **{name: size for name, size in sizes.items() if size is not None})
    model.compile(keras.optimizers.Adam(options.learning_rate, global_clipnorm=CLIPNORM))
    return model


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Turn errors that end a training into messages that say what is left of it."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise Refused(f"Interrupted. {_remains(folder)}", INTERRUPTED) from error
    except (TrainingError, ConnectionError) as error:
        raise Refused(f"{error} {_remains(folder)}") from error
    except OSError as error:
        raise Refused(
            f"{folder} must be writable. Received: {error}. {_remains(folder)}"
        ) from error
    except ValueError as error:
        raise Refused(str(error)) from error


def _remains(folder: Path) -> str:
    """What is left of a training that did not end."""
    from fkarm.learning.checkpoint import newest_weights

    newest = newest_weights(folder)
    if newest is None:
        return f"No epoch was finished: {folder} holds no checkpoint."
    return f"The last good checkpoint is {newest}; the same command resumes from there."


def _save(model: Any, out: Path, folder: Path) -> None:
    try:
        write_whole(out, model.save)
    except (OSError, RuntimeError) as error:  # HDF5 has both for a full disk
        raise Refused(
            f"{out} could not be written: {error}. The weights are in {folder}: make room, and "
            "the same command resumes from there."
        ) from error
    print(f"{out}: saved. Its evaluation compiles, and takes some minutes.", flush=True)


def _evaluate(model: Any, options: argparse.Namespace) -> None:
    """Print the table; write it and the picture to the folder of the network."""
    from fkarm.learning import evaluate_ik, to_markdown

    out = options.out
    rows = evaluate_ik(model, count=options.count)
    table = to_markdown(rows)
    print(f"\n{table}\n")
    names = ("minutes", "epochs", "batch_size", "steps_per_epoch", "seed", "learning_rate")
    facts = {**facts_of(model), "training": {name: getattr(options, name) for name in names}}
    try:
        write_json(out.with_suffix(".json"), facts, rows)
        write_whole(out.with_suffix(".md"), lambda file: file.write_text(f"{table}\n"))
        _draw(model, options)
    except OSError as error:
        raise Refused(
            f"The table could not be written: {error}. {out} is complete: python -m fkarm evaluate "
            "makes the table again."
        ) from error


def _draw(model: Any, options: argparse.Namespace) -> None:
    """The picture, where matplotlib is installed."""
    from fkarm.learning import errors_by_steps
    from fkarm.viz import plot_errors
    from fkarm.viz.extras import require

    try:
        require("matplotlib", "viz")
    except ModuleNotFoundError as error:
        print(f"No picture: {error}")
        return
    figure = plot_errors(errors_by_steps(model, count=options.count))
    write_whole(options.out.with_suffix(".png"), lambda file: figure.savefig(file, dpi=150))
