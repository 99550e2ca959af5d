"""The true chain of a closed form: errors of its branches, and Newton steps that remove them.

The chain is that of the robot, with the frames of its file: it knows nothing of the geometry that
the closed form is made of.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from keras import ops

from fkarm.ik.closed_form.arithmetic import (
    Pair,
    Turn,
    constant_turn,
    isolated,
    library_of,
    plus,
    square,
)
from fkarm.ik.linear import normal_matrix, solve_symmetric
from fkarm.kinematics.chain import constant_frame, placed
from fkarm.kinematics.entries import (
    ZERO,
    Entry,
    Frame,
    Vector,
    add,
    cross,
    dot,
    mul,
    sub,
    vec_sub,
)
from fkarm.kinematics.motions import Prismatic, Revolute
from fkarm.kinematics.plan import Plan
from fkarm.kinematics.stage import sincos

_START = Frame(((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)), (0.0, 0.0, 0.0))


class Motion(NamedTuple):
    """A turn or slide by `multiplier * value + offset` of a joint. Mimics add motions to it."""

    origin: Frame  # the frame that it moves, in that after the motion before it
    joint: int
    slides: bool
    multiplier: float
    offset: float


class TrueChain(NamedTuple):
    """Motions from a base to a link, and the constant frame of the link after them."""

    motions: tuple[Motion, ...]
    tip: Frame
    moving: tuple[int, ...]  # indices of the joints that a closed form solves for
    slides: tuple[bool, ...]  # whether each joint slides

    @property
    def moving_slides(self) -> list[bool]:
        """Whether each joint that a closed form solves for slides."""
        return [self.slides[k] for k in self.moving]

    def frames(self, pairs: list[Pair]) -> tuple[list[Frame], Frame]:
        """Frames of the motions, with their z along the axes, and that of the link."""
        at, before = _START, []
        for origin, joint, slides, multiplier, offset in self.motions:
            at = placed(at, origin)
            before.append(at)
            first, second = pairs[joint]
            if slides:
                at = Prismatic.move(at, (add(mul(multiplier, first), offset),), (0.0, 1.0))
            else:
                c, s = plus((first, mul(multiplier, second)), constant_turn(offset))
                at = Revolute.move(at, (), (s, c))
        return before, placed(at, self.tip)

    def pairs(self, values: list[Any]) -> list[Pair]:
        """The pairs of the joints' values, of rows or NumPy arrays."""
        pairs = list(zip(values, [0.0] * len(values), strict=True))
        turning = [k for k, slides in enumerate(self.slides) if not slides]
        for k, turn in zip(turning, sines_of([values[k] for k in turning]), strict=True):
            pairs[k] = turn
        return pairs


def true_chain(plan: Plan, entries: tuple[int, ...], free: int | None) -> TrueChain:
    """The chain of a plan to one link, whose joints have the given entries of q."""
    motions = tuple(
        Motion(
            constant_frame(origin),
            entries.index(motion.first),
            not motion.kind.turns,
            motion.multipliers[0],
            motion.offset,
        )
        for _, origin, motion in plan.nodes
    )
    moving = tuple(i for i in range(len(entries)) if i != free)
    sliding = {motion.joint for motion in motions if motion.slides}
    slides = tuple(i in sliding for i in range(len(entries)))
    return TrueChain(motions, constant_frame(plan.links[0][1]), moving, slides)


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
    chain: TrueChain, target: Frame, values: list[Any], floor: float, longest: float
) -> list[Any]:
    """The moving joints' values, one least-squares step nearer to the target.

    A step that is longer than `longest`, rad and m, is not made: beside singularities, and where
    there is no solution, the values stay.
    """
    pairs = [x for pair in chain.pairs(values) for x in pair]
    flat = [*(x for vector in (*target.axes, target.origin) for x in vector), *pairs]
    steps = isolated(lambda entries: _steps(chain, entries, floor), flat)
    size = sum(step * step for step in steps)
    library = library_of(values[0])
    is_small = size < longest**2
    moved = list(values)
    for index, step in zip(chain.moving, steps, strict=True):
        moved[index] = values[index] + library.where(is_small, step, library.zeros_like(step))
    return moved


def _steps(chain: TrueChain, entries: list[Entry], floor: float) -> list[Entry]:
    """Changes of the moving joints from the entries of the target, and their pairs."""
    x, y, z, origin = ((entries[k], entries[k + 1], entries[k + 2]) for k in (0, 3, 6, 9))
    target = Frame((x, y, z), origin)
    frames, tip = chain.frames([(entries[k], entries[k + 1]) for k in range(12, len(entries), 2)])
    error = [*vec_sub(target.origin, tip.origin), *_rotation_error(tip, target)]
    columns: dict[int, list[Entry]] = {index: [0.0] * 6 for index in chain.moving}
    for motion, frame in zip(chain.motions, frames, strict=True):
        axis = frame.axes[2]
        twist = [*axis, *ZERO]
        if not motion.slides:
            twist = [*cross(axis, vec_sub(tip.origin, frame.origin)), *axis]
        if motion.joint in columns:
            sums = zip(columns[motion.joint], twist, strict=True)
            columns[motion.joint] = [add(x, mul(motion.multiplier, y)) for x, y in sums]
    zero = entries[9] * 0.0
    error = [each + zero for each in error]
    lines = [[x + zero for x in column] for column in columns.values()]
    if len(lines) < 6:
        right = [sum(x * e for x, e in zip(line, error, strict=True)) for line in lines]
        return solve_symmetric(normal_matrix(lines, zero + floor), right)
    rows = [list(row) for row in zip(*lines, strict=True)]
    weights = solve_symmetric(normal_matrix(rows, zero + floor), error)
    return [sum(w * row[k] for w, row in zip(weights, rows, strict=True)) for k in range(6)]


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
