"""A robot's joints as the nodes of a loop whose frames follow from a geometry.

A frame is `A T B`, with constants `A` and `B` and the origin `T` of one joint, or its inverse, or
the identity. Fixed joints are nodes that stand still.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from keras import ops

from fkarm._types import Tensor
from fkarm.config import cached
from fkarm.kinematics.chain import inverse, placed
from fkarm.kinematics.entries import Frame
from fkarm.kinematics.geometry.description import Geometry
from fkarm.kinematics.joints import Motion, inverted_step, joint_steps
from fkarm.kinematics.loop import Layout, Lines, LoopArrays, columns_of
from fkarm.kinematics.loop.nodes import along_first_axis, frame_of
from fkarm.kinematics.plan import ways
from fkarm.model import Joint, Robot
from fkarm.model.frames import Matrix

_IDENTITY = np.eye(4)


class _Origin(NamedTuple):
    """`A T B`; the origin `T` is a row of the table: those of joints, their inverses, identity."""

    before: Matrix
    row: int
    after: Matrix

    def __matmul__(self, frame: Matrix) -> _Origin:
        return self._replace(after=self.after @ frame)


class Recipe(NamedTuple):
    """How the frames of `n` nodes, then `m` links, and the values of nodes follow."""

    before: Any  # columns of A, (n + m, 12)
    rows: Any  # rows of the table, (n + m,)
    after: Any  # columns of B, (n + m, 12)
    joints: Any  # joint of every node, (n,)
    signs: Any  # 1 where its multiplier and offset are read, -1 where backwards, else 0, (n,)


class GeometryLines(NamedTuple):
    """The nodes between a base and links, and how their frames follow from a geometry."""

    layout: Layout
    arrays: LoopArrays
    recipe: Recipe


@cached(256)
def geometry_lines(robot: Robot, links: tuple[str, ...], base: str) -> GeometryLines:
    """The nodes for the poses of `links` in `base`."""
    lines, read = Lines(robot.dof), _Readings()
    nothing = 2 * len(robot.joints)  # row of the identity
    start = _Origin(_IDENTITY, nothing, _IDENTITY)
    ends: dict[str, tuple[int, _Origin]] = {base: (0, start)}
    upwards, downwards = ways(robot, links, base)
    for joint, is_backwards in [(j, True) for j in upwards] + [(j, False) for j in downwards]:
        here, there = (joint.child, joint.parent) if is_backwards else (joint.parent, joint.child)
        number = robot.joints.index(joint)
        parent, frame = ends[str(here)]
        coordinate = robot.coordinates.get(joint.name)
        own, *others = joint_steps(joint, coordinate)
        steps = [inverted_step(step) for step in reversed(others)] if is_backwards else others
        row = number + len(robot.joints) if is_backwards else number
        for step in (*steps, own) if is_backwards else (own, *steps):
            if isinstance(step, Motion):
                read.fill(len(lines.origins))
                parent, frame = lines.add(parent, frame, step), start
                read.add(number, joint, is_backwards, len(lines.origins))
            elif step is not own:
                frame = frame @ step
            else:
                if frame.row != nothing:  # a node stands still between two joints
                    parent, frame = lines.add(parent, frame, None), start
                frame = _Origin(frame.before @ frame.after, row, _IDENTITY)
        ends[str(there)] = parent, frame
    read.fill(len(lines.origins))
    rows, frames = zip(*(ends[link] for link in links), strict=True)
    origins = [
        x if isinstance(x, _Origin) else start._replace(before=x) for x in (*lines.origins, *frames)
    ]
    still = np.tile(_IDENTITY, (len(origins), 1, 1))
    loop = lines.loop(rows, still[: len(lines.origins)], still[: len(links)])
    recipe = Recipe(
        columns_of(np.array([x.before for x in origins])),
        np.array([x.row for x in origins]),
        columns_of(np.array([x.after for x in origins])),
        np.array(read.joints, int),
        np.array(read.signs, float),
    )
    return GeometryLines(loop.layout, loop.arrays, recipe)


class _Readings:
    """The joint and the sign of every node."""

    def __init__(self) -> None:
        self.joints: list[int] = []
        self.signs: list[float] = []

    def fill(self, size: int) -> None:
        """Nodes up to this one read nothing."""
        self.joints += [0] * (size - len(self.joints))
        self.signs += [0.0] * (size - len(self.signs))

    def add(self, number: int, joint: Joint, is_backwards: bool, size: int) -> None:
        """Nodes up to this one are of a joint."""
        sign = 0.0 if len(joint.entries) > 1 else -1.0 if is_backwards else 1.0
        self.joints += [number] * (size - len(self.joints))
        self.signs += [sign] * (size - len(self.signs))


def frames_of_lines(recipe: Recipe, geometry: Geometry) -> tuple[Frame, Frame, Frame]:
    """`A`, `T` and `B` of nodes and links, entries `(n + m, rows)`; one row if all share it."""
    table = columns_first(geometry.origins)
    identity = ops.convert_to_tensor(columns_of(_IDENTITY[None])[..., None], table.dtype)
    inverses = stacked(inverse(frame_of(ops.swapaxes(table, 0, 1))))
    table = ops.concatenate([table, inverses, identity + ops.zeros_like(table[:1])])
    own = ops.take(table, recipe.rows, axis=0)
    before, own, after = (
        frame_of(ops.swapaxes(x, 0, 1))
        for x in (recipe.before[..., None], own, recipe.after[..., None])
    )
    return before, own, after


def with_geometry(arrays: LoopArrays, recipe: Recipe, geometry: Geometry) -> LoopArrays:
    """The arrays of a loop for a geometry; those that follow from it have a last axis of rows."""
    before, own, after = frames_of_lines(recipe, geometry)
    frames = stacked(placed(placed(before, own), after))
    nodes = arrays.parents.shape[0]
    links = frame_of(ops.swapaxes(frames[nodes:], 0, 1))
    is_read, signs = recipe.signs[:, None] != 0, recipe.signs[:, None]
    multipliers = signs * ops.take(by_joint(geometry.multipliers), recipe.joints, axis=0)
    offsets = signs * ops.take(by_joint(geometry.offsets), recipe.joints, axis=0)
    return arrays._replace(
        origins=frames[:nodes],
        multipliers=ops.where(is_read, multipliers, arrays.multipliers[:, None]),
        offsets=ops.where(is_read, offsets, arrays.offsets[:, None]),
        shares=ops.where(is_read, multipliers, arrays.shares[:, None]),
        link_frames=stacked(placed(links, tool_frame(geometry))),
    )


def columns_first(frames: Tensor) -> Tensor:
    """The columns of frames `(..., n, 3, 4)`, with the batch last. Shape `(n, 12, rows)`."""
    flat = ops.reshape(ops.swapaxes(frames, -1, -2), (-1, frames.shape[-3], 12))
    return ops.transpose(flat, (1, 2, 0))


def tool_frame(geometry: Geometry) -> Frame:
    """The tool, entries `(1, rows)`."""
    return frame_of(ops.swapaxes(columns_first(geometry.tool[..., None, :, :]), 0, 1))


def by_joint(values: Tensor) -> Tensor:
    """Values `(..., joints)` with the batch last. Shape `(joints, rows)`."""
    return ops.transpose(ops.reshape(values, (-1, values.shape[-1])))


def stacked(frame: Frame) -> Tensor:
    """Frames with entries `(n, rows)` as columns. Shape `(n, 12, rows)`."""
    return ops.swapaxes(along_first_axis((*frame.axes, frame.origin)), 0, 1)
