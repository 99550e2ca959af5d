"""frax: `joint_to_world_transforms` and `ee_jacobian` in `jax.jit(jax.vmap(...))`.

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

from benchmarks.backends.jax import memory, tensor
from benchmarks.contestants import Answer, Trial
from benchmarks.task import Task, places


def prepare(task: Task) -> Trial:
    """End effector or every link, their gradient by `jax.vjp`, or the closed-form Jacobian."""
    q = tensor(task.q, task.device)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "robot.urdf")
        path.write_text(task.plain_urdf)
        if isinstance(task.links, str):
            robot = frax.Manipulator(str(path), ee_offset=task.ends[0][1])
        else:
            robot = frax.Robot(str(path))
    q = q[:, places(task.joints, robot.joint_names)]
    back = places(robot.joint_names, task.joints)
    single = robot.ee_transform if isinstance(task.links, str) else _every_link(robot, task)

    def both(q: jax.Array) -> tuple[jax.Array, jax.Array]:
        found, pull = jax.vjp(jax.vmap(single), q)
        return found, pull(jnp.ones_like(found))[0]

    if task.mode == "jacobian":
        function = jax.jit(jax.vmap(robot.ee_jacobian))
    else:
        function = jax.jit(both if task.mode == "forward+gradient" else jax.vmap(single))

    def run() -> Any:
        return jax.block_until_ready(function(q))

    def read(result: Any, rows: np.ndarray) -> Answer:
        parts = result if task.mode == "forward+gradient" else (result,)
        arrays = [np.asarray(part)[rows].astype(np.float64) for part in parts]
        if task.mode == "jacobian":
            return {"jacobian": arrays[0][..., back]}
        answer = {"poses": arrays[0]}
        if len(arrays) > 1:
            answer["gradient"] = arrays[1][:, back]
        return answer

    return Trial(run, read, memory(task.device))


def _every_link(robot: frax.Robot, task: Task) -> Any:
    """Frames of joints, those of fixed links multiplied on, in the order of the task."""
    joints = [joint for joint, _ in task.ends]
    # A link that nothing moves takes any joint's place and is replaced by its constant frame.
    index = places(robot.joint_names, [joint or robot.joint_names[0] for joint in joints])
    frames = np.stack([frame for _, frame in task.ends])
    moved = np.array([joint is not None for joint in joints])
    at_joint = moved & (np.abs(frames - np.eye(4)).max(axis=(1, 2)) == 0.0)
    groups = [np.flatnonzero(at_joint), np.flatnonzero(moved & ~at_joint), np.flatnonzero(~moved)]
    in_order = np.argsort(np.concatenate(groups))
    own, held, still = groups

    def single(q: jax.Array) -> jax.Array:
        found = robot.joint_to_world_transforms(q)
        parts = [found[index[own]], found[index[held]] @ frames[held].astype(q.dtype)]
        parts.append(jnp.asarray(frames[still], q.dtype))
        return jnp.concatenate(parts)[in_order]

    return single
