"""Jacobians and velocities of links, in closed form."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from keras import ops

from fkarm._checks import check_choice
from fkarm._types import Tensor, TensorLike
from fkarm.geometry import POSE_REPRESENTATIONS, pose_rate
from fkarm.kinematics.arguments import base_name, configuration, configuration_and_rate
from fkarm.kinematics.chain import (
    Chain,
    Twist,
    chain_frames,
    link_levers,
    link_twist,
    link_twists,
    screws,
    sum_of_twists,
)
from fkarm.kinematics.chain_array import ChainArray, chain_array
from fkarm.kinematics.entries import ZERO, Entry, dot, mul, stack_entries, unstack_entries
from fkarm.kinematics.forward import forward_kinematics
from fkarm.kinematics.geometry import OfGeometry
from fkarm.kinematics.in_numpy import (
    Array,
    Posture,
    cross,
    hessian,
    jacobian,
    posture,
    screws_of,
)
from fkarm.kinematics.loop import loop_jacobian, unrolled_jacobian
from fkarm.kinematics.plan import Plan, plan_chain
from fkarm.kinematics.stage import Function, InNumpy, PullBack, compiled, once, sincos
from fkarm.kinematics.tree import Tree, tree_of
from fkarm.model import Robot


def geometric_jacobian(
    robot: Robot,
    q: TensorLike,
    link: str | None = None,
    base: str | None = None,
    geometry: Mapping[str, TensorLike] | None = None,
) -> Tensor:
    """Velocity of a link per unit of joint velocity, in the axes of the root or another link.

    The column of a revolute joint with axis `z` through the point `o` is
    `[z x (p - o), z]`, `p` the link's origin; that of a prismatic joint is `[z, 0]`. A joint
    that moves several joints (by mimics) has the sum of their columns times the multipliers.
    The columns of a planar or floating joint are the derivatives for its entries of `q`.
    `p - o` is summed along the chain, not the difference of two positions: the distance of the base
    costs no digits, also in float32.

    Args:
        robot: The robot.
        q: Joint configurations, rad or m. Shape `(..., dof)`.
        link: Name of the link; None: `robot.end_effector`.
        base: The link that the velocity is relative to, and in whose axes it is, on any branch;
            None: the root link.
        geometry: Arrays in place of the robot's own, as in `fkarm.forward_kinematics`.
    Returns:
        The derivative of `T_base_link`. Rows: linear velocity of the link's origin (m), then
        angular velocity (rad), in the base's axes; columns in the order of `robot.joint_names`;
        zero for joints that do not move the two links against each other. In the dtype of `q`
        (float32 for half precision). Shape `(..., 6, dof)`.
    Raises:
        UnknownLinkError: If the link or `base` does not exist.
        ValueError: If `q` does not end with an axis of size `robot.dof`, or `geometry` is not one
            of the robot.
    Gradient:
        With respect to `q` and `geometry`, exact everywhere; by `q` in closed form it is
        `kinematic_hessian`.
    Reference:
        [Siciliano2009], section 3.1.3.
    """
    return chain_array(_GEOMETRIC, robot, q, link, base, geometry)


def body_jacobian(
    robot: Robot,
    q: TensorLike,
    link: str | None = None,
    base: str | None = None,
    geometry: Mapping[str, TensorLike] | None = None,
) -> Tensor:
    """Velocity of a link per unit of joint velocity, in the link's own axes.

    The rows of the geometric Jacobian, turned by the transpose of the link's rotation.

    Args, Returns, Raises, Gradient:
        As `geometric_jacobian`, but for the axes. Shape `(..., 6, dof)`.
    Reference:
        [LynchPark2017], section 5.1.2, with its rows in the other order.
    """
    return chain_array(_BODY, robot, q, link, base, geometry)


def analytic_jacobian(
    robot: Robot,
    q: TensorLike,
    link: str | None = None,
    output: str = "xyz_rpy",
    base: str | None = None,
) -> Tensor:
    """Derivative of the numbers of a link's pose by the joint configuration.

    Args:
        robot: The robot.
        q: Joint configurations, rad or m. Shape `(..., dof)`.
        link: Name of the link; None: `robot.end_effector`.
        output: How the pose is written, as in `fkarm.layers.ForwardKinematics`.
        base: The link in whose frame the pose is, on any branch; None: the root link.
    Returns:
        Rates of the numbers (m, rad) per unit of joint velocity; at the poles of roll, pitch and
        yaw, what is finite of them. Shape `(..., n, dof)`, for `output="matrix"`
        `(..., 4, 4, dof)`.
    Raises:
        UnknownLinkError: If the link or `base` does not exist.
        ValueError: If `q` does not end with an axis of size `robot.dof`, or `output` is unknown.
    Gradient:
        With respect to `q`, exact where the numbers have rates.
    Reference:
        [Siciliano2009], section 3.6.
    """
    check_choice("output", output, POSE_REPRESENTATIONS)
    q = configuration(robot, q)
    link = robot.link_or_end_effector(link)
    pose = forward_kinematics(robot, q, link, base)
    by_joint = ops.swapaxes(geometric_jacobian(robot, q, link, base), -1, -2)
    rates = pose_rate(pose[..., None, :, :], by_joint, output)
    # Not moveaxis, for which torch.func has no rule.
    batch, count = len(q.shape) - 1, len(rates.shape)
    return ops.transpose(rates, (*range(batch), *range(batch + 1, count), batch))


def link_velocity(
    robot: Robot,
    q: TensorLike,
    q_rate: TensorLike,
    link: str | None = None,
    base: str | None = None,
) -> Tensor:
    """Velocity of a link, `J dq/dt`, computed without the Jacobian as an array.

    Args:
        robot: The robot.
        q: Joint configurations, rad or m. Shape `(..., dof)`.
        q_rate: Joint velocities, rad/s or m/s. Shape `(..., dof)`, that of `q`.
        link: Name of the link; None: `robot.end_effector`.
        base: The link that the velocity is relative to, and in whose axes it is, on any branch;
            None: the root link.
    Returns:
        Linear velocity of the link's origin (m/s), then angular velocity (rad/s), in the
        base's axes. Shape `(..., 6)`.
    Raises:
        UnknownLinkError: If the link or `base` does not exist.
        ValueError: If the shapes do not match.
    Gradient:
        With respect to both, exact everywhere.
    """
    q, q_rate = configuration_and_rate(robot, q, q_rate)
    link, base = robot.link_or_end_effector(link), base_name(robot, base)
    return _velocity_stage(robot, link, base)(q, q_rate)


def _geometric(plan: Plan, q: list[Tensor], chain: Chain) -> tuple[list[Entry], tuple[int, ...]]:
    twists = link_twists(plan, screws(plan, q, chain), chain)
    rows = [twist[half][k] for half in (0, 1) for k in range(3) for twist in twists]
    return rows, (6, plan.dof)


def _body(plan: Plan, q: list[Tensor], chain: Chain) -> tuple[list[Entry], tuple[int, ...]]:
    twists = link_twists(plan, screws(plan, q, chain), chain)
    axes = chain.links[0].axes
    rows = [dot(axis, twist[half]) for half in (0, 1) for axis in axes for twist in twists]
    return rows, (6, plan.dof)


@once
def _velocity_stage(robot: Robot, link: str, base: str) -> Function:
    plan = plan_chain(robot, (link,), base)

    def run(q: Tensor, q_rate: Tensor) -> Tensor:
        values, rates = unstack_entries(q), unstack_entries(q_rate)
        chain = chain_frames(plan, values, sincos)
        levers = link_levers(plan, chain)
        total: Twist = (ZERO, ZERO)
        for screw in screws(plan, values, chain):
            moving = screw._replace(multiplier=mul(screw.multiplier, rates[screw.entry]))
            total = sum_of_twists(total, link_twist(moving, levers[screw.node]))
        return stack_entries([*total[0], *total[1]], q)

    if not plan.nodes:
        return run
    return compiled(run, (1, 1), in_numpy=_velocity_in_numpy(tree_of(robot, (link,), base)))


def _geometric_in_numpy(tree: Tree) -> InNumpy:
    def columns(q: Array) -> tuple[Array, PullBack]:
        at = posture(tree, q)
        return jacobian(at), lambda bar: [_along_hessian(at, bar)]

    return columns


def _body_in_numpy(tree: Tree) -> InNumpy:
    """With `J_b = R^T J` of both halves, `dJ_b / dq_k = R^T (dJ / dq_k - w_k x J)`."""

    def columns_in_link(q: Array) -> tuple[Array, PullBack]:
        at = posture(tree, q)
        columns = jacobian(at)
        in_link = np.swapaxes(_rotation(at), -1, -2) @ _halves(columns)

        def pull_back(bar: Array) -> list[Array]:
            in_root = (_rotation(at) @ _halves(bar)).reshape(bar.shape)
            pairs = (_halves(x).transpose(2, 0, 1, 3) for x in (columns, in_root))
            turning = cross(*pairs).sum(axis=(2, 3))  # (3, rows)
            turned = np.einsum("krj,kr->rj", columns[:, 3:].swapaxes(0, 1), turning)
            return [_along_hessian(at, in_root) - turned]

        return in_link.reshape(columns.shape), pull_back

    return columns_in_link


def _along_hessian(at: Posture, jacobian_bar: Array) -> Array:
    """The cotangent of `q` for one of the geometric Jacobian `(rows, 6, dof)`."""
    return np.einsum("rai,raik->rk", jacobian_bar, hessian(at, screws_of(at)))


def _rotation(at: Posture) -> Array:
    """The rotation of the link, for the halves of a Jacobian. Shape `(rows, 1, 3, 3)`."""
    return at.links[0, :, None, :3, :3]


def _halves(jacobians: Array) -> Array:
    """Linear and angular rows apart. `(rows, 6, dof)` to `(rows, 2, 3, dof)`."""
    rows, _, dof = jacobians.shape
    return jacobians.reshape((rows, 2, 3, dof))


def _velocity_in_numpy(tree: Tree) -> InNumpy:
    def velocity(q: Array, q_rate: Array) -> tuple[Array, PullBack]:
        at = posture(tree, q)
        columns = jacobian(at)

        def pull_back(bar: Array) -> list[Array]:
            outer = bar[:, :, None] * q_rate[:, None]
            return [_along_hessian(at, outer), np.einsum("rai,ra->ri", columns, bar)]

        return (columns @ q_rate[..., None])[..., 0], pull_back

    return velocity


def _loops(in_link_axes: bool) -> OfGeometry:
    """A Jacobian has no axes of links."""
    return OfGeometry(
        lambda layout, _, q, *arrays: loop_jacobian(in_link_axes, layout, q, *arrays),
        lambda layout, _, q, *arrays: unrolled_jacobian(in_link_axes, layout, q, *arrays),
    )


_GEOMETRIC = ChainArray(_geometric, _geometric_in_numpy, _loops(False))
_BODY = ChainArray(_body, _body_in_numpy, _loops(True))
