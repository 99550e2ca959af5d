"""Pinocchio: one configuration or target per call, from a Python loop, in float64, on one thread.

`fk` leaves the results in the data structure of Pinocchio, in its favour. pin 4.1 has threads for
dynamics and collisions only; Python threads do not help, because it holds the interpreter's lock.

`ik` is the closed loop of its documentation (`inverse-kinematics.py`): damped least squares on the
logarithm of the pose error, by `Jlog6`; each step is clamped to the limits, and a search that has
not converged starts again at random. Its steps are whole; the documentation takes up to 1000 steps
of a tenth from one start, which solves fewer targets in more time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pinocchio

from benchmarks.harness import Trial, Unavailable
from benchmarks.peers import Tolerances, is_within, one_by_one, restarts
from benchmarks.robots import PoseTask, TargetTask

DAMPING = 1e-6
STEPS, SEARCHES = 20, 100


def fk(task: PoseTask) -> Trial:
    """Frames, or the gradient of the pose of one link through its Jacobian.

    Raises:
        Unavailable: For gradients of a tree.
    """
    if not isinstance(task.links, str) and task.mode != "forward":
        raise Unavailable("it has no gradient of all frames at once")
    model = _model(task)
    data = model.createData()
    frames = [model.getFrameId(link) for link in task.link_names]
    index = [model.joints[model.getJointId(name)].idx_q for name in task.joints]
    theirs = np.empty(task.q.shape)
    theirs[:, index] = task.q
    rows = list(theirs)
    step = (_forward if task.mode == "forward" else _gradient)(model, data, frames)

    def run() -> None:
        for row in rows:
            step(row)

    def read(_: None) -> tuple[np.ndarray, ...]:
        poses, gradients = [], []
        for number in task.checked_rows:
            gradients.append(step(rows[number]))
            poses.append([data.oMf[frame].homogeneous for frame in frames])
        answer = (task.shaped(np.array(poses)),)
        return answer if task.mode == "forward" else (*answer, np.array(gradients)[:, index])

    return Trial(run, read)


def ik(task: TargetTask) -> Trial:
    """The loop, in Python around Pinocchio's functions."""
    model = _model(task)
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
                gap = pinocchio.updateFramePlacement(model, data, frame).actInv(target)
                error = pinocchio.log(gap).vector
                if is_within(error, tolerances):
                    return q, True
                if step == STEPS:
                    break
                jacobian = pinocchio.computeFrameJacobian(model, data, q, frame)
                jacobian = -pinocchio.Jlog6(gap.inverse()) @ jacobian
                normal = jacobian @ jacobian.T + damping
                q = q - jacobian.T @ np.linalg.solve(normal, error)
                q = np.minimum(np.maximum(q, task.lower), task.upper)
            return q, False

        return restarts(task, descend, SEARCHES, rng)

    return one_by_one(solve)


def _model(task: PoseTask | TargetTask) -> Any:
    """The robot in Pinocchio.

    Raises:
        Unavailable: If mimic or continuous joints make its configurations longer.
    """
    model = pinocchio.buildModelFromXML(task.plain_urdf)
    if model.nq != len(task.joints):
        raise Unavailable("it writes mimic joints and joints without limits in more numbers")
    return model


def _forward(model: Any, data: Any, frames: list[int]) -> Callable[[np.ndarray], Any]:
    if len(frames) > 1:
        return lambda q: pinocchio.framesForwardKinematics(model, data, q)

    def step(q: np.ndarray) -> None:
        pinocchio.forwardKinematics(model, data, q)
        pinocchio.updateFramePlacement(model, data, frames[0])

    return step


def _gradient(model: Any, data: Any, frames: list[int]) -> Callable[[np.ndarray], Any]:
    """`J^T w` with the wrench of a cotangent of ones: a force, and `sum_k r_k x 1`."""
    wrench = np.ones(6)
    world = pinocchio.ReferenceFrame.LOCAL_WORLD_ALIGNED

    def step(q: np.ndarray) -> np.ndarray:
        jacobian = pinocchio.computeFrameJacobian(model, data, q, frames[0], world)
        x, y, z = data.oMf[frames[0]].rotation.sum(axis=1)
        wrench[3:] = y - z, z - x, x - y
        return wrench @ jacobian

    return step
