"""pytorch_kinematics: `PseudoInverseIK`, the whole batch at once.

As its README sets it up (30 steps, 10 retries for each target, early stopping), with its present
defaults for the step (1: the README's 0.2 solves fewer), damping and limits. In float64: in float32
it meets systems that are singular and gives up. Not `use_compile`: that compiles again for each
size and was no faster. Targets that stay open are tried once more, with 50 retries. On all threads
or on one, whichever was faster when it first met a batch of that size: its threads wait for each
other, and on a busy machine that costs more than they bring.
"""

from __future__ import annotations

import time
from functools import cache

import numpy as np
import pytorch_kinematics
import torch

from benchmarks.peers.ik import IKTask, Solver, Tolerances

STEPS = 30
RETRIES = (10, 50)


def prepare(task: IKTask) -> Solver:
    """Two solvers on the serial chain: for all targets, and for those that stay open."""
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)  # what it samples starts in
    chain = pytorch_kinematics.build_serial_chain_from_urdf(task.plain_urdf.encode(), task.link)
    chain = chain.to(dtype=torch.float64)
    limits = torch.from_numpy(np.stack([task.lower, task.upper], axis=-1))

    @cache
    def made(tolerances: Tolerances, retries: int) -> pytorch_kinematics.PseudoInverseIK:
        return pytorch_kinematics.PseudoInverseIK(
            chain,
            pos_tolerance=tolerances[0],
            rot_tolerance=tolerances[1],
            joint_limits=limits,
            max_iterations=STEPS,
            num_retries=retries,
            early_stopping_any_converged=True,
            early_stopping_no_improvement="all",
        )

    def attempt(
        poses: np.ndarray, tolerances: Tolerances, retries: int
    ) -> tuple[np.ndarray, np.ndarray]:
        matrices = torch.from_numpy(poses.astype(np.float64))
        found = made(tolerances, retries).solve(pytorch_kinematics.Transform3d(matrix=matrices))
        best = found.converged.to(torch.uint8).argmax(dim=1)
        q = found.solutions[torch.arange(len(poses)), best]
        return q.numpy(), found.converged_any.numpy()

    def solve(poses: np.ndarray, tolerances: Tolerances) -> np.ndarray:
        q, is_solved = attempt(poses, tolerances, RETRIES[0])
        for retries in RETRIES[1:]:
            if not is_solved.all():
                is_open = ~is_solved
                q[is_open], is_solved[is_open] = attempt(poses[is_open], tolerances, retries)
        return q

    def seconds(threads: int, poses: np.ndarray, tolerances: Tolerances) -> float:
        torch.set_num_threads(threads)
        start = time.perf_counter()
        solve(poses, tolerances)
        return time.perf_counter() - start

    choices = (torch.get_num_threads(), 1)
    best: dict[int, int] = {}

    def solver(poses: np.ndarray, tolerances: Tolerances) -> np.ndarray:
        if len(poses) not in best:
            solve(poses, tolerances)
            times = {threads: seconds(threads, poses, tolerances) for threads in choices}
            best[len(poses)] = min(times, key=times.__getitem__)
        torch.set_num_threads(best[len(poses)])
        return solve(poses, tolerances)

    return solver
