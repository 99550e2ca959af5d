"""Pinocchio: the closed loop of its documentation (`inverse-kinematics.py`), one target a call.

Damped least squares on the logarithm of the pose error, by `Jlog6`; each step is clamped to the
limits, and a search that has not converged starts again at random. Whole steps, where the
documentation takes up to 1000 of a tenth from one start: that solves fewer targets in more time.
"""

from __future__ import annotations

import numpy as np
import pinocchio

from benchmarks.contestants import Unavailable
from benchmarks.peers.ik import IKTask, Solver, Tolerances, is_within, one_by_one, restarts

DAMPING = 1e-6
STEPS, SEARCHES = 20, 100


def prepare(task: IKTask) -> Solver:
    """The loop, in Python around Pinocchio's functions.

    Raises:
        Unavailable: If Pinocchio writes a joint as cosine and sine.
    """
    model = pinocchio.buildModelFromXML(task.plain_urdf)
    if model.nq != len(task.joints):
        raise Unavailable("it writes a joint without limits as two numbers")
    data = model.createData()
    frame = model.getFrameId(task.link)
    damping = DAMPING * np.eye(6)
    rng = np.random.default_rng(0)

    def solve(pose: np.ndarray, tolerances: Tolerances) -> np.ndarray:
        target = pinocchio.SE3(pose)

        def descend(start: np.ndarray) -> tuple[np.ndarray, bool]:
            q = start
            for step in range(STEPS + 1):
                pinocchio.forwardKinematics(model, data, q)
                found = pinocchio.updateFramePlacement(model, data, frame).actInv(target)
                error = pinocchio.log(found).vector
                if is_within(error, tolerances):
                    return q, True
                if step == STEPS:
                    break
                jacobian = pinocchio.computeFrameJacobian(model, data, q, frame)
                jacobian = -pinocchio.Jlog6(found.inverse()) @ jacobian
                normal = jacobian @ jacobian.T + damping
                q = q - jacobian.T @ np.linalg.solve(normal, error)
                q = np.minimum(np.maximum(q, task.lower), task.upper)
            return q, False

        return restarts(task, descend, SEARCHES, rng)

    return one_by_one(solve)
