"""Ways that TensorFlow users were told: maps and loops over rows. As in `benchmarks.cases`."""

from __future__ import annotations

import tensorflow as tf

import fkarm
from benchmarks.cases import Kinematics, Links, one_row, stack_and_matmul


def map_fn_per_joint(robot: fkarm.Robot, links: Links, dtype: str) -> Kinematics:
    """The forum's answer: one `map_fn` a joint builds 4 x 4 matrices row by row, then matmul."""
    names = (links,) if isinstance(links, str) else links

    def forward(q: tf.Tensor) -> tf.Tensor:
        poses = {robot.root_link: tf.eye(4, batch_shape=[tf.shape(q)[0]], dtype=q.dtype)}
        for joint in robot.joints:
            pose = tf.matmul(poses[str(joint.parent)], tf.constant(joint.origin, q.dtype))
            if not joint.is_fixed:
                turn = tf.constant(joint.z_to_axis, q.dtype)
                place = robot.coordinates[joint.name]
                values = place.multiplier * q[:, place.index] + place.offset
                motion = tf.map_fn(_slide_z if joint.is_prismatic else _turn_z, values)
                pose = tf.matmul(tf.matmul(tf.matmul(pose, turn), motion), turn, transpose_b=True)
            poses[str(joint.child)] = pose
        if isinstance(links, str):
            return poses[links]
        return tf.stack([poses[name] for name in names], axis=1)

    return forward


def map_fn_per_configuration(robot: fkarm.Robot, links: Links, dtype: str) -> Kinematics:
    """One `map_fn` over configurations, the whole chain inside."""
    single = one_row(stack_and_matmul(robot, links, dtype))
    return lambda q: tf.map_fn(single, q)


def map_fn_jacobian(robot: fkarm.Robot, link: str, dtype: str) -> Kinematics:
    """One `map_fn` over configurations, the derivative of the pose inside: `(B, 4, 4, dof)`.

    Not vectorised: see `benchmarks.backends.tensorflow.with_jacobian`.
    """
    pose_of = one_row(stack_and_matmul(robot, link, dtype))

    def single(row: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(row)
            pose = pose_of(row)
        return tape.jacobian(pose, row, experimental_use_pfor=False)

    return lambda q: tf.map_fn(single, q)


def vectorized_map(robot: fkarm.Robot, links: Links, dtype: str) -> Kinematics:
    """`tf.vectorized_map` over configurations, the whole chain inside."""
    single = one_row(stack_and_matmul(robot, links, dtype))
    return lambda q: tf.vectorized_map(single, q)


def python_loop(robot: fkarm.Robot, links: Links, dtype: str) -> Kinematics:
    """A compiled function of one configuration, called row after row from Python."""
    one = tf.function(stack_and_matmul(robot, links, dtype))
    return lambda q: tf.concat([one(q[i : i + 1]) for i in range(q.shape[0])], axis=0)


def empty_call(robot: fkarm.Robot, links: Links, dtype: str) -> Kinematics:
    """A function that gives its argument back: what calling costs."""
    return tf.identity


def _turn_z(angle: tf.Tensor) -> tf.Tensor:
    c, s, o, i = tf.cos(angle), tf.sin(angle), tf.zeros_like(angle), tf.ones_like(angle)
    return tf.stack([[c, -s, o, o], [s, c, o, o], [o, o, i, o], [o, o, o, i]])


def _slide_z(distance: tf.Tensor) -> tf.Tensor:
    o, i = tf.zeros_like(distance), tf.ones_like(distance)
    return tf.stack([[i, o, o, o], [o, i, o, o], [o, o, i, distance], [o, o, o, i]])
