"""A case of the chosen backend as a contestant."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import numpy as np

import fkarm
from benchmarks.catalogue import Case
from benchmarks.contestants import Answer, Trial, load
from benchmarks.task import Task


def backend_module(backend: str) -> ModuleType:
    """The module of `benchmarks.backends` that speaks for a backend."""
    return importlib.import_module(f"benchmarks.backends.{backend}")


def prepare(backend: str, case: Case, task: Task) -> Trial:
    """What to call for a task, by the backend's means."""
    module = backend_module(backend)
    robot = fkarm.Robot.from_urdf(task.urdf)
    q, dtype = module.tensor(task.q, task.device), task.q.dtype.name
    if task.mode == "jacobian" and case.jacobian:
        function = module.compiled(load(case.jacobian)(robot, task.links, dtype), case.how, q)
    else:
        wrap = {
            "forward": module.compiled,
            "forward+gradient": module.with_gradient,
            "jacobian": module.with_jacobian,
        }[task.mode]
        function = wrap(load(case.build)(robot, task.links, dtype), case.how, q)

    def run() -> Any:
        result = function(q)
        module.wait(result)
        return result

    def read(result: Any, rows: np.ndarray) -> Answer:
        parts = result if isinstance(result, tuple) else (result,)
        arrays = [module.array(part)[rows].astype(np.float64) for part in parts]
        if task.mode == "jacobian":
            return {"jacobian" if arrays[0].ndim == 3 else "pose_jacobian": arrays[0]}
        return dict(zip(("poses", "gradient"), arrays, strict=False))

    return Trial(run, read, module.memory(task.device))
