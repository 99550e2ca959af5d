"""Pinocchio: one configuration a call, from a Python loop, in float64, on one thread.

Its fastest from Python, in its favour: the results stay in its data structure and are read for
the rows that are checked only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pinocchio

from benchmarks.contestants import Answer, Trial, Unavailable
from benchmarks.task import Task

WORLD = pinocchio.ReferenceFrame.LOCAL_WORLD_ALIGNED


def prepare(task: Task) -> Trial:
    """Frames, the gradient of one link's pose through its Jacobian, or that Jacobian.

    Raises:
        Unavailable: For gradients of a tree: Pinocchio has none for all frames at once.
    """
    if not isinstance(task.links, str) and task.mode != "forward":
        raise Unavailable("it has no gradient of all frames at once")
    model = pinocchio.buildModelFromXML(task.plain_urdf)
    data = model.createData()
    frames = [model.getFrameId(link) for link in task.link_names]
    if model.nq != len(task.joints):
        raise Unavailable("it has other joints than the task: mimic or continuous ones")
    index = [model.joints[model.getJointId(name)].idx_q for name in task.joints]
    theirs = np.empty(task.q.shape)
    theirs[:, index] = task.q
    rows = list(theirs)
    step = {"forward": _forward, "forward+gradient": _gradient, "jacobian": _jacobian}[task.mode](
        model, data, frames
    )

    def run() -> None:
        for row in rows:
            step(row)

    def read(_: Any, numbers: np.ndarray) -> Answer:
        answers: list[Answer] = []
        for number in numbers:
            found = step(rows[number])
            if task.mode == "jacobian":
                answers.append({"jacobian": np.array(found)[:, index]})
                continue
            poses = np.array([data.oMf[frame].homogeneous for frame in frames])
            answers.append({"poses": poses})
            if task.mode == "forward+gradient":
                answers[-1]["gradient"] = found[index]
        joined = {name: np.stack([each[name] for each in answers]) for name in answers[0]}
        return {n: task.shaped(part) if n == "poses" else part for n, part in joined.items()}

    return Trial(run, read)


def prepare_threads(task: Task) -> Trial:
    """Always unavailable, and says what the installed binding does run in threads.

    Raises:
        Unavailable: Always.
    """
    found = ", ".join(name for name in dir(pinocchio) if name.endswith("InParallel"))
    raise Unavailable(f"pin {pinocchio.__version__} has threads for {found} only")


def _forward(model: Any, data: Any, frames: list[int]) -> Callable[[np.ndarray], Any]:
    if len(frames) > 1:
        return lambda q: pinocchio.framesForwardKinematics(model, data, q)

    def step(q: np.ndarray) -> None:
        pinocchio.forwardKinematics(model, data, q)
        pinocchio.updateFramePlacement(model, data, frames[0])

    return step


def _jacobian(model: Any, data: Any, frames: list[int]) -> Callable[[np.ndarray], Any]:
    return lambda q: pinocchio.computeFrameJacobian(model, data, q, frames[0], WORLD)


def _gradient(model: Any, data: Any, frames: list[int]) -> Callable[[np.ndarray], Any]:
    """`J^T w` with the wrench of a cotangent of ones: a force, and `sum_k r_k x 1`."""
    wrench = np.ones(6)

    def step(q: np.ndarray) -> np.ndarray:
        jacobian = pinocchio.computeFrameJacobian(model, data, q, frames[0], WORLD)
        x, y, z = data.oMf[frames[0]].rotation.sum(axis=1)
        wrench[3:] = y - z, z - x, x - y
        return wrench @ jacobian

    return step
