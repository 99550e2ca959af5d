"""A chain of turns as screws at its zero configuration; NumPy, float64.

`T = e^(S1 q1) ... e^(Sn qn) home`: each axis is a line in the frame of the root link.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fkarm.errors import NoClosedFormError
from fkarm.kinematics.plan import Plan, plan_chain
from fkarm.model import Robot
from fkarm.model.frames import Matrix, invert


class Screws(NamedTuple):
    """The axes of a chain at zero, and the pose of its link there."""

    directions: np.ndarray  # unit vectors, (n, 3)
    points: np.ndarray  # a point of each axis, m, (n, 3)
    home: Matrix  # pose of the link, (4, 4)

    @property
    def size(self) -> int:
        """Number of axes."""
        return len(self.directions)

    def backwards(self) -> Screws:
        """The chain from the link to the root, whose poses are the inverse ones."""
        back = invert(self.home)
        directions = -self.directions[::-1] @ back[:3, :3].T
        return Screws(directions, self.points[::-1] @ back[:3, :3].T + back[:3, 3], back)

    def pose(self, angles: np.ndarray) -> np.ndarray:
        """Poses of the link. Shapes `(rows, n)` to `(rows, 4, 4)`."""
        poses = []
        for row in angles:
            total = np.eye(4)
            for direction, point, angle in zip(self.directions, self.points, row, strict=True):
                total = total @ turn_about(direction, point, angle)
            poses.append(total @ self.home)
        return np.stack(poses)


def turn_about(direction: np.ndarray, point: np.ndarray, angle: float) -> Matrix:
    """The turn about a line. Shape `(4, 4)`."""
    x, y, z = direction
    skew = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    turn = np.eye(4)
    turn[:3, :3] += np.sin(angle) * skew + (1.0 - np.cos(angle)) * skew @ skew
    turn[:3, 3] = point - turn[:3, :3] @ point
    return turn


def screws_of(robot: Robot, link: str) -> tuple[Screws, tuple[str, ...], tuple[int, ...]]:
    """The screws of the joints from the root to a link, their names, and their entries of q.

    Raises:
        NoClosedFormError: If a joint on the way slides, floats or mimics another joint.
    """
    names = _revolute_names(robot, link)
    plan = plan_chain(robot, (link,))
    frames = frames_at_zero(plan)
    screws = Screws(
        np.stack([frame[:3, 2] for frame in frames[:-1]]) if names else np.zeros((0, 3)),
        np.stack([frame[:3, 3] for frame in frames[:-1]]) if names else np.zeros((0, 3)),
        frames[-1],
    )
    return screws, names, tuple(node.motion.first for node in plan.nodes)


def frames_at_zero(plan: Plan) -> list[Matrix]:
    """The frames of a plan's nodes at zero, and that of its link."""
    frames: list[Matrix] = []
    for parent, origin, _ in plan.nodes:
        frames.append((frames[parent] if parent >= 0 else np.eye(4)) @ origin)
    above, constant = plan.links[0]
    frames.append((frames[above] if above >= 0 else np.eye(4)) @ constant)
    return frames


def _revolute_names(robot: Robot, link: str) -> tuple[str, ...]:
    moving = [joint for joint in robot.path_to(link) if joint.name in robot.coordinates]
    followed = {joint.mimic.joint for joint in moving if joint.mimic is not None}
    for joint in moving:
        kind = joint.type
        if joint.mimic is not None or joint.name in followed:
            kind = "mimic"
        if kind not in ("revolute", "continuous"):
            raise NoClosedFormError(
                f"A closed form needs joints that turn one by one from the root to {link!r}. "
                f"Received: the {kind} joint {joint.name!r}. Hold it by robot.with_fixed_joints, "
                "or use fkarm.solve_ik."
            )
    return tuple(joint.name for joint in moving)
