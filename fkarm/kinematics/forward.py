"""Forward kinematics: poses of links from joint configurations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from keras import ops

from fkarm._checks import check_last_axes, real_array
from fkarm._types import Tensor, TensorLike
from fkarm.geometry.native import to_numpy
from fkarm.geometry.safe import as_float, at_least_single
from fkarm.kinematics.chain import (
    chain_frames,
    columns,
    link_frames,
    link_wrench,
    pull_back,
    push_forward,
    twists,
)
from fkarm.kinematics.engine import Function, once, sincos, with_derivative
from fkarm.kinematics.entries import Entry, Frame, stack_entries, stack_last, unstack_entries
from fkarm.kinematics.plan import plan_chain
from fkarm.model import Robot
from fkarm.model.named import check_unnamed


def forward_kinematics(
    robot: Robot,
    q: TensorLike,
    links: str | Sequence[str] | None = None,
    base: str | None = None,
) -> Tensor:
    """Poses of links, in the root link's frame or in that of another link.

    Products of the joints' transforms along the tree, composed entry by entry (no matmul) and
    compiled; joints that are not between `base` and one of `links` are not touched.

    Args:
        robot: The robot.
        q: Joint configurations in the order of `robot.joint_names`, rad or m; any number of
            batch axes. Limits are not applied. Shape `(..., dof)`.
        links: A name, a list of names, or None for all of `robot.link_names`.
        base: The link in whose frame the poses are, on any branch; None: the root link. The poses
            are composed from there: in float32 they have the digits of the distance between the
            two links, however far a floating base stands from the root. Poses in the root have
            those of that distance: 8 micrometres at 100 m, 31 mm at 500 km, as `q` itself.
    Returns:
        Poses `T_base_link`, m, in the dtype of `q` (float32 for half precision). Shape
        `(..., 4, 4)` for one name, `(..., n, 4, 4)` for a list or None.
    Raises:
        UnknownLinkError: If a link or `base` does not exist.
        ValueError: If `q` does not end with an axis of size `robot.dof`, or the list is empty.
    Gradient:
        With respect to `q`, exact everywhere, of any order; the first in closed form. A NaN in `q`
        reaches its own row only. A `tf.autodiff.ForwardAccumulator` must be opened inside a
        `tf.function`, not around it.
    Example:
        >>> arm = fkarm.robots.planar([1.0, 0.5])
        >>> fkarm.forward_kinematics(arm, [0.0, 0.0], "tool").shape
        TensorShape([4, 4])
    """
    q = configuration(robot, q)
    base = base_name(robot, base)
    if isinstance(links, str):
        return _link_poses(robot, (links,), (), base)(q)
    names = robot.link_names if links is None else as_names(links)
    return _link_poses(robot, names, (len(names),), base)(q)


def as_names(links: Sequence[str]) -> tuple[str, ...]:
    """A list of link names as a tuple; TypeError or ValueError if it is none, or empty."""
    if not isinstance(links, Iterable):
        raise TypeError(f"links must be a name, a list of names or None. Received: {links!r}.")
    names = tuple(links)
    if not all(isinstance(name, str) for name in names):
        raise TypeError(f"links must be a name, a list of names or None. Received: {links!r}.")
    if not names:
        raise ValueError("links must hold at least one name. Received: [].")
    return names


def base_name(robot: Robot, base: str | None) -> str:
    """`base`, or the root link's name for None; UnknownLinkError if there is no such link."""
    if base is None:
        return robot.root_link
    robot.check_link(base)
    return base


def configuration(robot: Robot, q: TensorLike) -> Tensor:
    """`q` as a tensor of float32 or float64 whose last axis is checked against `robot`.

    Raises:
        TypeError: If `q` has names, in an order of their own, or is not of real numbers.
        ValueError: If its shape is not that of configurations.
    """
    if not ops.is_tensor(q):
        check_unnamed("q", q)
    q = at_least_single(as_float(q, "q"))
    check_configuration_shape(robot, q.shape)
    return q


def configuration_array(name: str, q: TensorLike) -> np.ndarray:
    """Joint configurations as a NumPy array of float64, of any shape.

    Raises:
        TypeError: If `q` has names, in an order of their own, or is not of real numbers.
    """
    check_unnamed(name, q)
    return real_array(name, q if isinstance(q, (list, tuple)) else to_numpy(q)).astype(np.float64)


def check_configuration_shape(robot: Robot, shape: tuple[int | None, ...]) -> None:
    """Raise ValueError unless `shape` is that of configurations, `(..., dof)`."""
    names = ", ".join(robot.joint_names[:12]) + (", ..." if robot.dof > 12 else "")
    hint = f"One value for each of: {names or '(no joints)'}."
    has_rank = getattr(shape, "rank", 0) is not None  # TensorFlow may not know it
    if has_rank and len(shape) == 2 and shape[0] == robot.dof:
        hint += " Is it transposed?"
    check_last_axes("q", shape, (robot.dof,), hint)


@once
def _link_poses(robot: Robot, links: tuple[str, ...], axes: tuple[int, ...], base: str) -> Function:
    """Poses from `q`, `(..., dof) -> (..., *axes, 4, 4)`, with the derivative in closed form."""
    plan = plan_chain(robot, links, base)

    def matrices(frames: Sequence[Frame], corner: float, q: Tensor) -> Tensor:
        entries = [each for frame in frames for each in _rows(frame, corner)]
        return stack_entries(entries, q, (*axes, 4, 4))

    def poses(q: Tensor) -> Tensor:
        chain = chain_frames(plan, unstack_entries(q), sincos)
        return matrices(link_frames(plan, chain), 1.0, q)

    def wrenches(pose: Tensor, pose_bar: Tensor) -> Tensor:
        pairs = zip(_frames(pose, len(axes)), _frames(pose_bar, len(axes)), strict=True)
        entries = [each for pair in pairs for vector in link_wrench(*pair) for each in vector]
        return stack_last(entries)

    def cotangent(q: Tensor, wrench: Tensor) -> Tensor:
        values = unstack_entries(wrench)
        vectors = [(values[k], values[k + 1], values[k + 2]) for k in range(0, len(values), 3)]
        pairs = list(zip(vectors[::2], vectors[1::2], strict=True))
        return stack_entries(pull_back(plan, unstack_entries(q), pairs, sincos), q)

    def tangent(q: Tensor, rates: Tensor) -> Tensor:
        entries = unstack_entries(q)
        chain = chain_frames(plan, entries, sincos)
        parts = columns(plan, entries, chain)
        velocities = twists(plan, parts, chain, unstack_entries(rates))
        return matrices(push_forward(plan, velocities, chain), 0.0, q)

    if not plan.nodes:
        return poses
    return with_derivative(poses, wrenches, cotangent, tangent, len(axes) + 2)


def _rows(frame: Frame, corner: float) -> list[Entry]:
    """The 16 entries of a frame as a matrix with the last row `0 0 0 corner`."""
    rows = [[*(column[i] for column in frame.columns), frame.origin[i]] for i in range(3)]
    return [*rows[0], *rows[1], *rows[2], 0.0, 0.0, 0.0, corner]


def _frames(matrices: Tensor, link_axes: int) -> list[Frame]:
    """The frames of matrices `(..., n, 4, 4)`, or of `(..., 4, 4)` without a link axis."""
    count = matrices.shape[-3] if link_axes else 1
    batch = ops.shape(matrices)[: len(matrices.shape) - 2 - link_axes]
    entries = unstack_entries(ops.reshape(matrices, (*batch, 16 * count)))
    frames = []
    for start in range(0, 16 * count, 16):
        x, y, z, origin = (
            (entries[start + k], entries[start + 4 + k], entries[start + 8 + k]) for k in range(4)
        )
        frames.append(Frame((x, y, z), origin))
    return frames
