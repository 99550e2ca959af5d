"""Forward kinematics: poses of links from joint configurations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from keras import ops

from fkarm._checks import check_last_axes
from fkarm._types import Tensor, TensorLike
from fkarm.geometry.safe import as_float, at_least_single
from fkarm.kinematics.engine import Frame, chain_frames, dense, plan_chain
from fkarm.model import Robot


def forward_kinematics(
    robot: Robot, q: TensorLike, links: str | Sequence[str] | None = None
) -> Tensor:
    """Poses of links in the root link's frame.

    Products of the joints' transforms down the tree, composed entry by entry (no matmul);
    joints that are not on the way to `links` are not touched.

    Args:
        robot: The robot.
        q: Joint configurations in the order of `robot.joint_names`, rad or m; any number of
            batch axes. Limits are not applied. Shape `(..., dof)`.
        links: A name, a list of names, or None for all of `robot.link_names`.
    Returns:
        Poses `T_root_link`, m, in the dtype of `q` (float32 for half precision). Shape
        `(..., 4, 4)` for one name, `(..., n, 4, 4)` for a list or None.
    Raises:
        UnknownLinkError: If a link does not exist.
        ValueError: If `q` does not end with an axis of size `robot.dof`, or the list is empty.
    Gradient:
        With respect to `q`, exact everywhere. A NaN in `q` reaches its own row only.
    Example:
        >>> arm = fkarm.robots.planar([1.0, 0.5])
        >>> fkarm.forward_kinematics(arm, [0.0, 0.0], "tool").shape
        TensorShape([4, 4])
    """
    q = configuration(robot, q)
    if isinstance(links, str):
        return _pose(link_frames(robot, q, (links,))[0], q)
    names = robot.link_names if links is None else as_names(links)
    return ops.stack([_pose(frame, q) for frame in link_frames(robot, q, names)], axis=-3)


def as_names(links: Sequence[str]) -> tuple[str, ...]:
    """A list of link names as a tuple; TypeError or ValueError if it is none, or empty."""
    if not isinstance(links, Iterable):
        raise TypeError(f"links must be a name, a list of names or None. Received: {links!r}.")
    names = tuple(links)
    if not names:
        raise ValueError("links must hold at least one name. Received: [].")
    return names


def configuration(robot: Robot, q: TensorLike) -> Tensor:
    """`q` as a tensor of float32 or float64 whose last axis is checked against `robot`."""
    q = at_least_single(as_float(q))
    check_configuration_shape(robot, q.shape)
    return q


def check_configuration_shape(robot: Robot, shape: tuple[int | None, ...]) -> None:
    """Raise ValueError unless `shape` is that of configurations, `(..., dof)`."""
    names = ", ".join(robot.joint_names[:12]) + (", ..." if robot.dof > 12 else "")
    check_last_axes("q", shape, (robot.dof,), f"One value for each of: {names or '(no joints)'}.")


def link_frames(robot: Robot, q: Tensor, links: tuple[str, ...]) -> list[Frame]:
    """Frames of links as separate entries, for a `q` from `configuration`."""
    return chain_frames(plan_chain(robot, links), q)[1]


def _pose(frame: Frame, q: Tensor) -> Tensor:
    rows = [[*(column[i] for column in frame.columns), frame.origin[i]] for i in range(3)]
    rows.append([0.0, 0.0, 0.0, 1.0])
    return ops.stack([ops.stack(dense(row, q), axis=-1) for row in rows], axis=-2)
