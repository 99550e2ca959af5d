"""The rate of the geometric Jacobian along a motion."""

from __future__ import annotations

from itertools import accumulate

import numpy as np

from fkarm._types import Tensor, TensorLike
from fkarm.kinematics.arguments import base_name, configuration_and_rate
from fkarm.kinematics.chain import (
    Twist,
    chain_frames,
    link_levers,
    link_twist,
    screws,
    sum_of_twists,
)
from fkarm.kinematics.entries import ZERO, cross, stack_entries, unstack_entries, vec_add, vec_scale
from fkarm.kinematics.hessian import axis_rate
from fkarm.kinematics.in_numpy import Array, hessian, posture, screws_of
from fkarm.kinematics.plan import Plan, plan_chain
from fkarm.kinematics.stage import Function, InNumpy, compiled, once, sincos
from fkarm.kinematics.tree import Tree, tree_of
from fkarm.model import Robot


def geometric_jacobian_rate(
    robot: Robot,
    q: TensorLike,
    q_rate: TensorLike,
    link: str | None = None,
    base: str | None = None,
) -> Tensor:
    """Time derivative of the geometric Jacobian, `H dq/dt`, without the Hessian as an array.

    The column of a turn about the axis `a` changes by `[w x J + a x v, w x a]`: `w` is the angular
    velocity of the joints nearer the base, `v` the linear velocity that the joint itself and those
    nearer the link give the link. Acceleration of the link is `J ddq + dJ/dt dq`. The cost grows
    with the number of joints, that of `kinematic_hessian` with its square.

    Args:
        robot: The robot.
        q: Joint configurations, rad or m. Shape `(..., dof)`.
        q_rate: Rates of the entries of `q`, rad/s or m/s. Shape `(..., dof)`, that of `q`.
        link: Name of the link; None: `robot.end_effector`.
        base: The link that the Jacobian is relative to, and in whose axes it is, on any branch;
            None: the root link.
    Returns:
        Rows and columns as those of `geometric_jacobian`, per second. Shape `(..., 6, dof)`.
    Raises:
        UnknownLinkError: If the link or `base` does not exist.
        ValueError: If `q` or `q_rate` does not end with an axis of size `robot.dof`, or they have
            different numbers of axes.
    Gradient:
        With respect to both, exact everywhere.
    Reference:
        [Haviland2023], for the derivatives of the columns.
    Example:
        >>> arm = fkarm.robots.planar([1.0])
        >>> rate = fkarm.geometric_jacobian_rate(arm, np.zeros(1), np.array([2.0]))
        >>> rate.numpy()[:, 0].tolist()  # the column turns with the arm, towards the axis
        [-2.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    q, q_rate = configuration_and_rate(robot, q, q_rate)
    link, base = robot.link_or_end_effector(link), base_name(robot, base)
    return _stage(robot, link, base)(q, q_rate)


@once
def _stage(robot: Robot, link: str, base: str) -> Function:
    plan = plan_chain(robot, (link,), base)

    def run(q: Tensor, q_rate: Tensor) -> Tensor:
        columns = _columns(plan, unstack_entries(q), unstack_entries(q_rate))
        rows = [column[half][k] for half in (0, 1) for k in range(3) for column in columns]
        return stack_entries(rows, q, (6, plan.dof))

    if not plan.nodes:
        return run
    return compiled(run, (1, 1), in_numpy=_in_numpy(tree_of(robot, (link,), base)))


def _columns(plan: Plan, q: list[Tensor], q_rate: list[Tensor]) -> list[Twist]:
    """The rate of the Jacobian's column for each entry of `q`."""
    chain = chain_frames(plan, q, sincos)
    levers, along = link_levers(plan, chain), screws(plan, q, chain)
    twists = [link_twist(screw, levers[screw.node]) for screw in along]
    by_node: list[Twist] = [(ZERO, ZERO)] * len(plan.nodes)  # the link's velocity by each of them
    for screw, (linear, angular) in zip(along, twists, strict=True):
        rate = q_rate[screw.entry]
        moved = vec_scale(rate, linear), vec_scale(rate, angular)
        by_node[screw.node] = sum_of_twists(by_node[screw.node], moved)
    # By the nodes nearer the base, and by a node and those nearer the link.
    turning = list(accumulate((angular for _, angular in by_node), vec_add, initial=ZERO))
    moving = list(accumulate((linear for linear, _ in reversed(by_node)), vec_add))[::-1]
    columns: list[Twist] = [(ZERO, ZERO)] * plan.dof
    for screw, (linear, angular) in zip(along, twists, strict=True):
        w, v = turning[screw.node], moving[screw.node]
        of_axis = ZERO  # of a joint with several entries
        for other in (each for each in along if each.node == screw.node):
            rate = axis_rate(plan, q, chain, screw, other)
            of_axis = vec_add(of_axis, vec_scale(q_rate[other.entry], rate))
        change = vec_add(cross(w, linear), cross(angular, v)), cross(w, angular)
        change = sum_of_twists(change, (cross(of_axis, levers[screw.node]), of_axis))
        columns[screw.entry] = sum_of_twists(columns[screw.entry], change)
    return columns


def _in_numpy(tree: Tree) -> InNumpy:
    def value(q: Array, q_rate: Array) -> tuple[Array, None]:
        at = posture(tree, q)
        return np.einsum("raij,rj->rai", hessian(at, screws_of(at)), q_rate), None

    return value
