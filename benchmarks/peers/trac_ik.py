"""TRAC-IK by pytracik, its ROS-free binding: KDL's Newton steps and an SQP search race in threads.

`Speed`, its default; started in the middle of the limits, as TRAC-IK's own table was made. Its
`epsilon` bounds each of six coordinates, so it is given half the tolerance rather than its default
of 1e-5. The default timeout of 5 ms leaves targets open; here it has 50 ms, which few use. One
target per call.
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import numpy as np
from trac_ik import TracIK

from benchmarks.harness import Trial
from benchmarks.peers import Tolerances, one_by_one
from benchmarks.robots import TargetTask

TIMEOUT = 0.05


def ik(task: TargetTask) -> Trial:
    """A solver for each tolerance, made when it is first needed."""

    @cache
    def solver(epsilon: float) -> TracIK:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "robot.urdf")
            path.write_text(task.urdf)  # KDL warns of the mass of the root link
            return TracIK(task.root, task.link, str(path), TIMEOUT, epsilon, "Speed")

    def solve(pose: np.ndarray, tolerances: Tolerances) -> np.ndarray:
        epsilon = 0.5 * min(tolerances)  # sqrt(3) epsilon is below both
        q = solver(epsilon).ik(pose[:3, 3], pose[:3, :3], task.middle)
        return task.middle if q is None else q

    return one_by_one(solve)
