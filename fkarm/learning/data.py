"""Endless training data: target poses made on the fly by forward kinematics."""

from __future__ import annotations

import tensorflow as tf

from fkarm._checks import check_choice
from fkarm.errors import RobotError
from fkarm.geometry import matrix_to_pose
from fkarm.kinematics import forward_kinematics
from fkarm.kinematics.sampling import inward_bounds, sampling_bounds
from fkarm.model import Robot


def pose_stream(
    robot: Robot,
    link: str | None = None,
    batch_size: int = 1024,
    seed: int = 0,
    target: str = "pose",
) -> tf.data.Dataset:
    """Endless batches of reachable poses, for training inverse kinematics.

    Configurations are uniform within the limits (endless joints over one turn); their poses
    come from forward kinematics, so every pose can be reached. Nothing is stored: batch
    `k` depends on `seed` and `k` alone.

    Args:
        robot: The robot.
        link: Link to reach with; None: `robot.end_effector`.
        batch_size: Poses a batch.
        seed: Seed; equal seeds give equal batches.
        target: What to pair a pose with: `"pose"`, the pose as a matrix `(batch_size, 4, 4)`,
            for a loss in task space, or `"configuration"`, the configuration
            `(batch_size, dof)` it was made from.
    Returns:
        Dataset of `(pose, target)`, float32. The pose is written as position and first two
        rotation columns (`"xyz_rot6d"`), shape `(batch_size, 9)`.
    Raises:
        UnknownLinkError: If the link does not exist.
        RobotError: If a prismatic joint lacks a limit, or a joint turns freely.
        ValueError: If `target` is unknown or `batch_size` is not positive.
    """
    check_choice("target", target, ("pose", "configuration"))
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1. Received: {batch_size}.")
    link = robot.end_effector if link is None else link
    robot.check_link(link)
    if any("quaternion" in joint.entries for joint in robot.independent_joints):
        raise RobotError(
            "pose_stream needs a robot on a fixed base. Received: joints that turn freely. "
            "Fix them: with_fixed_joints."
        )
    lower, upper = inward_bounds(*sampling_bounds(robot), "float32")

    def batch(index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        shape = (batch_size, robot.dof)
        uniform = tf.random.stateless_uniform(
            shape, seed=tf.stack([tf.cast(seed, index.dtype), index])
        )
        q = tf.clip_by_value(lower + (upper - lower) * uniform, lower, upper)
        pose = forward_kinematics(robot, q, link)
        return matrix_to_pose(pose, "xyz_rot6d"), pose if target == "pose" else q

    return tf.data.Dataset.counter().map(batch).prefetch(2).with_options(without_autotune())


def without_autotune() -> tf.data.Options:
    """Options for a pipeline with nothing to tune.

    The tuner's thread sleeps for up to a minute, and whoever frees the iterator waits for it.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return options
