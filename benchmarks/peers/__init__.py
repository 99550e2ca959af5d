"""Other libraries, one per module, each in its fastest documented form that we know.

`fk` makes a `Trial` of a `PoseTask`, `ik` one of a `TargetTask`: a function of poses `(n, 4, 4)`,
float32, and tolerances that returns configurations `(n, dof)`, solved or not. `every` makes one of
an `EveryTask`: a function of poses in float64 (none: those of the task), whose answer is
configurations `(m, dof)` and the index of the target of each. The docstring of each module says
which setting is used, where it is documented and what was changed in favour of the library. No
module imports Keras. What is missing: the packages trac-ik, tracikpy, trac-ik-python,
python-trac-ik and trac-ik-py are not on PyPI (of the bindings of TRAC-IK only pytracik is), and
cuRobo needs a GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.harness import Trial
from benchmarks.robots import PoseTask, TargetTask

Tolerances = tuple[float, float]  # m, rad
Descent = Callable[[np.ndarray], tuple[np.ndarray, bool]]


def order(theirs: Sequence[str], ours: Sequence[str]) -> np.ndarray:
    """The index of each of our names among theirs.

    Raises:
        ValueError: If one is missing.
    """
    index = {name: place for place, name in enumerate(theirs)}
    if missing := [name for name in ours if name not in index]:
        raise ValueError(f"names must be of: {', '.join(theirs)}. Received: {missing[0]!r}.")
    return np.array([index[name] for name in ours], dtype=int)


def jax_trial(
    task: PoseTask,
    q: np.ndarray,
    forward: Callable[[Any], Any],
    matrices: Callable[[Any], Any],
    back: np.ndarray,
    read_poses: Callable[[np.ndarray], np.ndarray],
) -> Trial:
    """A library on JAX, in one `jax.jit`.

    Args:
        task: The task.
        q: Configurations in the order of the library.
        forward: What the library computes, of `q`.
        matrices: Poses as matrices, which all libraries differentiate by `jax.vjp`.
        back: The order of our joints among theirs.
        read_poses: Makes our poses of rows of what `forward` or `matrices` returned.
    """
    import jax
    import jax.numpy as jnp

    def both(q: jax.Array) -> tuple[jax.Array, jax.Array]:
        poses, pull = jax.vjp(matrices, q)
        return poses, pull(jnp.ones_like(poses))[0]

    function = jax.jit(forward if task.mode == "forward" else both)
    on_device = jax.device_put(q, jax.devices(task.device)[0])

    def read(result: Any) -> tuple[np.ndarray, ...]:
        rows = task.checked_rows
        if task.mode == "forward":
            return (read_poses(np.asarray(result)[rows]).astype(np.float64),)
        poses, gradient = (np.asarray(part)[rows] for part in result)
        return read_poses(poses).astype(np.float64), gradient[:, back].astype(np.float64)

    return Trial(lambda: jax.block_until_ready(function(on_device)), read)


def one_by_one(solve: Callable[[np.ndarray, Tolerances], np.ndarray]) -> Trial:
    """A solver of one target per call: calls in sequence, targets in float64."""

    def solver(poses: np.ndarray, tolerances: Tolerances) -> np.ndarray:
        return np.array([solve(pose, tolerances) for pose in poses.astype(np.float64)])

    return Trial(solver)


def in_one_list(per_target: Sequence[np.ndarray], dof: int) -> tuple[np.ndarray, np.ndarray]:
    """The answer of an `EveryTask`, from configurations `(any, dof)` for each target."""
    q = np.concatenate([np.zeros((0, dof)), *(np.reshape(rows, (-1, dof)) for rows in per_target)])
    return q, np.repeat(np.arange(len(per_target)), [len(rows) for rows in per_target])


def restarts(
    task: TargetTask, descend: Descent, searches: int, rng: np.random.Generator
) -> np.ndarray:
    """What a local search reaches from the middle of the limits, else from random starts."""
    q, is_solved = descend(task.middle)
    for _ in range(searches - 1):
        if is_solved:
            break
        q, is_solved = descend(rng.uniform(task.lower, task.upper))
    return q


def steered(
    configuration: Any,
    goal: Any,
    velocity: Callable[[], np.ndarray],
    failure: type[Exception],
    tolerances: Tolerances,
    steps: int,
) -> tuple[np.ndarray, bool]:
    """Whole steps of Pink or mink, until the error of the goal is within tolerances."""
    for step in range(steps + 1):
        if is_within(goal.compute_error(configuration), tolerances):
            return configuration.q.copy(), True
        if step == steps:
            break
        try:
            change = velocity()
        except failure:  # the program has no solution
            break
        configuration.integrate_inplace(change, 1.0)
    return configuration.q.copy(), False


def is_within(error: np.ndarray, tolerances: Tolerances) -> bool:
    """Whether a twist (linear, then angular) is within 99 % of the tolerances."""
    position, orientation = tolerances
    return bool(
        error[:3] @ error[:3] < (0.99 * position) ** 2
        and error[3:] @ error[3:] < (0.99 * orientation) ** 2
    )
