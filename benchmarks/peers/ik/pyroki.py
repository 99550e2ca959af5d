"""PyRoki: "IK-Beam", the solver of its own benchmark (`benchmark/ik_benchmark.py`), in `jax.jit`.

64 starts of a low-discrepancy sequence, 6 steps of Levenberg-Marquardt each, 10 more for the best
4, with the costs, weights, damping and linear solver given there. It has no tolerance. Its
benchmark maps it over targets by `vmap`, on a GPU; on a CPU a call for each target is faster than
any batch, so that is what is done.
"""

from __future__ import annotations

import io

import jax
import jax.numpy as jnp
import jaxlie
import jaxls
import numpy as np
import pyroki
import yourdfpy
from loguru import logger

from benchmarks.peers.ik import IKTask, Solver, Tolerances

STARTS, KEPT = 64, 4
FIRST_STEPS, MORE_STEPS = 6, 10
POSITION_WEIGHT, ORIENTATION_WEIGHT, LIMIT_WEIGHT = 10.0, 5.0, 50.0
DAMPING = 10.0


def prepare(task: IKTask) -> Solver:
    """The beam search for one target, compiled."""
    logger.disable("jaxls")
    urdf = yourdfpy.URDF.load(io.BytesIO(task.plain_urdf.encode()), load_meshes=False)
    robot = pyroki.Robot.from_urdf(urdf)
    link = jnp.array(robot.links.names.index(task.link))
    shares = jnp.asarray(_low_discrepancy(STARTS, len(task.joints)), jnp.float32)
    lower, upper = jnp.asarray(task.lower, jnp.float32), jnp.asarray(task.upper, jnp.float32)
    starts = lower + shares * (upper - lower)

    def descend(q: jax.Array, damping: jax.Array, target: jaxlie.SE3, steps: int) -> tuple:
        variable = robot.joint_var_cls(0)
        costs = [
            pyroki.costs.pose_cost_analytic_jac(
                robot,
                variable,
                target,
                link,
                pos_weight=POSITION_WEIGHT,
                ori_weight=ORIENTATION_WEIGHT,
            ),
            pyroki.costs.limit_cost(robot, variable, weight=LIMIT_WEIGHT),
        ]
        found, summary = (
            jaxls.LeastSquaresProblem(costs, [variable])
            .analyze()
            .solve(
                initial_vals=jaxls.VarValues.make([variable.with_value(q)]),
                verbose=False,
                linear_solver="dense_cholesky",
                termination=jaxls.TerminationConfig(max_iterations=steps, early_termination=False),
                trust_region=jaxls.TrustRegionConfig(lambda_initial=damping),
                return_summary=True,
            )
        )
        cost, damping = summary.cost_history, summary.lambda_history
        return found[variable], cost[summary.iterations], damping[-1]

    every = jax.vmap(descend, in_axes=(0, 0, None, None))

    @jax.jit
    def beam(pose: jax.Array) -> jax.Array:
        target = jaxlie.SE3.from_matrix(pose)
        q, cost, damping = every(starts, jnp.full(STARTS, DAMPING), target, FIRST_STEPS)
        best = jnp.argsort(cost)[:KEPT]
        q, cost, _ = every(q[best], damping[best], target, MORE_STEPS)
        return q[jnp.argmin(cost)]

    def solver(poses: np.ndarray, tolerances: Tolerances) -> np.ndarray:
        return np.stack([np.asarray(beam(pose)) for pose in poses])

    return solver


def _low_discrepancy(count: int, size: int) -> np.ndarray:
    """Points of Roberts' sequence: multiples of powers of the root of `x^(size + 1) = x + 1`."""
    root = 1.0
    for _ in range(100):  # Newton
        root -= (root ** (size + 1) - root - 1.0) / ((size + 1) * root**size - 1.0)
    steps = 1.0 - root ** -(1.0 + np.arange(size))
    return np.modf(np.arange(count)[:, None] * steps)[0]
