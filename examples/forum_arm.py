"""The five-joint arm of a forum question: forward kinematics as a layer of a Sequential model.

The question used a `Lambda` layer for an arm with angles in degrees: the base turns about z; the
shoulder, elbow and wrist_1 about y; wrist_2 about x. Every joint is `[R d; 0 1]`, where `d` is its
constant offset in the parent's frame. The output is `[x, y, z, yaw, pitch, roll]`. The code had
four errors that fkarm avoids:

1. Its y matrix `[[c, 0, -s], [0, 1, 0], [s, 0, c]]` turns about -y. Here this is `axis="-y"`.
2. Its y matrix has `.1` in place of the homogeneous 1, which divides all later offsets by ten. Here
   users write no 4 x 4 matrix.
3. Its yaw is `atan2(T[1, 0], T[1, 1])`, but yaw is `atan2(T[1, 0], T[0, 0])`.
4. It accepts one vector and no batch. The layer accepts any number of batch axes.

    python examples/forum_arm.py
"""

import argparse
import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import fkarm


def build_arm() -> fkarm.Robot:
    return fkarm.Robot.from_joints(
        [
            fkarm.Joint("base", axis="z", xyz=(0.0, 0.0, 0.10)),
            fkarm.Joint("shoulder", axis="-y", xyz=(0.0, 0.0, 0.05)),
            fkarm.Joint("elbow", axis="-y", xyz=(0.30, 0.0, 0.0)),
            fkarm.Joint("wrist_1", axis="-y", xyz=(0.25, 0.0, 0.0)),
            fkarm.Joint("wrist_2", axis="x", xyz=(0.10, 0.0, 0.0)),
        ],
        name="forum_arm",
    )


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=3000, help="number of training steps")
    options = parser.parse_args(arguments)

    arm = build_arm()
    print(arm)
    kinematics = fkarm.layers.ForwardKinematics(arm, output="xyz_ypr", angle_unit="deg")
    print("\npose at angles (90, 0, 0, 0, 0) degrees: x, y, z, yaw, pitch, roll")
    print(np.round(kinematics(np.array([90, 0, 0, 0, 0], "float32")), 4))

    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(5), kinematics])
    model.compile("adam", "mse")
    angles = np.random.default_rng(0).uniform(-80.0, 80.0, size=(1024, 5)).astype("float32")
    poses = np.asarray(kinematics(angles))
    epochs = -(-options.steps // 32)
    before = model.evaluate(angles, poses, verbose=0)
    model.fit(angles, poses, batch_size=32, epochs=epochs, verbose=0)
    after = model.evaluate(angles, poses, verbose=0)
    print(f"\nmean squared error: {before:.1f} before {32 * epochs} steps, {after:.1f} after")

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "forum_arm.keras"
        model.save(path)
        loaded = keras.models.load_model(path)
    same = np.array_equal(model.predict(angles, verbose=0), loaded.predict(angles, verbose=0))
    print(f"the model was saved and loaded with the arm inside; same output: {same}")


if __name__ == "__main__":
    main()
