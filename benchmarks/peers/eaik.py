"""EAIK: `calculate_IK` for one target, `calculate_IK_batched` with a thread per core for more.

The arm is given by its axes, as EAIK's own `HPRobot` does, with the rotation of the last link. A
seventh joint is held by `fixed_axes`: one robot for each of its values, made before the clock
starts. What it flags as least squares is no solution. The clock stops before configurations are
copied to Python.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from eaik.pybindings.EAIK import Robot

from benchmarks.harness import Trial
from benchmarks.peers import in_one_list
from benchmarks.robots import EveryTask

THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def every(task: EveryTask) -> Trial:
    """All solutions that are exact."""
    held: list[list] = [[(task.free, value)] for value in task.values] or [[]]
    chain = task.directions.T, task.offsets.T, task.home[:3, :3]
    robots = [Robot(*chain, fixed, True) for fixed in held]

    def run(poses: np.ndarray = task.targets) -> list[list[Any]]:
        if len(poses) == 1:
            return [[robot.calculate_IK(poses[0])] for robot in robots]
        return [robot.calculate_IK_batched(list(poses), THREADS) for robot in robots]

    def read(results: list[list[Any]]) -> tuple[np.ndarray, np.ndarray]:
        rows = [
            np.concatenate([exact(each, len(task.directions)) for each in of_target])
            for of_target in zip(*results, strict=True)
        ]
        return in_one_list(rows, len(task.directions))

    return Trial(run, read)


def exact(solution: Any, dof: int) -> np.ndarray:
    """Configurations that are no least squares. Shape `(any, dof)`."""
    return np.reshape(solution.Q, (-1, dof))[~np.array(solution.is_LS, bool)]
