"""Arms that all reach one target, each in its own way: an entropy as a regularizer.

64 planar arms of four joints begin nearly equal and are trained to put their tips on one
target. There are many ways to do it, and without more to ask for they all find the same. The
entropy of their joint configurations, with smoothed counts so that it has a gradient, spreads
them over those ways, and the tips stay on the target. Look at the bits, the error and the
picture.

    python examples/spread_configurations.py
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from matplotlib.figure import Figure

import fkarm
from fkarm.primers import EntropyRegularizer, soft_entropy_of_points

ARMS, BANDWIDTH = 64, 0.5  # rad
TARGET = np.array([0.5, 0.4])  # m


def train(robot: fkarm.Robot, weight: float, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Trained configurations, and how far their tips are from the target, m."""
    keras.utils.set_random_seed(0)
    arm = keras.Input((), dtype="int32")  # its number
    nearly_equal = keras.initializers.RandomNormal(0.3, 0.03)
    free = keras.layers.Embedding(ARMS, robot.dof, embeddings_initializer=nearly_equal)(arm)
    spread = EntropyRegularizer(BANDWIDTH, weight)
    q = fkarm.layers.JointLimits(robot, activity_regularizer=spread)(free)
    model = keras.Model(arm, fkarm.layers.ForwardKinematics(robot)(q))
    rate = keras.optimizers.schedules.CosineDecay(0.01, steps)
    model.compile(keras.optimizers.Adam(rate), fkarm.losses.PoseLoss(orientation_weight=0.0))
    target = np.eye(4, dtype="float32")
    target[:2, 3] = TARGET
    numbers, targets = np.arange(ARMS), np.broadcast_to(target, (ARMS * steps, 4, 4))
    model.fit(np.tile(numbers, steps), targets, ARMS, shuffle=False, verbose=0)
    q, poses = keras.Model(arm, [q, model.output]).predict(numbers, ARMS, verbose=0)
    return q, np.linalg.norm(poses[:, :2, 3] - TARGET, axis=-1)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=1000, help="training steps")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "output")
    options = parser.parse_args(arguments)

    robot = fkarm.robots.planar([0.4, 0.35, 0.3, 0.2])
    figure = Figure(figsize=(9, 4), layout="constrained")
    print(f"{ARMS} arms, {options.steps} steps towards one target")
    for ax, weight in zip(figure.subplots(1, 2), (0.0, 0.05), strict=True):
        q, errors = train(robot, weight, options.steps)
        bits = f"{float(soft_entropy_of_points(q, BANDWIDTH)):.1f} of {np.log2(ARMS):.0f} bits"
        print(f"weight {weight:4}: {bits}, largest error {1e3 * errors.max():.1f} mm")
        poses = fkarm.forward_kinematics(robot, q, robot.link_names).numpy()
        points = poses[..., :2, 3]  # (arms, links, 2)
        ax.plot(points[..., 0].T, points[..., 1].T, color="tab:blue", alpha=0.3)
        ax.plot(*TARGET, "r*", markersize=12)
        ax.set(aspect="equal", xlim=(-0.3, 0.9), ylim=(-0.5, 0.7), xlabel="x, m", ylabel="y, m")
        ax.set_title(f"weight {weight}: {bits}")
    options.out.mkdir(parents=True, exist_ok=True)
    figure.savefig(options.out / "spread_configurations.png")
    print(f"written: {options.out / 'spread_configurations.png'}")


if __name__ == "__main__":
    main()
