"""A page for somebody without Python: the eight postures of a UR5e at a target, and a path.

The page is one file with sliders, which any browser opens, on a phone too. Look at the printed
size, open the page, and play the path: a straight line of the tool, in one posture.

    python examples/share_a_robot.py
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

import fkarm
from fkarm.viz import make_page

OUT = Path(__file__).parent / "output"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=60, help="poses on the path")
    parser.add_argument("--out", type=Path, default=OUT, help="folder of the page")
    options = parser.parse_args(arguments)
    robot = fkarm.robots.ur5e()
    start = np.array([-0.2, -1.7, 1.9, -1.7, -1.2, 0.3])
    target = fkarm.forward_kinematics(robot, start).numpy()
    every = fkarm.solve_ik_all(robot, target)
    postures = every.q[every.is_solution]
    print(f"{len(postures)} postures at the target")

    goal = target.copy()
    goal[:3, 3] += [0.1, -0.4, 0.1]
    shares = np.linspace(0.0, 1.0, options.steps)
    line = fkarm.geometry.interpolate_transforms(target, goal, shares)
    path = fkarm.follow_path(robot, line, start)
    print(f"{path.converged.mean():.0%} of the path solved")

    options.out.mkdir(parents=True, exist_ok=True)
    page = make_page(
        robot, start, others=postures, targets=np.stack([target, goal]), path=path.q, seconds=3.0
    )
    file = page.save(options.out / "ur5e.html")
    print(f"{file.name}: {file.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
