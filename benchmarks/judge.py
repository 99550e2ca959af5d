"""The right answer, in float64: by Pinocchio, or by fkarm's reference where that is missing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

import fkarm
from benchmarks.contestants import Answer, checked_rows
from benchmarks.task import Task
from fkarm.kinematics import reference

try:
    import pinocchio
except ImportError:
    pinocchio = None

JUDGE = "Pinocchio" if pinocchio else "fkarm's reference in float64"
# Central differences of fourth order, for the judge without Pinocchio.
STEP = 1e-3
STENCIL = ((-2, 1 / 12), (-1, -8 / 12), (1, 8 / 12), (2, -1 / 12))


class Truth(NamedTuple):
    """The right answer for some rows: poses `(n, links, 4, 4)`, Jacobians `(n, links, 6, dof)`."""

    poses: np.ndarray
    jacobians: np.ndarray


def truth(task: Task) -> Truth:
    """The right answer for the rows of a task that are checked."""
    q = task.q[checked_rows(len(task.q))].astype(np.float64)
    return (_pinocchio if pinocchio else _reference)(task, q)


def errors(task: Task, right: Truth, answer: Answer) -> dict[str, float]:
    """How far an answer is off, for each part of it.

    Poses: the largest deviation of an entry (m, or of a rotation matrix). Derivatives: the same
    over the largest entry of the right answer. The gradient is that of the sum of all entries
    of all poses. A shape other than the right answer's, or a NaN, is infinitely wrong.
    """
    found = dict(answer)
    if "pose_jacobian" in found:
        found["jacobian"] = _geometric(found.pop("pose_jacobian"), right.poses[:, 0])
    expected = {
        "poses": task.shaped(right.poses),
        "gradient": _gradient(right),
        "jacobian": task.shaped(right.jacobians),
    }
    return {name: _deviation(name, part, expected[name]) for name, part in found.items()}


def _deviation(name: str, found: np.ndarray, expected: np.ndarray) -> float:
    if found.shape != expected.shape or not np.isfinite(found).all():
        return float("inf")
    scale = 1.0 if name == "poses" else max(1.0, float(np.abs(expected).max()))
    return float(np.abs(found - expected).max()) / scale


def _pinocchio(task: Task, q: np.ndarray) -> Truth:
    """Of Pinocchio, which lets mimics go free: each gets its value from the joint it follows."""
    robot = fkarm.Robot.from_urdf(task.urdf)
    model = pinocchio.buildModelFromXML(task.plain_urdf)
    data = model.createData()
    frames = [model.getFrameId(link) for link in task.link_names]
    moving = [(model.joints[model.getJointId(name)], c) for name, c in robot.coordinates.items()]
    follow = np.zeros((model.nv, q.shape[1]))  # velocity of their joints for that of ours
    for joint, place in moving:
        follow[joint.idx_v, place.index] = place.multiplier
    poses, jacobians = [], []
    for row in q:
        values = np.zeros(model.nq)
        for joint, place in moving:
            value = place.multiplier * row[place.index] + place.offset
            # A continuous joint is a cosine and a sine.
            entries = (np.cos(value), np.sin(value)) if joint.nq == 2 else (value,)
            values[joint.idx_q : joint.idx_q + joint.nq] = entries
        pinocchio.computeJointJacobians(model, data, values)
        pinocchio.updateFramePlacements(model, data)
        poses.append([data.oMf[frame].homogeneous for frame in frames])
        axes = pinocchio.ReferenceFrame.LOCAL_WORLD_ALIGNED
        found = [pinocchio.getFrameJacobian(model, data, frame, axes) for frame in frames]
        jacobians.append([each.reshape(6, model.nv) for each in found])  # one joint: it is flat
    return Truth(np.array(poses), np.array(jacobians) @ follow)


def _reference(task: Task, q: np.ndarray) -> Truth:
    """Of fkarm's stacked matrices, and differences of them."""
    robot = fkarm.Robot.from_urdf(task.urdf)

    def locate(q: np.ndarray) -> np.ndarray:
        return np.asarray(reference.forward_kinematics(robot, q, task.link_names))

    poses = locate(q)
    columns = [
        sum(weight / STEP * locate(q + step * STEP * unit) for step, weight in STENCIL)
        for unit in np.eye(q.shape[1])
    ]
    return Truth(poses, _geometric(np.stack(columns, axis=-1), poses))


def _geometric(pose_jacobian: np.ndarray, poses: np.ndarray) -> np.ndarray:
    """Twists, linear part first, from derivatives of poses. `(..., 4, 4, dof)` to `(..., 6, dof)`.

    The angular part is the axis of the skew matrix `dR R^T`.
    """
    spin = np.einsum("...ijd,...kj->...ikd", pose_jacobian[..., :3, :3, :], poses[..., :3, :3])
    angular = [(spin[..., k, j, :] - spin[..., j, k, :]) / 2 for j, k in ((1, 2), (2, 0), (0, 1))]
    return np.concatenate([pose_jacobian[..., :3, 3, :], np.stack(angular, axis=-2)], axis=-2)


def _gradient(right: Truth) -> np.ndarray:
    """Of the sum of all entries: a force of ones at each origin, a moment `sum r_k x 1`."""
    force = np.ones(3)
    moment = np.cross(np.moveaxis(right.poses[..., :3, :3], -1, -2), force).sum(axis=-2)
    wrench = np.concatenate([np.broadcast_to(force, moment.shape), moment], axis=-1)
    return np.einsum("blid,bli->bd", right.jacobians, wrench)
