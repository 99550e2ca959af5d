"""Robots with bodies, and the same distances by Pinocchio and coal."""

from functools import cache

import coal
import numpy as np
import pinocchio as pin

import fkarm
from fkarm import Body


def panda(spheres=False):
    """A Panda with two or three bodies on each link; some are capsules, two are degenerate."""
    robot = fkarm.robots.panda()
    rng = np.random.default_rng(3)
    bodies = []
    for number, link in enumerate([f"panda_link{k}" for k in range(8)] + ["panda_hand"]):
        for k in range(2 + number % 2):
            length = 0.0 if spheres or k == 0 else float(rng.uniform(0.02, 0.15))
            bodies.append(
                Body(
                    link,
                    "capsule" if length else "sphere",
                    float(rng.uniform(0.02, 0.05)),
                    length,
                    rng.uniform(-0.06, 0.06, 3),
                    rng.uniform(-3, 3, 3),
                )
            )
    if not spheres:
        bodies.append(Body("panda_hand", "capsule", 0.03, 0.0, (0.0, 0.0, 0.05)))
    return robot.with_bodies(bodies)


def forked(bodies=()):
    """A floating base that carries a slide, a ball joint and two turns, on two branches."""
    joints = [
        fkarm.Joint("free", "floating", parent="world", child="trunk"),
        fkarm.Joint("slide", "prismatic", (0, 1, 0), parent="trunk", child="left", xyz=(0, 0.3, 0),
                    lower=0.0, upper=0.3),
        fkarm.Joint("wrist", "revolute", (1, 0, 0), parent="left", child="left_hand",
                    xyz=(0, 0.1, 0.3), lower=-2.0, upper=2.0),
        fkarm.Joint("ball", "spherical", parent="trunk", child="right", xyz=(0, -0.3, 0)),
        fkarm.Joint("elbow", "revolute", (0, 1, 0), parent="right", child="right_hand",
                    xyz=(0, 0, 0.4), lower=-2.0, upper=2.0),
    ]  # fmt: skip
    robot = fkarm.Robot(joints, end_effector="left_hand")
    return robot.with_bodies(
        bodies
        or [
            Body("trunk", "capsule", 0.1, 0.4),
            Body("left", "sphere", 0.08, xyz=(0, 0, 0.1)),
            Body("left_hand", "capsule", 0.05, 0.2, (0, 0, 0.1), (0.3, 0.2, 0.1)),
            Body("right", "capsule", 0.06, 0.3, (0, 0, 0.15)),
            Body("right_hand", "sphere", 0.07, xyz=(0, 0, 0.2)),
        ]
    )


def shape_of(body):
    """coal's shape."""
    return coal.Sphere(body.radius) if body.length == 0 else coal.Capsule(body.radius, body.length)


def frame_of(pose, body):
    """coal's transform of a body on a link with a pose (4, 4)."""
    rotation = pin.rpy.rpyToMatrix(*map(float, body.rpy))
    return coal.Transform3s(
        pose[:3, :3] @ rotation, pose[:3, :3] @ np.asarray(body.xyz) + pose[:3, 3]
    )


def coal_distance(shape_a, frame_a, shape_b, frame_b):
    """Signed distance of two shapes."""
    request, result = coal.DistanceRequest(), coal.DistanceResult()
    request.enable_signed_distance = True
    return coal.distance(shape_a, frame_a, shape_b, frame_b, request, result)


def axis_of(pose, body):
    """End points of a body's axis, by Pinocchio's rotation. Shape `(2, 3)`."""
    frame = frame_of(pose, body)
    half = 0.5 * body.length * frame.getRotation()[:, 2]
    return np.array([frame.getTranslation() - half, frame.getTranslation() + half])


def pair_distances(robot, q, pairs):
    """Distances of pairs of links at configurations `(rows, dof)`, body by body, by coal."""
    links = sorted({body.link for body in robot.bodies})
    poses = np.asarray(fkarm.forward_kinematics(robot, q, links))  # (rows, links, 4, 4)
    by_link = {link: [b for b in robot.bodies if b.link == link] for link in links}
    shape = cache(lambda body: shape_of(body))
    return np.array(
        [
            [
                min(
                    coal_distance(
                        shape(a),
                        frame_of(pose[links.index(link_a)], a),
                        shape(b),
                        frame_of(pose[links.index(link_b)], b),
                    )
                    for a in by_link[link_a]
                    for b in by_link[link_b]
                )
                for link_a, link_b in pairs
            ]
            for pose in poses
        ]
    )
