"""mink: quadratic programs on MuJoCo's kinematics, limits inside, one target per call.

The loop of its examples (`arm_ur5e_actuators.py`: `solve_ik`, `integrate_inplace`, up to 20 steps)
with DAQP. Steps are whole: `dt` and the gain of the limits are 1, and velocities are not bounded.
The examples' damping of 1e-3 and `lm_damping=1` leave more targets open than the lighter one here.
A search that has not converged starts again at random.
"""

from __future__ import annotations

import re

import mink
import mujoco
import numpy as np

from benchmarks.harness import Trial
from benchmarks.peers import Tolerances, one_by_one, restarts, steered
from benchmarks.robots import TargetTask

TASK_DAMPING, DAMPING = 1e-2, 1e-6
STEPS, SEARCHES = 20, 100


def ik(task: TargetTask) -> Trial:
    """The loop, with one frame task, on the URDF as MuJoCo reads it."""
    keep = '<mujoco><compiler fusestatic="false"/></mujoco>'  # the link may sit at a fixed joint
    model = mujoco.MjModel.from_xml_string(
        re.sub(r"(<robot [^>]*>)", rf"\1{keep}", task.plain_urdf, count=1)
    )
    configuration = mink.Configuration(model)
    goal = mink.FrameTask(task.link, "body", 1.0, 1.0, lm_damping=TASK_DAMPING)
    limits = [mink.ConfigurationLimit(model, gain=1.0)]
    rng = np.random.default_rng(0)

    def velocity() -> np.ndarray:
        return mink.solve_ik(configuration, [goal], 1.0, "daqp", damping=DAMPING, limits=limits)

    def solve(pose: np.ndarray, tolerances: Tolerances) -> np.ndarray:
        goal.set_target(mink.SE3.from_matrix(pose))

        def descend(start: np.ndarray) -> tuple[np.ndarray, bool]:
            configuration.update(start)
            return steered(configuration, goal, velocity, mink.NoSolutionFound, tolerances, STEPS)

        return restarts(task, descend, SEARCHES, rng)

    return one_by_one(solve)
