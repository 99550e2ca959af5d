"""Arms with a closed form, and an oracle for their poses that knows nothing of fkarm's engine."""

from dataclasses import replace

import numpy as np
from autodiff import array, tensor
from oracles import Pinocchio

import fkarm

QUARTER = np.pi / 2
# Rows a, alpha, d, theta of the standard convention, rad and m.
PUMA_560 = [
    (0, QUARTER, 0, 0),
    (0.4318, 0, 0, 0),
    (0.0203, -QUARTER, 0.15005, 0),
    (0, QUARTER, 0.4318, 0),
    (0, -QUARTER, 0, 0),
    (0, 0, 0, 0),
]
KR_6 = [
    (0.025, -QUARTER, 0.4, 0),
    (0.455, 0, 0, 0),
    (0.035, -QUARTER, 0, -QUARTER),
    (0, QUARTER, 0.42, 0),
    (0, -QUARTER, 0, 0),
    (0, 0, 0.08, 0),
]


def from_table(rows, limits=None):
    """The arm of a table; Pinocchio reads no joint without limits."""
    limits = limits or [(-np.pi, np.pi)] * len(rows)
    return fkarm.Robot.from_dh(rows, "standard", limits=limits)


ROBOTS = {
    "ur5e": fkarm.robots.ur5e,
    "puma_560": lambda: from_table(PUMA_560),
    "kr_6": lambda: from_table(KR_6),
    "panda": fkarm.robots.panda,
    "iiwa14": fkarm.robots.iiwa14,
}


def oblique(robot):
    """The arm on an oblique mount, with an oblique tool."""
    mount = fkarm.Joint(
        "mount", "fixed", parent="ground", xyz=(0.3, -0.2, 0.5), rpy=(0.4, -0.7, 1.1), child="foot"
    )
    joints = [mount]
    for joint in robot.joints:
        data = {**joint.__dict__}
        if data["parent"] == robot.root_link:
            data["parent"] = "foot"
        joints.append(fkarm.Joint(**data))
    return fkarm.Robot(joints).with_tool((0.05, 0.02, 0.1), (0.3, 0.2, -0.4))


def calibrated(robot, size):
    """The arm with axes that are off by up to `size`, m and rad."""
    rng = np.random.default_rng(0)
    joints = []
    for joint in robot.joints:
        xyz, rpy = rng.uniform(-size, size, (2, 3))
        moved = {"xyz": tuple(joint.xyz + xyz), "rpy": tuple(joint.rpy + rpy)}
        joints.append(replace(joint, **(moved if joint.type != "fixed" else {})))
    return replace(robot, joints=tuple(joints))


def bounds(robot):
    """Limits, or one turn where there are none."""
    lower = np.where(np.isfinite(robot.lower_limits), robot.lower_limits, -np.pi)
    upper = np.where(np.isfinite(robot.upper_limits), robot.upper_limits, np.pi)
    return lower, upper


def poses(robot, q, link=None):
    """Poses of the link by Pinocchio. Shapes `(n, dof)` to `(n, 4, 4)`, float64."""
    model = Pinocchio(text=robot.to_urdf())
    link = link or robot.end_effector
    return np.stack([model.poses(_values(robot, row), [link])[0] for row in q])


def _values(robot, row):
    """The values of the joints, and of those that mimic one of them."""
    values = dict(zip(robot.joint_names, row, strict=True))
    mimics = {joint.name: joint.mimic for joint in robot.joints if joint.mimic}
    followed = {
        name: mimic.multiplier * values[mimic.joint] + mimic.offset
        for name, mimic in mimics.items()
    }
    return values | followed


def draw(robot, count, seed=0):
    return np.random.default_rng(seed).uniform(*bounds(robot), (count, robot.dof))


def free_values(form, q, dtype="float64"):
    """The free joint's values of configurations, `(n, 1)`; None for six joints."""
    if form.free is None:
        return None
    return q[:, [form.robot.joint_names.index(form.free)]].astype(dtype)


def by_turns(change):
    """Differences of angles, the short way round."""
    return np.abs(change - 2 * np.pi * np.round(change / (2 * np.pi)))


def solved(form, q, dtype="float64"):
    """Targets by Pinocchio and solutions, without the axis of the free joint's values."""
    targets = poses(form.robot, q)
    free = free_values(form, q, dtype)
    found = form.solve(tensor(targets.astype(dtype)), None if free is None else tensor(free))
    flat = [array(x) for x in found]
    if form.free is not None:
        flat = [x[:, 0] for x in flat]
    return targets, *flat


def check_solutions(form, q, tolerance, dtype="float64"):
    targets, found, is_solution, within = solved(form, q, dtype)
    assert np.isfinite(found).all()
    rows, picks = np.nonzero(is_solution)
    reached = poses(form.robot, found[rows, picks].astype("float64"))
    assert np.abs(reached - targets[rows]).max() < tolerance
    same = by_turns(found - q[:, None]).max(axis=-1) < (1e-6 if dtype == "float64" else 1e-2)
    assert (same & is_solution).any(axis=1).all()
    assert not (within & ~is_solution).any()
    return found, is_solution, within
