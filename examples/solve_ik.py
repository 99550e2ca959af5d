"""Reach 10,000 targets with a Panda, and draw several configurations that reach one pose.

The targets are poses of random configurations, and the solver does not know these. Look at the
share of solved targets, at the errors of the solutions, and at the picture: a redundant arm reaches
one pose in many ways.

    python examples/solve_ik.py [--targets 10000]
"""

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

import fkarm

OUT = Path(__file__).parent / "output"


def solve_many(robot: fkarm.Robot, count: int) -> None:
    q = fkarm.sample_configurations(robot, count, seed=0, dtype="float32")
    targets = fkarm.forward_kinematics(robot, q, robot.end_effector).numpy()
    fkarm.solve_ik(robot, targets)  # the first call compiles
    start = time.perf_counter()
    result = fkarm.solve_ik(robot, targets)
    seconds = time.perf_counter() - start
    solved = f"{result.converged.mean():.2%} solved within 1 mm and 0.01 rad"
    print(f"{count} targets in {seconds:.2f} s: {solved}")
    print(f"median position error: {np.median(result.position_error) * 1e6:.2f} micrometres")


def draw_solutions(robot: fkarm.Robot, path: Path) -> None:
    from fkarm.viz import plot_robot

    q = np.array([0.3, -0.4, 0.2, -2.0, 0.1, 1.8, 0.7], "float32")
    target = fkarm.forward_kinematics(robot, q, robot.end_effector).numpy()
    result = fkarm.solve_ik_all(robot, target, starts=64)
    solutions = result.q[result.is_solution]
    solutions = solutions[np.argsort(solutions[:, 0])]
    print(
        f"{len(solutions)} different configurations reach one pose; joint 1 is between "
        f"{np.degrees(solutions[:, 0].min()):.0f} and {np.degrees(solutions[:, 0].max()):.0f} deg"
    )
    some = solutions[:: -(-len(solutions) // 6)]  # six at most, over the range of joint 1
    path.parent.mkdir(parents=True, exist_ok=True)
    plot_robot(robot, some, targets=target, limits=True).savefig(path, dpi=120)
    print(f"picture: {path.name}")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--targets", type=int, default=10_000)
    parser.add_argument("--steps", type=int, help="number of targets of a short run")
    parser.add_argument("--out", type=Path, default=OUT, help="folder of the picture")
    options = parser.parse_args(arguments)
    robot = fkarm.robots.panda()
    solve_many(robot, options.steps or options.targets)
    draw_solutions(robot, options.out / "ik_solutions.png")


if __name__ == "__main__":
    main()
