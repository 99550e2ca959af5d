"""Check an answer, then time it: median and spread, compilation apart."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import tensorflow as tf

import fkarm
from benchmarks.cases import CASES
from fkarm.kinematics import reference

# A wrong answer is not worth timing. Float32 over seven joints stays well under this.
LARGEST_ERROR = {"float32": 1e-4, "float64": 1e-11}


def measure(
    case: str, mode: str, robot: fkarm.Robot, batch: int, dtype: str, xla: bool, seconds: float
) -> dict[str, Any]:
    """One row of the table.

    Args:
        case: Name in `CASES`.
        mode: `"forward"` or `"forward+gradient"`.
        robot: The robot; its end effector is located.
        batch: Rows.
        dtype: `"float32"` or `"float64"`.
        xla: Whether the function is compiled by XLA.
        seconds: How long to repeat; at least 5 times.
    Raises:
        AssertionError: If the poses are wrong.
    """
    forward = CASES[case](robot, robot.end_effector)
    q = tf.constant(fkarm.sample_configurations(robot, batch, seed=0, dtype=dtype))

    def forward_and_gradient(q: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(q)
            poses = forward(q)
        return poses, tape.gradient(poses, q, tf.ones_like(poses))

    compiled = tf.function(
        forward if mode == "forward" else forward_and_gradient,
        jit_compile=xla,
        input_signature=[tf.TensorSpec(q.shape, q.dtype)],
    )
    start = time.perf_counter()
    result = compiled(q)
    first_call = time.perf_counter() - start
    error = _error(robot, q, result if mode == "forward" else result[0])
    if not error < LARGEST_ERROR[dtype]:
        raise AssertionError(f"{case}: poses must be right before they are timed: off by {error} m")

    times: list[float] = []
    while len(times) < 5 or (sum(times) < seconds and len(times) < 200):
        start = time.perf_counter()
        result = compiled(q)
        _wait(result)
        times.append(time.perf_counter() - start)
    low, median, high = np.percentile(times, [10, 50, 90])
    return {
        "case": case,
        "mode": mode,
        "batch": batch,
        "dtype": dtype,
        "xla": xla,
        "median_s": float(median),
        "p10_s": float(low),
        "p90_s": float(high),
        "repeats": len(times),
        "configurations_per_s": float(batch / median),
        "first_call_s": float(first_call),
        "error_m": error,
    }


def _error(robot: fkarm.Robot, q: tf.Tensor, poses: tf.Tensor) -> float:
    """Largest deviation of the first rows from the float64 reference composition."""
    rows = np.asarray(q[:256], dtype=np.float64)
    expected = reference.forward_kinematics(robot, rows, [robot.end_effector])[:, 0]
    return float(np.abs(np.asarray(poses[:256], dtype=np.float64) - expected).max())


def _wait(result: Any) -> None:
    """Reading one number back waits for the device."""
    last = result[-1] if isinstance(result, (tuple, list)) else result
    float(tf.reshape(last, [-1])[-1])
