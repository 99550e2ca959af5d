"""Every solution: the eight postures of a UR5e at a target, and the Panda's curves of solutions.

An arm with six joints reaches a pose in a few postures, which `fkarm.ik.closed_form` returns at
once. An arm with seven joints has curves of postures: the closed form returns those of each value
of one joint. Look at the picture: two branches of the Panda meet where a curve turns back, and only
two of its curves come within the limits of all joints.

    python examples/every_solution.py
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

import fkarm
from fkarm.viz import draw_frame, draw_robot

ROOT = Path(__file__).parent
COLOURS = [colormaps["tab10"](k) for k in (0, 1, 2, 3, 4, 5, 6, 9)]  # one per branch


def pose(robot: fkarm.Robot, q: list[float], link: str) -> np.ndarray:
    """The pose of a link, float64."""
    return fkarm.forward_kinematics(robot, np.array(q), link).numpy()


def draw_postures(panel, arm: fkarm.Robot, target: np.ndarray) -> int:
    """Draw the arm once per branch; return how many branches reach the target."""
    found = fkarm.ik.closed_form(arm).solve(target)
    postures = found.q.numpy()
    for branch, q in enumerate(postures):
        ax = panel.add_subplot(2, 4, branch + 1, projection="3d")
        for line in np.linspace(-0.25, 0.75, 6):
            ax.plot([line, line], [-0.5, 0.5], 0.0, color="0.9", linewidth=0.8)
            ax.plot([-0.25, 0.75], [line - 0.25] * 2, 0.0, color="0.9", linewidth=0.8)
        for other in postures:
            draw_robot(ax, arm, other, color="0.8", linewidth=1, markersize=0)
        draw_robot(ax, arm, q, color=COLOURS[branch], linewidth=3, markersize=4)
        draw_frame(ax, target, size=0.15)
        ax.set(xlim=(-0.2, 0.7), ylim=(-0.45, 0.45), zlim=(-0.05, 0.7))
        ax.set_title(f"branch {branch}", color=COLOURS[branch], y=0.96)
        ax.set_box_aspect((0.9, 0.9, 0.75), zoom=1.6)  # equal scales
        ax.set_proj_type("ortho")
        ax.view_init(elev=18, azim=-62)
        ax.set_axis_off()
    panel.suptitle("UR5e: every posture at one target")
    return int(found.is_solution.numpy().sum())


def draw_curves(panel, arm: fkarm.Robot, target: np.ndarray, count: int) -> np.ndarray:
    """Draw joint 2 of all solutions over the free joint; return how many are within the limits."""
    form = fkarm.ik.closed_form(arm, "panda_hand", free="panda_joint7")
    pairs = np.stack([arm.lower_limits, arm.upper_limits], axis=1)
    limits = dict(zip(arm.joint_names, pairs, strict=True))
    values = np.linspace(*limits[form.free], count)
    found = form.solve(target, values)
    q, is_solution, within = (x.numpy() for x in found)
    angles = q[..., arm.joint_names.index("panda_joint2")]
    ax = panel.subplots()
    for branch, colour in enumerate(COLOURS):
        for marks, width in ((is_solution, 1.3), (within, 5)):
            line = np.where(marks[:, branch], angles[:, branch], np.nan)
            ax.plot(values, line, color=colour, linewidth=width, solid_capstyle="butt")
    low, high = limits["panda_joint2"]
    for start, end in ((high, 4.0), (-4.0, low)):
        ax.axhspan(start, end, color="0.92", zorder=0)
        ax.text(-1.5, np.clip((start + end) / 2, -2.3, 2.3), "beyond the limits of joint 2",
                color="0.4", ha="center", va="center")  # fmt: skip
    ax.text(2.25, 0.0, "no solution at\nthese values", color="0.4", ha="center", va="center")
    for width, label in ((5, "within the limits of all joints"), (1.3, "beyond a limit")):
        ax.plot([], [], color="0.3", linewidth=width, label=label)
    ax.legend(loc="center left", framealpha=1.0)
    ax.set(xlabel="joint 7, the free joint, rad", ylabel="joint 2, rad")
    ax.set(xlim=limits[form.free], ylim=(-2.9, 2.9))
    ax.grid(alpha=0.3)
    panel.suptitle("Panda: every posture at one target, for all values of its last joint")
    return within.sum(axis=1)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--steps", type=int, default=20_000, help="values of the Panda's last joint"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "images", help="folder of the picture")
    options = parser.parse_args(arguments)
    figure = Figure(figsize=(14, 4.8), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(1.35, 1))

    arm = fkarm.robots.ur5e()
    count = draw_postures(left, arm, pose(arm, [-0.2, -1.7, 1.9, -1.7, -1.2, 0.3], "tool0"))
    print(f"UR5e: {count} postures")

    arm = fkarm.robots.panda()
    target = pose(arm, [0.4, 0.3, -0.3, -1.9, 0.2, 2.0, 0.6, *[0.0] * (arm.dof - 7)], "panda_hand")
    counts = draw_curves(right, arm, target, options.steps)
    share = (counts > 0).mean()
    print(f"Panda: postures within the limits for {share:.0%} of the values of its last joint")
    options.out.mkdir(parents=True, exist_ok=True)
    figure.savefig(options.out / "every_solution.png", dpi=90)


if __name__ == "__main__":
    main()
