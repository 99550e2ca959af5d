"""Pink: quadratic programs on Pinocchio's kinematics, limits inside, one target per call.

The loop of its examples, `solve_ik` and `integrate_inplace`, with DAQP. Those steer a controller;
here steps are whole: `dt`, the gain of the task and that of the limits are 1, and velocities are
not bounded. The damping is light, between those of its examples. A search that has not converged
starts again at random.
"""

from __future__ import annotations

import numpy as np
import pink
import pinocchio
from pink.exceptions import PinkError
from pink.limits import ConfigurationLimit
from pink.tasks import FrameTask

from benchmarks.harness import Trial, Unavailable
from benchmarks.peers import Tolerances, one_by_one, restarts, steered
from benchmarks.robots import TargetTask

TASK_DAMPING, DAMPING = 1e-2, 1e-6
STEPS, SEARCHES = 15, 100


def ik(task: TargetTask) -> Trial:
    """The loop, with one frame task.

    Raises:
        Unavailable: If Pinocchio writes a joint as cosine and sine.
    """
    model = pinocchio.buildModelFromXML(task.plain_urdf)
    if model.nq != len(task.joints):
        raise Unavailable("Pinocchio writes a joint without limits as two numbers")
    data = model.createData()
    goal = FrameTask(task.link, 1.0, 1.0, lm_damping=TASK_DAMPING, gain=1.0)
    limits = [ConfigurationLimit(model, config_limit_gain=1.0)]
    options = {"solver": "daqp", "damping": DAMPING, "limits": limits, "safety_break": False}
    rng = np.random.default_rng(0)

    def solve(pose: np.ndarray, tolerances: Tolerances) -> np.ndarray:
        goal.set_target(pinocchio.SE3(pose))

        def descend(start: np.ndarray) -> tuple[np.ndarray, bool]:
            configuration = pink.Configuration(model, data, start)

            def velocity() -> np.ndarray:
                return pink.solve_ik(configuration, [goal], 1.0, **options)

            return steered(configuration, goal, velocity, PinkError, tolerances, STEPS)

        return restarts(task, descend, SEARCHES, rng)

    return one_by_one(solve)
