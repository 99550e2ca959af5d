"""The derivative of the geometric Jacobian."""

from __future__ import annotations

from fkarm._types import Tensor, TensorLike
from fkarm.kinematics.chain import Chain, Column, Twist, columns, link_levers
from fkarm.kinematics.entries import (
    ZERO,
    Entry,
    Vector,
    combine,
    cross,
    minus,
    scaled,
    times,
)
from fkarm.kinematics.jacobian import from_chain, link_twist, sum_of_twists
from fkarm.kinematics.joints import QUATERNION_UNITS, twice_inverse_square
from fkarm.kinematics.plan import Plan
from fkarm.model import Robot


def kinematic_hessian(
    robot: Robot, q: TensorLike, link: str | None = None, base: str | None = None
) -> Tensor:
    """Derivative of the geometric Jacobian by the joint configuration, in closed form.

    For turns `i` and `j`, `j` nearer the base or equal: `dJ_i/dq_j = [a_j x J_i, a_j x a_i]`; for
    `j` nearer the link `[a_i x J_j, 0]`. Acceleration of the link is `J ddq + (H dq) dq`. Where
    the base stands costs no digits, as for the Jacobian.

    Args:
        robot: The robot.
        q: Joint configurations, rad or m. Shape `(..., dof)`.
        link: Name of the link; None: `robot.end_effector`.
        base: The link that the Jacobian is relative to, and in whose axes it is, on any branch;
            None: the root link.
    Returns:
        `H[..., r, i, j] = dJ[..., r, i] / dq[..., j]`. Shape `(..., 6, dof, dof)`.
    Raises:
        UnknownLinkError: If the link or `base` does not exist.
        ValueError: If `q` does not end with an axis of size `robot.dof`.
    Gradient:
        With respect to `q`, exact everywhere.
    Reference:
        [Haviland2023], for the closed form.
    """
    return from_chain(_hessian, robot, q, link, base)


def _hessian(plan: Plan, q: list[Tensor], chain: Chain) -> tuple[list[Entry], tuple[int, ...]]:
    parts, levers = columns(plan, q, chain), link_levers(plan, chain)
    moved = [link_twist(part, levers[part.node]) for part in parts]
    found: dict[tuple[int, int], Twist] = {}
    for i, part in enumerate(parts):
        for j, other in enumerate(parts):
            if _is_one_quaternion(plan, part, other):
                bend = _bend(plan, q, chain, part, other)
                change = cross(bend, levers[part.node]), bend
                change = sum_of_twists(change, (cross(moved[i][1], moved[j][0]), ZERO))
            elif j <= i:  # nearer the base, or itself: the column turns with it
                axis = moved[j][1]
                change = cross(axis, moved[i][0]), cross(axis, moved[i][1])
            else:  # nearer the link, whose origin moves
                change = cross(moved[i][1], moved[j][0]), ZERO
            place = (part.entry, other.entry)
            found[place] = sum_of_twists(found.get(place, (ZERO, ZERO)), change)
    entries = [
        found.get((i, j), (ZERO, ZERO))[half][k]
        for half in (0, 1)
        for k in range(3)
        for i in range(plan.dof)
        for j in range(plan.dof)
    ]
    return entries, (6, plan.dof, plan.dof)


def _is_one_quaternion(plan: Plan, part: Column, other: Column) -> bool:
    return part.node == other.node and plan.nodes[part.node].motion.type == "spherical"


def _bend(plan: Plan, q: list[Tensor], chain: Chain, part: Column, other: Column) -> Vector:
    """Change of the angular velocity for one entry of a quaternion by another.

    That of entry `i` is `a_i = k e_i quat^-1` with `k = 2 / |quat|^2` times its square:
    `da_i/dq_j = k (vec(e_i e_j*) - q_j a_i)`.
    """
    motion = plan.nodes[part.node].motion
    quat = motion.values(q)
    i, j = part.entry - motion.first, other.entry - motion.first
    turned_unit = combine(chain.before[part.node].columns, QUATERNION_UNITS[i][j])
    bend = minus(turned_unit, scaled(quat[j], part.axis))
    sign = times(part.multiplier, other.multiplier)
    return scaled(times(sign, twice_inverse_square(quat)), bend)
