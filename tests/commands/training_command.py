"""The arguments of a small `python -m fkarm train`, and what the tests look at after it."""

import errno
import os

SIZES = [
    *("--steps-per-epoch", "3", "--batch-size", "8", "--width", "8", "--depth", "1"),
    *("--count", "50"),
]


def command(robot, folder, *options, link="tool", epochs=1):
    length = [] if epochs is None else ["--epochs", epochs]
    out = ["--out", folder / "m.keras"]
    return [str(each) for each in ["train", robot, "--link", link, *length, *out, *SIZES, *options]]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def full(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
