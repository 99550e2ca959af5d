"""A contestant at its stand: prepare, then repeat when called. In this process, or in its own.

Peers have processes of their own: frameworks in one process would share its thread pools and its
allocator, and a peer's crash would be the benchmark's. A process whose turn it is not sleeps.
"""

from __future__ import annotations

import gc
import importlib
import multiprocessing
import os
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import numpy as np

from benchmarks.memory import peak_extra_bytes

Answer = dict[str, np.ndarray]
CHECKED_ROWS = 256


class Unavailable(Exception):
    """A contestant that cannot take part; the reason, in one line, becomes its row."""


class Trial(NamedTuple):
    """One contestant, ready for one task.

    Args:
        run: One whole repetition. The result is there when it returns.
        read: Of a result and row numbers, the answer in float64: `"poses"` `(n, 4, 4)` or
            `(n, links, 4, 4)`, `"gradient"` `(n, dof)`, `"jacobian"` `(n, 6, dof)` or
            `"pose_jacobian"` `(n, 4, 4, dof)`; in the order of the task's links and joints.
        memory: Peak extra bytes of a repetition.
    """

    run: Callable[[], Any]
    read: Callable[[Any, np.ndarray], Answer]
    memory: Callable[[Callable[[], Any]], int | None] = peak_extra_bytes


class Prepared(NamedTuple):
    """What is known of a contestant before it is timed."""

    answer: Answer  # of `checked_rows`
    first_call_s: float
    peak_extra_bytes: int | None


def checked_rows(batch: int) -> np.ndarray:
    """Numbers of the rows of a batch that are checked: spread over it, its ends included."""
    return np.unique(np.linspace(0, batch - 1, CHECKED_ROWS).astype(int))


def load(path: str) -> Callable[..., Any]:
    """The function that `"module:function"` names."""
    module, name = path.split(":")
    return getattr(importlib.import_module(module), name)


@contextmanager
def unavailable_if(fragile: bool) -> Iterator[None]:
    """Whether an error inside is a reason to be unavailable, and no more."""
    try:
        yield
    except Exception as error:
        if not fragile:
            raise
        raise Unavailable(one_line(error)) from error


class Stand:
    """A contestant in this process.

    Args:
        prepare: What makes a trial of a task.
        fragile: Whether an error of it is a reason to be unavailable, and no more.
    """

    def __init__(self, prepare: Callable[[Any], Trial], fragile: bool = False) -> None:
        self._prepare = prepare
        self._fragile = fragile
        self._trial: Trial | None = None

    def prepare(self, task: Any) -> Prepared:
        """Compile, answer, measure memory.

        Raises:
            Unavailable: If the contestant cannot do the task.
        """
        self.drop()
        with unavailable_if(self._fragile):
            return self._prepared(task)

    def _prepared(self, task: Any) -> Prepared:
        start = time.perf_counter()
        trial = self._prepare(task)
        result = trial.run()
        first_call = time.perf_counter() - start
        answer = trial.read(result, checked_rows(len(task.q)))
        del result
        self._trial = trial
        return Prepared(answer, first_call, trial.memory(trial.run))

    def turn(self, seconds: float, at_most: int) -> list[float]:
        """Seconds of each of some repetitions: at least one, until `seconds` have passed."""
        times: list[float] = []
        while not times or (sum(times) < seconds and len(times) < at_most):
            start = time.perf_counter()
            result = self._trial.run()
            times.append(time.perf_counter() - start)
            del result
        return times

    def drop(self) -> None:
        """Let go of the task's arrays."""
        self._trial = None
        gc.collect()


class ProcessStand:
    """A contestant in a process of its own; the same methods, over a pipe.

    Args:
        build: `"module:function"`, what the stand is given.
        environment: Variables that the process starts with.
        kind: `"module:class"` of the stand in the process.
    """

    def __init__(
        self,
        build: str,
        environment: Mapping[str, str] | Iterable[tuple[str, str]],
        kind: str = "benchmarks.contestants:Stand",
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, kind, build, dict(environment)), daemon=True
        )
        self._process.start()
        theirs.close()

    def prepare(self, task: Any) -> Prepared:
        return self.ask("prepare", task)

    def turn(self, seconds: float, at_most: int) -> list[float]:
        return self.ask("turn", seconds, at_most)

    def drop(self) -> None:
        self.ask("drop")

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(timeout=10)
        if self._process.is_alive():
            self._process.terminate()

    def ask(self, method: str, *arguments: Any) -> Any:
        """Call a method of the stand.

        Raises:
            Unavailable: If it raises, or the process is gone.
        """
        try:
            self._pipe.send((method, arguments))
            failure, value = self._pipe.recv()
        except (EOFError, OSError):
            raise Unavailable("its process ended") from None
        if failure:
            raise Unavailable(failure)
        return value


def _serve(pipe: Connection, kind: str, build: str, environment: dict[str, str]) -> None:
    os.environ.update(environment)
    warnings.simplefilter("ignore")
    stand: Any = None
    try:
        while True:
            method, arguments = pipe.recv()
            try:
                stand = stand or load(kind)(load(build), fragile=True)
                reply = (None, getattr(stand, method)(*arguments))
            except Exception as error:  # of the import too: a row, not the benchmark's end
                reply = (one_line(error), None)
            pipe.send(reply)
    except (EOFError, OSError):
        return  # the benchmark is over


def one_line(error: BaseException) -> str:
    """An error as a table can show it."""
    text = " ".join(str(error).split())[:200]
    return text if isinstance(error, Unavailable) else f"{type(error).__name__}: {text}"
