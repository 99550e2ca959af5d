"""Ways to compute the poses of links, and what differs between Keras' backends.

A case is a function of a robot and links that returns `q (B, dof) -> poses`: `(B, 4, 4)` for one
name, `(B, n, 4, 4)` for a tuple of names. Only the package of Keras' backend is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

import fkarm
from benchmarks.harness import Trial
from benchmarks.robots import PoseTask
from fkarm.kinematics import reference

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf
elif keras.backend.backend() == "jax":
    import jax
    import jax.numpy as jnp
else:
    import torch

Links = str | tuple[str, ...]
Function = Callable[[Any], Any]


def stack_and_matmul(robot: fkarm.Robot, links: Links) -> Function:
    """Stacked 4 x 4 matrices and batched matmul for the whole batch: the reference."""
    if isinstance(links, str):
        return lambda q: reference.forward_kinematics(robot, q, [links])[:, 0]
    return lambda q: reference.forward_kinematics(robot, q, links)


def one_row(robot: fkarm.Robot, links: Links) -> Function:
    """The same for one configuration."""
    whole = stack_and_matmul(robot, links)
    return lambda row: whole(row[None])[0]


def layer(robot: fkarm.Robot, links: Links) -> Function:
    """`fkarm.layers.ForwardKinematics`."""
    module = fkarm.layers.ForwardKinematics(robot, links)
    module.build((None, robot.dof))
    return module


def ops_map(robot: fkarm.Robot, links: Links) -> Function:
    """`keras.ops.map` over configurations."""
    single = one_row(robot, links)
    return lambda q: keras.ops.map(single, q)


def ops_vectorized_map(robot: fkarm.Robot, links: Links) -> Function:
    """`keras.ops.vectorized_map` over configurations."""
    single = one_row(robot, links)
    return lambda q: keras.ops.vectorized_map(single, q)


def map_fn_per_joint(robot: fkarm.Robot, links: Links) -> Function:
    """The answer of the forum: `tf.map_fn` builds the matrices of each joint, then matmul."""
    names = (links,) if isinstance(links, str) else links

    def forward(q: Any) -> Any:
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
        stacked = tf.stack([poses[name] for name in names], axis=1)
        return stacked[:, 0] if isinstance(links, str) else stacked

    return forward


def map_fn_per_configuration(robot: fkarm.Robot, links: Links) -> Function:
    """One `tf.map_fn` over configurations."""
    single = one_row(robot, links)
    return lambda q: tf.map_fn(single, q)


def tf_vectorized_map(robot: fkarm.Robot, links: Links) -> Function:
    """`tf.vectorized_map` over configurations."""
    single = one_row(robot, links)
    return lambda q: tf.vectorized_map(single, q)


def python_loop(robot: fkarm.Robot, links: Links) -> Function:
    """A compiled function of one configuration, called for each row from Python."""
    one = tf.function(stack_and_matmul(robot, links))
    return lambda q: tf.concat([one(q[i : i + 1]) for i in range(q.shape[0])], axis=0)


def _turn_z(angle: Any) -> Any:
    c, s, o, i = tf.cos(angle), tf.sin(angle), tf.zeros_like(angle), tf.ones_like(angle)
    return tf.stack([[c, -s, o, o], [s, c, o, o], [o, o, i, o], [o, o, o, i]])


def _slide_z(distance: Any) -> Any:
    o, i = tf.zeros_like(distance), tf.ones_like(distance)
    return tf.stack([[i, o, o, o], [o, i, o, o], [o, o, i, distance], [o, o, o, i]])


class TensorFlow:
    """`tf.function` for any batch size, with XLA or without, and `GradientTape`."""

    @staticmethod
    def gpu_name() -> str | None:
        gpus = tf.config.list_physical_devices("GPU")
        if not gpus:
            return None
        return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU"))

    @staticmethod
    def tensor(q: np.ndarray, device: str) -> Any:
        with tf.device(f"/{device.upper()}:0"):
            return tf.constant(q)

    @staticmethod
    def compiled(function: Function, how: str, dof: int) -> Function:
        if how == "eager":
            return function
        signature = [tf.TensorSpec((None, dof), tf.float32)]
        return tf.function(function, input_signature=signature, jit_compile=how == "xla")

    @staticmethod
    def with_gradient(function: Function, how: str, dof: int) -> Function:
        def both(q: Any) -> tuple[Any, Any]:
            with tf.GradientTape() as tape:
                tape.watch(q)
                poses = function(q)
            gradient = tape.gradient(poses, q, tf.ones_like(poses))
            return poses, tf.convert_to_tensor(gradient)  # a loop over slices has IndexedSlices

        return TensorFlow.compiled(both, how, dof)

    @staticmethod
    def wait(result: Any) -> None:
        tf.test.experimental.sync_devices()


class Jax:
    """`jax.jit` and `jax.vjp`."""

    @staticmethod
    def gpu_name() -> str | None:
        is_there = jax.default_backend() == "gpu"
        return str(jax.devices("gpu")[0].device_kind) if is_there else None

    @staticmethod
    def tensor(q: np.ndarray, device: str) -> Any:
        return jax.device_put(q, jax.devices(device)[0])

    @staticmethod
    def compiled(function: Function, how: str, dof: int) -> Function:
        return function if how == "eager" else jax.jit(function)

    @staticmethod
    def with_gradient(function: Function, how: str, dof: int) -> Function:
        def both(q: Any) -> tuple[Any, Any]:
            poses, pull = jax.vjp(function, q)
            return poses, pull(jnp.ones_like(poses))[0]

        return Jax.compiled(both, how, dof)

    @staticmethod
    def wait(result: Any) -> None:
        jax.block_until_ready(result)


class Torch:
    """`torch.compile` and `torch.autograd`."""

    @staticmethod
    def gpu_name() -> str | None:
        return torch.cuda.get_device_name() if torch.cuda.is_available() else None

    @staticmethod
    def tensor(q: np.ndarray, device: str) -> Any:
        return torch.from_numpy(q).to("cuda" if device == "gpu" else "cpu")

    @staticmethod
    def _maybe_compiled(function: Function, how: str) -> Function:
        if how == "eager":
            return function
        torch._dynamo.reset()  # variants of earlier tasks would count against its limit
        return torch.compile(function, dynamic=True)

    @staticmethod
    def compiled(function: Function, how: str, dof: int) -> Function:
        return torch.no_grad()(Torch._maybe_compiled(function, how))

    @staticmethod
    def with_gradient(function: Function, how: str, dof: int) -> Function:
        function = Torch._maybe_compiled(function, how)

        def both(q: Any) -> tuple[Any, Any]:
            q = q.detach().requires_grad_()
            poses = function(q)
            return poses.detach(), torch.autograd.grad(poses, q, torch.ones_like(poses))[0]

        return both

    @staticmethod
    def wait(result: Any) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()


BACKENDS: dict[str, Any] = {"tensorflow": TensorFlow, "jax": Jax, "torch": Torch}


def trial(backend: Any, build: str, task: PoseTask) -> Trial:
    """The trial of a case, by the name of its function."""
    robot = fkarm.Robot.from_urdf(task.urdf)
    q = backend.tensor(task.q, task.device)
    wrap = backend.compiled if task.mode == "forward" else backend.with_gradient
    function = wrap(globals()[build](robot, task.links), task.how, robot.dof)

    def run() -> Any:
        result = function(q)
        backend.wait(result)
        return result

    def read(result: Any) -> tuple[np.ndarray, ...]:
        parts = result if isinstance(result, tuple) else (result,)
        arrays = (keras.ops.convert_to_numpy(part) for part in parts)
        return tuple(array[task.checked_rows].astype(np.float64) for array in arrays)

    return Trial(run, read)
