"""`python -m tools.precision`: what each dtype policy costs, to `results/precision.json`.

The cost is the largest distance of positions of the Panda's hand from Pinocchio's in float64.
"""

from __future__ import annotations

import json
import warnings
from typing import Any

import keras
import numpy as np

import fkarm
from benchmarks.harness import RESULTS
from benchmarks.robots import Exact

ROWS = 10_000
GLOBAL = ("float32", "float64", "mixed_float16", "mixed_bfloat16", "float16", "bfloat16")
OWN = ("float64", "float16", "bfloat16")


def exact_positions(robot: fkarm.Robot, q: np.ndarray) -> np.ndarray:
    """Positions of the end effector by Pinocchio, m."""
    return Exact(robot, (robot.end_effector,)).poses(q)[:, 0, :3, 3]


def worst_mm(positions: Any, exact: np.ndarray) -> float:
    """Largest distance, mm."""
    positions = keras.ops.convert_to_numpy(keras.ops.cast(positions, "float64"))
    return 1e3 * float(np.linalg.norm(positions - exact, axis=-1).max())


def layer(robot: fkarm.Robot, **options: str) -> fkarm.layers.ForwardKinematics:
    return fkarm.layers.ForwardKinematics(robot, output="position", **options)


def quantised(robot: fkarm.Robot, rows: int) -> float:
    """Of a network in int8 with the layer at its end: from the configurations it puts out."""
    inputs = keras.Input((8,))
    q = fkarm.layers.JointLimits(robot)(keras.layers.Dense(robot.dof)(inputs))
    model = keras.Model(inputs, [q, layer(robot)(q)])
    model.quantize("int8")
    x = np.random.default_rng(0).normal(size=(rows, 8)).astype("float32")
    q, positions = model(x)
    return worst_mm(positions, exact_positions(robot, np.asarray(q)))


def measure(rows: int = ROWS) -> dict[str, Any]:
    """Errors under a global policy, under the layer's own, and behind a quantised network."""
    robot = fkarm.robots.panda()
    q = fkarm.sample_configurations(robot, rows, seed=0)
    exact = exact_positions(robot, q)
    everywhere = {}
    before = keras.config.dtype_policy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for policy in GLOBAL:
            keras.config.set_dtype_policy(policy)
            everywhere[policy] = worst_mm(layer(robot)(q), exact)
        keras.config.set_dtype_policy(before)
        everywhere["int8"] = quantised(robot, rows)
        own = {policy: worst_mm(layer(robot, dtype=policy)(q), exact) for policy in OWN}
    return {
        "robot": robot.name,
        "rows": rows,
        "keras": keras.__version__,
        "everywhere_mm": everywhere,
        "layer_mm": own,
    }


def main() -> None:
    (RESULTS / "precision.json").write_text(json.dumps(measure(), indent=1) + "\n")


if __name__ == "__main__":
    main()
