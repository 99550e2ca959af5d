"""`python -m benchmarks`: kinematics per second, with and without `map_fn`, beside its peers."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from benchmarks import catalogue


def main(arguments: Sequence[str] | None = None) -> None:
    parser = make_parser()
    options = parser.parse_args(arguments)
    choose_names(parser, options)
    set_environment(parser, options)

    from benchmarks import run  # Keras reads its backend from the environment when imported

    try:
        device = run.check_device(options.backend, options.device)
    except ValueError as error:
        parser.error(f"--device {options.device}: {error}")
    command = " ".join(
        ["python -m benchmarks", *(sys.argv[1:] if arguments is None else arguments)]
    )
    run.run(options, device, command)


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--backend", choices=tuple(catalogue.BACKENDS), default="tensorflow")
    parser.add_argument("--device", choices=catalogue.DEVICES, default="auto")
    parser.add_argument("--batch", default="1,1000,10000,100000", help="batch sizes")
    parser.add_argument("--robots", default="panda", help=_choices(catalogue.ROBOTS))
    cases = "; ".join(f"{b}: {', '.join(names)}" for b, names in catalogue.CASES.items())
    parser.add_argument("--cases", help=f"comma-separated, default all of the backend's: {cases}")
    parser.add_argument(
        "--modes", default=",".join(catalogue.MODES), help=_choices(catalogue.MODES)
    )
    parser.add_argument("--dtype", default="float32", help=_choices(catalogue.DTYPES))
    parser.add_argument(
        "--peers",
        nargs="?",
        const=",".join(catalogue.PEERS),
        default="",
        help=f"other libraries too; all, or {_choices(catalogue.PEERS)}",
    )
    parser.add_argument("--seconds", type=float, default=1.0, help="of timing for each row")
    parser.add_argument("--json", type=Path, help="write the rows here")
    return parser


def choose_names(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Turn comma-separated options into lists; end with what exists if a name does not."""
    cases = catalogue.CASES[options.backend]
    options.cases = options.cases or ",".join(cases)
    for option, known in (
        ("robots", catalogue.ROBOTS),
        ("cases", cases),
        ("modes", catalogue.MODES),
        ("dtype", catalogue.DTYPES),
        ("peers", catalogue.PEERS),
    ):
        names = [name.strip() for name in getattr(options, option).split(",") if name.strip()]
        for name in names:
            if name not in known:
                parser.error(f"--{option} must be of: {', '.join(known)}. Received: {name!r}.")
        setattr(options, option, names)
    words = options.batch.split(",")
    if not all(word.strip().isdecimal() and int(word) > 0 for word in words):
        parser.error(f"--batch must be numbers from 1, comma-separated. Received: {options.batch}.")
    options.batch = [int(word) for word in words]


def set_environment(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Choose Keras' backend and hide a GPU that is not wanted, before anything is imported."""
    package = catalogue.BACKENDS[options.backend]
    if find_spec(package) is None:
        parser.error(f"--backend {options.backend} needs the package: pip install {package}.")
    if "keras" in sys.modules:
        backend = sys.modules["keras"].backend.backend()
        if backend != options.backend:
            parser.error(f"--backend {options.backend}: this process runs Keras on {backend}.")
    os.environ["KERAS_BACKEND"] = options.backend
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "float64" in options.dtype:
        os.environ.setdefault("JAX_ENABLE_X64", "1")
    if options.peers:  # several frameworks on one GPU: none may take it whole
        os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    if options.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
        os.environ["JAX_PLATFORMS"] = "cpu"


def _choices(names: Sequence[str]) -> str:
    return f"comma-separated, of: {', '.join(names)}"


if __name__ == "__main__":
    main()
