"""An arm that reaches behind itself, with and without a term for collisions.

Low and close behind its own base, many configurations of a Panda bring the hand to a target, and in
many of them the arm touches itself. `solve_ik(clearance=...)` answers with one that keeps bodies
apart. Look at the links in red, and at the smallest distance above each picture.

    python examples/reach_behind.py
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

import fkarm
from fkarm.collision import closest_pair, pairs, self_distance

ROOT = Path(__file__).parent
CLEARANCE = 0.005  # m


def targets_behind(robot: fkarm.Robot, count: int) -> np.ndarray:
    """Poses of the hand behind the base, of configurations that are clear."""
    q = fkarm.sample_configurations(robot, count, seed=0)
    q = q[self_distance(robot, q).numpy() >= CLEARANCE]
    poses = fkarm.forward_kinematics(robot, q).numpy()
    x, y, z = np.moveaxis(poses[:, :3, 3], -1, 0)
    return poses[(x < -0.1) & (np.hypot(x, y) < 0.4) & (z < 0.5)]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=4000, help="random configurations")
    parser.add_argument("--out", type=Path, default=ROOT / "images", help="folder of the picture")
    options = parser.parse_args(arguments)
    robot = fkarm.robots.panda()
    targets = targets_behind(robot, options.steps)

    usual = fkarm.solve_ik(robot, targets)
    clear = fkarm.solve_ik(robot, targets, clearance=CLEARANCE)
    distance = self_distance(robot, usual.q).numpy()
    print(f"{len(targets)} targets behind the base")
    print(f"without the term: {np.mean(distance >= CLEARANCE):.0%} of the answers are clear")
    print(f"with the term:    {np.mean(clear.converged):.0%}")

    from matplotlib.figure import Figure

    from fkarm.viz import draw_bodies, draw_frame, draw_robot, fit_axes

    worst = int(np.argmin(distance))
    figure = Figure(figsize=(9, 4.6), layout="constrained")
    for number, (name, q) in enumerate((("without", usual.q), ("with", clear.q)), start=1):
        q, smallest = q[worst], float(self_distance(robot, q[worst]))
        nearest = pairs(robot)[int(closest_pair(robot, q))]
        print(f"{name:7} the term: {1e3 * smallest:6.1f} mm between {' and '.join(nearest)}")
        ax = figure.add_subplot(1, 2, number, projection="3d")
        draw_bodies(ax, robot, q)
        draw_robot(ax, robot, q, color="0.2", linewidth=1)
        draw_frame(ax, targets[worst], size=0.15)
        ax.set_title(f"{name} clearance: {1e3 * smallest:.0f} mm")
        fit_axes(ax)
    options.out.mkdir(parents=True, exist_ok=True)
    figure.savefig(options.out / "reach_behind.png", dpi=110)


if __name__ == "__main__":
    main()
