"""pytorch_kinematics: `forward_kinematics_tensor`, compiled as its README shows, or eager.

It computes every frame of its chain; for an arm it is given the chain to the end effector.
Gradients take its analytical backward pass.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytorch_kinematics
import torch

from benchmarks.backends.torch import memory, wait
from benchmarks.contestants import Answer, Trial, Unavailable
from benchmarks.task import Task, places


def prepare(task: Task) -> Trial:
    """Frames of the chain or tree, their gradient, or the Jacobian of the end of a chain."""
    text = task.plain_urdf.encode()
    if isinstance(task.links, str):
        chain = pytorch_kinematics.build_serial_chain_from_urdf(text, task.links)
    else:
        chain = pytorch_kinematics.build_chain_from_urdf(text)
    device = "cuda" if task.device == "gpu" else "cpu"
    q = torch.from_numpy(task.q).to(device)
    chain = chain.to(dtype=q.dtype, device=device)
    joints = chain.get_joint_parameter_names()
    q = q[:, torch.from_numpy(places(task.joints, joints)).to(device)].contiguous()
    back = places(joints, task.joints)
    frames = [chain.frame_to_idx[link] for link in task.link_names]
    compute = chain.jacobian_tensor if task.mode == "jacobian" else chain.forward_kinematics_tensor
    if task.how != "eager":
        torch._dynamo.reset()  # variants of earlier tasks would count against its limit
        compute = torch.compile(compute, fullgraph=True, dynamic=True)
    run = {"forward+gradient": _with_gradient}.get(task.mode, _without)(compute, q, frames)

    def finished() -> Any:
        result = run()
        wait(result)
        return result

    def read(result: Any, rows: np.ndarray) -> Answer:
        parts = [part.detach().cpu() for part in result]
        if task.mode == "jacobian":
            return {"jacobian": parts[0][rows][..., back].double().numpy()}
        poses = parts[0][:, rows].double().numpy().swapaxes(0, 1)
        answer = {"poses": task.shaped(poses if len(frames) == 1 else poses[:, frames])}
        if len(parts) > 1:
            answer["gradient"] = parts[1][rows][:, back].double().numpy()
        return answer

    return Trial(finished, read, memory(task.device))


def _without(compute: Any, q: torch.Tensor, frames: list[int]) -> Any:
    @torch.no_grad()
    def run() -> tuple[torch.Tensor]:
        result = compute(q)
        return (result[frames[0]][None] if result.ndim == 4 and len(frames) == 1 else result,)

    return run


def _with_gradient(compute: Any, q: torch.Tensor, frames: list[int]) -> Any:
    def run() -> tuple[torch.Tensor, torch.Tensor]:
        variable = q.detach().requires_grad_()
        poses = compute(variable)
        if len(frames) == 1:
            poses = poses[frames[0]][None]
        poses.sum().backward()
        if variable.grad is None:
            raise Unavailable("it gave no gradient")
        return poses.detach(), variable.grad

    return run
