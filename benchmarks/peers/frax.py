"""frax: `ee_transform` and `joint_to_world_transforms` in `jax.jit(jax.vmap(...))`.

Its process starts with the settings that its README recommends on a CPU. It merges links that a
fixed joint holds; their constant frames are multiplied on, as its own `ee_transform` does.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import frax
import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.harness import Trial
from benchmarks.peers import jax_trial, order
from benchmarks.robots import PoseTask


def fk(task: PoseTask) -> Trial:
    """End effector or every link, and their gradient by `jax.vjp`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "robot.urdf")
        path.write_text(task.plain_urdf)
        if isinstance(task.links, str):
            robot = frax.Manipulator(str(path), ee_offset=task.ends[0][1])
        else:
            robot = frax.Robot(str(path))
    q = task.q[:, order(task.joints, robot.joint_names)]
    back = order(robot.joint_names, task.joints)
    single = robot.ee_transform if isinstance(task.links, str) else _every_link(robot, task)
    every = jax.vmap(single)
    return jax_trial(task, q, every, every, back, lambda poses: poses)


def _every_link(robot: frax.Robot, task: PoseTask) -> Any:
    """Frames of joints, with those of fixed links multiplied on, in the order of the task."""
    joints = [joint for joint, _ in task.ends]
    # A link at rest takes any joint's place and is replaced by its constant frame.
    index = order(robot.joint_names, [joint or robot.joint_names[0] for joint in joints])
    frames = np.stack([frame for _, frame in task.ends])
    moved = np.array([joint is not None for joint in joints])
    at_joint = moved & (np.abs(frames - np.eye(4)).max(axis=(1, 2)) == 0.0)
    groups = [np.flatnonzero(at_joint), np.flatnonzero(moved & ~at_joint), np.flatnonzero(~moved)]
    in_order = np.argsort(np.concatenate(groups))
    own, held, still = groups

    def single(q: jax.Array) -> jax.Array:
        transforms = robot.joint_to_world_transforms(q)
        parts = [transforms[index[own]], transforms[index[held]] @ frames[held].astype(q.dtype)]
        parts.append(jnp.asarray(frames[still], q.dtype))
        return jnp.concatenate(parts)[in_order]

    return single
