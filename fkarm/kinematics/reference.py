"""Forward kinematics the readable way: stacked 4 x 4 matrices and matmul.

Tests compare the engine with it, and benchmarks measure the engine against it. It takes batches and
has a gradient. On an accelerator its float32 matmul may be rounded to TF32: use
`fkarm.forward_kinematics`.
"""

from __future__ import annotations

from collections.abc import Sequence

from keras import ops

from fkarm._types import Tensor, TensorLike
from fkarm.geometry import make_transform, quat_wxyz_to_matrix
from fkarm.geometry.native import cos, matmul, sin
from fkarm.kinematics.arguments import configuration
from fkarm.kinematics.entries import entries_first
from fkarm.model import Joint, Robot


def forward_kinematics(robot: Robot, q: TensorLike, links: Sequence[str]) -> Tensor:
    """Poses of links by one matmul per joint, `(..., n, 4, 4)`; otherwise as the engine's."""
    q = configuration(robot, q)
    identity = ops.eye(4, dtype=q.dtype) + ops.zeros_like(ops.sum(q, axis=-1))[..., None, None]
    poses = {robot.root_link: identity}
    for joint in robot.joints:
        pose = matmul(poses[str(joint.parent)], ops.convert_to_tensor(joint.origin, q.dtype))
        if not joint.is_fixed:
            coordinate = robot.coordinates[joint.name]
            values = q[..., coordinate.index : coordinate.index + len(joint.entries)]
            values = coordinate.multiplier * values + coordinate.offset
            turn = ops.convert_to_tensor(joint.z_to_axis, q.dtype)
            pose = matmul(matmul(pose, turn), _motion(joint, values))
            pose = matmul(pose, ops.transpose(turn))
        poses[str(joint.child)] = pose
    return ops.stack([poses[link] for link in links], axis=-3)


def _motion(joint: Joint, values: Tensor) -> Tensor:
    if "quaternion" in joint.entries:
        position = values[..., :3] if joint.type == "floating" else 0.0 * values[..., :3]
        return make_transform(quat_wxyz_to_matrix(values[..., -4:]), position)
    v = entries_first(values)
    o = ops.zeros_like(v[0])
    if joint.type == "planar":
        return matmul(_slide(v[0], v[1], o), _turn_z(v[2]))
    return _slide(o, o, v[0]) if joint.is_prismatic else _turn_z(v[0])


def _turn_z(angle: Tensor) -> Tensor:
    c, s, o, i = cos(angle), sin(angle), ops.zeros_like(angle), ops.ones_like(angle)
    return _stack([[c, -s, o, o], [s, c, o, o], [o, o, i, o], [o, o, o, i]])


def _slide(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    o, i = ops.zeros_like(x), ops.ones_like(x)
    return _stack([[i, o, o, x], [o, i, o, y], [o, o, i, z], [o, o, o, i]])


def _stack(rows: Sequence[Sequence[Tensor]]) -> Tensor:
    return ops.stack([ops.stack(row, axis=-1) for row in rows], axis=-2)
