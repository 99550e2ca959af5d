"""Train inverse kinematics whose answers do not collide with the robot itself.

Two networks are trained alike on targets of postures that are free of collisions. One learns from
the error of the pose alone, the other one also from the distances between the bodies of the robot:
`SelfDistance` computes them inside the model, and `CollisionLoss` punishes those below 2 cm.

    python examples/train_clear.py [--steps 3000]
"""

import argparse
import json
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

import fkarm
from fkarm.collision import self_distance
from fkarm.learning import pose_errors, pose_stream

BATCH, TARGETS, MARGIN = 512, 10_000, 0.02
# What a metre below the margin costs, as a multiple of a metre of position error.
WEIGHT = 3.0


def networks(robot: fkarm.Robot) -> tuple[keras.Model, keras.Model]:
    """A network from poses to configurations, and the same with the outputs that it learns from."""
    keras.utils.set_random_seed(0)
    limits = fkarm.layers.JointLimits(robot)
    x = pose = keras.Input((9,))
    for _ in range(4):
        x = keras.layers.Dense(256, activation="gelu")(x)
    q = limits(keras.layers.Dense(limits.input_size)(x))
    outputs = {
        "pose": fkarm.layers.ForwardKinematics(robot)(q),
        "distance": fkarm.layers.SelfDistance(robot)(q),
    }
    return keras.Model(pose, q), keras.Model(pose, outputs)


def train(robot: fkarm.Robot, steps: int, weight: float) -> keras.Model:
    """The trained network; `weight` is that of the collision loss."""
    network, model = networks(robot)
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps)),
        {"pose": fkarm.losses.PoseLoss(), "distance": fkarm.losses.CollisionLoss(MARGIN)},
        loss_weights={"pose": 1.0, "distance": weight},
    )
    poses = pose_stream(robot, batch_size=BATCH, is_free="self")
    # Distances have no targets: the loss takes any.
    data = poses.map(lambda x, T: (x, {"pose": T, "distance": tf.zeros((BATCH, 1))}))
    model.fit(data, steps_per_epoch=steps, shuffle=False, verbose=0)
    return network


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=3000, help="training steps per network")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args(arguments)
    robot = fkarm.robots.panda()
    q = fkarm.sample_configurations(robot, 2 * TARGETS, seed=1)  # no training data
    q = q[np.asarray(self_distance(robot, q)) > MARGIN][:TARGETS]
    targets = np.asarray(fkarm.forward_kinematics(robot, q))
    x = fkarm.geometry.matrix_to_pose(targets, "xyz_rot6d")
    rows = []
    for title, weight in (("pose loss", 0.0), ("pose and collision loss", WEIGHT)):
        answers = train(robot, options.steps, weight).predict(x, batch_size=2000, verbose=0)
        colliding = float(np.mean(np.asarray(self_distance(robot, answers)) < 0.0))
        summary = pose_errors(robot, answers, targets).summary()
        rows.append({"loss": title, "colliding": colliding, **summary})
        print(
            f"{title:24} {colliding:6.2%} of {len(q):,} answers collide, median error "
            f"{summary['median_mm']:.1f} mm and {summary['median_deg']:.1f} deg"
        )
    if options.json:
        report = {"robot": robot.name, "steps": options.steps, "targets": len(q), "rows": rows}
        options.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
