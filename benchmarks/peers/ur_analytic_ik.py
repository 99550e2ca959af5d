"""ur-analytic-ik: `ur5e.inverse_kinematics`, one target per call.

Its base is turned by half a turn about z from that of the URDF.
"""

from __future__ import annotations

import numpy as np
from ur_analytic_ik import ur5e

from benchmarks.harness import Trial
from benchmarks.peers import in_one_list
from benchmarks.robots import EveryTask

TO_THEIR_BASE = np.diag([-1.0, -1.0, 1.0, 1.0])


def every(task: EveryTask) -> Trial:
    """The solutions that it lists."""
    to_theirs = np.linalg.inv(TO_THEIR_BASE @ task.home) @ ur5e.forward_kinematics(*np.zeros(6))

    def run(poses: np.ndarray = task.targets) -> list[list[np.ndarray]]:
        return [ur5e.inverse_kinematics(pose) for pose in TO_THEIR_BASE @ poses @ to_theirs]

    def read(results: list[list[np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
        return in_one_list([np.array(rows) for rows in results], 6)

    return Trial(run, read)
