"""Check every answer, then time the contestants in turns: median and spread, compile time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from benchmarks import judge
from benchmarks.catalogue import Case
from benchmarks.contestants import Answer, Prepared, ProcessStand, Stand, Unavailable
from benchmarks.task import Task

ROUNDS = 10
FEWEST, MOST = 5, 300
PATIENCE = 20.0  # seconds after which three repetitions are enough
PAUSE = 0.002  # seconds between turns: threads that wait by spinning have gone to sleep

Contestant = tuple[Case, Stand | ProcessStand]
Row = dict[str, Any]


def measure(
    contestants: Mapping[str, Contestant], task: Task, seconds: float
) -> Iterator[tuple[str, Row]]:
    """Rows of all contestants at one task, timed in the same minutes.

    In each round each contestant has one turn: one repetition, or as many as fit into a tenth of
    `seconds`. So what else the machine does falls on all of them.

    Args:
        contestants: Cases and where they run, by name.
        task: What to do; its `how` is each contestant's own.
        seconds: For how long each is timed, at least `FEWEST` repetitions.
    Raises:
        AssertionError: If an answer is wrong.
    """
    right = judge.truth(task)
    ready: dict[str, tuple[Prepared, Row]] = {}
    times: dict[str, list[float]] = {}
    rows: dict[str, Row] = {name: {} for name in contestants}
    for name, (case, stand) in contestants.items():
        try:
            prepared = stand.prepare(task._replace(how=case.how))
        except Unavailable as reason:
            rows[name] = {"unavailable": str(reason)}
            continue
        ready[name] = (prepared, check(name, case, task, right, prepared.answer))
        times[name] = []
    for _ in range(ROUNDS):
        for name in [name for name in times if not is_enough(times[name], seconds)]:
            time.sleep(PAUSE)
            try:
                times[name] += contestants[name][1].turn(seconds / ROUNDS, MOST // ROUNDS)
            except Unavailable as reason:
                rows[name] = {"unavailable": str(reason)}
                del times[name]
    for name, spent in times.items():
        prepared, checked = ready[name]
        contestants[name][1].drop()
        rows[name] = {**statistics(spent, len(task.q), prepared), **checked}
    yield from rows.items()


def is_enough(times: list[float], seconds: float) -> bool:
    """Whether a contestant was timed for long enough."""
    if len(times) < FEWEST:
        return len(times) >= 3 and sum(times) > PATIENCE
    return sum(times) >= seconds or len(times) >= MOST


def check(name: str, case: Case, task: Task, right: judge.Truth, answer: Answer) -> Row:
    """Errors of an answer; AssertionError if one is larger than the case's tolerance."""
    if not case.checked:
        return {"errors": {}, "judge": None}
    found = judge.errors(task, right, answer)
    tolerance = case.tolerance(task.q.dtype.name, task.device)
    for part, error in found.items():
        if not error <= tolerance:
            raise AssertionError(
                f"{name}: {part} must be right before it is timed: off by {error:.1e} "
                f"({task.mode}, {task.q.dtype}, batch {len(task.q)})."
            )
    return {"errors": found, "judge": judge.JUDGE}


def statistics(times: list[float], batch: int, prepared: Prepared) -> Row:
    """What is written of a contestant's repetitions."""
    low, median, high = (float(value) for value in np.percentile(times, [10, 50, 90]))
    return {
        "median_s": median,
        "p10_s": low,
        "p90_s": high,
        "repeats": len(times),
        "configurations_per_s": batch / median,
        "compile_s": max(0.0, prepared.first_call_s - median),
        "peak_extra_bytes": prepared.peak_extra_bytes,
    }
