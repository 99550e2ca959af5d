"""Jacobians, velocities and what is made of them, in closed form."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from keras import ops

from fkarm._checks import check_choice
from fkarm._types import Tensor, TensorLike
from fkarm.geometry import POSE_REPRESENTATIONS, pose_rate
from fkarm.kinematics.chain import (
    Chain,
    Column,
    Plan,
    Twist,
    chain_frames,
    columns,
    plan_chain,
    twists,
)
from fkarm.kinematics.engine import Function, compiled, once, sincos
from fkarm.kinematics.entries import (
    ZERO,
    Entry,
    Vector,
    cross,
    dot,
    minus,
    plus,
    scaled,
    stack_entries,
    unstack_entries,
)
from fkarm.kinematics.forward import configuration, forward_kinematics
from fkarm.model import Robot


def geometric_jacobian(robot: Robot, q: TensorLike, link: str | None = None) -> Tensor:
    """Velocity of a link per unit of joint velocity, in the root link's axes.

    The column of a revolute joint with axis `z` through the point `o` is
    `[z x (p - o), z]`, `p` the link's origin; that of a prismatic joint is `[z, 0]`. A joint
    that moves several joints (by mimics) has the sum of their columns times the multipliers.
    The columns of a planar or floating joint are the derivatives for its entries of `q`.

    Args:
        robot: The robot.
        q: Joint configurations, rad or m. Shape `(..., dof)`.
        link: Name of the link; None: `robot.end_effector`.
    Returns:
        Rows: linear velocity of the link's origin (m), then angular velocity (rad), in the
        root link's axes; columns in the order of `robot.joint_names`; zero for joints that do
        not move the link. In the dtype of `q` (float32 for half precision). Shape `(..., 6, dof)`.
    Raises:
        UnknownLinkError: If the link does not exist.
        ValueError: If `q` does not end with an axis of size `robot.dof`.
    Gradient:
        With respect to `q`, exact everywhere; in closed form it is `kinematic_hessian`.
    Reference:
        [Siciliano2009], section 3.1.3.
    """
    return chain_stage(_geometric, robot, link_name(robot, link))(configuration(robot, q))


def body_jacobian(robot: Robot, q: TensorLike, link: str | None = None) -> Tensor:
    """Velocity of a link per unit of joint velocity, in the link's own axes.

    The rows of the geometric Jacobian, turned by the transpose of the link's rotation.

    Args, Returns, Raises, Gradient:
        As `geometric_jacobian`, but for the axes. Shape `(..., 6, dof)`.
    Reference:
        [LynchPark2017], section 5.1.2, with its rows in the other order.
    """
    return chain_stage(_body, robot, link_name(robot, link))(configuration(robot, q))


def analytic_jacobian(
    robot: Robot, q: TensorLike, link: str | None = None, output: str = "xyz_rpy"
) -> Tensor:
    """Derivative of the numbers of a link's pose by the joint configuration.

    Args:
        robot: The robot.
        q: Joint configurations, rad or m. Shape `(..., dof)`.
        link: Name of the link; None: `robot.end_effector`.
        output: How the pose is written, as in `fkarm.layers.ForwardKinematics`.
    Returns:
        Rates of the numbers (m, rad) per unit of joint velocity; at the poles of roll, pitch and
        yaw, what is finite of them. Shape `(..., n, dof)`, for `output="matrix"`
        `(..., 4, 4, dof)`.
    Raises:
        UnknownLinkError: If the link does not exist.
        ValueError: If `q` does not end with an axis of size `robot.dof`, or `output` is unknown.
    Gradient:
        With respect to `q`, exact where the numbers have rates.
    Reference:
        [Siciliano2009], section 3.6.
    """
    check_choice("output", output, POSE_REPRESENTATIONS)
    q = configuration(robot, q)
    link = link_name(robot, link)
    pose = forward_kinematics(robot, q, link)
    by_joint = ops.swapaxes(geometric_jacobian(robot, q, link), -1, -2)
    rates = pose_rate(pose[..., None, :, :], by_joint, output)
    # Not moveaxis, for which torch.func has no rule.
    batch, count = len(q.shape) - 1, len(rates.shape)
    return ops.transpose(rates, (*range(batch), *range(batch + 1, count), batch))


def link_velocity(
    robot: Robot, q: TensorLike, q_rate: TensorLike, link: str | None = None
) -> Tensor:
    """Velocity of a link, `J dq/dt`, without the Jacobian: one pass from the root to the link.

    Args:
        robot: The robot.
        q: Joint configurations, rad or m. Shape `(..., dof)`.
        q_rate: Joint velocities, rad/s or m/s. Shape `(..., dof)`, that of `q`.
        link: Name of the link; None: `robot.end_effector`.
    Returns:
        Linear velocity of the link's origin (m/s), then angular velocity (rad/s), in the
        root link's axes. Shape `(..., 6)`.
    Raises:
        UnknownLinkError: If the link does not exist.
        ValueError: If the shapes do not match.
    Gradient:
        With respect to both, exact everywhere.
    """
    q = configuration(robot, q)
    q_rate = ops.cast(configuration(robot, q_rate), q.dtype)
    if len(q.shape) != len(q_rate.shape):
        raise ValueError(
            f"q and q_rate must have one shape. Received: {tuple(q.shape)} and "
            f"{tuple(q_rate.shape)}. Repeat the shorter one: ops.broadcast_to."
        )
    return _velocity_stage(robot, link_name(robot, link))(q, q_rate)


def link_name(robot: Robot, link: str | None) -> str:
    """`link`, or the end effector's name for None; TypeError if it is no name."""
    if link is not None and not isinstance(link, str):
        raise TypeError(f"link must be one name, or None. Received: {link!r}. Call once a link.")
    return robot.end_effector if link is None else link


# What a stage computes: entries, and the axes they fill.
Entries = Callable[[Plan, list[Tensor], Chain], tuple[list[Entry], tuple[int, ...]]]


@once
def chain_stage(entries: Entries, robot: Robot, link: str) -> Function:
    """What `entries` makes of the chain to a link, as a compiled function of `q`."""
    plan = plan_chain(robot, (link,))

    def run(q: Tensor) -> Tensor:
        values = unstack_entries(q)
        found, axes = entries(plan, values, chain_frames(plan, values, sincos))
        return stack_entries(found, q, axes)

    return compiled(run, (1,)) if plan.nodes else run


def link_twist(part: Column, origin: Vector) -> Twist:
    """Velocity of a link's origin, and angular velocity, per unit rate of the part's entry."""
    axis, point = part.motion
    if point is None:
        return scaled(part.multiplier, axis), ZERO
    lever = cross(axis, minus(origin, point))
    return scaled(part.multiplier, lever), scaled(part.multiplier, axis)


def link_twists(plan: Plan, parts: Sequence[Column], chain: Chain, link: int = 0) -> list[Twist]:
    """The columns of the geometric Jacobian of one of the plan's links."""
    path, above = set(), plan.links[link][0]
    while above >= 0:
        path.add(above)
        above = plan.nodes[above].parent
    found: list[Twist] = [(ZERO, ZERO)] * plan.dof
    for part in parts:
        if part.node in path:
            linear, angular = link_twist(part, chain.links[link].origin)
            so_far = found[part.entry]
            found[part.entry] = (plus(so_far[0], linear), plus(so_far[1], angular))
    return found


def _geometric(plan: Plan, q: list[Tensor], chain: Chain) -> tuple[list[Entry], tuple[int, ...]]:
    found = link_twists(plan, columns(plan, q, chain), chain)
    return [twist[part][i] for part in (0, 1) for i in range(3) for twist in found], (6, plan.dof)


def _body(plan: Plan, q: list[Tensor], chain: Chain) -> tuple[list[Entry], tuple[int, ...]]:
    found = link_twists(plan, columns(plan, q, chain), chain)
    axes = chain.links[0].columns
    return [dot(axis, twist[part]) for part in (0, 1) for axis in axes for twist in found], (
        6,
        plan.dof,
    )


@once
def _velocity_stage(robot: Robot, link: str) -> Function:
    plan = plan_chain(robot, (link,))

    def run(q: Tensor, q_rate: Tensor) -> Tensor:
        values = unstack_entries(q)
        chain = chain_frames(plan, values, sincos)
        parts = columns(plan, values, chain)
        found = twists(plan, parts, unstack_entries(q_rate))
        linear, angular = found[plan.links[0][0]] if found else (ZERO, ZERO)
        linear = plus(linear, cross(angular, chain.links[0].origin))
        return stack_entries([*linear, *angular], q)

    return compiled(run, (1, 1)) if plan.nodes else run
