"""`python -m tools.train_presets`: train the packaged presets, and measure what was saved.

Equal epochs and seed give equal batches and learning rates on every machine, however long it takes.
After an interruption the same command resumes.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

import fkarm
from benchmarks.harness import ROOT, Row, describe_run, names_of, write
from fkarm.commands.train import CLIPNORM, RATE
from fkarm.learning import Checkpoint, IKRegressor, evaluate_ik, to_markdown, train_ik
from fkarm.learning.presets import CARD, FOLDER, WEIGHTS

ARMS = ("panda", "ur5e", "fr3", "ur10e", "iiwa7", "iiwa14", "ur5", "ur10", "ur3")
POSES = {"batch_size": 1024, "steps_per_epoch": 200}
# The machine may have other work: a card says nothing of speed.
LEFT_OUT = {"solutions_per_s", "parameters"}


def trained(name: str, epochs: int, seed: int, checkpoints: Path) -> tuple[IKRegressor, Row]:
    """A trained network of an arm, and what its card says of the training."""
    keras.utils.set_random_seed(seed)
    model = IKRegressor(getattr(fkarm.robots, name)(), name=name)
    model.compile(keras.optimizers.Adam(RATE, global_clipnorm=CLIPNORM))
    is_whole, start = not Checkpoint(checkpoints).first_epoch, time.process_time()
    train_ik(model, checkpoints, epochs=epochs, seed=seed, **POSES)
    minutes = (time.process_time() - start) / 60 if is_whole else None
    about = {"seed": seed, "epochs": epochs, **POSES, "learning_rate": RATE, "clipnorm": CLIPNORM}
    return model, {**about, "cpu_minutes": minutes}


def write_card(folder: Path, command: str, training: Row) -> None:
    """Measure the network that a folder holds, and write its card."""
    model = IKRegressor.from_preset(folder)
    facts = {
        "model": type(model).__name__,
        "robot": folder.name,
        "link": model.link,
        "parameters": int(model.count_params()),
        "weights_kb": round((folder / WEIGHTS).stat().st_size / 1000),
        "training": training,
    }
    rows = evaluate_ik(model)
    print(to_markdown(rows), flush=True)
    kept = [{name: row[name] for name in row if name not in LEFT_OUT} for row in rows]
    write(folder / CARD, {**facts, **describe_run(command)}, kept)


def main(arguments: Sequence[str] | None = None) -> None:
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="python -m tools.train_presets", description=__doc__)
    parser.add_argument("--robots", default=",".join(ARMS), help=f"of: {', '.join(ARMS)}")
    parser.add_argument("--epochs", type=int, default=30, help="of 200 batches of 1024 poses")
    parser.add_argument("--seed", type=int, default=0, help="of the weights and the poses")
    parser.add_argument("--checkpoints", type=Path, default=ROOT / "build" / "presets")
    options = parser.parse_args(arguments)
    command = " ".join(["python -m tools.train_presets", *arguments])
    for name in names_of(parser, "robots", options.robots, ARMS):
        model, training = trained(name, options.epochs, options.seed, options.checkpoints / name)
        model.save_to_preset(FOLDER / name, weights_dtype="float16")
        write_card(FOLDER / name, command, training)


if __name__ == "__main__":
    main()
