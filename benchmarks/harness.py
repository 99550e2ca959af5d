"""What every benchmark shares: workers, turns, statistics, options, and the files of results.

This module imports no framework, so that a process can choose its backend first. A peer runs in a
process of its own: frameworks in one process would share thread pools, allocators and environment
variables, and the crash of one would end the run. A process sleeps while another has its turn.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import os
import pickle
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
PACKAGES = (
    "tensorflow", "keras", "numpy", "jax", "torch", "pin",
    "pytorch_kinematics", "almond-pyroki", "frax", "example-robot-data",
    "roboticstoolbox-python", "pytracik", "pin-pink", "mink", "mujoco",
    "eaik", "ssik", "frankik", "ur-analytic-ik",
)  # fmt: skip
MOST = 300  # repetitions of one worker
PAUSE = 0.002  # seconds between turns, in which threads that wait by spinning go to sleep

Row = dict[str, Any]


class Unavailable(Exception):
    """A worker cannot take part; its row shows the reason, in one line."""


class Trial(NamedTuple):
    """What a worker runs for one task.

    Args:
        run: One repetition. It returns when the result is complete.
        read: Makes the answer, NumPy arrays that are compared, of a result.
    """

    run: Callable[..., Any]
    read: Callable[[Any], Any] = np.asarray


class Worker:
    """Runs a task in this process.

    Args:
        make: Makes a `Trial` of a task.
        may_fail: Whether an error makes the worker unavailable instead of ending the run.
    """

    def __init__(self, make: Callable[[Any], Trial], may_fail: bool = False) -> None:
        self._make = make
        self._may_fail = may_fail
        self._trial: Trial | None = None

    def prepare(self, task: Any) -> float:
        """Make the trial of a task and return the seconds that this took."""
        self.drop()
        start = time.perf_counter()
        with unavailable_if(self._may_fail):
            self._trial = self._make(task)
        return time.perf_counter() - start

    def answer(self, *arguments: Any) -> tuple[Any, float]:
        """The answer of one repetition, and its seconds."""
        with unavailable_if(self._may_fail):
            start = time.perf_counter()
            result = self._trial.run(*arguments)
            seconds = time.perf_counter() - start
            return self._trial.read(result), seconds

    def times(self, seconds: float, most: int) -> list[float]:
        """Seconds of each of one or more repetitions, until `seconds` have passed."""
        return repeated(self._trial.run, seconds=seconds, most=most)

    def drop(self) -> None:
        """Release the arrays of the task."""
        self._trial = None
        gc.collect()

    def close(self) -> None:
        """End the worker."""
        self.drop()


class Remote:
    """A `Worker` in a process of its own, with the same methods.

    Args:
        make: `"module:function"`, which the process imports.
        environment: Variables that the process starts with.
    """

    def __init__(self, make: str, environment: Mapping[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from benchmarks.harness import serve; serve()", make],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, **(environment or {}), "PYTHONWARNINGS": "ignore"},
        )

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return partial(self._call, method)

    def _call(self, method: str, *arguments: Any) -> Any:
        try:
            pickle.dump((method, arguments), self._process.stdin)
            self._process.stdin.flush()
            failure, value = pickle.load(self._process.stdout)
        except (EOFError, OSError):
            raise Unavailable("its process ended") from None
        if failure:
            raise Unavailable(failure)
        return value

    def close(self) -> None:
        """End the process."""
        try:
            self._process.communicate(timeout=10)  # it ends with its input
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()


def serve() -> None:
    """What the process of a `Remote` does."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # libraries print to the standard output
    worker = None
    while True:
        try:
            method, arguments = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            worker = worker or Worker(load(sys.argv[1]), may_fail=True)
            reply = (None, getattr(worker, method)(*arguments))
        except Exception as error:  # an import that fails is a row, too
            reply = (one_line(error), None)
        pickle.dump(reply, replies)
        replies.flush()


def load(path: str) -> Callable[..., Any]:
    """The function that `"module:function"` names."""
    module, name = path.split(":")
    return getattr(importlib.import_module(module), name)


@contextmanager
def unavailable_if(may_fail: bool) -> Iterator[None]:
    """Turn an error into `Unavailable` if a worker may fail."""
    try:
        yield
    except Exception as error:
        if not may_fail:
            raise
        raise Unavailable(one_line(error)) from error


def one_line(error: BaseException) -> str:
    """An error as a table can show it."""
    text = " ".join(str(error).split())[:200]
    return text if isinstance(error, Unavailable) else f"{type(error).__name__}: {text}"


def repeated(
    run: Callable[[], Any], fewest: int = 1, seconds: float = 0.0, most: int = MOST
) -> list[float]:
    """Seconds of each repetition: at least `fewest`, then until `seconds` have passed."""
    times: list[float] = []
    while len(times) < fewest or (sum(times) < seconds and len(times) < most):
        start = time.perf_counter()
        result = run()
        times.append(time.perf_counter() - start)
        del result
    return times


def take_turns(
    turns: Mapping[str, Callable[[], list[float]]],
    rounds: int,
    is_enough: Callable[[list[float]], bool] = lambda times: False,
) -> Iterator[tuple[str, list[float] | str]]:
    """Time workers in turns, so that other work on the machine slows down all of them.

    Args:
        turns: For each worker a function that returns the seconds of its repetitions.
        rounds: How many turns each worker has at most.
        is_enough: Whether a worker with these times needs no further turn.

    Yields:
        A name with its times, or with the reason why it is unavailable.
    """
    times: dict[str, list[float]] = {name: [] for name in turns}
    failures: dict[str, str] = {}
    for _ in range(rounds):
        for name, turn in turns.items():
            if name in failures or is_enough(times[name]):
                continue
            time.sleep(PAUSE)
            try:
                times[name] += turn()
            except Unavailable as reason:
                failures[name] = str(reason)
    yield from (times | failures).items()


def statistics(times: list[float]) -> Row:
    """What a row records of the seconds of repetitions."""
    low, median, high, highest = (float(x) for x in np.percentile(times, [10, 50, 90, 95]))
    return {
        "median_s": median,
        "mean_s": float(np.mean(times)),
        "p10_s": low,
        "p90_s": high,
        "p95_s": highest,
        "repeats": len(times),
    }


def names_of(
    parser: argparse.ArgumentParser, option: str, text: str, known: Collection[str], mark: str = ","
) -> list[str]:
    """The names that an option lists; the parser's error if one does not exist."""
    names = [name.strip() for name in text.split(mark) if name.strip()]
    for name in names:
        if name not in known:
            choices = f"{mark} ".join(known)
            parser.error(f"--{option} must be of: {choices}. Received: {name!r}.")
    return names


def numbers_of(parser: argparse.ArgumentParser, option: str, text: str) -> list[int]:
    """The positive whole numbers that an option lists; the parser's error if one is none."""
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() and int(word) > 0 for word in words):
        parser.error(f"--{option} must be numbers from 1, comma-separated. Received: {text}.")
    return [int(word) for word in words]


def describe_run(
    command: str, backend: str = "tensorflow", device: str = "cpu", device_name: str = "CPU"
) -> Row:
    """The entries of a file of results, without the rows."""
    from fkarm.version import __version__

    has_affinity = hasattr(os, "sched_getaffinity")
    return {
        "command": command,
        "date": date.today().isoformat(),
        "commit": _commit(),
        "fkarm": __version__,
        "backend": backend,
        "device": device,
        "device_name": device_name,
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count(),
        "python": platform.python_version(),
        "versions": {name: v for name in PACKAGES if (v := version_of(name))},
    }


def write(path: Path, header: Row, rows: list[Row]) -> None:
    """A JSON file: the entries of the header, and `rows`, one per line."""
    lines = ",\n".join("  " + json.dumps(row) for row in rows)
    head = json.dumps(header, indent=1).removesuffix("\n}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'{head},\n "rows": [\n{lines}\n ]\n}}\n')


def version_of(package: str) -> str | None:
    """The version of an installed package, else None."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _commit() -> str | None:
    """The short hash, with `+` if tracked files are changed; None outside a repository."""
    try:
        name = _git("rev-parse", "--short", "HEAD")
        return name + "+" * bool(_git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(
        command, cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()
