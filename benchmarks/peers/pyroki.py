"""PyRoki: its kinematics, which computes every link, and "IK-Beam", in `jax.jit`.

`fk` times its own output, quaternion and position; matrices are made of it in the gradient, because
all libraries differentiate the same number, and after the clock has stopped.

`ik` is the solver of its own benchmark (`benchmark/ik_benchmark.py`): 64 low-discrepancy starts,
6 steps of Levenberg-Marquardt for each, 10 more for the best 4, with its costs, weights,
damping and linear solver. It has no tolerance. Its benchmark maps it over targets by `vmap` on a
GPU; on a CPU a call for each target is faster than any batch, so that is what is done.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import jax
import jax.numpy as jnp
import jaxlie
import numpy as np
import pyroki
import yourdfpy

from benchmarks.harness import Trial
from benchmarks.peers import Tolerances, jax_trial, order
from benchmarks.robots import PoseTask, TargetTask

# Unrolling a humanoid compiles for a quarter of a minute and is no faster with a gradient.
UNROLLED_JOINTS = 12
STARTS, BEST = 64, 4
FIRST_STEPS, MORE_STEPS = 6, 10
POSITION_WEIGHT, ORIENTATION_WEIGHT, LIMIT_WEIGHT = 10.0, 5.0, 50.0
DAMPING = 10.0


def fk(task: PoseTask) -> Trial:
    """Links, and their gradient by `jax.vjp`."""
    urdf = _urdf(task)
    q = task.q[:, order(task.joints, urdf.actuated_joint_names)]
    robot = pyroki.Robot.from_urdf(urdf)
    back = order(robot.joints.actuated_names, task.joints)
    links = order(robot.links.names, task.link_names)
    unroll = len(task.joints) <= UNROLLED_JOINTS or task.mode == "forward"

    def poses(q: jax.Array) -> jax.Array:
        every = robot.forward_kinematics(q, unroll_fk=unroll)
        return every[..., links[0], :] if len(links) == 1 else every

    def matrices(q: jax.Array) -> jax.Array:
        return jaxlie.SE3(poses(q)).as_matrix()

    def read(rows: np.ndarray) -> np.ndarray:
        if task.mode == "forward":
            rows = np.asarray(jaxlie.SE3(jnp.asarray(rows)).as_matrix())
        return rows if len(links) == 1 else rows[:, links]

    return jax_trial(task, q, poses, matrices, back, read)


def ik(task: TargetTask) -> Trial:
    """The beam search for one target, compiled."""
    robot = pyroki.Robot.from_urdf(_urdf(task))
    shares = jnp.asarray(_low_discrepancy(STARTS, len(task.joints)), jnp.float32)
    lower, upper = jnp.asarray(task.lower, jnp.float32), jnp.asarray(task.upper, jnp.float32)
    starts = lower + shares * (upper - lower)
    descend = _descent(robot, jnp.array(robot.links.names.index(task.link)))
    every = jax.vmap(descend, in_axes=(0, 0, None, None))

    @jax.jit
    def beam(pose: jax.Array) -> jax.Array:
        target = jaxlie.SE3.from_matrix(pose)
        q, cost, damping = every(starts, jnp.full(STARTS, DAMPING), target, FIRST_STEPS)
        best = jnp.argsort(cost)[:BEST]
        q, cost, _ = every(q[best], damping[best], target, MORE_STEPS)
        return q[jnp.argmin(cost)]

    def solver(poses: np.ndarray, tolerances: Tolerances) -> np.ndarray:
        return np.stack([np.asarray(beam(pose)) for pose in poses])

    return Trial(solver)


def _descent(robot: pyroki.Robot, link: jax.Array) -> Callable[..., tuple]:
    """Some steps from one start: configuration, cost and damping at the end."""
    import jaxls
    from loguru import logger

    logger.disable("jaxls")

    def descend(q: jax.Array, damping: jax.Array, target: jaxlie.SE3, steps: int) -> tuple:
        variable = robot.joint_var_cls(0)
        weights = {"pos_weight": POSITION_WEIGHT, "ori_weight": ORIENTATION_WEIGHT}
        costs = [
            pyroki.costs.pose_cost_analytic_jac(robot, variable, target, link, **weights),
            pyroki.costs.limit_cost(robot, variable, weight=LIMIT_WEIGHT),
        ]
        problem = jaxls.LeastSquaresProblem(costs, [variable]).analyze()
        solution, summary = problem.solve(
            initial_vals=jaxls.VarValues.make([variable.with_value(q)]),
            verbose=False,
            linear_solver="dense_cholesky",
            termination=jaxls.TerminationConfig(max_iterations=steps, early_termination=False),
            trust_region=jaxls.TrustRegionConfig(lambda_initial=damping),
            return_summary=True,
        )
        cost, damping = summary.cost_history, summary.lambda_history
        return solution[variable], cost[summary.iterations], damping[-1]

    return descend


def _urdf(task: PoseTask | TargetTask) -> yourdfpy.URDF:
    return yourdfpy.URDF.load(io.BytesIO(task.plain_urdf.encode()), load_meshes=False)


def _low_discrepancy(count: int, size: int) -> np.ndarray:
    """Points of Roberts' sequence: multiples of powers of the root of `x^(size + 1) = x + 1`."""
    root = 1.0
    for _ in range(100):  # Newton
        root -= (root ** (size + 1) - root - 1.0) / ((size + 1) * root**size - 1.0)
    steps = 1.0 - root ** -(1.0 + np.arange(size))
    return np.modf(np.arange(count)[:, None] * steps)[0]
