"""Train inverse kinematics twice: by joint error, and by pose error through the robot.

Both trainings use the same network, time and targets. A pose has several solutions, and the mean of
two solutions is no solution. The network that imitates joint angles learns such means. The network
whose loss is the pose error, computed by `ForwardKinematics` inside the model, learns one of the
solutions. Look at the table, and at the picture in the output folder.

    python examples/train_ik_regressor.py [--urdf FILE --link NAME] [--minutes 3.5]
"""

import argparse
import json
import os
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

import fkarm
from fkarm.learning import PoseErrors, TimeBudget, last_layer_share, pose_errors, pose_stream
from fkarm.viz import plot_reach

BATCH, TARGETS, AFTERWARDS = 512, 10_000, 20.0  # the last: seconds of all but the training
LOAD_AND_COMPARE = """
import sys, numpy as np, keras, fkarm
x, q = np.load(sys.argv[2]).values()
print(np.abs(keras.models.load_model(sys.argv[1]).predict(x, verbose=0) - q).max())
"""


def build_network(robot: fkarm.Robot) -> keras.Model:
    """A network from a pose (position, two rotation columns) to a configuration in the limits."""
    keras.utils.set_random_seed(0)
    limits = fkarm.layers.JointLimits(robot)
    x = pose = keras.Input((9,), name="pose")
    for _ in range(5):
        x = keras.layers.Dense(256, activation="gelu")(x)
    return keras.Model(pose, limits(keras.layers.Dense(limits.input_size)(x)))


def train(title: str, model: keras.Model, data, seconds: float, steps: int | None) -> None:
    print(f"\n{title}: {f'{steps} steps' if steps else f'{seconds:.0f} s'}")
    if steps:
        model.fit(data, steps_per_epoch=steps, shuffle=False, verbose=0)
    else:
        model.fit(data, steps_per_epoch=100, epochs=10**6, shuffle=False, verbose=0,
                  callbacks=[TimeBudget(seconds)])  # fmt: skip


def print_table(errors: dict[str, PoseErrors]) -> None:
    print(f"{'':22}{'median':>17}{'p90':>20}{'within 1 cm, 5 deg':>21}")
    row = "{:22}{median_mm:6.1f} mm {median_deg:5.1f} deg {p90_mm:7.1f} mm {p90_deg:5.1f} deg"
    for name, model_errors in errors.items():
        print((row + "{share_within:19.1%}").format(name, **model_errors.summary()))


def check_reload(model: keras.Model, path: Path, x: np.ndarray) -> None:
    """Save, load in a new process that imports only fkarm, and compare the outputs."""
    model.save(path)
    np.savez(path.with_suffix(".npz"), x, model.predict(x, verbose=0))
    command = [sys.executable, "-c", LOAD_AND_COMPARE, path, path.with_suffix(".npz")]
    difference = float(subprocess.run(command, check=True, capture_output=True).stdout)
    print(f"after saving and loading in a new process: largest difference {difference} rad")
    if difference != 0.0:
        raise SystemExit("The loaded model must return the same outputs.")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--urdf", help="train this robot instead of the Franka Panda")
    parser.add_argument("--link", help="the link to place; default: the end effector")
    parser.add_argument("--minutes", type=float, default=3.5, help="duration of the whole run")
    parser.add_argument("--steps", type=int, help="train this many steps, without a time limit")
    parser.add_argument("--out", type=Path, help="folder to write to; default: examples/output")
    options = parser.parse_args(arguments)
    if options.minutes <= 0 or (options.steps is not None and options.steps < 1):
        parser.error("--minutes and --steps must be positive")
    out = options.out or Path(__file__).parent / "output" / ("short" if options.steps else "")
    start = time.monotonic()

    robot = fkarm.Robot.from_urdf(options.urdf) if options.urdf else fkarm.robots.panda()
    link = options.link or robot.end_effector
    robot = robot.sub_chain(robot.root_link, link)
    print(robot)
    print("computed on", tf.config.list_physical_devices("GPU") or "CPU")
    if not robot.dof:
        parser.error(f"no joint moves the link {link!r}: choose another with --link")

    by_joints, by_pose = build_network(robot), build_network(robot)
    by_joints.compile(keras.optimizers.Adam(2e-3), "mse")
    through_robot = keras.Model(
        by_pose.input, fkarm.layers.ForwardKinematics(robot, link)(by_pose.output)
    )
    through_robot.compile(
        keras.optimizers.Adam(2e-3),
        fkarm.losses.PoseLoss(position_weight=1.0, orientation_weight=0.3),
        metrics=[fkarm.metrics.PositionError(), fkarm.metrics.OrientationError()],
    )
    poses = pose_stream(robot, link, batch_size=BATCH)
    share = last_layer_share(through_robot, *next(iter(poses)))
    seconds = max(5.0, (60 * options.minutes - AFTERWARDS - (time.monotonic() - start)) / 2)
    angles = pose_stream(robot, link, labels="configuration", batch_size=BATCH)
    train("joint MSE", by_joints, angles, seconds, options.steps)
    train("pose loss through FK", through_robot, poses, seconds, options.steps)

    true_q = fkarm.sample_configurations(robot, TARGETS, seed=1)  # no training data
    targets = np.asarray(fkarm.forward_kinematics(robot, true_q, link))
    x = np.asarray(fkarm.geometry.matrix_to_pose(targets, "xyz_rot6d"))
    models = {"joint MSE": by_joints, "pose loss through FK": by_pose}
    q = {name: m.predict(x, batch_size=2000, verbose=0) for name, m in models.items()}
    errors = {name: pose_errors(robot, q[name], targets, link) for name in models}
    print(f"\n{TARGETS} held-out targets, {robot.name}, {link}")
    print_table(errors)
    print(f"forward kinematics with its gradient takes {share:.1%} of a training step")

    out.mkdir(parents=True, exist_ok=True)
    path = out / f"ik_{robot.name}{f'_{link}' if options.link else ''}.keras"
    check_reload(by_pose, path, x[:64])
    few = {name: rows[:3] for name, rows in q.items()}
    plot_reach(robot, targets[:3], true_q[:3], few, errors, link).savefig(path.with_suffix(".png"))
    report = {
        "robot": robot.name, "link": link, "targets": TARGETS,
        "seconds_per_training": None if options.steps else round(seconds, 1),
        "models": {name: pair.summary() for name, pair in errors.items()},
        "fk_share_of_training_step": share,
        "cores": os.cpu_count(), "tensorflow": version("tensorflow"), "fkarm": fkarm.__version__,
    }  # fmt: skip
    path.with_suffix(".json").write_text(json.dumps(report, indent=2) + "\n")
    print(f"written: {path}, and .png and .json files with the same name")


if __name__ == "__main__":
    main()
