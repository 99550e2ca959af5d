"""The limit as a contestant: compile the kernel for a robot, call it through ctypes."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import fkarm
from benchmarks.contestants import Answer, Trial, Unavailable
from benchmarks.limit.source import header
from benchmarks.task import Task

KERNEL = Path(__file__).with_name("kernel.c")
FLAGS = ("-O3", "-march=native", "-fopenmp", "-shared", "-fPIC")


def prepare(task: Task) -> Trial:
    """Arrays are the caller's and are used again: the kernel allocates nothing.

    Raises:
        Unavailable: If there is no gcc, or the kernel cannot do what is asked.
    """
    if task.device != "cpu" or task.q.dtype != np.float32:
        raise Unavailable("the C kernel is for float32 on the CPU")
    links = task.link_names
    try:
        kernel = build(header(fkarm.Robot.from_urdf(task.urdf), links))
    except (ValueError, subprocess.CalledProcessError) as error:
        raise Unavailable(f"the C kernel was not built: {error}") from error
    batch = len(task.q)
    poses = np.zeros((batch, len(links), 4, 4), np.float32)
    arrays = [np.ascontiguousarray(task.q), poses]
    if task.mode == "forward+gradient":
        arrays.insert(1, np.ones_like(poses))
        arrays.append(np.zeros_like(task.q))
    call = kernel.forward if task.mode == "forward" else kernel.forward_gradient
    pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in arrays]

    def run() -> Any:
        call(*pointers, ctypes.c_long(batch))

    def read(_: Any, rows: np.ndarray) -> Answer:
        answer = {"poses": task.shaped(poses[rows].astype(np.float64))}
        if task.mode == "forward+gradient":
            answer["gradient"] = arrays[-1][rows].astype(np.float64)
        return answer

    return Trial(run, read, lambda _: None)


def build(robot_header: str) -> ctypes.CDLL:
    """The kernel for one robot, as a loaded library.

    Raises:
        Unavailable: If there is no gcc.
        subprocess.CalledProcessError: If gcc refuses.
    """
    if not (gcc := shutil.which("gcc")):
        raise Unavailable("no gcc here")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "robot.h").write_text(robot_header)
        library = Path(folder, "limit.so")
        command = [gcc, *FLAGS, f"-I{folder}", "-o", str(library), str(KERNEL)]
        subprocess.run(command, check=True, capture_output=True)
        return ctypes.CDLL(str(library))
