"""Robotics Toolbox for Python: `ETS.ik_LM`, its solver in C++, one target per call.

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

from benchmarks.harness import Trial
from benchmarks.peers import Tolerances, one_by_one
from benchmarks.robots import TargetTask

DAMPING = 0.1
STEPS, SEARCHES = 15, 1000


def ik(task: TargetTask) -> Trial:
    """The elementary transforms of the chain, and `ik_LM` on them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "robot.urdf")
        path.write_text(task.plain_urdf)
        robot = roboticstoolbox.Robot.URDF(str(path))
    transforms = robot.ets(end=task.link)
    options = {"ilimit": STEPS, "slimit": SEARCHES, "k": DAMPING, "method": "chan"}

    def solve(pose: np.ndarray, tolerances: Tolerances) -> np.ndarray:
        return transforms.ik_LM(pose, tol=0.5 * min(tolerances) ** 2, **options)[0]

    return one_by_one(solve)
