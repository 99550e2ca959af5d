"""ssik: the module that `ssik build` writes for the arm, with its C++ backend, one target per call.

Limits are ignored and whole turns are not repeated, so that the solutions are comparable. Of seven
joints ssik chooses the values of the free one itself: between limits, and where solutions begin
and end. `Manipulator.from_urdf`, which does not use C++ for six joints, takes 60 times as long.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType

import numpy as np

from benchmarks.harness import Trial
from benchmarks.peers import in_one_list
from benchmarks.robots import EveryTask

OPTIONS = {"respect_limits": False, "enumerate_windings": False}


def every(task: EveryTask) -> Trial:
    """The solutions of the module."""
    module = built(task)

    def run(poses: np.ndarray = task.targets) -> list[list]:
        return [module.solve(pose, **OPTIONS) for pose in poses]

    def read(results: list[list]) -> tuple[np.ndarray, np.ndarray]:
        rows = [np.array([each.q for each in solutions]) for solutions in results]
        return in_one_list(rows, len(task.directions))

    return Trial(run, read)


def built(task: EveryTask) -> ModuleType:
    """The module of the arm, written by the command line and imported."""
    with tempfile.TemporaryDirectory() as folder:
        urdf, path = Path(folder, "arm.urdf"), Path(folder, "arm_ik.py")
        urdf.write_text(task.chain.plain_urdf)
        ends = ["--base", task.chain.root, "--ee", task.chain.link, "--out", str(path)]
        command = [sys.executable, "-m", "ssik.cli", "build", str(urdf), *ends, "--no-validate"]
        subprocess.run(command, check=True, capture_output=True)
        spec = importlib.util.spec_from_file_location("arm_ik", path)
        module = importlib.util.module_from_spec(spec)
        sys.modules["arm_ik"] = module
        spec.loader.exec_module(module)
    return module
