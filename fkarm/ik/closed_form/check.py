"""The true chain of a closed form: errors of its branches, and Newton steps that remove them.

The chain is that of the robot, with the frames of its file: it knows nothing of the geometry that
the closed form is made of.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from keras import ops

from fkarm.ik.closed_form.arithmetic import Turn, isolated, library_of, square
from fkarm.ik.linear import normal_matrix, solve_symmetric
from fkarm.kinematics.chain import constant_frame, placed
from fkarm.kinematics.entries import Entry, Frame, Vector, add, cross, dot, mul, sub, vec_sub
from fkarm.kinematics.motions import Revolute
from fkarm.kinematics.plan import Plan
from fkarm.kinematics.stage import sincos

_START = Frame(((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)), (0.0, 0.0, 0.0))


class TrueChain(NamedTuple):
    """Constant frames between the joints of a chain of turns, and that of the link."""

    origins: tuple[Frame, ...]
    tip: Frame
    moving: tuple[int, ...]  # indices of the joints that a closed form solves for

    def frames(self, turns: list[Turn]) -> tuple[list[Frame], Frame]:
        """Frames of the joints, with their z along the axes, and that of the link."""
        at, before = _START, []
        for origin, (c, s) in zip(self.origins, turns, strict=True):
            at = placed(at, origin)
            before.append(at)
            at = Revolute.move(at, (), (s, c))
        return before, placed(at, self.tip)


def true_chain(plan: Plan, free: int | None) -> TrueChain:
    """The chain of a plan of turns to one link."""
    frames = [constant_frame(node.origin) for node in plan.nodes]
    moving = tuple(i for i in range(len(frames)) if i != free)
    return TrueChain(tuple(frames), constant_frame(plan.links[0][1]), moving)


def squared_errors(frame: Frame, target: Frame) -> tuple[Entry, Entry]:
    """Squares of the distance, m^2, and of the angle where it is small, rad^2."""
    step = vec_sub(frame.origin, target.origin)
    turn: Entry = 0.0
    for ours, theirs in zip(frame.axes, target.axes, strict=True):
        change = vec_sub(ours, theirs)
        turn = add(turn, dot(change, change))
    return dot(step, step), mul(0.5, turn)


def sines_of(angles: list[Any]) -> list[Turn]:
    """Cosine and sine of angles, of rows or NumPy arrays."""
    if all(library_of(angle) is np for angle in angles):
        return [(np.cos(angle), np.sin(angle)) for angle in angles]
    sine, cosine = sincos(ops.stack(angles, axis=0))
    count = len(angles)
    return list(zip(ops.unstack(cosine, count), ops.unstack(sine, count), strict=True))


def newton_step(
    chain: TrueChain, target: Frame, angles: list[Any], floor: float, longest: float
) -> list[Any]:
    """The moving joints' angles, one least-squares step nearer to the target.

    A step that is longer than `longest`, rad, is not made: beside singularities, and where there is
    no solution, the angles stay.
    """
    turns = [x for turn in sines_of(angles) for x in turn]
    flat = [*(x for vector in (*target.axes, target.origin) for x in vector), *turns]
    steps = isolated(lambda entries: _steps(chain, entries, floor), flat)
    size = sum(step * step for step in steps)
    library = library_of(angles[0])
    is_small = size < longest**2
    moved = list(angles)
    for index, step in zip(chain.moving, steps, strict=True):
        moved[index] = angles[index] + library.where(is_small, step, library.zeros_like(step))
    return moved


def _steps(chain: TrueChain, entries: list[Entry], floor: float) -> list[Entry]:
    """Changes of the moving joints from the entries of the target, and cosines and sines."""
    x, y, z, origin = ((entries[k], entries[k + 1], entries[k + 2]) for k in (0, 3, 6, 9))
    target = Frame((x, y, z), origin)
    joints, tip = chain.frames([(entries[k], entries[k + 1]) for k in range(12, len(entries), 2)])
    error = [*vec_sub(target.origin, tip.origin), *_rotation_error(tip, target)]
    columns: list[list[Entry]] = []
    for index in chain.moving:
        axis = joints[index].axes[2]
        lever = vec_sub(tip.origin, joints[index].origin)
        columns.append([*cross(axis, lever), *axis])
    zero = entries[9] * 0.0
    rows = [[column[i] + zero for column in columns] for i in range(6)]
    matrix = normal_matrix(rows, zero + floor)
    weights = solve_symmetric(matrix, [each + zero for each in error])
    return [sum(w * line[k] for w, line in zip(weights, rows, strict=True)) for k in range(6)]


def _rotation_error(frame: Frame, target: Frame) -> Vector:
    """The rotation vector from a frame to a target beside it."""
    pairs = zip(frame.axes, target.axes, strict=True)
    total: Vector = (0.0, 0.0, 0.0)
    for ours, theirs in pairs:
        half = cross(ours, theirs)
        total = (
            add(total[0], mul(0.5, half[0])),
            add(total[1], mul(0.5, half[1])),
            add(total[2], mul(0.5, half[2])),
        )
    return total


def orthonormal(frame: Frame) -> tuple[Frame, Entry]:
    """The nearest rotation, to first order in its first axis, and how far off the frame was."""
    x, y, _ = frame.axes
    library = library_of(x[0])
    x = _scaled(x, _inverse_length(library, x))
    along = dot(x, y)
    y_new: Vector = (
        sub(y[0], mul(along, x[0])),
        sub(y[1], mul(along, x[1])),
        sub(y[2], mul(along, x[2])),
    )
    y_new = _scaled(y_new, _inverse_length(library, y_new))
    rotation = Frame((x, y_new, cross(x, y_new)), frame.origin)
    off: Entry = 0.0
    for ours, theirs in zip(rotation.axes, frame.axes, strict=True):
        change = vec_sub(ours, theirs)
        off = add(off, add(square(change[0]), add(square(change[1]), square(change[2]))))
    return rotation, off


def _inverse_length(library: Any, v: Vector) -> Any:
    squared = dot(v, v)
    is_zero = squared <= 1e-30
    return 1.0 / library.sqrt(library.where(is_zero, library.ones_like(squared), squared))


def _scaled(v: Vector, factor: Any) -> Vector:
    return mul(factor, v[0]), mul(factor, v[1]), mul(factor, v[2])
