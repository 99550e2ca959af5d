"""The geometric Jacobian, in closed form."""

from __future__ import annotations

from keras import ops

from fkarm._types import Tensor, TensorLike
from fkarm.kinematics.engine import Vector, add_scaled, chain_frames, cross, dense, plan_chain
from fkarm.kinematics.forward import configuration
from fkarm.model import Robot


def geometric_jacobian(robot: Robot, q: TensorLike, link: str | None = None) -> Tensor:
    """Velocity of a link per unit of joint velocity.

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
        With respect to `q`, exact everywhere.
    Reference:
        [Siciliano2009], section 3.1.3.
    """
    q = configuration(robot, q)
    plan = plan_chain(robot, (robot.end_effector if link is None else link,))
    motions, (link_frame,) = chain_frames(plan, q)
    zero: Vector = (0.0, 0.0, 0.0)
    columns = [[zero, zero] for _ in range(robot.dof)]
    for entry, multiplier, axis, point in motions:
        twist = (axis, zero)
        if point is not None:
            twist = (cross(axis, add_scaled(link_frame.origin, -1.0, point)), axis)
        for part, added in enumerate(twist):
            columns[entry][part] = add_scaled(columns[entry][part], multiplier, added)
    if not columns:
        return ops.zeros_like(q[..., None, :]) + ops.zeros((6, 1), dtype=q.dtype)
    rows = [[column[part][i] for column in columns] for part in (0, 1) for i in range(3)]
    return ops.stack([ops.stack(dense(row, q), axis=-1) for row in rows], axis=-2)
