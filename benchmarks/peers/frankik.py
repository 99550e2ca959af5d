"""frankik: `ik_full` for the Panda, one target and one value of the last joint per call.

It returns four branches of eight, and only what is within the limits of the joints. `fk` returns
the pose of the hand and `ik_full` takes that of the flange: the package relates them by
`FrankaHandTCPOffset`, in which 0.707 stands for the root of a half. Here the root is exact.
"""

from __future__ import annotations

import numpy as np
from frankik import fk, ik_full

from benchmarks.harness import Trial
from benchmarks.peers import in_one_list
from benchmarks.robots import EveryTask

ROOT = np.sqrt(0.5)
FLANGE_TO_HAND = np.array(
    [[ROOT, ROOT, 0, 0], [-ROOT, ROOT, 0, 0], [0, 0, 1, 0.1034], [0, 0, 0, 1]]
)


def every(task: EveryTask) -> Trial:
    """The solutions for all values of the last joint."""
    to_theirs = np.linalg.inv(task.home) @ fk(np.zeros(7)) @ np.linalg.inv(FLANGE_TO_HAND)
    values = task.values.tolist()

    def run(poses: np.ndarray = task.targets) -> list[list[np.ndarray]]:
        return [[ik_full(pose, None, value) for value in values] for pose in poses @ to_theirs]

    def read(results: list[list[np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
        rows = [np.concatenate(of_target) for of_target in results]
        return in_one_list([each[np.isfinite(each).all(axis=1)] for each in rows], 7)

    return Trial(run, read)
