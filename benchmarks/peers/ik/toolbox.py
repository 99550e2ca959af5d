"""Robotics Toolbox for Python: `ETS.ik_LM`, its solver in C++, one target a call.

Chan's damping with 0.1, best of the comparison in the notebooks of its authors (Haviland and
Corke, "Manipulator Differential Kinematics"), random starts, answers outside the limits rejected.
Searches of 15 steps instead of 30, and up to 1000 instead of 100: both solve more of the Panda's
targets and neither is slower. `tol` is of half the squared error in m and rad.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import roboticstoolbox

from benchmarks.peers.ik import IKTask, Solver, Tolerances, one_by_one

DAMPING = 0.1
STEPS, SEARCHES = 15, 1000


def prepare(task: IKTask) -> Solver:
    """The elementary transforms of the chain, and `ik_LM` on them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "robot.urdf")
        path.write_text(task.plain_urdf)
        robot = roboticstoolbox.Robot.URDF(str(path))
    transforms = robot.ets(end=task.link)

    def solve(pose: np.ndarray, tolerances: Tolerances) -> np.ndarray:
        return transforms.ik_LM(
            pose,
            ilimit=STEPS,
            slimit=SEARCHES,
            tol=0.5 * min(tolerances) ** 2,
            k=DAMPING,
            method="chan",
        )[0]

    return one_by_one(solve)
