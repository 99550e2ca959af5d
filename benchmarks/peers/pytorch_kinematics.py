"""pytorch_kinematics: `forward_kinematics_tensor` and `PseudoInverseIK`, the whole batch at once.

`fk` is compiled as its README shows, or eager, and computes every frame of its chain; of an arm it
is given the chain to the end effector. Gradients take its analytical backward pass.

`ik` is set up as in its README (30 steps, 10 retries for each target, early stopping), with its
present defaults for the step (1; the README's 0.2 solves fewer), damping and limits. It runs in
float64: in float32 it meets systems that are singular and gives up. `use_compile` compiles again
for each size and was no faster. Targets that stay open are tried once more, with 50 retries. It
runs on all threads or on one, whichever was faster when it first met a batch of that size: its
threads wait for each other, which costs more than they bring on a busy machine.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import pytorch_kinematics
import torch

from benchmarks.harness import Trial, repeated
from benchmarks.peers import Tolerances, order
from benchmarks.robots import PoseTask, TargetTask

Solve = Callable[[np.ndarray, Tolerances], np.ndarray]

STEPS = 30
RETRIES = (10, 50)


def fk(task: PoseTask) -> Trial:
    """Frames of the chain or tree, and their gradient."""
    text = task.plain_urdf.encode()
    if isinstance(task.links, str):
        chain = pytorch_kinematics.build_serial_chain_from_urdf(text, task.links)
    else:
        chain = pytorch_kinematics.build_chain_from_urdf(text)
    device = "cuda" if task.device == "gpu" else "cpu"
    chain = chain.to(dtype=torch.float32, device=device)
    joints = chain.get_joint_parameter_names()
    q = torch.from_numpy(task.q)[:, order(task.joints, joints)].contiguous().to(device)
    back = order(joints, task.joints)
    frames = [chain.frame_to_idx[link] for link in task.link_names]
    compute = chain.forward_kinematics_tensor
    if task.how != "eager":
        torch._dynamo.reset()  # variants of earlier tasks would count against its limit
        compute = torch.compile(compute, fullgraph=True, dynamic=True)

    def poses_of(q: torch.Tensor) -> torch.Tensor:
        poses = compute(q)
        return poses[frames[0]][None] if len(frames) == 1 else poses

    def run() -> Any:
        if task.mode == "forward":
            with torch.no_grad():
                result = (poses_of(q),)
        else:
            variable = q.detach().requires_grad_()
            poses = poses_of(variable)
            poses.sum().backward()
            result = (poses.detach(), variable.grad)
        if device == "cuda":
            torch.cuda.synchronize()
        return result

    def read(result: Any) -> tuple[np.ndarray, ...]:
        rows = task.checked_rows
        poses, *gradient = (part.cpu().double().numpy() for part in result)
        poses = poses[:, rows].swapaxes(0, 1)
        answer = (task.shaped(poses if len(frames) == 1 else poses[:, frames]),)
        return (*answer, *(part[rows][:, back] for part in gradient))

    return Trial(run, read)


def ik(task: TargetTask) -> Trial:
    """Two solvers on the serial chain: for all targets, and for those that stay open."""
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)  # it samples starts in the default type
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

    def attempt(poses: np.ndarray, tolerances: Tolerances, retries: int) -> tuple:
        matrices = torch.from_numpy(poses.astype(np.float64))
        result = made(tolerances, retries).solve(pytorch_kinematics.Transform3d(matrix=matrices))
        best = result.converged.to(torch.uint8).argmax(dim=1)
        q = result.solutions[torch.arange(len(poses)), best]
        return q.numpy(), result.converged_any.numpy()

    def solve(poses: np.ndarray, tolerances: Tolerances) -> np.ndarray:
        q, is_solved = attempt(poses, tolerances, RETRIES[0])
        for retries in RETRIES[1:]:
            if not is_solved.all():
                is_open = ~is_solved
                q[is_open], is_solved[is_open] = attempt(poses[is_open], tolerances, retries)
        return q

    return Trial(_on_fastest_threads(solve))


def _on_fastest_threads(solve: Solve) -> Solve:
    """A solver on all threads or on one, chosen when it first meets a batch of a size."""
    choices = (torch.get_num_threads(), 1)
    best: dict[int, int] = {}

    def solver(poses: np.ndarray, tolerances: Tolerances) -> np.ndarray:
        if len(poses) not in best:
            once = partial(solve, poses, tolerances)
            once()
            times = {}
            for threads in choices:
                torch.set_num_threads(threads)
                times[threads] = repeated(once)[0]
            best[len(poses)] = min(times, key=times.__getitem__)
        torch.set_num_threads(best[len(poses)])
        return solve(poses, tolerances)

    return solver
