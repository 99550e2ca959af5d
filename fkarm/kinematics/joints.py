"""What a joint is made of: constant frames, and motions about or along z.

A planar joint slides twice and turns, a floating joint slides three times and turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fkarm.kinematics.entries import Entry, add, mul
from fkarm.kinematics.motions import KINDS, KindOfMotion
from fkarm.model import Joint
from fkarm.model.frames import Matrix, invert, rotation_to_axis
from fkarm.model.tree import Coordinate


class Motion(NamedTuple):
    """A turn or slide about or along the z of the frame that it moves."""

    type: str  # of a joint that is this one motion
    first: int  # of its entries of q
    multipliers: tuple[float, ...]  # of its entries of q
    offset: float = 0.0

    @property
    def kind(self) -> KindOfMotion:
        """What it does to frames and wrenches."""
        return KINDS[self.type]

    @property
    def entries(self) -> range:
        """Its entries of q."""
        return range(self.first, self.first + len(self.multipliers))

    def values(self, q: Sequence[Entry]) -> list[Entry]:
        """How far it turns or slides; the quaternion of a spherical one."""
        pairs = zip(self.multipliers, self.entries, strict=True)
        return [add(mul(multiplier, q[entry]), self.offset) for multiplier, entry in pairs]

    def inverted(self) -> Motion:
        """The motion back."""
        multipliers = tuple(a * b for a, b in zip(self.kind.inverse, self.multipliers, strict=True))
        return self._replace(multipliers=multipliers, offset=-self.offset)


Step = Matrix | Motion


def joint_steps(joint: Joint, coordinate: Coordinate | None) -> list[Step]:
    """Constant frames and motions of a joint, in a row from its parent link to its child link.

    Args:
        joint: The joint.
        coordinate: Where its value comes from; None if it is fixed.
    """
    if coordinate is None:
        return [joint.origin]
    index, multiplier, offset = coordinate.index, coordinate.multiplier, coordinate.offset

    def slides(*frames: Matrix) -> list[Step]:
        steps: list[Step] = []
        for number, frame in enumerate(frames):
            slide = Motion("prismatic", index + number, (multiplier,), offset)
            steps += [frame, slide, frame.T]
        return steps

    moving: list[Step]
    if joint.type == "planar":
        turn = Motion("revolute", index + 2, (multiplier,), offset)
        moving = [*slides(Z_TO_X, Z_TO_Y), turn]
    elif joint.type == "floating":
        turn = Motion("spherical", index + 3, (multiplier,) * 4, offset)
        moving = [*slides(Z_TO_X, Z_TO_Y, np.eye(4)), turn]
    else:
        moving = [Motion(joint.type, index, (multiplier,) * len(joint.entries), offset)]
    return [joint.origin, joint.z_to_axis, *moving, joint.z_to_axis.T]


def inverted_step(step: Step) -> Step:
    """The way back through a step."""
    return step.inverted() if isinstance(step, Motion) else invert(step)


def _frame_along(axis: tuple[float, float, float]) -> Matrix:
    frame = np.eye(4)
    frame[:3, :3] = rotation_to_axis(axis)
    return frame


Z_TO_X, Z_TO_Y = _frame_along((1.0, 0.0, 0.0)), _frame_along((0.0, 1.0, 0.0))
