"""An arm with five joints: which part of a pose it can reach, and how to ask for it.

At a given position a hobby arm (yaw, three pitches, a roll, and a jaw) cannot turn its hand about
the vertical axis. A request for a whole pose trades millimetres for degrees. With a small weight on
the orientation, the arm keeps the position and turns as far as it can. A request for the axis of
the hand alone is met exactly. Look at the two errors in each row, and at the picture.

    python examples/five_joints.py
"""

import argparse
import math
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

import fkarm
from fkarm import Joint, Robot

ROOT = Path(__file__).parent


def hobby_arm() -> Robot:
    """Five joints up to the hand, and a jaw. The hand points along its x axis."""
    return Robot(
        [
            Joint("pan", axis="z", xyz=(0, 0, 0.06), lower=-1.9, upper=1.9,
                  parent="base", child="turret"),
            Joint("shoulder", axis="y", xyz=(0.03, 0, 0.05), lower=-1.8, upper=1.8,
                  parent="turret", child="upper"),
            Joint("elbow", axis="y", xyz=(0.02, 0, 0.115), lower=-1.6, upper=1.7,
                  parent="upper", child="fore"),
            Joint("pitch", axis="y", xyz=(0.135, 0, 0), lower=-1.7, upper=1.7,
                  parent="fore", child="wrist"),
            Joint("roll", axis="x", xyz=(0.06, 0, 0), lower=-2.7, upper=2.7,
                  parent="wrist", child="palm"),
            Joint("jaw", axis="z", xyz=(0.03, 0.02, 0), lower=-0.2, upper=1.7,
                  parent="palm", child="finger"),
            Joint("grip", "fixed", xyz=(0.1, 0, 0), parent="palm", child="hand"),
        ],
        name="five joints",
        end_effector="hand",
    )  # fmt: skip


def pointing(yaw: float, pitch: float, xyz: tuple[float, float, float]) -> np.ndarray:
    """The pose at `xyz`, m, whose x axis has this yaw and pitch, rad."""
    return fkarm.geometry.make_transform(
        fkarm.geometry.rpy_to_matrix(np.array([0.0, pitch, yaw])), np.array(xyz)
    ).numpy()


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=48, help="largest number of steps per start")
    parser.add_argument("--out", type=Path, default=ROOT / "images", help="folder of the picture")
    options = parser.parse_args(arguments)
    arm, steps = hobby_arm(), {"max_steps": options.steps}

    side = pointing(yaw=0.3, pitch=0.2, xyz=(0.2, -0.05, 0.2))
    down = pointing(yaw=1.0, pitch=math.pi / 2, xyz=(0.2, 0.08, 0.03))
    rest = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.6])  # the jaw is open and stays open
    requests = {
        "whole pose": (side, {}),
        "position first": (side, {"weights": (1, 0.002)}),
        "x axis down": (down, {"task": ("x", "y", "z", "ry", "rz"), "frame": "target"}),
    }
    results = {}
    for name, (target, request) in requests.items():
        results[name] = fkarm.solve_ik(arm, target, q_init=rest, **steps, **request)
        millimetres = 1e3 * results[name].position_error
        degrees = np.rad2deg(results[name].orientation_error)
        jaw = results[name].q[-1]
        print(f"{name:15} {millimetres:6.2f} mm {degrees:6.2f} degrees   jaw {jaw:.1f} rad")

    from matplotlib.figure import Figure

    from fkarm.viz import draw_frame, draw_robot, fit_axes

    figure = Figure(figsize=(11, 4), layout="constrained")
    for number, (name, (target, _)) in enumerate(requests.items(), start=1):
        ax = figure.add_subplot(1, 3, number, projection="3d")
        draw_robot(ax, arm, results[name].q, color="tab:blue", linewidth=3, branches=True)
        draw_frame(ax, target, size=0.07)
        ax.set_title(name)
        fit_axes(ax)
    options.out.mkdir(parents=True, exist_ok=True)
    figure.savefig(options.out / "five_joints.png", dpi=110)


if __name__ == "__main__":
    main()
