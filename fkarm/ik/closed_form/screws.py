"""A chain of turns and slides as screws at its zero configuration; NumPy, float64.

`T = e^(S1 q1) ... e^(Sn qn) home`: the axis of a joint that turns is a line in the frame of the
base, and one that slides has a direction there.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fkarm.errors import NoClosedFormError
from fkarm.kinematics.joints import Motion
from fkarm.kinematics.plan import Plan
from fkarm.model import Joint, Robot
from fkarm.model.frames import Matrix, invert
from fkarm.model.named import joint_of_entry

# Slides of one joint that add up to less move nothing, m per m.
_LEAST_SLIDE = 1e-9


class Screws(NamedTuple):
    """The axes of a chain at zero, and the pose of its link there."""

    directions: np.ndarray  # unit vectors; of a slide the step per unit of its value, (n, 3)
    points: np.ndarray  # a point of each axis, m, (n, 3)
    home: Matrix  # pose of the link, (4, 4)
    slides: np.ndarray  # whether each joint slides, (n,)

    @property
    def size(self) -> int:
        """Number of joints."""
        return len(self.directions)

    def backwards(self) -> Screws:
        """The chain from the link to the base, whose poses are the inverse ones."""
        back = invert(self.home)
        directions = -self.directions[::-1] @ back[:3, :3].T
        points = self.points[::-1] @ back[:3, :3].T + back[:3, 3]
        return Screws(directions, points, back, self.slides[::-1])


def turn_about(direction: np.ndarray, point: np.ndarray, angle: float) -> Matrix:
    """The turn about a line. Shape `(4, 4)`."""
    x, y, z = direction
    skew = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    turn = np.eye(4)
    turn[:3, :3] += np.sin(angle) * skew + (1.0 - np.cos(angle)) * skew @ skew
    turn[:3, 3] = point - turn[:3, :3] @ point
    return turn


def _slide_by(step: np.ndarray) -> Matrix:
    slide = np.eye(4)
    slide[:3, 3] = step
    return slide


def screws_of(robot: Robot, plan: Plan) -> tuple[Screws, tuple[str, ...], tuple[int, ...]]:
    """The screws of the joints of a plan to one link, their names, and their entries of q.

    A joint may have several motions, because others mimic it: slides are one slide together. This
    holds only if no turn about another axis lies between them, which `recognise` checks.

    Raises:
        NoClosedFormError: If a joint has several entries, or mimics turn the link.
    """
    entries = tuple(dict.fromkeys(node.motion.first for node in plan.nodes))
    owners = {entry: joint_of_entry(robot, entry) for entry in entries}
    frames = frames_at_zero(plan)
    home = frames.pop()
    directions, points = np.zeros((len(entries), 3)), np.zeros((len(entries), 3))
    slides = np.zeros(len(entries), bool)
    for index, entry in enumerate(entries):
        motions = [
            (frame, node.motion)
            for frame, node in zip(frames, plan.nodes, strict=True)
            if node.motion.first == entry
        ]
        steps = [motion.multipliers[0] * frame[:3, 2] for frame, motion in motions]
        direction = np.sum(steps, axis=0)
        _check_motions(owners[entry], [motion for _, motion in motions], direction)
        directions[index], points[index] = direction, motions[0][0][:3, 3]
        slides[index] = not motions[0][1].kind.turns
    names = tuple(owners[entry].name for entry in entries)
    return Screws(directions, points, home, slides), names, entries


def _check_motions(joint: Joint, motions: list[Motion], direction: np.ndarray) -> None:
    """Raise NoClosedFormError unless the motions of a joint are one turn, or slides."""
    if len(joint.entries) > 1:
        came = f"the {joint.type} joint {joint.name!r}"
        raise _no_form("joints that turn or slide by one value", came)
    if all(not motion.kind.turns for motion in motions):
        if np.linalg.norm(direction) < _LEAST_SLIDE:
            came = f"the joint {joint.name!r}, which mimics undo"
            raise _no_form("slides that move the link", came)
    elif len(motions) > 1:
        raise _no_form(
            "joints that turn the link once each",
            f"the joint {joint.name!r}, which the link follows {len(motions)} times by mimics",
        )
    elif abs(motions[0].multipliers[0]) != 1.0:
        raise _no_form(
            "mimics that turn as far as the joint they follow",
            f"one that turns {motions[0].multipliers[0]:g} times as far as {joint.name!r}",
        )


def _no_form(needed: str, came: str) -> NoClosedFormError:
    return NoClosedFormError(
        f"A closed form needs {needed}, on the way to the link. Received: {came}. Hold it by "
        "robot.with_fixed_joints, or use fkarm.solve_ik."
    )


def frames_at_zero(plan: Plan) -> list[Matrix]:
    """The frames of a plan's nodes before their motions at zero, and that of its link."""
    before: list[Matrix] = []
    after: list[Matrix] = []
    for parent, origin, motion in plan.nodes:
        before.append((after[parent] if parent >= 0 else np.eye(4)) @ origin)
        step = np.array([0.0, 0.0, motion.offset])
        at_zero = turn_about(np.eye(3)[2], np.zeros(3), motion.offset)
        after.append(before[-1] @ (at_zero if motion.kind.turns else _slide_by(step)))
    above, constant = plan.links[0]
    return [*before, (after[above] if above >= 0 else np.eye(4)) @ constant]
