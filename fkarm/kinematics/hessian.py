"""The derivative of the geometric Jacobian."""

from __future__ import annotations

from fkarm._types import Tensor, TensorLike
from fkarm.kinematics.chain import Chain, Column, Plan, Twist, columns
from fkarm.kinematics.entries import (
    ZERO,
    Entry,
    combine,
    cross,
    minus,
    plus,
    scaled,
)
from fkarm.kinematics.forward import configuration
from fkarm.kinematics.jacobian import chain_stage, link_name, link_twist
from fkarm.kinematics.joints import QUATERNION_UNITS, Motion, twice_inverse_square
from fkarm.model import Robot


def kinematic_hessian(robot: Robot, q: TensorLike, link: str | None = None) -> Tensor:
    """Derivative of the geometric Jacobian by the joint configuration, in closed form.

    For turns `i` and `j`, `j` nearer the root or equal: `dJ_i/dq_j = [a_j x J_i, a_j x a_i]`; for
    `j` nearer the link `[a_i x J_j, 0]`. Acceleration of the link is `J ddq + (H dq) dq`.

    Args:
        robot: The robot.
        q: Joint configurations, rad or m. Shape `(..., dof)`.
        link: Name of the link; None: `robot.end_effector`.
    Returns:
        `H[..., r, i, j] = dJ[..., r, i] / dq[..., j]`. Shape `(..., 6, dof, dof)`.
    Raises:
        UnknownLinkError: If the link does not exist.
        ValueError: If `q` does not end with an axis of size `robot.dof`.
    Gradient:
        With respect to `q`, exact everywhere.
    Reference:
        [Haviland2023], for the closed form.
    """
    return chain_stage(_hessian, robot, link_name(robot, link))(configuration(robot, q))


def _hessian(plan: Plan, q: list[Tensor], chain: Chain) -> tuple[list[Entry], tuple[int, ...]]:
    parts = columns(plan, q, chain)
    found: dict[tuple[int, int], Twist] = {}
    for i, part in enumerate(parts):
        for j, other in enumerate(parts):
            if _is_one_quaternion(plan, part, other):
                change = _change_within_quaternion(plan, q, chain, part, other)
            elif j <= i:
                change = _change_from_above(chain, part, other)
            else:
                change = _change_from_below(chain, part, other)
            place = (part.entry, other.entry)
            linear, angular = found.get(place, (ZERO, ZERO))
            found[place] = (plus(linear, change[0]), plus(angular, change[1]))
    entries = [
        found.get((i, j), (ZERO, ZERO))[half][k]
        for half in (0, 1)
        for k in range(3)
        for i in range(plan.dof)
        for j in range(plan.dof)
    ]
    return entries, (6, plan.dof, plan.dof)


def _change_from_above(chain: Chain, part: Column, other: Column) -> Twist:
    """Change of a column by an entry nearer the root, or by its own: it turns with it."""
    if other.motion.point is None:
        return ZERO, ZERO
    linear, angular = link_twist(part, chain.links[0].origin)
    axis = scaled(other.multiplier, other.motion.axis)
    return cross(axis, linear), cross(axis, angular)


def _change_from_below(chain: Chain, part: Column, other: Column) -> Twist:
    """Change of a column by an entry nearer the link: the link's origin moves."""
    if part.motion.point is None:
        return ZERO, ZERO
    moved, _ = link_twist(other, chain.links[0].origin)
    return cross(scaled(part.multiplier, part.motion.axis), moved), ZERO


def _is_one_quaternion(plan: Plan, part: Column, other: Column) -> bool:
    is_turned_by_quaternion = plan.nodes[part.node].type in ("spherical", "floating")
    both_turn = part.motion.point is not None and other.motion.point is not None
    return part.node == other.node and is_turned_by_quaternion and both_turn


def _change_within_quaternion(
    plan: Plan, q: list[Tensor], chain: Chain, part: Column, other: Column
) -> Twist:
    """Change of the column of one entry of a quaternion by another: its axis bends.

    The axis of entry `i` is `a_i = k e_i quat^-1` with `k = 2 / |quat|^2` times its square:
    `da_i/dq_j = k (vec(e_i e_j*) - q_j a_i)`.
    """
    node = plan.nodes[part.node]
    first = node.coordinate.index + (3 if node.type == "floating" else 0)
    quat = q[first : first + 4]
    unit = QUATERNION_UNITS[part.entry - first][other.entry - first]
    axis, point = part.motion
    turned_unit = combine(chain.before[part.node].columns, unit)
    bend = minus(turned_unit, scaled(q[other.entry], axis))
    bend = scaled(twice_inverse_square(quat), bend)
    linear, angular = link_twist(part._replace(motion=Motion(bend, point)), chain.links[0].origin)
    moved, _ = link_twist(other, chain.links[0].origin)
    return plus(linear, cross(axis, moved)), angular
