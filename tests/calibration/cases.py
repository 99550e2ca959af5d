"""Robots with known errors, and what an exact sensor would measure of them."""

import numpy as np
import pinocchio as pin

import fkarm
from fkarm import calibration

SENSOR = pin.exp6(np.array([0.4, -0.2, 0.9, 0.3, 0.2, -1.1])).homogeneous
TOOL = pin.exp6(np.array([0.02, -0.03, 0.11, 0.3, -0.2, 0.4])).homogeneous


def errors_of(parameters, seed=0, mm=1.0, deg=0.5, others=0.05):
    """Random values of parameters, m and rad; those of the tool and of ratios are larger."""
    rng = np.random.default_rng(seed)
    scale = [
        0.002 if e.is_ratio else np.radians(deg) if e.is_angle else mm * 1e-3
        for e in parameters.entries
    ]
    is_other = [e.owner in ("base", "point", "tool") for e in parameters.entries]
    return rng.normal(size=len(scale)) * np.where(is_other, others, scale)


def poses_by_pinocchio(robot, parameters, values, q, link=None):
    """Poses of a link for origins, offsets, signs, gains and harmonics; none of it is fkarm's.

    Pinocchio multiplies the transforms: `exp` of SO(3) and a position for every change.
    """
    by_owner = {}
    for entry, value in zip(parameters.entries, values, strict=True):
        by_owner.setdefault(entry.owner, {})[entry.entry] = value

    def change(owner):
        own = by_owner.get(owner, {})
        position, turn = ([own.get(k, 0.0) for k in keys] for keys in (("x", "y", "z"), ROTATIONS))
        return pin.SE3(pin.exp3(np.array(turn)), np.array(position))

    poses = []
    for row in q:
        frame = change("base")
        for joint in robot.path_to(link or robot.end_effector):
            frame = frame * pin.SE3(joint.origin) * change(joint.name)
            if joint.is_fixed:
                continue
            k, own = robot.coordinates[joint.name].index, by_owner.get(joint.name, {})
            value = row[k] * (1 + own.get("gain", 0.0))
            value += own.get("cosine", 0.0) * np.cos(row[k]) + own.get("sine", 0.0) * np.sin(row[k])
            value = parameters.senses[k] * value + own.get("offset", 0.0)
            axis = np.array(joint.axis)
            if joint.is_prismatic:
                frame = frame * pin.SE3(np.eye(3), value * axis)
            else:
                frame = frame * pin.SE3(pin.exp3(value * axis), np.zeros(3))
        poses.append((frame * change("tool" if "tool" in by_owner else "point")).homogeneous)
    return np.array(poses)


ROTATIONS = ("rx", "ry", "rz")


def small_arm():
    """Four joints, one of which slides; no two axes are parallel."""
    joints = [
        fkarm.Joint("turn", "revolute", "z", (0, 0, 0.3), lower=-2.5, upper=2.5),
        fkarm.Joint("lift", "revolute", "y", (0.05, 0, 0.1), (0.2, 0, 0.1), lower=-2, upper=2),
        fkarm.Joint("slide", "prismatic", (1, 0.2, 0.1), (0.2, 0.1, 0), lower=-0.1, upper=0.2),
        fkarm.Joint("roll", "revolute", "x", (0.2, 0, 0), (0, 0.3, 0.4), lower=-2.5, upper=2.5),
    ]
    return fkarm.Robot.from_joints(joints, name="small_arm")


def positions(robot, parameters, values, count=40, seed=1, noise=0.0, **options):
    """Measured positions of a robot with errors."""
    q = fkarm.sample_configurations(robot, count, seed=seed)
    p = poses_by_pinocchio(robot, parameters, values, q)[:, :3, 3]
    p = p + noise * np.random.default_rng(seed).normal(size=p.shape)
    return calibration.Position("points", q, p, **options)


def at_points(lengths, points, count=6):
    """Configurations of a planar arm with three links whose tip is at points; closed form."""
    first, second, third = lengths
    groups = []
    for point in np.array(points):
        rows = []
        for angle in np.linspace(-0.9, 0.9, count):
            x, y = point - third * np.array([np.cos(angle), np.sin(angle)])
            elbow = np.arccos((x * x + y * y - first**2 - second**2) / (2 * first * second))
            for bend in (elbow, -elbow):
                shoulder = np.arctan2(y, x)
                shoulder -= np.arctan2(second * np.sin(bend), first + second * np.cos(bend))
                rows.append([shoulder, bend, angle - shoulder - bend])
        groups.append(np.array(rows))
    return groups
