"""The derivative of the geometric Jacobian."""

from __future__ import annotations

from fkarm._types import Tensor, TensorLike
from fkarm.kinematics.chain import (
    Chain,
    Screw,
    Twist,
    link_levers,
    link_twist,
    screws,
    sum_of_twists,
)
from fkarm.kinematics.chain_array import ChainArray, chain_array
from fkarm.kinematics.entries import ZERO, Entry, Vector, cross, mul, vec_scale
from fkarm.kinematics.in_numpy import Array, hessian, posture, screws_of
from fkarm.kinematics.plan import Plan
from fkarm.kinematics.stage import InNumpy
from fkarm.kinematics.tree import Tree
from fkarm.model import Robot


def kinematic_hessian(
    robot: Robot, q: TensorLike, link: str | None = None, base: str | None = None
) -> Tensor:
    """Derivative of the geometric Jacobian by the joint configuration, in closed form.

    For turns `i` and `j`, `j` nearer the base or equal: `dJ_i/dq_j = [a_j x J_i, a_j x a_i]`; for
    `j` nearer the link `[a_i x J_j, 0]`. Acceleration of the link is `J ddq + (H dq) dq`. The
    distance of the base costs no digits, as for the Jacobian.

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
    return chain_array(_HESSIAN, robot, q, link, base)


def _hessian(plan: Plan, q: list[Tensor], chain: Chain) -> tuple[list[Entry], tuple[int, ...]]:
    motion_screws, levers = screws(plan, q, chain), link_levers(plan, chain)
    velocities = [link_twist(screw, levers[screw.node]) for screw in motion_screws]
    sums: dict[tuple[int, int], Twist] = {}
    pairs = list(enumerate(zip(motion_screws, velocities, strict=True)))
    for i, (screw, (linear, angular)) in pairs:
        for j, (other, (other_linear, other_angular)) in pairs:
            if screw.node == other.node:
                rate = axis_rate(plan, q, chain, screw, other)
                change = cross(rate, levers[screw.node]), rate
                change = sum_of_twists(change, (cross(angular, other_linear), ZERO))
            elif j < i:  # nearer the base: the column turns with it
                change = cross(other_angular, linear), cross(other_angular, angular)
            else:  # nearer the link, whose origin moves
                change = cross(angular, other_linear), ZERO
            entries = (screw.entry, other.entry)
            sums[entries] = sum_of_twists(sums.get(entries, (ZERO, ZERO)), change)
    hessian = [
        sums.get((i, j), (ZERO, ZERO))[half][k]
        for half in (0, 1)
        for k in range(3)
        for i in range(plan.dof)
        for j in range(plan.dof)
    ]
    return hessian, (6, plan.dof, plan.dof)


def axis_rate(plan: Plan, q: list[Tensor], chain: Chain, screw: Screw, other: Screw) -> Vector:
    """The change of an angular velocity for the rate of an entry of the same motion."""
    motion = plan.nodes[screw.node].motion
    rates = motion.kind.axis_rates(chain.before[screw.node], motion.values(q))
    sign = mul(screw.multiplier, other.multiplier)
    return vec_scale(sign, rates[screw.entry - motion.first][other.entry - motion.first])


def _in_numpy(tree: Tree) -> InNumpy:
    def value(q: Array) -> tuple[Array, None]:
        at = posture(tree, q)
        return hessian(at, screws_of(at)), None

    return value


_HESSIAN = ChainArray(_hessian, _in_numpy)
