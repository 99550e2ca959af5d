"""PyRoki: `Robot.forward_kinematics` in one `jax.jit`, its loop over joints unrolled.

It computes every link. Its own output, quaternion and position, is what is timed; matrices are
made of it in the gradient, because all contestants differentiate the same number, and after
the clock has stopped.
"""

from __future__ import annotations

import io
from typing import Any

import jax
import jax.numpy as jnp
import jaxlie
import numpy as np
import pyroki
import yourdfpy

from benchmarks.backends.jax import memory, tensor
from benchmarks.contestants import Answer, Trial
from benchmarks.task import Task, places

# Unrolling a humanoid compiles for a quarter of a minute and is no faster with a gradient.
UNROLLED_JOINTS = 12


def prepare(task: Task) -> Trial:
    """Links, their gradient by `jax.vjp`, or the derivative of a pose by `jax.jacfwd`."""
    urdf = yourdfpy.URDF.load(io.BytesIO(task.plain_urdf.encode()), load_meshes=False)
    q = tensor(task.q[:, places(task.joints, urdf.actuated_joint_names)], task.device)
    robot = pyroki.Robot.from_urdf(urdf)
    back = places(robot.joints.actuated_names, task.joints)
    links = places(robot.links.names, task.link_names)
    unroll = len(task.joints) <= UNROLLED_JOINTS or task.mode == "forward"

    def poses(q: jax.Array) -> jax.Array:
        every = robot.forward_kinematics(q, unroll_fk=unroll)
        return every[..., links[0], :] if len(links) == 1 else every

    def matrices(q: jax.Array) -> jax.Array:
        return jaxlie.SE3(poses(q)).as_matrix()

    def both(q: jax.Array) -> tuple[jax.Array, jax.Array]:
        found, pull = jax.vjp(matrices, q)
        return found, pull(jnp.ones_like(found))[0]

    function = jax.jit(
        {
            "forward": poses,
            "forward+gradient": both,
            "jacobian": jax.vmap(jax.jacfwd(matrices)),
        }[task.mode]
    )

    def run() -> Any:
        return jax.block_until_ready(function(q))

    def read(result: Any, rows: np.ndarray) -> Answer:
        parts = [
            np.asarray(part)[rows]
            for part in (result if task.mode == "forward+gradient" else (result,))
        ]
        if task.mode == "jacobian":
            return {"pose_jacobian": parts[0][..., back].astype(np.float64)}
        if task.mode == "forward":
            parts[0] = np.asarray(jaxlie.SE3(jnp.asarray(parts[0])).as_matrix())
        found = parts[0].astype(np.float64)
        answer = {"poses": found if len(links) == 1 else found[:, links]}
        if len(parts) > 1:
            answer["gradient"] = parts[1][:, back].astype(np.float64)
        return answer

    return Trial(run, read, memory(task.device))
