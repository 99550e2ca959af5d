"""An arm with bodies, their distances by Pinocchio and coal, and clips."""

import numpy as np
import pytest
from oracles import Pinocchio, rpy_matrix

import fkarm


def arm_with_bodies():
    """A chain of four links with spheres and capsules; the last link reaches the others."""
    joints = [
        fkarm.Joint(f"j{k}", axis=axis, xyz=(0, 0, 0.3), lower=-3.0, upper=3.0,
                    parent=f"link_{k}", child=f"link_{k + 1}")
        for k, axis in enumerate("zyxy")
    ]  # fmt: skip
    bodies = [
        fkarm.Body("link_0", "capsule", 0.08, 0.2, (0.0, 0.02, 0.1), (0.3, 0.2, 0.1)),
        fkarm.Body("link_1", "sphere", 0.09, xyz=(0.01, 0.0, 0.1)),
        fkarm.Body("link_3", "capsule", 0.06, 0.3, (0.0, 0.0, 0.15)),
        fkarm.Body("link_3", "sphere", 0.05, xyz=(0.1, 0.0, 0.0)),
        fkarm.Body("link_4", "capsule", 0.05, 0.15, (0.02, 0.0, 0.1), (0.0, 1.2, 0.4)),
    ]
    return fkarm.Robot(joints, name="arm").with_bodies(bodies)


def coal_distances(robot, q, pairs):
    """Distances of pairs of bodies at one configuration, m."""
    coal = pytest.importorskip("coal")
    values = {n: c.multiplier * q[c.index] + c.offset for n, c in robot.coordinates.items()}
    links = [body.link for body in robot.bodies]
    poses = Pinocchio(text=robot.to_urdf()).poses(values, links)
    shapes = []
    for body, pose in zip(robot.bodies, poses, strict=True):
        shape = coal.Capsule(body.radius, body.length) if body.length else coal.Sphere(body.radius)
        rotation = pose[:3, :3] @ rpy_matrix(*body.rpy)
        at = pose[:3, :3] @ np.array(body.xyz) + pose[:3, 3]
        shapes.append((shape, coal.Transform3s(rotation, at)))
    return np.array(
        [
            coal.distance(*shapes[a], *shapes[b], coal.DistanceRequest(), coal.DistanceResult())
            for a, b in pairs
        ]
    )


def solved(q, times):
    """What `solve_path` returns, of a clip `q (..., time, dof)`."""
    q, times = np.array(q), np.array(times)
    frames = np.ones(q.shape[:-1])
    return fkarm.SolvedPath(
        q=q, converged=frames > 0, within_velocity_limits=frames > 0,
        within_acceleration_limits=frames > 0, position_error=frames[..., None],
        orientation_error=frames[..., None], slip=frames, center_of_mass_error=frames,
        clearance=frames, reason=np.full(frames.shape, "SOLVED"), links=("tool",), times=times,
    )  # fmt: skip
