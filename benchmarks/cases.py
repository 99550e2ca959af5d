"""What is compared: ways to put forward kinematics into a TensorFlow graph.

Each case is a function of a robot and a link that returns `q (B, dof) -> poses (B, 4, 4)`.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

import fkarm
from fkarm.kinematics import reference

Kinematics = Callable[[tf.Tensor], tf.Tensor]


def map_fn_per_joint(robot: fkarm.Robot, link: str) -> Kinematics:
    """The forum's answer: one `map_fn` a joint builds 4 x 4 matrices row by row, then matmul."""

    def forward(q: tf.Tensor) -> tf.Tensor:
        pose = tf.eye(4, batch_shape=[tf.shape(q)[0]], dtype=q.dtype)
        for joint in robot.path_to(link):
            pose = tf.matmul(pose, tf.constant(joint.origin, q.dtype))
            if joint.is_fixed:
                continue
            turn = tf.constant(joint.z_to_axis, q.dtype)
            place = robot.coordinates[joint.name]
            values = place.multiplier * q[:, place.index] + place.offset
            motion = tf.map_fn(_slide_z if joint.is_prismatic else _turn_z, values)
            pose = tf.matmul(tf.matmul(tf.matmul(pose, turn), motion), turn, transpose_b=True)
        return pose

    return forward


def map_fn_per_configuration(robot: fkarm.Robot, link: str) -> Kinematics:
    """One `map_fn` over configurations, the whole chain inside."""
    single = stack_and_matmul(robot, link)
    return lambda q: tf.map_fn(lambda row: single(row[None])[0], q)


def stack_and_matmul(robot: fkarm.Robot, link: str) -> Kinematics:
    """Stacked 4 x 4 matrices and batched matmul: `fkarm.kinematics.reference`."""
    chain = robot.sub_chain(robot.root_link, link)
    return lambda q: reference.forward_kinematics(chain, q, [link])[:, 0]


def layer(robot: fkarm.Robot, link: str) -> Kinematics:
    """`fkarm.layers.ForwardKinematics`."""
    layers: dict[str, fkarm.layers.ForwardKinematics] = {}

    def forward(q: tf.Tensor) -> tf.Tensor:
        name = q.dtype.name
        if name not in layers:
            layers[name] = fkarm.layers.ForwardKinematics(robot, link, dtype=name)
        return layers[name](q)

    return forward


CASES = {
    "map_fn per joint": map_fn_per_joint,
    "map_fn per configuration": map_fn_per_configuration,
    "tf.stack + matmul": stack_and_matmul,
    "ForwardKinematics layer": layer,
}
# A case that loops over rows is not timed on batches larger than this.
LARGEST_BATCH = {"map_fn per joint": 10_000, "map_fn per configuration": 10_000}


def _turn_z(angle: tf.Tensor) -> tf.Tensor:
    c, s, o, i = tf.cos(angle), tf.sin(angle), tf.zeros_like(angle), tf.ones_like(angle)
    return tf.stack([[c, -s, o, o], [s, c, o, o], [o, o, i, o], [o, o, o, i]])


def _slide_z(distance: tf.Tensor) -> tf.Tensor:
    o, i = tf.zeros_like(distance), tf.ones_like(distance)
    return tf.stack([[i, o, o, o], [o, i, o, o], [o, o, i, distance], [o, o, o, i]])
