"""PyTorch: eager or `torch.compile`, and `torch.autograd`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from benchmarks import memory as process

Function = Callable[[torch.Tensor], Any]


def check_device(name: str) -> str:
    """`"cpu"` or `"gpu"` for `"auto"` and the same; ValueError if there is none."""
    gpu = torch.cuda.is_available()
    if name == "gpu" and not gpu:
        raise ValueError("PyTorch sees no GPU here. Use cpu or auto.")
    return "gpu" if gpu and name != "cpu" else "cpu"


def device_name(device: str) -> str:
    return "CPU" if device == "cpu" else torch.cuda.get_device_name()


def tensor(q: np.ndarray, device: str) -> torch.Tensor:
    return torch.from_numpy(q).to("cuda" if device == "gpu" else "cpu")


def compiled(function: Function, how: str, q: torch.Tensor) -> Function:
    if how == "eager":
        return torch.no_grad()(function)
    torch._dynamo.reset()  # nothing of an earlier task may count against its limit of variants
    return torch.no_grad()(torch.compile(function, dynamic=True))


def with_gradient(function: Function, how: str, q: torch.Tensor) -> Function:
    if how != "eager":
        torch._dynamo.reset()
        function = torch.compile(function, dynamic=True)

    def both(q: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        q = q.detach().requires_grad_()
        poses = function(q)
        return poses.detach(), torch.autograd.grad(poses, q, torch.ones_like(poses))[0]

    return both


def with_jacobian(function: Function, how: str, q: torch.Tensor) -> Function:
    """One backward pass for each entry of the pose: rows do not depend on each other."""
    if how != "eager":
        torch._dynamo.reset()
        function = torch.compile(function, dynamic=True)

    def jacobian(q: torch.Tensor) -> torch.Tensor:
        q = q.detach().requires_grad_()
        entries = function(q)[:, :3].flatten(1).sum(0)
        rows = [torch.autograd.grad(entry, q, retain_graph=True)[0] for entry in entries]
        rows += [torch.zeros_like(q)] * 4  # the bottom row is constant
        return torch.stack(rows, 1).unflatten(1, (4, 4))

    return jacobian


def wait(result: Any) -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()


def memory(device: str) -> Callable[[Callable[[], Any]], int | None]:
    """GPU: peak of PyTorch's allocator above what was held before."""
    if device == "cpu":
        return process.peak_extra_bytes

    def peak(run: Callable[[], Any]) -> int:
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        result = run()
        after = torch.cuda.max_memory_allocated()
        del result
        return after - before

    return peak
