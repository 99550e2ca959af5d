"""Reach 10,000 targets on a Panda, and draw several ways to reach one of them.

The targets are poses of random configurations, which the solver never sees. Look at the share
that is solved, at how sharp the solutions are, and at the picture: a redundant arm reaches one
pose in many ways.

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
    fkarm.solve_ik(robot, targets)  # compiles
    start = time.perf_counter()
    result = fkarm.solve_ik(robot, targets)
    seconds = time.perf_counter() - start
    print(
        f"{count} targets in {seconds:.2f} s: {result.converged.mean():.2%} within 1 mm, 0.01 rad"
    )
    print(f"median position error {np.median(result.position_error) * 1e6:.2f} micrometres")


def draw_solutions(robot: fkarm.Robot, path: Path) -> None:
    from matplotlib.figure import Figure

    q = np.array([0.3, -0.4, 0.2, -2.0, 0.1, 1.8, 0.7], "float32")
    target = fkarm.forward_kinematics(robot, q, robot.end_effector).numpy()
    found = fkarm.solve_ik_all(robot, target, starts=64)
    solutions = found.q[found.is_solution]
    print(
        f"{len(solutions)} different configurations reach one pose; joint 1 from "
        f"{np.degrees(solutions[:, 0].min()):.0f} to {np.degrees(solutions[:, 0].max()):.0f} deg"
    )
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.add_subplot(projection="3d")
    links = [str(joint.child) for joint in robot.path_to(robot.end_effector)]
    for row in solutions[:8]:
        points = fkarm.forward_kinematics(robot, row, links).numpy()[:, :3, 3]
        axes.plot(*np.concatenate([np.zeros((1, 3)), points]).T, marker=".", alpha=0.8)
    axes.set(xlabel="x, m", ylabel="y, m", zlabel="z, m", box_aspect=(1, 1, 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    print(f"picture: {path.name}")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--targets", type=int, default=10_000)
    parser.add_argument("--steps", type=int, help="a small run: so many targets")
    parser.add_argument("--out", type=Path, default=OUT, help="folder of the picture")
    options = parser.parse_args(arguments)
    robot = fkarm.robots.panda()
    solve_many(robot, options.steps or options.targets)
    draw_solutions(robot, options.out / "ik_solutions.png")


if __name__ == "__main__":
    main()
